/*
 * decode.h - finds where instructions begin in the code of a file with stack maps.
 */
#ifndef STUBMAP_MAPS_DECODE_H
#define STUBMAP_MAPS_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "jit/disassemble.h"

struct decode;

/* NULL: the file has no x86-64 code, or memory ran out; errno is ELIBACC: no LLVM. */
struct decode *decode_open(const char *path);
void decode_close(struct decode *); /* NULL is allowed */

/* The length of the instruction at an offset from the start of the text, as in a corpus; 0: there
 * is none. text: char[DISASSEMBLE_TEXT], or NULL. */
size_t decode_at(struct decode *, uint32_t pc, char *text);

/* The function for safety_code.length. */
size_t decode_length(void *decode, uint32_t pc);

#endif
