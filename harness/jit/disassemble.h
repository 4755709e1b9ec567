/* disassemble.h - LLVM's disassembler for x86-64, in Intel's syntax. */
#ifndef STUBMAP_JIT_DISASSEMBLE_H
#define STUBMAP_JIT_DISASSEMBLE_H

#include <stddef.h>
#include <stdint.h>

struct disassembler;

enum { DISASSEMBLE_TEXT = 128, DISASSEMBLE_LONGEST = 15 /* bytes of an instruction */ };

struct disassembler *disassemble_open(void);   /* NULL: errno is ENOMEM; ELIBACC: no LLVM */
void disassemble_close(struct disassembler *); /* NULL is allowed */
/* The length of the instruction at code, which runs at address pc; 0: no instruction. At
 * most `room` bytes are read. text (may be NULL) gets the instruction, with a tab
 * between name and operands. */
size_t disassemble(struct disassembler *, const uint8_t *code, size_t room, uint64_t pc,
		   char text[DISASSEMBLE_TEXT]);

#endif
