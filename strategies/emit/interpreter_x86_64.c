/*
 * interpreter_x86_64.c - the machine code of the interpretive stub:
 * one for every kind and signature.
 *
 * It knows neither: it spills every register that may hold an argument, asks C for the target's
 * arguments, loads them, calls, and asks C for the caller's result.
 *
 *      [rbp+16]   the caller's stack arguments
 *      [rbp+8]    return address
 *      [rbp]      caller's rbp
 *      [rbp-8]    kind      } written by C
 *      [rbp-16]   word      }
 *      [rbp-24]   callee
 *      ...        whatever else C keeps over the call
 *      [rsp]      struct emit_call, whose first words are the target's stack arguments
 */
#include "body_x86_64.h"

enum { CALLEE = -24, HEAD = 32 }; /* bytes pushed before the rest of the frame */

static const uint8_t ints[] = { RDI, RSI, RDX, RCX, R8, R9 };

#define AT(member) ((int32_t)offsetof(struct emit_call, member))

static void store_arguments(struct assembler *a)
{
	for (unsigned i = 0; i < sizeof(ints); i++)
		asm_store(a, RSP, AT(ints) + 8 * (int32_t)i, ints[i]);
	for (unsigned i = 0; i < 8; i++)
		asm_mem(a, 0xf2, NARROW, OP_FSTORE, i, RSP, AT(floats) + 8 * (int32_t)i);
	asm_store(a, RSP, AT(r13), R13);
}

/* rax and the flags stay. */
static void load_arguments(struct assembler *a)
{
	for (unsigned i = 0; i < sizeof(ints); i++)
		asm_load(a, WIDE, ints[i], RSP, AT(ints) + 8 * (int32_t)i);
	for (unsigned i = 0; i < 8; i++)
		asm_mem(a, 0xf2, NARROW, OP_FLOAD, i, RSP, AT(floats) + 8 * (int32_t)i);
}

size_t emit_interpreter(uint8_t code[EMIT_MAX], bool markers, size_t size,
			const struct emit_hooks *hooks, struct emit_frames *frames)
{
	struct assembler a = { .code = code, .cap = EMIT_MAX };
	struct asm_label go = { .at = -1 }, results = { .at = -1 };

	if (markers)
		asm_bytes(&a, 0xfa1e0ff3, 4); /* endbr64 */
	asm_enter(&a);
	for (unsigned i = 0; i < HEAD / 8; i++)
		asm_push(&a, R10);
	asm_grow_stack(&a, (uint32_t)((size + 15) / 16 * 16));
	store_arguments(&a);
	asm_move_imm(&a, RDI, (uintptr_t)hooks->arg);
	asm_move(&a, WIDE, RSI, R10);
	asm_move(&a, WIDE, RDX, RSP);
	asm_move(&a, WIDE, RCX, RBP);
	asm_call_address(&a, (uintptr_t)hooks->before);
	asm_load(&a, WIDE, R11, RSP, AT(target));
	load_arguments(&a);
	asm_bytes(&a, 0x01f883, 3); /* cmp eax, EMIT_CALL */
	asm_jump(&a, CC_B, &go);
	asm_jump(&a, CC_NE, &results);
	asm_bytes(&a, 0xd3ff41, 3); /* call r11 */
	asm_store(&a, RSP, AT(rax), RAX);
	asm_mem(&a, 0xf2, NARROW, OP_FSTORE, 0, RSP, AT(xmm0));
	asm_move_imm(&a, RDI, (uintptr_t)hooks->arg);
	asm_move(&a, WIDE, RSI, RSP);
	asm_move(&a, WIDE, RDX, RBP);
	asm_call_address(&a, (uintptr_t)hooks->after);
	asm_bind(&a, &results);
	asm_load(&a, WIDE, RAX, RSP, AT(rax));
	asm_mem(&a, 0xf2, NARROW, OP_FLOAD, 0, RSP, AT(xmm0));
	asm_leave_return(&a);
	asm_bind(&a, &go);
	asm_load(&a, WIDE, R10, RBP, CALLEE);
	asm_leave(&a);
	asm_bytes(&a, 0xe3ff41, 3); /* jmp r11 */
	emit_frames_of(&a, frames);
	return a.overflow || a.full ? 0 : a.len;
}
