/*
 * ref_x86_64.c - the two kinds that stand behind a function reference: bind, which puts stored
 * arguments before the caller's, and ref, which checks before it goes on.
 *
 * Both end in a jump wherever the target can return to the caller itself: the cheapest call is
 * none. bind moves registers, last first, as each goes to where a later one was. It cannot add
 * stack arguments to the caller's frame: if an argument is pushed out of the registers (or a stored
 * one belongs on the stack), bind makes a frame of its own and pushes all stack arguments anew.
 * Their number decides: the caller's stack arguments are among the target's, in the same order, so
 * if there are equally many, each is where the target looks for it.
 *
 * ref raises behind its jump, in few bytes, as two strategies copy them: it reads the context from
 * the callee, which r10 still names, and the zero that it stores is also the result. A near jump's
 * target is never NULL (emit_in_reach): that body needs no test.
 *
 * The signature in a register, compared by the callee, is how SpiderMonkey checks calls through
 * tables; engines that take no signals emit the explicit test for null. Engines that let null fault
 * leave the test out, and wasm's typed references need no comparison.
 */
#include "body_x86_64.h"

/* ---- bind --------------------------------------------------------------------------------- */

static bool baked(const struct emitter *e)
{
	return e->config->form <= EMIT_FAR;
}

/* Whether the only bound argument lies in the pointer's place. */
static bool beside(const struct emitter *e)
{
	return e->config->form == EMIT_BEHIND && e->nbound == 1;
}

/* Loads the pointer to the bound arguments, where there is one, into rax. */
static void load_bound_pointer(struct emitter *e)
{
	if (e->config->form == EMIT_BEHIND && !beside(e))
		asm_load(&e->a, WIDE, RAX, R11, (int32_t)e->config->distance + 8);
	if (e->config->form == EMIT_CALLEE)
		asm_load(&e->a, WIDE, RAX, R10, offsetof(struct stub_callee, word));
}

/* op reg, [bound argument i] */
static void bound_mem(struct emitter *e, unsigned prefix, unsigned wide, unsigned op, unsigned reg,
		      unsigned i)
{
	struct assembler *a = &e->a;

	if (e->config->form == EMIT_TABLE) {
		if (prefix)
			asm_byte(a, prefix);
		asm_rip(a, wide, op, reg, (int64_t)e->config->distance + 16 + 8 * (int32_t)i);
	} else if (beside(e)) {
		asm_mem(a, prefix, wide, op, reg, R11, (int32_t)e->config->distance + 8);
	} else {
		asm_mem(a, prefix, wide, op, reg, RAX, 8 * (int32_t)i);
	}
}

/* mov reg, bound argument i */
static void bound_imm(struct emitter *e, unsigned reg, unsigned i)
{
	struct assembler *a = &e->a;
	unsigned bytes = bytes_of(e->params[i].type);

	asm_opcode(a, 0, bytes == 8, 0xb8 | (reg & 7), 0, reg);
	e->patches.bound[i] = (uint16_t)a->len;
	asm_bytes(a, 0, bytes);
}

static void push_bound(struct emitter *e, unsigned i)
{
	struct assembler *a = &e->a;

	if (!baked(e)) {
		bound_mem(e, 0, NARROW, OP_GROUP5, PUSH_MEM, i);
	} else if (bytes_of(e->params[i].type) == 4) {
		asm_byte(a, 0x68); /* push imm32 */
		e->patches.bound[i] = (uint16_t)a->len;
		asm_bytes(a, 0, 4);
	} else {
		bound_imm(e, RAX, i);
		asm_push(a, RAX);
	}
}

/* Loads stored integers as whole words: this makes the stub at least as large as the
 * table literals beside it. */
static void load_bound(struct emitter *e, unsigned i)
{
	const struct param *p = &e->params[i];
	unsigned wide = bytes_of(p->type) == 8;

	if (p->home == IN_INT && baked(e)) {
		bound_imm(e, p->at, i);
	} else if (p->home == IN_INT) {
		bound_mem(e, 0, WIDE, OP_LOAD, p->at, i);
	} else if (baked(e)) {
		bound_imm(e, RAX, i);
		asm_reg_reg(&e->a, 0x66, wide, OP_FMOVE_FROM_INT, p->at, RAX);
	} else {
		bound_mem(e, wide ? 0xf2 : 0xf3, NARROW, OP_FLOAD, p->at, i);
	}
}

/* Pushes an argument of the caller's that the target gets on the stack. */
static void push_argument(struct emitter *e, const struct param *from)
{
	struct assembler *a = &e->a;

	switch (from->home) {
	case IN_INT:
		asm_push(a, from->at);
		break;
	case IN_FLOAT:
		asm_grow_stack(a, 8);
		asm_mem(a, 0xf2, NARROW, OP_FSTORE, from->at, RSP, 0);
		break;
	case ON_STACK:
		asm_mem(a, 0, NARROW, OP_GROUP5, PUSH_MEM, RBP, STACK_ARGS + 8 * (int32_t)from->at);
	}
}

static void push_stack_args(struct emitter *e, const struct param from[STUB_MAX_PARAMS])
{
	prologue(e, STUB_BIND);
	asm_push(&e->a, RDI);
	if (e->nstack % 2)
		asm_push(&e->a, RDI);
	for (unsigned i = e->nparams; i-- > 0;) {
		if (e->params[i].home != ON_STACK)
			continue;
		if (i < e->nbound)
			push_bound(e, i);
		else
			push_argument(e, &from[i]);
	}
}

static void move_registers(struct emitter *e, const struct param from[STUB_MAX_PARAMS])
{
	for (unsigned i = e->nparams; i-- > e->nbound;) {
		const struct param *to = &e->params[i];

		if (to->home == ON_STACK || to->at == from[i].at)
			continue;
		if (to->home == IN_FLOAT)
			asm_reg_reg(&e->a, 0, NARROW, OP_FMOVE, to->at, from[i].at);
		else
			asm_move(&e->a, to->type != STUB_I32, to->at, from[i].at);
	}
}

void emit_bind(struct emitter *e)
{
	struct param from[STUB_MAX_PARAMS];
	bool frame = emit_locate(e->signature, e->nbound, from) != e->nstack;

	load_bound_pointer(e);
	if (frame)
		push_stack_args(e, from);
	move_registers(e, from);
	for (unsigned i = 0; i < e->nbound; i++)
		if (e->params[i].home != ON_STACK)
			load_bound(e, i);
	load_context(e, RDI);
	go_to_target(e, !frame);
	if (frame)
		leave_return(e);
}

/* ---- ref ---------------------------------------------------------------------------------- */

/* cmp r13, the signature; rax is lost. */
static void compare_signature(struct emitter *e)
{
	struct assembler *a = &e->a;

	if (e->signature <= INT32_MAX) {
		asm_bytes(a, 0xfd8149, 3); /* cmp r13, imm32 */
		asm_bytes(a, e->signature, 4);
	} else {
		asm_move_imm(a, RAX, e->signature);
		asm_reg_reg(a, 0, WIDE, OP_CMP, RAX, R13);
	}
}

/* Loads the target into rax, by one load. */
static void load_target(struct emitter *e)
{
	struct assembler *a = &e->a;

	switch (e->config->form) {
	case EMIT_FAR:
		asm_nop(a, -(a->len + 2) & 7);
		asm_bytes(a, 0xb848, 2); /* mov rax, imm64 */
		e->patches.target = (uint16_t)a->len;
		asm_bytes(a, 0, 8);
		break;
	case EMIT_TABLE:
		asm_rip(a, WIDE, OP_LOAD, RAX, (int64_t)e->config->distance);
		break;
	case EMIT_BEHIND:
		asm_load(a, WIDE, RAX, R11, 8);
		break;
	default:
		asm_load(a, WIDE, RAX, R10, offsetof(struct stub_callee, target));
	}
}

/* Calls raise(context) in a frame from which a walk finds the caller's. */
static void raise_error(struct emitter *e)
{
	struct assembler *a = &e->a;

	prologue(e, STUB_CALL_REF);
	asm_push(a, RDI);
	set_exit_frame(e);
	asm_load(a, WIDE, RDI, R10, offsetof(struct stub_callee, context));
	asm_call_address(a, (uintptr_t)e->config->runtime.raise);
	asm_pop(a, RCX); /* exit_frame = NULL, by the caller's instance */
	asm_load(a, WIDE, RCX, RCX, 0);
	load_zero(e);
	if (is_float(e->result))
		asm_mem(a, 0xf2, NARROW, OP_FSTORE, 0, RCX, 0);
	else
		asm_store(a, RCX, 0, RAX);
	leave_return(e);
}

void emit_call_ref(struct emitter *e)
{
	struct assembler *a = &e->a;

	compare_signature(e);
	asm_jump(a, CC_NE, &e->error);
	if (e->config->form == EMIT_NEAR) {
		load_context(e, RDI);
		go_to_target(e, true);
	} else {
		load_target(e);
		asm_reg_reg(a, 0, WIDE, OP_TEST, RAX, RAX);
		asm_jump(a, CC_E, &e->error);
		load_context(e, RDI);
		asm_bytes(a, 0xe0ff, 2); /* jmp rax */
	}
	asm_bind(a, &e->error);
	raise_error(e);
}
