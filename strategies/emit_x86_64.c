/*
 * emit_x86_64.c - the bodies of the five kinds, for System V on x86-64.
 *
 * Frames, from rbp down (all words; the kind and the word below it are stub.h's):
 *
 *            entry_native      entry_js           exit_js             indirect   builtin
 *   -8       0                 1                  2                   3          4
 *   -16      old exit_frame    old exit_frame     caller's instance   likewise   likewise
 *   -24      activation        activation         context             stack arguments, copied
 *   -32      argv              context            argv[n]; the cells of i64 arguments
 *   below    stack arguments   stack arguments
 *   below                      out[n] while convert runs
 *
 * What is short here is on purpose: bodies are copied per stub by two strategies. Each context is
 * loaded once, values that outlive the call are pushed where the epilogue can pop them, and what is
 * seldom needed (conversions, NaNs, errors) stands behind the return.
 *
 * Baked calls. `call rel32` is 5 bytes and predicted as a direct call; `mov rax, imm64; call rax`
 * is 12 and reaches anywhere. To be replaced while other processors run the stub, the rel32 is
 * aligned to 4 bytes and the imm64 to 8, so that neither crosses the eight bytes that a store
 * writes at once: fetch sees the old or the new one. (Vendors promise this for aligned stores
 * within one instruction's bytes in practice, not in full generality; a table needs no promise.)
 */
#include <errno.h>

#include "asm_x86_64.h"
#include "emit.h"

#define INT32_HIGH 0xfff90000u /* an int32's upper half; doubles are below */

enum { KIND = -8, WORD = -16, ACTIVATION = -24, CONTEXT = -32, EXIT_CONTEXT = -24, FIXED = 32 };
enum { STACK_ARGS = 16 }; /* [rbp+16]: the caller's first stack argument */

enum home { IN_INT, IN_FLOAT, ON_STACK };
struct param {
	enum stub_type type;
	enum home home;
	unsigned at; /* register, or index of the stack word */
};

/* Code behind the return: where a fast path leaves, and where it is taken up again. */
struct detour {
	struct asm_label away, back;
};

struct emitter {
	struct assembler a;
	const struct emit_config *config;
	stub_signature signature;
	unsigned nparams, nstack;
	enum stub_type result;
	unsigned spare; /* a register that holds neither an argument nor a literal's base */
	struct param params[STUB_MAX_PARAMS];
	struct emit_patches patches;
	struct asm_label slow, join, error, done;
	struct detour detours[STUB_MAX_PARAMS + 1];
};

static const struct asm_label unbound = { .at = -1 };

static bool is_float(enum stub_type type)
{
	return type == STUB_F32 || type == STUB_F64;
}

/* Bytes of n words, such that rsp stays a multiple of 16. */
static uint32_t area(unsigned nwords)
{
	return (nwords + 1) / 2 * 16;
}

int emit_check(enum stub_kind kind, stub_signature s)
{
	if ((unsigned)kind >= STUB_KINDS || stub_result(s) >= STUB_TYPES)
		return -ENOTSUP;
	if (stub_nparams(s) > STUB_MAX_PARAMS)
		return -ENOTSUP;
	for (unsigned i = 0; i < stub_nparams(s); i++)
		if (stub_param(s, i) == STUB_VOID || stub_param(s, i) >= STUB_TYPES)
			return -ENOTSUP;
	return 0;
}

/* Where System V puts the parameters behind ctx. */
static void locate(struct emitter *e)
{
	static const uint8_t ints[] = { RSI, RDX, RCX, R8, R9 };
	unsigned nints = 0, nfloats = 0;

	for (unsigned i = 0; i < e->nparams; i++) {
		struct param *p = &e->params[i];

		p->type = stub_param(e->signature, i);
		if (is_float(p->type) && nfloats < 8)
			*p = (struct param){ p->type, IN_FLOAT, nfloats++ };
		else if (!is_float(p->type) && nints < sizeof(ints))
			*p = (struct param){ p->type, IN_INT, ints[nints++] };
		else
			*p = (struct param){ p->type, ON_STACK, e->nstack++ };
	}
}

/* ---- Literals ---------------------------------------------------------------------------- */

static void load_context(struct emitter *e, unsigned reg)
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
		asm_load(a, WIDE, reg, R10, offsetof(struct callee, context));
		break;
	}
}

static void call_target(struct emitter *e)
{
	struct assembler *a = &e->a;

	switch (e->config->form) {
	case EMIT_NEAR:
		asm_nop(a, -(a->len + 1) & 3);
		asm_byte(a, 0xe8);
		e->patches.target = (uint16_t)a->len;
		asm_bytes(a, 0, 4);
		break;
	case EMIT_FAR:
		asm_nop(a, -(a->len + 2) & 7);
		e->patches.target = (uint16_t)(a->len + 2);
		asm_call_address(a, 0);
		break;
	case EMIT_TABLE:
		asm_rip(a, NARROW, OP_GROUP5, CALL_MEM, (int64_t)e->config->distance);
		break;
	case EMIT_BEHIND:
		asm_mem(a, 0, NARROW, OP_GROUP5, CALL_MEM, R11, 8);
		break;
	case EMIT_CALLEE:
		asm_mem(a, 0, NARROW, OP_GROUP5, CALL_MEM, R10, offsetof(struct callee, target));
		break;
	}
}

/* The register that call_target still needs, or RSP for none. */
static unsigned base(const struct emitter *e)
{
	return e->config->form == EMIT_BEHIND ? R11 : e->config->form == EMIT_CALLEE ? R10 : RSP;
}

/* ---- Parts ------------------------------------------------------------------------------- */

static void prologue(struct emitter *e, enum stub_kind kind)
{
	asm_push(&e->a, RBP);
	asm_move(&e->a, WIDE, RBP, RSP);
	asm_bytes(&e->a, 0x6a | (unsigned)kind << 8, 2);
}

static void leave_return(struct emitter *e)
{
	asm_bytes(&e->a, 0xc3c9, 2);
}

/* A constant whose low 48 bits are zero, from its top 16. */
static void load_tag(struct emitter *e, unsigned reg, unsigned tag)
{
	asm_move_imm(&e->a, reg, tag);
	asm_shift(&e->a, true, reg, 48);
}

/* Removes a value's tag, leaving its address. */
static void untag(struct emitter *e, unsigned reg)
{
	asm_shift(&e->a, true, reg, 16);
	asm_shift(&e->a, false, reg, 16);
}

/* Jumps away unless the value at [from+disp] has the tag; rax is lost. */
static void guard_tag(struct emitter *e, unsigned from, int32_t disp, unsigned tag,
		      struct asm_label *away)
{
	asm_mem(&e->a, 0, NARROW, OP_LOAD_U16, RAX, from, disp + 6);
	asm_byte(&e->a, 0x3d); /* cmp eax, imm32 */
	asm_bytes(&e->a, tag, 4);
	asm_jump(&e->a, CC_NE, away);
}

/* Compares the upper half of the value at [from+disp] with an int32's. */
static void compare_int32(struct emitter *e, unsigned from, int32_t disp)
{
	asm_mem(&e->a, 0, NARROW, 0x81, 7, from, disp + 4);
	asm_bytes(&e->a, INT32_HIGH, 4);
}

/* [from+disp], in entry_native's form, to a register of the right sort. */
static void load_plain(struct emitter *e, enum stub_type type, unsigned reg, unsigned from,
		       int32_t disp)
{
	if (is_float(type))
		asm_mem(&e->a, type == STUB_F64 ? 0xf2 : 0xf3, NARROW, OP_FLOAD, reg, from, disp);
	else
		asm_load(&e->a, type != STUB_I32, reg, from, disp);
}

/* exit_frame = rbp; rdi holds the caller's instance. */
static void set_exit_frame(struct emitter *e)
{
	asm_load(&e->a, WIDE, RAX, RDI, 0);
	asm_store(&e->a, RAX, 0, RBP);
}

static void clear_exit_frame(struct emitter *e)
{
	asm_load(&e->a, WIDE, RCX, RBP, WORD);
	asm_load(&e->a, WIDE, RCX, RCX, 0);
	asm_reg_reg(&e->a, 0, NARROW, OP_XOR, RDX, RDX);
	asm_store(&e->a, RCX, 0, RDX);
}

/* Pushes what an entry gives back on its return: the frame's WORD, ACTIVATION and `last`. */
static void save_activation(struct emitter *e, unsigned last)
{
	load_context(e, RAX);
	asm_load(&e->a, WIDE, e->spare, RAX, 0);
	asm_mem(&e->a, 0, NARROW, OP_GROUP5, PUSH_MEM, e->spare, 0);
	asm_push(&e->a, e->spare);
	asm_push(&e->a, last);
}

/* rax is lost; the activation is in the spare register. */
static void enter_compiled(struct emitter *e)
{
	asm_reg_reg(&e->a, 0, NARROW, OP_XOR, RAX, RAX);
	asm_store(&e->a, e->spare, 0, RAX);
	call_target(e);
}

/* Undoes save_activation; the frame's last word goes to `last`. rcx is lost. */
static void leave_compiled(struct emitter *e, unsigned last)
{
	if (e->nstack)
		asm_mem(&e->a, 0, WIDE, OP_LEA, RSP, RBP, -FIXED);
	asm_pop(&e->a, last);
	asm_pop(&e->a, RCX);
	asm_mem(&e->a, 0, NARROW, OP_POP_MEM, 0, RCX, 0);
}

/* ---- entry_native ------------------------------------------------------------------------- */

static void entry_native(struct emitter *e)
{
	struct assembler *a = &e->a;

	prologue(e, STUB_ENTRY_NATIVE);
	save_activation(e, RDI);
	if (e->nstack % 2)
		asm_push(a, RAX);
	for (unsigned i = e->nparams; i-- > 0;)
		if (e->params[i].home == ON_STACK)
			asm_mem(a, 0, NARROW, OP_GROUP5, PUSH_MEM, RDI, 8 * (int32_t)i);
	for (unsigned i = 0; i < e->nparams; i++)
		if (e->params[i].home != ON_STACK)
			load_plain(e, e->params[i].type, e->params[i].at, RDI, 8 * (int32_t)i);
	asm_move(a, WIDE, RDI, RAX);
	enter_compiled(e);

	leave_compiled(e, RDX);
	if (e->result == STUB_F64)
		asm_mem(a, 0xf2, NARROW, OP_FSTORE, 0, RDX, 0);
	if (e->result == STUB_F32)
		asm_reg_reg(a, 0x66, NARROW, OP_FMOVE_TO_INT, 0, RAX);
	if (e->result == STUB_I32)
		asm_move(a, NARROW, RAX, RAX);
	if (e->result != STUB_VOID && e->result != STUB_F64)
		asm_store(a, RDX, 0, RAX);
	leave_return(e);
}

/* ---- entry_js ----------------------------------------------------------------------------- */

/* The outgoing stack word of a parameter. */
static int32_t stack_word(const struct emitter *e, const struct param *p)
{
	return -FIXED - (int32_t)area(e->nstack) + 8 * (int32_t)p->at;
}

/* Converts argv[i] (rdi) to its place, or leaves. rax is lost, and xmm8 where the place is on the
 * stack. */
static void unbox_param(struct emitter *e, unsigned i)
{
	struct assembler *a = &e->a;
	const struct param *p = &e->params[i];
	struct detour *d = &e->detours[i];
	unsigned reg = p->home != ON_STACK ? p->at : is_float(p->type) ? XMM_SPARE : RAX;
	int32_t disp = 8 * (int32_t)i;

	switch (p->type) {
	case STUB_I32:
		compare_int32(e, RDI, disp);
		asm_jump(a, CC_NE, &e->slow);
		asm_load(a, NARROW, reg, RDI, disp);
		break;
	case STUB_F32:
	case STUB_F64:
		compare_int32(e, RDI, disp);
		asm_jump(a, CC_AE, &d->away);
		if (p->type == STUB_F32)
			asm_reg_reg(a, 0, NARROW, OP_FXOR, reg, reg);
		asm_mem(a, 0xf2, NARROW, p->type == STUB_F32 ? OP_FCONVERT : OP_FLOAD, reg, RDI,
			disp);
		asm_bind(a, &d->back);
		break;
	case STUB_I64:
		guard_tag(e, RDI, disp, VALUE_BIGINT, &e->slow);
		asm_load(a, WIDE, RAX, RDI, disp);
		untag(e, RAX);
		asm_load(a, WIDE, reg, RAX, 0);
		break;
	default:
		guard_tag(e, RDI, disp, VALUE_REF, &e->slow);
		asm_load(a, WIDE, reg, RDI, disp);
		untag(e, reg);
	}
	if (p->home == ON_STACK && is_float(p->type))
		asm_mem(a, 0xf2, NARROW, OP_FSTORE, reg, RBP, stack_word(e, p));
	else if (p->home == ON_STACK)
		asm_store(a, RBP, stack_word(e, p), reg);
}

/* The result to a value in rax; the context is in rdi, rsp is one word off its alignment. */
static void box_result(struct emitter *e)
{
	struct assembler *a = &e->a;

	switch (e->result) {
	case STUB_I32:
		asm_move(a, NARROW, RAX, RAX);
		load_tag(e, RCX, VALUE_INT32);
		asm_reg_reg(a, 0, WIDE, OP_OR, RAX, RCX);
		break;
	case STUB_REF:
		load_tag(e, RCX, VALUE_REF);
		asm_reg_reg(a, 0, WIDE, OP_OR, RAX, RCX);
		break;
	case STUB_I64:
		asm_push(a, RAX);
		asm_move(a, WIDE, RSI, RAX);
		asm_call_address(a, (uintptr_t)e->config->runtime.box_i64);
		break;
	case STUB_F32:
		asm_reg_reg(a, 0xf3, NARROW, OP_FCONVERT, 0, 0);
		/* fall through */
	case STUB_F64:
		asm_reg_reg(a, 0x66, NARROW, OP_FCOMPARE, 0, 0);
		asm_jump(a, CC_P, &e->detours[STUB_MAX_PARAMS].away);
		asm_reg_reg(a, 0x66, WIDE, OP_FMOVE_TO_INT, 0, RAX);
		break;
	default:
		load_tag(e, RAX, VALUE_UNDEFINED);
	}
}

/* All arguments over again, by the embedder: convert(context, signature, argv, argc, out). */
static void convert_params(struct emitter *e)
{
	struct assembler *a = &e->a;
	uint32_t out = area(e->nparams);

	asm_bind(a, &e->slow);
	if (base(e) != RSP) {
		asm_push(a, base(e));
		asm_push(a, base(e));
	}
	asm_grow_stack(a, out);
	asm_move(a, WIDE, RCX, RSI);
	asm_move(a, WIDE, RDX, RDI);
	asm_move_imm(a, RSI, e->signature);
	asm_load(a, WIDE, RDI, RBP, CONTEXT);
	asm_move(a, WIDE, R8, RSP);
	asm_call_address(a, (uintptr_t)e->config->runtime.convert);
	asm_reg_reg(a, 0, NARROW, OP_TEST, RAX, RAX);
	asm_jump(a, CC_NE, &e->error);
	for (unsigned i = 0; i < e->nparams; i++) {
		const struct param *p = &e->params[i];

		if (p->home != ON_STACK) {
			load_plain(e, p->type, p->at, RSP, 8 * (int32_t)i);
			continue;
		}
		asm_load(a, WIDE, RAX, RSP, 8 * (int32_t)i);
		asm_store(a, RBP, stack_word(e, p), RAX);
	}
	if (base(e) != RSP)
		asm_load(a, WIDE, base(e), RSP, (int32_t)out);
	asm_load(a, WIDE, e->spare, RBP, ACTIVATION);
	asm_mem(a, 0, WIDE, OP_LEA, RSP, RBP, -FIXED - (int32_t)area(e->nstack));
	asm_jump(a, CC_ALWAYS, &e->join);

	asm_bind(a, &e->error);
	load_tag(e, RAX, VALUE_ERROR);
	leave_return(e);
}

/* Numbers that came as int32, and NaN results. */
static void entry_js_detours(struct emitter *e)
{
	struct assembler *a = &e->a;
	struct detour *nan = &e->detours[STUB_MAX_PARAMS];

	for (unsigned i = 0; i < e->nparams; i++) {
		const struct param *p = &e->params[i];
		unsigned reg = p->home == IN_FLOAT ? p->at : XMM_SPARE;

		if (!is_float(p->type))
			continue;
		asm_bind(a, &e->detours[i].away);
		asm_jump(a, CC_NE, &e->slow);
		asm_reg_reg(a, 0, NARROW, OP_FXOR, reg, reg);
		asm_mem(a, p->type == STUB_F64 ? 0xf2 : 0xf3, NARROW, OP_FCONVERT_INT, reg, RDI,
			8 * (int32_t)i);
		asm_jump(a, CC_ALWAYS, &e->detours[i].back);
	}
	if (is_float(e->result)) {
		asm_bind(a, &nan->away);
		load_tag(e, RAX, VALUE_NAN >> 48);
		leave_return(e);
	}
}

static void entry_js(struct emitter *e)
{
	struct assembler *a = &e->a;
	unsigned last = e->nparams; /* the parameter that goes to rsi, where argc is */

	prologue(e, STUB_ENTRY_JS);
	save_activation(e, RAX);
	asm_grow_stack(a, area(e->nstack));
	if (e->nparams) {
		asm_bytes(a, 0xfe8348 | e->nparams << 24, 4); /* cmp rsi, nparams */
		asm_jump(a, CC_B, &e->slow);
	}
	for (unsigned i = 0; i < e->nparams; i++) {
		if (e->params[i].home == IN_INT && e->params[i].at == RSI)
			last = i;
		else
			unbox_param(e, i);
	}
	if (last < e->nparams)
		unbox_param(e, last);
	asm_bind(a, &e->join);
	asm_load(a, WIDE, RDI, RBP, CONTEXT);
	enter_compiled(e);

	leave_compiled(e, RDI);
	box_result(e);
	leave_return(e);
	entry_js_detours(e);
	if (e->nparams)
		convert_params(e);
}

/* ---- exit_js ------------------------------------------------------------------------------ */

/* Where argv[i] and the j-th i64's cell lie, from rbp. */
static int32_t exit_area(const struct emitter *e)
{
	unsigned words = e->nparams ? e->nparams : 1;

	for (unsigned i = 0; i < e->nparams; i++)
		words += e->params[i].type == STUB_I64;
	return 8 * (int32_t)(words | 1); /* three words are pushed above */
}

/* A double in reg to [rbp+to], NaNs made canonical. */
static void box_double(struct emitter *e, unsigned i, unsigned reg, int32_t to)
{
	asm_mem(&e->a, 0xf2, NARROW, OP_FSTORE, reg, RBP, to);
	asm_reg_reg(&e->a, 0x66, NARROW, OP_FCOMPARE, reg, reg);
	asm_jump(&e->a, CC_P, &e->detours[i].away);
	asm_bind(&e->a, &e->detours[i].back);
}

/* Parameter i to a value at [rbp+to]; *tag is the tag that the spare register holds. */
static void box_param(struct emitter *e, unsigned i, int32_t to, int32_t cell, unsigned *tag)
{
	static const uint16_t tags[STUB_TYPES] = {
		[STUB_I32] = VALUE_INT32, [STUB_I64] = VALUE_BIGINT, [STUB_REF] = VALUE_REF
	};
	struct assembler *a = &e->a;
	const struct param *p = &e->params[i];
	int32_t from = STACK_ARGS + 8 * (int32_t)p->at;
	unsigned reg = p->home != ON_STACK ? p->at : is_float(p->type) ? XMM_SPARE : RAX;

	if (p->home == ON_STACK)
		load_plain(e, p->type, reg, RBP, from);
	if (is_float(p->type)) {
		if (p->type == STUB_F32)
			asm_reg_reg(a, 0xf3, NARROW, OP_FCONVERT, reg, reg);
		box_double(e, i, reg, to);
		return;
	}
	if (*tag != tags[p->type])
		load_tag(e, e->spare, *tag = tags[p->type]);
	if (p->type == STUB_I32 && p->home != ON_STACK)
		asm_move(a, NARROW, reg, reg);
	if (p->type == STUB_I64) {
		asm_store(a, RBP, cell, reg);
		asm_mem(a, 0, WIDE, OP_LEA, reg, RBP, cell);
	}
	asm_reg_reg(a, 0, WIDE, OP_OR, reg, e->spare);
	asm_store(a, RBP, to, reg);
}

/* The host's value at argv[0] to the result register, or away. */
static void unbox_result(struct emitter *e, int32_t argv)
{
	struct assembler *a = &e->a;

	switch (e->result) {
	case STUB_I32:
		compare_int32(e, RBP, argv);
		asm_jump(a, CC_NE, &e->slow);
		asm_load(a, NARROW, RAX, RBP, argv);
		break;
	case STUB_F32:
	case STUB_F64:
		compare_int32(e, RBP, argv);
		asm_jump(a, CC_AE, &e->slow);
		if (e->result == STUB_F32)
			asm_reg_reg(a, 0, NARROW, OP_FXOR, 0, 0);
		asm_mem(a, 0xf2, NARROW, e->result == STUB_F32 ? OP_FCONVERT : OP_FLOAD, 0, RBP,
			argv);
		break;
	case STUB_I64:
		guard_tag(e, RBP, argv, VALUE_BIGINT, &e->slow);
		asm_load(a, WIDE, RAX, RBP, argv);
		untag(e, RAX);
		asm_load(a, WIDE, RAX, RAX, 0);
		break;
	case STUB_REF:
		guard_tag(e, RBP, argv, VALUE_REF, &e->slow);
		asm_load(a, WIDE, RAX, RBP, argv);
		untag(e, RAX);
		break;
	default:
		break;
	}
}

/* What stands behind exit_js's return: NaNs, unbox(context, type, value, &argv[0]), raise. */
static void exit_js_detours(struct emitter *e, int32_t argv)
{
	struct assembler *a = &e->a;

	for (unsigned i = 0; i < e->nparams; i++) {
		if (!is_float(e->params[i].type))
			continue;
		asm_bind(a, &e->detours[i].away);
		load_tag(e, RAX, VALUE_NAN >> 48);
		asm_store(a, RBP, argv + 8 * (int32_t)i, RAX);
		asm_jump(a, CC_ALWAYS, &e->detours[i].back);
	}
	if (e->result != STUB_VOID) {
		asm_bind(a, &e->slow);
		asm_load(a, WIDE, RDI, RBP, EXIT_CONTEXT);
		asm_move_imm(a, RSI, e->result);
		asm_load(a, WIDE, RDX, RBP, argv);
		asm_mem(a, 0, WIDE, OP_LEA, RCX, RBP, argv);
		asm_call_address(a, (uintptr_t)e->config->runtime.unbox);
		asm_reg_reg(a, 0, NARROW, OP_TEST, RAX, RAX);
		asm_jump(a, CC_NE, &e->error);
		load_plain(e, e->result, 0, RBP, argv);
		asm_jump(a, CC_ALWAYS, &e->done);
	}
	asm_bind(a, &e->error);
	asm_load(a, WIDE, RDI, RBP, EXIT_CONTEXT);
	asm_call_address(a, (uintptr_t)e->config->runtime.raise);
	if (is_float(e->result))
		asm_reg_reg(a, 0, NARROW, OP_FXOR, 0, 0);
	else
		asm_reg_reg(a, 0, NARROW, OP_XOR, RAX, RAX);
	asm_jump(a, CC_ALWAYS, &e->done);
}

static void exit_js(struct emitter *e)
{
	struct assembler *a = &e->a;
	int32_t argv = EXIT_CONTEXT - exit_area(e);
	int32_t cell = argv + 8 * (int32_t)(e->nparams ? e->nparams : 1);
	unsigned tag = 0;

	prologue(e, STUB_EXIT_JS);
	asm_push(a, RDI);
	set_exit_frame(e);
	load_context(e, RDI);
	asm_push(a, RDI);
	asm_grow_stack(a, (uint32_t)exit_area(e));
	for (unsigned i = 0; i < e->nparams; i++) {
		box_param(e, i, argv + 8 * (int32_t)i, cell, &tag);
		cell += e->params[i].type == STUB_I64 ? 8 : 0;
	}
	asm_move(a, WIDE, RSI, RSP);
	asm_move_imm(a, RDX, e->nparams);
	call_target(e);
	asm_reg_reg(a, 0, NARROW, OP_TEST, RAX, RAX);
	asm_jump(a, CC_NE, &e->error);
	unbox_result(e, argv);
	asm_bind(a, &e->done);
	clear_exit_frame(e);
	leave_return(e);
	exit_js_detours(e, argv);
}

/* ---- indirect, builtin -------------------------------------------------------------------- */

/* The caller's stack arguments once more, below the frame's two words. */
static void copy_stack_args(struct emitter *e)
{
	if (e->nstack % 2)
		asm_push(&e->a, RAX);
	for (int32_t i = (int32_t)e->nstack; i-- > 0;)
		asm_mem(&e->a, 0, NARROW, OP_GROUP5, PUSH_MEM, RBP, STACK_ARGS + 8 * i);
}

static void indirect(struct emitter *e)
{
	prologue(e, STUB_INDIRECT);
	asm_push(&e->a, RDI);
	copy_stack_args(e);
	load_context(e, RDI);
	call_target(e);
	if (e->nstack)
		asm_load(&e->a, WIDE, RDI, RBP, WORD);
	else
		asm_pop(&e->a, RDI);
	leave_return(e);
}

static void builtin(struct emitter *e)
{
	prologue(e, STUB_BUILTIN);
	asm_push(&e->a, RDI);
	copy_stack_args(e);
	set_exit_frame(e);
	call_target(e);
	clear_exit_frame(e);
	leave_return(e);
}

/* ---- What the strategies call -------------------------------------------------------------- */

static void marker(struct assembler *a, bool markers)
{
	if (markers)
		asm_bytes(a, 0xfa1e0ff3, 4); /* endbr64 */
}

int emit_body(uint8_t code[EMIT_MAX], const struct emit_config *config, enum stub_kind kind,
	      stub_signature s, size_t *size, struct emit_patches *patches)
{
	static void (*const kinds[STUB_KINDS])(struct emitter *) = { [STUB_ENTRY_NATIVE] =
									 entry_native,
								     [STUB_ENTRY_JS] = entry_js,
								     [STUB_EXIT_JS] = exit_js,
								     [STUB_INDIRECT] = indirect,
								     [STUB_BUILTIN] = builtin };
	struct emitter e;

	if (emit_check(kind, s))
		return -ENOTSUP;
	for (int near_jumps = 0; near_jumps < 2; near_jumps++) {
		e = (struct emitter){
			.a = { .code = code, .cap = EMIT_MAX, .near_jumps = near_jumps },
			.config = config,
			.signature = s,
			.nparams = stub_nparams(s),
			.result = stub_result(s),
			.spare = config->form == EMIT_CALLEE ? R11 : R10,
			.slow = unbound,
			.join = unbound,
			.error = unbound,
			.done = unbound
		};
		for (unsigned i = 0; i <= STUB_MAX_PARAMS; i++)
			e.detours[i] = (struct detour){ unbound, unbound };
		locate(&e);
		marker(&e.a, config->markers);
		kinds[kind](&e);
		if (!e.a.overflow)
			break;
	}
	if (e.a.full || e.a.overflow)
		return -ENOTSUP;
	*size = e.a.len;
	*patches = e.patches;
	return 0;
}

bool emit_in_reach(const void *at, const void *target)
{
	int64_t distance = (int64_t)((uintptr_t)target - (uintptr_t)at);

	return distance >= INT32_MIN + EMIT_MAX && distance <= INT32_MAX - EMIT_MAX;
}

void emit_literals(enum emit_form form, const struct emit_patches *patches, void *write,
		   const void *at, const void *target, const void *context)
{
	if (patches->context)
		memcpy((uint8_t *)write + patches->context, &context, 8);
	emit_retarget(form, patches, write, at, target);
}

void emit_retarget(enum emit_form form, const struct emit_patches *patches, void *write,
		   const void *at, const void *target)
{
	uint8_t *field = (uint8_t *)write + patches->target;
	uintptr_t next = (uintptr_t)at + patches->target + 4;

	if (form == EMIT_NEAR)
		__atomic_store_n((uint32_t *)field, (uint32_t)((uintptr_t)target - next),
				 __ATOMIC_RELEASE);
	else
		__atomic_store_n((uint64_t *)field, (uintptr_t)target, __ATOMIC_RELEASE);
}

size_t emit_head(uint8_t code[EMIT_SLOT], size_t distance, bool markers)
{
	struct assembler a = { .code = code, .cap = EMIT_SLOT };

	marker(&a, markers);
	asm_rip(&a, WIDE, OP_LEA, R11, (int64_t)distance);
	asm_mem(&a, 0, NARROW, OP_GROUP5, JMP_MEM, R11, 0);
	return a.len;
}

size_t emit_trap(uint8_t code[EMIT_SLOT], bool markers)
{
	struct assembler a = { .code = code, .cap = EMIT_SLOT };

	marker(&a, markers);
	asm_bytes(&a, 0x0b0f, 2); /* ud2 */
	return a.len;
}

size_t emit_trigger(uint8_t code[EMIT_MAX], bool markers,
		    const void *(*slow)(void *arg, struct callee *, struct emit_saved *), void *arg)
{
	static const uint8_t saved[] = { RDI, RSI, RDX, RCX, R8, R9, R10, RAX };
	struct assembler a = { .code = code, .cap = EMIT_MAX };
	struct asm_label failed = unbound;

	marker(&a, markers);
	asm_push(&a, RBP);
	asm_move(&a, WIDE, RBP, RSP);
	asm_grow_stack(&a, 64);
	for (unsigned i = 0; i < 8; i++)
		asm_mem(&a, 0xf2, NARROW, OP_FSTORE, i, RSP, 8 * (int32_t)i);
	for (unsigned i = 0; i < sizeof(saved); i++)
		asm_push(&a, saved[i]);
	asm_move_imm(&a, RDI, (uintptr_t)arg);
	asm_move(&a, WIDE, RSI, R10);
	asm_move(&a, WIDE, RDX, RSP);
	asm_call_address(&a, (uintptr_t)slow);
	asm_move(&a, WIDE, R11, RAX);
	for (unsigned i = sizeof(saved); i-- > 0;)
		asm_pop(&a, saved[i]);
	for (unsigned i = 0; i < 8; i++)
		asm_mem(&a, 0xf2, NARROW, OP_FLOAD, i, RSP, 8 * (int32_t)i);
	asm_byte(&a, 0xc9); /* leave */
	asm_reg_reg(&a, 0, WIDE, OP_TEST, R11, R11);
	asm_jump(&a, CC_E, &failed);
	asm_bytes(&a, 0xe3ff41, 3); /* jmp r11 */
	asm_bind(&a, &failed);
	asm_byte(&a, 0xc3);
	return a.len;
}
