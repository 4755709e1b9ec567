/*
 * asm_x86_64.h - a very small assembler: the forms that x86_64.c needs, into a bounded buffer.
 *
 * Jumps inside one piece of code start out short. One that does not reach is marked in
 * `near_jumps`, by its number, and the emitter starts over with these marks kept: marks are
 * only added, so it ends. Nothing else is relaxed: all other bytes depend on an
 * instruction's operands only.
 */
#ifndef STUBMAP_ASM_X86_64_H
#define STUBMAP_ASM_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../watch.h"

enum asm_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R13 = 13, XMM_SPARE = 8 };
enum asm_condition { CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_P = 10, CC_ALWAYS = 16 };

/* Opcodes that asm_mem and asm_reg_reg take; bit 8 stands for the 0f escape. */
enum asm_op {
	OP_OR = 0x0b,
	OP_XOR = 0x33,
	OP_CMP = 0x3b,
	OP_TEST = 0x85,
	OP_STORE = 0x89,
	OP_LOAD = 0x8b,
	OP_LEA = 0x8d,
	OP_POP_MEM = 0x8f,
	OP_GROUP5 = 0xff, /* with CALL_MEM, JMP_MEM or PUSH_MEM for a register */
	OP_FLOAD = 0x110,
	OP_FSTORE = 0x111,
	OP_FMOVE = 0x128,	 /* movaps */
	OP_FCONVERT_INT = 0x12a, /* f2: cvtsi2sd, f3: cvtsi2ss */
	OP_FCOMPARE = 0x12e,	 /* 66: ucomisd */
	OP_FXOR = 0x157,
	OP_FCONVERT = 0x15a,	   /* f2: cvtsd2ss, f3: cvtss2sd */
	OP_FMOVE_FROM_INT = 0x16e, /* 66: movd, movq */
	OP_FMOVE_TO_INT = 0x17e,   /* likewise */
	OP_LOAD_U16 = 0x1b7,
};
enum { CALL_MEM = 2, JMP_MEM = 4, PUSH_MEM = 6 };
enum { NARROW = 0, WIDE = 1 }; /* 32 or 64 bits */
enum { ASM_LABEL_USES = 24, ASM_JUMPS = 64, ASM_CHANGES = 12 };

struct asm_label {
	int at; /* offset, -1 while unknown */
	unsigned uses;
	uint16_t from[ASM_LABEL_USES]; /* offsets just behind jumps to it */
	uint8_t jump[ASM_LABEL_USES];  /* these jumps' numbers */
};

struct assembler {
	uint8_t *code;
	size_t len, cap;
	unsigned jumps;	     /* so far */
	uint64_t near_jumps; /* bit n: jump n takes a rel32, not a rel8 */
	bool overflow;	     /* a mark was added: start over */
	bool full;	     /* the buffer or a list is too small: a fault of the emitter */
	unsigned nchanges;
	struct stub_change changes[ASM_CHANGES]; /* of the frame; for unwinders (watch.h) */
};

static inline void asm_byte(struct assembler *a, unsigned byte)
{
	if (a->len == a->cap) {
		a->full = true;
		return;
	}
	a->code[a->len++] = (uint8_t)byte;
}

static inline void asm_bytes(struct assembler *a, uint64_t v, unsigned n)
{
	while (n--) {
		asm_byte(a, v & 0xff);
		v >>= 8;
	}
}

/* Prefix (0: none), REX (where needed), escape and opcode. */
static inline void asm_opcode(struct assembler *a, unsigned prefix, unsigned wide, unsigned op,
			      unsigned reg, unsigned rm)
{
	unsigned rex = wide << 3 | (reg >> 3) << 2 | rm >> 3;

	if (prefix)
		asm_byte(a, prefix);
	if (rex)
		asm_byte(a, 0x40 | rex);
	if (op & 0x100)
		asm_byte(a, 0x0f);
	asm_byte(a, op & 0xff);
}

/* op reg, [base+disp], or the reverse as the opcode says. No index; base is not r12 or r13. */
static inline void asm_mem(struct assembler *a, unsigned prefix, unsigned wide, unsigned op,
			   unsigned reg, unsigned base, int32_t disp)
{
	unsigned mod = disp >= -128 && disp < 128 ? 1 : 2;

	if (disp == 0 && base != RBP)
		mod = 0;
	asm_opcode(a, prefix, wide, op, reg, base);
	asm_byte(a, mod << 6 | (reg & 7) << 3 | (base & 7));
	if (base == RSP)
		asm_byte(a, 0x24);
	asm_bytes(a, (uint32_t)disp, mod == 0 ? 0 : mod == 1 ? 1 : 4);
}

/* op reg, [address], the address being `offset` bytes from the start of the code. */
static inline void asm_rip(struct assembler *a, unsigned wide, unsigned op, unsigned reg,
			   int64_t offset)
{
	asm_opcode(a, 0, wide, op, reg, 0);
	asm_byte(a, (reg & 7) << 3 | 5);
	asm_bytes(a, (uint64_t)(offset - (int64_t)(a->len + 4)), 4);
}

static inline void asm_reg_reg(struct assembler *a, unsigned prefix, unsigned wide, unsigned op,
			       unsigned reg, unsigned rm)
{
	asm_opcode(a, prefix, wide, op, reg, rm);
	asm_byte(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_load(struct assembler *a, unsigned wide, unsigned reg, unsigned base,
			    int32_t disp)
{
	asm_mem(a, 0, wide, OP_LOAD, reg, base, disp);
}

static inline void asm_store(struct assembler *a, unsigned base, int32_t disp, unsigned reg)
{
	asm_mem(a, 0, WIDE, OP_STORE, reg, base, disp);
}

static inline void asm_move(struct assembler *a, unsigned wide, unsigned to, unsigned from)
{
	asm_reg_reg(a, 0, wide, OP_LOAD, to, from);
}

/* The shortest form that keeps the flags. */
static inline void asm_move_imm(struct assembler *a, unsigned reg, uint64_t v)
{
	bool wide = v > UINT32_MAX;

	asm_opcode(a, 0, wide, 0xb8 | (reg & 7), 0, reg);
	asm_bytes(a, v, wide ? 8 : 4);
}

static inline void asm_push(struct assembler *a, unsigned reg)
{
	asm_opcode(a, 0, NARROW, 0x50 | (reg & 7), 0, reg);
}

static inline void asm_pop(struct assembler *a, unsigned reg)
{
	asm_opcode(a, 0, NARROW, 0x58 | (reg & 7), 0, reg);
}

/* shl (left) or shr reg, n */
static inline void asm_shift(struct assembler *a, bool left, unsigned reg, unsigned n)
{
	asm_opcode(a, 0, WIDE, 0xc1, 0, reg);
	asm_byte(a, 0xc0 | (left ? 4 : 5) << 3 | (reg & 7));
	asm_byte(a, n);
}

/* sub rsp, n */
static inline void asm_grow_stack(struct assembler *a, uint32_t n)
{
	if (n)
		asm_bytes(a, n < 128 ? 0xec8348 : 0xec8148, 3);
	if (n)
		asm_bytes(a, n, n < 128 ? 1 : 4);
}

static inline void asm_address(struct assembler *a, uint64_t address, bool jump)
{
	asm_bytes(a, 0xb848, 2);
	asm_bytes(a, address, 8);
	asm_bytes(a, jump ? 0xe0ff : 0xd0ff, 2);
}

static inline void asm_call_address(struct assembler *a, uint64_t address)
{
	asm_address(a, address, false);
}

/* One nop of n bytes, n < 10. */
static inline void asm_nop(struct assembler *a, unsigned n)
{
	static const char *const nops[] = { "",
					    "\x90",
					    "\x66\x90",
					    "\x0f\x1f\x00",
					    "\x0f\x1f\x40\x00",
					    "\x0f\x1f\x44\x00\x00",
					    "\x66\x0f\x1f\x44\x00\x00",
					    "\x0f\x1f\x80\x00\x00\x00\x00",
					    "\x0f\x1f\x84\x00\x00\x00\x00\x00",
					    "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00" };

	for (unsigned i = 0; i < n; i++)
		asm_byte(a, (unsigned char)nops[n][i]);
}

/* From here on a frame is laid out so. */
static inline void asm_frame(struct assembler *a, enum stub_frame frame)
{
	if (a->nchanges == ASM_CHANGES)
		a->full = true;
	else
		a->changes[a->nchanges++] =
		    (struct stub_change){ (uint16_t)a->len, (uint8_t)frame };
}

/* push rbp; mov rbp, rsp */
static inline void asm_enter(struct assembler *a)
{
	asm_push(a, RBP);
	asm_frame(a, STUB_FRAME_PUSHED);
	asm_move(a, WIDE, RBP, RSP);
	asm_frame(a, STUB_FRAME_MADE);
}

static inline void asm_leave(struct assembler *a)
{
	asm_byte(a, 0xc9);
	asm_frame(a, STUB_FRAME_NONE);
}

/* leave; ret. Code behind it is reached by jumps from inside the frame. */
static inline void asm_leave_return(struct assembler *a)
{
	asm_leave(a);
	asm_byte(a, 0xc3);
	asm_frame(a, STUB_FRAME_MADE);
}

static inline void asm_fix(struct assembler *a, unsigned from, unsigned jump, int at)
{
	int distance = at - (int)from;

	if (a->near_jumps >> jump & 1) {
		uint32_t rel = (uint32_t)distance;

		memcpy(a->code + from - 4, &rel, 4);
	} else if (distance < -128 || distance > 127) {
		a->near_jumps |= 1ull << jump;
		a->overflow = true;
	} else {
		a->code[from - 1] = (uint8_t)distance;
	}
}

static inline void asm_jump(struct assembler *a, unsigned condition, struct asm_label *to)
{
	unsigned jump = a->jumps++;
	bool near = a->near_jumps >> jump % ASM_JUMPS & 1;

	if (condition == CC_ALWAYS) {
		asm_byte(a, near ? 0xe9 : 0xeb);
	} else {
		if (near)
			asm_byte(a, 0x0f);
		asm_byte(a, (near ? 0x80 : 0x70) | condition);
	}
	asm_bytes(a, 0, near ? 4 : 1);
	if (a->full || jump >= ASM_JUMPS || to->uses == ASM_LABEL_USES) {
		a->full = true;
	} else if (to->at >= 0) {
		asm_fix(a, (unsigned)a->len, jump, to->at);
	} else {
		to->jump[to->uses] = (uint8_t)jump;
		to->from[to->uses++] = (uint16_t)a->len;
	}
}

static inline void asm_bind(struct assembler *a, struct asm_label *label)
{
	label->at = (int)a->len;
	for (unsigned i = 0; i < label->uses && !a->full; i++)
		asm_fix(a, label->from[i], label->jump[i], label->at);
}

#endif
