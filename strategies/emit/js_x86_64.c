/*
 * js_x86_64.c - the two kinds that convert between boxed values and the types of signatures.
 *
 * Both check for the expected forms and convert these in line; any other form goes to the embedder:
 * entry_js gives up all it has unboxed and lets convert do every parameter, exit_js lets unbox do
 * the one result. entry_js does not touch argv, which convert may need again, and unboxes the
 * parameter that belongs in rsi last, as argc is there.
 */
#include "body_x86_64.h"

/* ---- entry_js ----------------------------------------------------------------------------- */

/* The outgoing stack word of a parameter. */
static int32_t stack_word(const struct emitter *e, const struct param *p)
{
	return -FIXED - (int32_t)area(e->nstack) + 8 * (int32_t)p->at;
}

/* Unboxes argv[i] (argv is in rdi) to its place, or jumps away. rax is lost, and xmm8 if the place
 * is on the stack. */
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
		guard_tag(e, RDI, disp, STUB_VALUE_BIGINT, &e->slow);
		asm_load(a, WIDE, RAX, RDI, disp);
		untag(e, RAX);
		asm_load(a, WIDE, reg, RAX, 0);
		break;
	default:
		guard_tag(e, RDI, disp, STUB_VALUE_REF, &e->slow);
		asm_load(a, WIDE, reg, RDI, disp);
		untag(e, reg);
	}
	if (p->home == ON_STACK && is_float(p->type))
		asm_mem(a, 0xf2, NARROW, OP_FSTORE, reg, RBP, stack_word(e, p));
	else if (p->home == ON_STACK)
		asm_store(a, RBP, stack_word(e, p), reg);
}

/* Boxes the result in rax; the context is in rdi, rsp is one word off its alignment. */
static void box_result(struct emitter *e)
{
	struct assembler *a = &e->a;

	switch (e->result) {
	case STUB_I32:
		asm_move(a, NARROW, RAX, RAX);
		load_tag(e, RCX, STUB_VALUE_INT32);
		asm_reg_reg(a, 0, WIDE, OP_OR, RAX, RCX);
		break;
	case STUB_REF:
		load_tag(e, RCX, STUB_VALUE_REF);
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
		load_tag(e, RAX, STUB_VALUE_UNDEFINED);
	}
}

/* Lets the embedder do all arguments anew: convert(context, signature, argv, argc, out). */
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
	load_tag(e, RAX, STUB_VALUE_ERROR);
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
		load_tag(e, RAX, STUB_VALUE_NAN >> 48);
		leave_return(e);
	}
}

void emit_entry_js(struct emitter *e)
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

/* Stores a double from reg at [rbp+to], with NaNs made canonical. */
static void box_double(struct emitter *e, unsigned i, unsigned reg, int32_t to)
{
	asm_mem(&e->a, 0xf2, NARROW, OP_FSTORE, reg, RBP, to);
	asm_reg_reg(&e->a, 0x66, NARROW, OP_FCOMPARE, reg, reg);
	asm_jump(&e->a, CC_P, &e->detours[i].away);
	asm_bind(&e->a, &e->detours[i].back);
}

/* Boxes parameter i at [rbp+to]; *tag is the tag that the spare register holds. */
static void box_param(struct emitter *e, unsigned i, int32_t to, int32_t cell, unsigned *tag)
{
	static const uint16_t tags[STUB_TYPES] = { [STUB_I32] = STUB_VALUE_INT32,
						   [STUB_I64] = STUB_VALUE_BIGINT,
						   [STUB_REF] = STUB_VALUE_REF };
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

/* Unboxes the host's value at argv[0] to the result register, or jumps away. */
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
		guard_tag(e, RBP, argv, STUB_VALUE_BIGINT, &e->slow);
		asm_load(a, WIDE, RAX, RBP, argv);
		untag(e, RAX);
		asm_load(a, WIDE, RAX, RAX, 0);
		break;
	case STUB_REF:
		guard_tag(e, RBP, argv, STUB_VALUE_REF, &e->slow);
		asm_load(a, WIDE, RAX, RBP, argv);
		untag(e, RAX);
		break;
	default:
		break;
	}
}

/* The code behind exit_js's return: NaNs, unbox(context, type, value, &argv[0]), raise. */
static void exit_js_detours(struct emitter *e, int32_t argv)
{
	struct assembler *a = &e->a;

	for (unsigned i = 0; i < e->nparams; i++) {
		if (!is_float(e->params[i].type))
			continue;
		asm_bind(a, &e->detours[i].away);
		load_tag(e, RAX, STUB_VALUE_NAN >> 48);
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
	load_zero(e);
	asm_jump(a, CC_ALWAYS, &e->done);
}

void emit_exit_js(struct emitter *e)
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
