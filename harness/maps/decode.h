/*
 * decode.h - where instructions begin in the code of a file that stack maps came from.
 */
#ifndef STUBMAP_MAPS_DECODE_H
#define STUBMAP_MAPS_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "jit/disassemble.h"

struct decode;

/* NULL where the file holds no x86-64 code, or on lack of memory. */
struct decode *decode_open(const char *path);
void decode_close(struct decode *); /* NULL is allowed */

/* Bytes of the instruction at an offset from the start of the text, as corpora count it; 0: none
 * there. text: char[DISASSEMBLE_TEXT], or NULL. */
size_t decode_at(struct decode *, uint32_t pc, char *text);

/* safety_code.length */
size_t decode_length(void *decode, uint32_t pc);

#endif
