/*
 * x86_64.c - the emitter for System V on x86-64: the short kinds, and what strategies call.
 *
 * body_x86_64.h draws the frames.
 *
 * Bodies are short on purpose: two strategies copy them for each stub. Each context is loaded once,
 * values that outlive the call are pushed where the epilogue can pop them, and code that is seldom
 * needed (conversions, NaNs, errors) stands behind the return.
 *
 * Baked calls. `call rel32` is 5 bytes and predicted as a direct call; `mov rax, imm64; call rax`
 * is 12 and reaches anywhere; while the stubs fit in the caches both take the same time, so the
 * shorter one is there for its size. So that it can be replaced while other processors run the
 * stub, the rel32 is aligned to 4 bytes and the imm64 to 8, so that neither crosses the eight bytes
 * that a store writes at once: fetch sees the old one or the new. (AMD's manual asks for just that;
 * Intel's asks for a serialising instruction on the other processor as well, which no code here can
 * execute there. A table's target is data and needs no such promise.)
 */
#include <errno.h>

#include "body_x86_64.h"

static const struct asm_label unbound = { .at = -1 };

/* Whether the runtime has the functions that bodies of a kind call. */
static bool served(enum stub_kind kind, const struct stub_runtime *runtime)
{
	switch (kind) {
	case STUB_ENTRY_JS:
		return runtime->convert && runtime->box_i64;
	case STUB_EXIT_JS:
		return runtime->unbox && runtime->raise;
	case STUB_CALL_REF:
		return runtime->raise;
	default:
		return true;
	}
}

int emit_check(const struct stub_spec *spec, const struct stub_runtime *runtime)
{
	stub_signature s = spec->signature;

	if ((unsigned)spec->kind >= STUB_KINDS || stub_result(s) >= STUB_TYPES)
		return -ENOTSUP;
	if (stub_nparams(s) > STUB_MAX_PARAMS)
		return -ENOTSUP;
	for (unsigned i = 0; i < stub_nparams(s); i++)
		if (stub_param(s, i) == STUB_VOID || stub_param(s, i) >= STUB_TYPES)
			return -ENOTSUP;
	if (spec->kind != STUB_BIND && spec->nbound)
		return -ENOTSUP;
	if (spec->kind == STUB_BIND &&
	    (!spec->nbound || spec->nbound > STUB_MAX_BOUND || spec->nbound > stub_nparams(s)))
		return -ENOTSUP;
	return served(spec->kind, runtime) ? 0 : -EINVAL;
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

/* ---- builtin, indirect -------------------------------------------------------------------- */

/* Copies the caller's stack arguments below the frame's two words. */
static void copy_stack_args(struct emitter *e)
{
	if (e->nstack % 2)
		asm_push(&e->a, RAX);
	for (int32_t i = (int32_t)e->nstack; i-- > 0;)
		asm_mem(&e->a, 0, NARROW, OP_GROUP5, PUSH_MEM, RBP, STACK_ARGS + 8 * i);
}

/*
 * ctx is an argument like any other, and the calling convention lets the caller keep it: compiled
 * code saves its own instance over the call and restores it afterwards. So the stub has nothing to
 * restore, stack arguments stay where they are, and every signature has the same body.
 */
static void indirect(struct emitter *e)
{
	load_context(e, RDI);
	go_to_target(e, true);
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

/* emit.h draws it. With markers the body needs one of its own: the head's jump is indirect. */
static void poison_head(struct emitter *e)
{
	struct assembler *a = &e->a;
	struct asm_label body = unbound;

	if (e->config->form == EMIT_BEHIND)
		return;
	if (e->config->form == EMIT_CALLEE) {
		asm_mem(a, 0, WIDE, 0x83, 7, R10, offsetof(struct stub_callee, code));
		asm_byte(a, 0); /* cmp qword [r10], 0 */
		asm_jump(a, CC_NE, &body);
		asm_rip(a, WIDE, OP_LEA, R11, 0);
		asm_mem(a, 0, NARROW, OP_GROUP5, JMP_MEM, R10, offsetof(struct stub_callee, word));
		asm_bind(a, &body);
		return;
	}
	asm_rip(a, WIDE, OP_LEA, R11, 2 * (int64_t)e->config->distance);
	asm_mem(a, 0, NARROW, OP_GROUP5, JMP_MEM, R11, 0);
	while (a->len < EMIT_SLOT)
		asm_byte(a, 0xcc);
	marker(a, e->config->markers);
}

static void start(struct emitter *e, uint8_t code[EMIT_MAX], const struct emit_config *config,
		  const struct stub_spec *spec)
{
	stub_signature s = spec->signature;

	*e = (struct emitter){ .a = { .code = code, .cap = EMIT_MAX },
			       .config = config,
			       .signature = s,
			       .nparams = stub_nparams(s),
			       .nbound = spec->nbound,
			       .result = stub_result(s),
			       .spare = config->form == EMIT_CALLEE ? R11 : R10,
			       .slow = unbound,
			       .join = unbound,
			       .error = unbound,
			       .done = unbound };
	for (unsigned i = 0; i <= STUB_MAX_PARAMS; i++)
		e->detours[i] = (struct detour){ unbound, unbound };
	e->nstack = emit_locate(s, 0, e->params);
}

void emit_frames_of(const struct assembler *a, struct emit_frames *frames)
{
	if (!frames)
		return;
	frames->n = a->nchanges;
	memcpy(frames->changes, a->changes, sizeof(a->changes));
}

/* emit_body, with its emitter: e holds everything else about the body. */
static int body(struct emitter *e, uint8_t code[EMIT_MAX], const struct emit_config *config,
		const struct stub_spec *spec)
{
	static void (*const kinds[STUB_KINDS])(struct emitter *) = {
		[STUB_ENTRY_NATIVE] = entry_native, [STUB_ENTRY_JS] = emit_entry_js,
		[STUB_EXIT_JS] = emit_exit_js,	    [STUB_INDIRECT] = indirect,
		[STUB_BUILTIN] = builtin,	    [STUB_BIND] = emit_bind,
		[STUB_CALL_REF] = emit_call_ref
	};
	uint64_t near_jumps = 0;

	int error = emit_check(spec, &config->runtime);
	if (error)
		return error;
	do {
		start(e, code, config, spec);
		e->a.near_jumps = near_jumps;
		marker(&e->a, config->markers);
		if (config->poison)
			poison_head(e);
		kinds[spec->kind](e);
		near_jumps = e->a.near_jumps;
	} while (e->a.overflow);
	return e->a.full ? -ENOTSUP : 0;
}

int emit_body(uint8_t code[EMIT_MAX], const struct emit_config *config,
	      const struct stub_spec *spec, size_t *size, struct emit_patches *patches)
{
	struct emitter e;

	int error = body(&e, code, config, spec);
	if (error)
		return error;
	*size = e.a.len;
	*patches = e.patches;
	return 0;
}

int emit_frames(const struct emit_config *config, const struct stub_spec *spec,
		struct emit_frames *frames)
{
	uint8_t code[EMIT_MAX];
	struct emitter e;

	int error = body(&e, code, config, spec);
	if (!error)
		emit_frames_of(&e.a, frames);
	return error;
}

bool emit_in_reach(const void *at, const void *target)
{
	int64_t distance = (int64_t)((uintptr_t)target - (uintptr_t)at);

	return target && distance >= INT32_MIN + EMIT_MAX && distance <= INT32_MAX - EMIT_MAX;
}

void emit_literals(enum emit_form form, const struct emit_patches *patches, void *write,
		   const void *at, const struct stub_spec *spec)
{
	if (patches->context)
		memcpy((uint8_t *)write + patches->context, &spec->context, 8);
	for (unsigned i = 0; i < spec->nbound; i++)
		memcpy((uint8_t *)write + patches->bound[i], &spec->bound[i],
		       bytes_of(stub_param(spec->signature, i)));
	emit_retarget(form, patches, write, at, spec->target);
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

size_t emit_whole(uint8_t slot[EMIT_SLOT], enum stub_kind kind, size_t distance, bool markers)
{
	const struct emit_config config = { .form = EMIT_TABLE,
					    .markers = markers,
					    .distance = distance };
	const struct stub_spec spec = { .kind = kind };
	struct emit_patches none;
	uint8_t code[EMIT_MAX];
	size_t size;

	if (kind != STUB_INDIRECT || emit_body(code, &config, &spec, &size, &none) ||
	    size > EMIT_SLOT)
		return 0;
	memcpy(slot, code, size);
	return size;
}

void emit_bare_line(uint8_t line[EMIT_LINE], bool markers)
{
	const struct emit_config config = { .form = EMIT_CALLEE, .markers = markers };
	const struct stub_spec spec = { .kind = STUB_INDIRECT };
	struct emit_patches none;
	uint8_t code[EMIT_MAX];
	size_t size;

	memset(line, 0xcc, EMIT_LINE);
	if (emit_body(code, &config, &spec, &size, &none) || size > EMIT_BARE_SLOT)
		return; /* neither can be */
	for (unsigned i = 0; i < EMIT_BARE_LINE; i++)
		memcpy(line + i * EMIT_BARE_SLOT, code, size);
}

size_t emit_trap(uint8_t code[EMIT_SLOT], bool markers)
{
	struct assembler a = { .code = code, .cap = EMIT_SLOT };

	marker(&a, markers);
	asm_bytes(&a, 0x0b0f, 2); /* ud2 */
	return a.len;
}

size_t emit_trigger(uint8_t code[EMIT_MAX], bool markers,
		    const void *(*slow)(void *arg, struct stub_callee *, struct emit_saved *),
		    void *arg, struct emit_frames *frames)
{
	static const uint8_t saved[] = { RDI, RSI, RDX, RCX, R8, R9, R10, RAX };
	struct assembler a = { .code = code, .cap = EMIT_MAX };
	struct asm_label failed = unbound;

	marker(&a, markers);
	asm_enter(&a);
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
	asm_leave(&a);
	asm_reg_reg(&a, 0, WIDE, OP_TEST, R11, R11);
	asm_jump(&a, CC_E, &failed);
	asm_bytes(&a, 0xe3ff41, 3); /* jmp r11 */
	asm_bind(&a, &failed);
	asm_byte(&a, 0xc3);
	emit_frames_of(&a, frames);
	return a.len;
}

enum emit_zero emit_zero_of(enum stub_kind kind, stub_signature s)
{
	if (kind == STUB_ENTRY_JS)
		return EMIT_ZERO_ERROR;
	return kind == STUB_ENTRY_NATIVE && stub_result(s) != STUB_VOID ? EMIT_ZERO_ARGV
									: EMIT_ZERO;
}

size_t emit_poisoned(uint8_t code[EMIT_MAX], bool markers, enum emit_zero zero,
		     void (*report)(void *arg, uint8_t *at, struct stub_callee *c), void *arg,
		     struct emit_frames *frames)
{
	struct assembler a = { .code = code, .cap = EMIT_MAX };

	marker(&a, markers);
	asm_enter(&a);
	asm_push(&a, RDI);
	asm_push(&a, RDI);
	asm_move_imm(&a, RDI, (uintptr_t)arg);
	asm_move(&a, WIDE, RSI, R11);
	asm_move(&a, WIDE, RDX, R10);
	asm_call_address(&a, (uintptr_t)report);
	asm_pop(&a, RDI);
	asm_reg_reg(&a, 0, NARROW, OP_FXOR, 0, 0);
	if (zero == EMIT_ZERO_ERROR) {
		asm_move_imm(&a, RAX, STUB_VALUE_ERROR);
		asm_shift(&a, true, RAX, 48);
	} else {
		asm_reg_reg(&a, 0, NARROW, OP_XOR, RAX, RAX);
	}
	if (zero == EMIT_ZERO_ARGV)
		asm_store(&a, RDI, 0, RAX);
	asm_leave_return(&a);
	emit_frames_of(&a, frames);
	return a.len;
}
