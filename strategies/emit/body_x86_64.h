/*
 * body_x86_64.h - what the bodies have in common: the state of one emission, the frames, and the
 * pieces of code that several kinds need. Private to the files *_x86_64.c.
 *
 * Frames, from rbp down (all words; the kind and the word below it are stub.h's):
 *
 *            entry_native      entry_js           exit_js             builtin, bind, ref
 *   -8       0                 1                  2                   4, 5, 6
 *   -16      old exit_frame    old exit_frame     caller's instance   likewise
 *   -24      activation        activation         context             stack arguments, copied
 *   -32      argv              context            argv[n]; the i64 arguments, boxed
 *   below    stack arguments   stack arguments
 *   below                      out[n] while convert runs
 *
 * indirect makes none: it changes the instance and jumps, in its caller's frame. So does bind where
 * no argument changes its place on the stack, and ref unless it raises.
 */
#ifndef STUBMAP_BODY_X86_64_H
#define STUBMAP_BODY_X86_64_H

#include "asm_x86_64.h"
#include "emit.h"

_Static_assert((int)EMIT_CHANGES == (int)ASM_CHANGES, "a piece's changes of frame");
void emit_frames_of(const struct assembler *a, struct emit_frames *frames); /* NULL: nothing */

#define INT32_HIGH 0xfff90000u /* an int32's upper half; doubles are below */

enum { WORD = -16, ACTIVATION = -24, CONTEXT = -32, EXIT_CONTEXT = -24, FIXED = 32 };
enum { STACK_ARGS = 16 }; /* [rbp+16]: the caller's first stack argument */

enum home { IN_INT, IN_FLOAT, ON_STACK };
struct param {
	enum stub_type type;
	enum home home;
	unsigned at; /* register, or index of the stack word */
};

/* Code behind the return: the labels where the fast path is left and taken up again. */
struct detour {
	struct asm_label away, back;
};

struct emitter {
	struct assembler a;
	const struct emit_config *config;
	stub_signature signature;
	unsigned nparams, nstack, nbound;
	enum stub_type result;
	/* A register that holds neither an argument nor a literal's base; bind uses none. */
	unsigned spare;
	struct param params[STUB_MAX_PARAMS];
	struct emit_patches patches;
	struct asm_label slow, join, error, done;
	struct detour detours[STUB_MAX_PARAMS + 1];
};

/* The two long kinds, in js_x86_64.c; those of function references, in ref_x86_64.c. */
void emit_entry_js(struct emitter *e);
void emit_exit_js(struct emitter *e);
void emit_bind(struct emitter *e);
void emit_call_ref(struct emitter *e);

/* Where System V puts the parameters from `first` on, behind ctx: params[first..]. Returns how many
 * words lie on the stack. */
unsigned emit_locate(stub_signature s, unsigned first, struct param params[STUB_MAX_PARAMS]);

static inline bool is_float(enum stub_type type)
{
	return type == STUB_F32 || type == STUB_F64;
}

/* Bytes of a value. */
static inline unsigned bytes_of(enum stub_type type)
{
	return type == STUB_I32 || type == STUB_F32 ? 4 : 8;
}

/* Bytes of n words, such that rsp stays a multiple of 16. */
static inline uint32_t area(unsigned nwords)
{
	return (nwords + 1) / 2 * 16;
}

/* ---- Literals ---------------------------------------------------------------------------- */

static inline void load_context(struct emitter *e, unsigned reg)
{
	struct assembler *a = &e->a;
	int64_t distance = (int64_t)e->config->distance;

	switch (e->config->form) {
	case EMIT_NEAR:
	case EMIT_FAR:
		asm_opcode(a, 0, WIDE, 0xb8 | (reg & 7), 0, reg);
		e->patches.context = (uint16_t)a->len;
		asm_bytes(a, 0, 8);
		break;
	case EMIT_TABLE:
		asm_rip(a, WIDE, OP_LOAD, reg, distance + 8);
		break;
	case EMIT_BEHIND:
		asm_load(a, WIDE, reg, R11, (int32_t)distance);
		break;
	case EMIT_CALLEE:
		asm_load(a, WIDE, reg, R10, offsetof(struct stub_callee, context));
		break;
	default:
		break;
	}
}

/* Calls the target; with jump, jumps to it in the frame of the stub's own caller. */
static inline void go_to_target(struct emitter *e, bool jump)
{
	struct assembler *a = &e->a;
	unsigned through_mem = jump ? JMP_MEM : CALL_MEM;

	switch (e->config->form) {
	case EMIT_NEAR:
		asm_nop(a, -(a->len + 1) & 3);
		asm_byte(a, jump ? 0xe9 : 0xe8);
		e->patches.target = (uint16_t)a->len;
		asm_bytes(a, 0, 4);
		break;
	case EMIT_FAR:
		asm_nop(a, -(a->len + 2) & 7);
		e->patches.target = (uint16_t)(a->len + 2);
		asm_address(a, 0, jump);
		break;
	case EMIT_TABLE:
		asm_rip(a, NARROW, OP_GROUP5, through_mem, (int64_t)e->config->distance);
		break;
	case EMIT_BEHIND:
		asm_mem(a, 0, NARROW, OP_GROUP5, through_mem, R11, 8);
		break;
	case EMIT_CALLEE:
		asm_mem(a, 0, NARROW, OP_GROUP5, through_mem, R10,
			offsetof(struct stub_callee, target));
		break;
	default:
		break;
	}
}

static inline void call_target(struct emitter *e)
{
	go_to_target(e, false);
}

/* The register that go_to_target still needs, or RSP for none. */
static inline unsigned base(const struct emitter *e)
{
	switch (e->config->form) {
	case EMIT_BEHIND:
		return R11;
	case EMIT_CALLEE:
		return R10;
	default:
		return RSP;
	}
}

static inline void marker(struct assembler *a, bool markers)
{
	if (markers)
		asm_bytes(a, 0xfa1e0ff3, 4); /* endbr64 */
}

/* ---- Parts ------------------------------------------------------------------------------- */

static inline void prologue(struct emitter *e, enum stub_kind kind)
{
	asm_enter(&e->a);
	asm_bytes(&e->a, 0x6a | (unsigned)kind << 8, 2);
}

static inline void leave_return(struct emitter *e)
{
	asm_leave_return(&e->a);
}

/* Loads a constant whose top 16 bits are tag and whose others are zero. */
static inline void load_tag(struct emitter *e, unsigned reg, unsigned tag)
{
	asm_move_imm(&e->a, reg, tag);
	asm_shift(&e->a, true, reg, 48);
}

/* Removes a value's tag, leaving its address. */
static inline void untag(struct emitter *e, unsigned reg)
{
	asm_shift(&e->a, true, reg, 16);
	asm_shift(&e->a, false, reg, 16);
}

/* Jumps away unless the value at [from+disp] has the tag; rax is lost. */
static inline void guard_tag(struct emitter *e, unsigned from, int32_t disp, unsigned tag,
			     struct asm_label *away)
{
	asm_mem(&e->a, 0, NARROW, OP_LOAD_U16, RAX, from, disp + 6);
	asm_byte(&e->a, 0x3d); /* cmp eax, imm32 */
	asm_bytes(&e->a, tag, 4);
	asm_jump(&e->a, CC_NE, away);
}

/* Compares the upper half of the value at [from+disp] with an int32's. */
static inline void compare_int32(struct emitter *e, unsigned from, int32_t disp)
{
	asm_mem(&e->a, 0, NARROW, 0x81, 7, from, disp + 4);
	asm_bytes(&e->a, INT32_HIGH, 4);
}

/* [from+disp], in entry_native's form, to a register of the right sort. */
static inline void load_plain(struct emitter *e, enum stub_type type, unsigned reg, unsigned from,
			      int32_t disp)
{
	if (is_float(type))
		asm_mem(&e->a, type == STUB_F64 ? 0xf2 : 0xf3, NARROW, OP_FLOAD, reg, from, disp);
	else
		asm_load(&e->a, type != STUB_I32, reg, from, disp);
}

/* exit_frame = rbp; rdi holds the caller's instance. */
static inline void set_exit_frame(struct emitter *e)
{
	asm_load(&e->a, WIDE, RAX, RDI, 0);
	asm_store(&e->a, RAX, 0, RBP);
}

static inline void clear_exit_frame(struct emitter *e)
{
	asm_load(&e->a, WIDE, RCX, RBP, WORD);
	asm_load(&e->a, WIDE, RCX, RCX, 0);
	asm_reg_reg(&e->a, 0, NARROW, OP_XOR, RDX, RDX);
	asm_store(&e->a, RCX, 0, RDX);
}

/* Pushes what an entry restores on its return: the frame's WORD, ACTIVATION and `last`. */
static inline void save_activation(struct emitter *e, unsigned last)
{
	load_context(e, RAX);
	asm_load(&e->a, WIDE, e->spare, RAX, 0);
	asm_mem(&e->a, 0, NARROW, OP_GROUP5, PUSH_MEM, e->spare, 0);
	asm_push(&e->a, e->spare);
	asm_push(&e->a, last);
}

/* rax is lost; the activation is in the spare register. */
static inline void enter_compiled(struct emitter *e)
{
	asm_reg_reg(&e->a, 0, NARROW, OP_XOR, RAX, RAX);
	asm_store(&e->a, e->spare, 0, RAX);
	call_target(e);
}

/* Makes the result zero. */
static inline void load_zero(struct emitter *e)
{
	if (is_float(e->result))
		asm_reg_reg(&e->a, 0, NARROW, OP_FXOR, 0, 0);
	else
		asm_reg_reg(&e->a, 0, NARROW, OP_XOR, RAX, RAX);
}

/* Undoes save_activation; the frame's last word goes to `last`. rcx is lost. */
static inline void leave_compiled(struct emitter *e, unsigned last)
{
	if (e->nstack)
		asm_mem(&e->a, 0, WIDE, OP_LEA, RSP, RBP, -FIXED);
	asm_pop(&e->a, last);
	asm_pop(&e->a, RCX);
	asm_mem(&e->a, 0, NARROW, OP_POP_MEM, 0, RCX, 0);
}

#endif
