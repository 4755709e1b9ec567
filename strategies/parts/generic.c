/*
 * generic.c - the C part of the interpretive stub: it does all that a stub of the kind would do,
 * and reads the signature at each call.
 *
 * It trades time for space: a function takes no code, but each call reads a signature type by type
 * and calls C twice. One cursor goes through System V's argument locations, on the caller's side
 * and on the target's alike:
 *
 *      parameter     1st..5th integer or ref   1st..8th float   all others, in order
 *      location      rsi rdx rcx r8 r9         xmm0-7           stack words
 *
 * The guards are those of emit/js_x86_64.c, value by value: a value that passes is converted here,
 * any other goes to the embedder. `indirect` has nothing to convert and makes no frame: the
 * interpreter changes the instance and goes on to the target.
 */
#include <string.h>

#include "generic.h"

#define INT32_HIGH ((uint32_t)STUB_VALUE_INT32 << 16)

static bool is_float(enum stub_type type)
{
	return type == STUB_F32 || type == STUB_F64;
}

static stub_value tagged(unsigned tag, uint64_t payload)
{
	return (stub_value)tag << 48 | payload;
}

static uint64_t untagged(stub_value v)
{
	return v << 16 >> 16;
}

/* ---- Locations ---------------------------------------------------------------------------- */

struct locations {
	unsigned ints, floats, stack; /* the next free ones */
};

static const struct locations first_locations = { .ints = 1 }; /* rdi holds the instance */

static uint64_t *next_location(struct locations *p, enum stub_type type, struct emit_call *call,
			       uint64_t *stack)
{
	if (is_float(type) && p->floats < 8)
		return &call->floats[p->floats++];
	if (!is_float(type) && p->ints < 6)
		return &call->ints[p->ints++];
	return &stack[p->stack++];
}

/* Copies values[], in entry_native's form, to where the target looks for them. */
static void pass(struct generic_frame *f, const uint64_t *values)
{
	struct locations locations = first_locations;

	for (unsigned i = 0; i < stub_nparams(f->signature); i++) {
		enum stub_type type = stub_param(f->signature, i);
		bool narrow = type == STUB_I32 || type == STUB_F32;

		*next_location(&locations, type, &f->call, f->call.stack) =
		    narrow ? (uint32_t)values[i] : values[i];
	}
	f->call.ints[0] = (uintptr_t)f->context;
}

/* ---- Values ------------------------------------------------------------------------------- */

static stub_value box_double(double d)
{
	stub_value v;

	if (d != d)
		return STUB_VALUE_NAN;
	memcpy(&v, &d, sizeof(v));
	return v;
}

static stub_value box_float(enum stub_type type, uint64_t word)
{
	double d;
	float f;

	if (type == STUB_F32) {
		memcpy(&f, &word, sizeof(f));
		return box_double((double)f);
	}
	memcpy(&d, &word, sizeof(d));
	return box_double(d);
}

static uint64_t word_of(enum stub_type type, double d)
{
	float f = (float)d;
	uint64_t word = 0;

	if (type == STUB_F32)
		memcpy(&word, &f, sizeof(f));
	else
		memcpy(&word, &d, sizeof(d));
	return word;
}

/* False: v is not of the expected form. int32s: an int32 will do for a float. */
static bool unbox(enum stub_type type, stub_value v, bool int32s, uint64_t *out)
{
	uint32_t high = (uint32_t)(v >> 32);
	unsigned tag = (unsigned)(v >> 48);
	double d;

	switch (type) {
	case STUB_I32:
		*out = (uint32_t)v;
		return high == INT32_HIGH;
	case STUB_F32:
	case STUB_F64:
		memcpy(&d, &v, sizeof(d));
		if (high >= INT32_HIGH)
			d = (int32_t)(uint32_t)v;
		*out = word_of(type, d);
		return high < INT32_HIGH || (int32s && high == INT32_HIGH);
	case STUB_I64:
		if (tag == STUB_VALUE_BIGINT)
			memcpy(out, (const void *)(uintptr_t)untagged(v), sizeof(*out));
		return tag == STUB_VALUE_BIGINT;
	case STUB_REF:
		*out = untagged(v);
		return tag == STUB_VALUE_REF;
	default:
		*out = 0;
		return true;
	}
}

/* ---- Before ------------------------------------------------------------------------------- */

static struct stub_activation *activation_of(const void *instance)
{
	return *(struct stub_activation *const *)instance;
}

static void enter(struct generic_frame *f, uint64_t *frame)
{
	f->activation = activation_of(f->context);
	frame[-2] = (uintptr_t)f->activation->exit_frame;
}

static void leave(struct generic_frame *f, uint64_t *frame)
{
	frame[-2] = f->call.ints[0];
	activation_of((const void *)(uintptr_t)f->call.ints[0])->exit_frame = frame;
}

static enum emit_next entry_native(struct generic_frame *f, uint64_t *frame)
{
	f->argv = (uint64_t *)(uintptr_t)f->call.ints[0];
	enter(f, frame);
	pass(f, f->argv);
	f->activation->exit_frame = NULL;
	return EMIT_CALL;
}

static enum emit_next entry_js(const struct stub_runtime *runtime, struct generic_frame *f,
			       uint64_t *frame)
{
	const stub_value *argv = (const stub_value *)(uintptr_t)f->call.ints[0];
	unsigned i = 0, n = stub_nparams(f->signature);
	size_t argc = f->call.ints[1];

	enter(f, frame);
	while (i < n && argc >= n &&
	       unbox(stub_param(f->signature, i), argv[i], true, &f->values[i]))
		i++;
	if (i < n && runtime->convert(f->context, f->signature, argv, argc, f->values)) {
		f->call.rax = tagged(STUB_VALUE_ERROR, 0);
		return EMIT_RETURN;
	}
	pass(f, f->values);
	f->activation->exit_frame = NULL;
	return EMIT_CALL;
}

static enum emit_next exit_js(struct generic_frame *f, uint64_t *frame)
{
	struct locations locations = first_locations;
	unsigned n = stub_nparams(f->signature);

	leave(f, frame);
	for (unsigned i = 0; i < n; i++) {
		enum stub_type type = stub_param(f->signature, i);
		uint64_t word = *next_location(&locations, type, &f->call, frame + 2);

		f->boxed[i] = (int64_t)word;
		f->values[i] = type == STUB_I32 ? tagged(STUB_VALUE_INT32, (uint32_t)word)
			       : type == STUB_I64
				   ? tagged(STUB_VALUE_BIGINT, (uintptr_t)&f->boxed[i])
			       : type == STUB_REF ? tagged(STUB_VALUE_REF, word)
						  : box_float(type, word);
	}
	f->call.ints[0] = (uintptr_t)f->context;
	f->call.ints[1] = (uintptr_t)f->values;
	f->call.ints[2] = n;
	return EMIT_CALL;
}

static enum emit_next builtin(struct generic_frame *f, uint64_t *frame)
{
	struct locations locations = first_locations;

	leave(f, frame);
	for (unsigned i = 0; i < stub_nparams(f->signature); i++)
		next_location(&locations, stub_param(f->signature, i), &f->call, frame + 2);
	memcpy(f->call.stack, frame + 2, locations.stack * sizeof(*frame));
	return EMIT_CALL;
}

static enum emit_next indirect(struct generic_frame *f)
{
	f->call.ints[0] = (uintptr_t)f->context;
	return EMIT_GO;
}

static enum emit_next bind(struct generic_frame *f, const struct stub_spec *spec, uint64_t *frame)
{
	struct locations from = first_locations, to = first_locations;

	frame[-2] = f->call.ints[0];
	for (unsigned i = 0; i < stub_nparams(f->signature); i++) {
		enum stub_type type = stub_param(f->signature, i);

		next_location(&to, type, &f->call, f->call.stack);
		f->values[i] = i < spec->nbound ? spec->bound[i]
						: *next_location(&from, type, &f->call, frame + 2);
	}
	pass(f, f->values);
	/* The caller's stack words are among the target's, in order: if equally many, the same. */
	return from.stack == to.stack ? EMIT_GO : EMIT_CALL;
}

static enum emit_next call_ref(const struct stub_runtime *runtime, struct generic_frame *f,
			       uint64_t *frame)
{
	if (f->call.r13 == f->signature && f->call.target)
		return indirect(f);
	leave(f, frame);
	runtime->raise(f->context);
	activation_of((const void *)(uintptr_t)frame[-2])->exit_frame = NULL;
	f->call.rax = f->call.xmm0 = 0;
	return EMIT_RETURN;
}

enum emit_next generic_before(const struct stub_runtime *runtime, const struct stub_spec *spec,
			      struct generic_frame *f, uint64_t *frame)
{
	f->kind = spec->kind;
	f->signature = spec->signature;
	f->context = spec->context;
	f->call.target = spec->target;
	frame[-1] = spec->kind;
	switch (spec->kind) {
	case STUB_ENTRY_NATIVE:
		return entry_native(f, frame);
	case STUB_ENTRY_JS:
		return entry_js(runtime, f, frame);
	case STUB_EXIT_JS:
		return exit_js(f, frame);
	case STUB_INDIRECT:
		return indirect(f);
	case STUB_BUILTIN:
		return builtin(f, frame);
	case STUB_BIND:
		return bind(f, spec, frame);
	case STUB_CALL_REF:
		return call_ref(runtime, f, frame);
	case STUB_KINDS:
		break;
	}
	__builtin_unreachable(); /* emit_check admits no other kind */
}

/* ---- After -------------------------------------------------------------------------------- */

static void native_result(struct generic_frame *f)
{
	enum stub_type type = stub_result(f->signature);
	uint64_t word = is_float(type) ? f->call.xmm0 : f->call.rax;

	if (type != STUB_VOID)
		*f->argv = type == STUB_I32 || type == STUB_F32 ? (uint32_t)word : word;
}

static stub_value js_result(const struct stub_runtime *runtime, struct generic_frame *f)
{
	enum stub_type type = stub_result(f->signature);

	switch (type) {
	case STUB_I32:
		return tagged(STUB_VALUE_INT32, (uint32_t)f->call.rax);
	case STUB_I64:
		return runtime->box_i64(f->context, (int64_t)f->call.rax);
	case STUB_REF:
		return tagged(STUB_VALUE_REF, f->call.rax);
	case STUB_F32:
	case STUB_F64:
		return box_float(type, f->call.xmm0);
	default:
		return tagged(STUB_VALUE_UNDEFINED, 0);
	}
}

static void host_result(const struct stub_runtime *runtime, struct generic_frame *f)
{
	enum stub_type type = stub_result(f->signature);
	uint64_t word = 0;

	if ((uint32_t)f->call.rax || (!unbox(type, f->values[0], false, &word) &&
				      runtime->unbox(f->context, type, f->values[0], &word))) {
		runtime->raise(f->context);
		word = 0;
	}
	f->call.rax = f->call.xmm0 = word;
}

void generic_after(const struct stub_runtime *runtime, struct generic_frame *f, uint64_t *frame)
{
	if (f->kind == STUB_ENTRY_NATIVE || f->kind == STUB_ENTRY_JS) {
		f->activation->exit_frame = (void *)(uintptr_t)frame[-2];
		if (f->kind == STUB_ENTRY_NATIVE)
			native_result(f);
		else
			f->call.rax = js_result(runtime, f);
		return;
	}
	if (f->kind == STUB_BIND)
		return;
	if (f->kind == STUB_EXIT_JS)
		host_result(runtime, f);
	activation_of((const void *)(uintptr_t)frame[-2])->exit_frame = NULL;
}
