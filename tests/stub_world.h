/*
 * stub_world.h - for tests of stubs: both sides of a boundary without a compiler.
 *
 * probe_call is the caller: it loads every argument register and the stack from a struct, puts the
 * callee in r10, calls, and notes what came back and whether the preserved registers survived.
 * A probe is a target: each has an entry of its own (near the stubs, or out of a near call's reach)
 * that names it and goes on to probe_entry, which spills all registers that may hold an argument,
 * lets C inspect them, spoils all registers that a call may spoil, and returns what C chose.
 *
 * The places of arguments are computed a second time (stub_values.h), independently of the emitter.
 * ASan and UBSan see the C on both sides, but neither the stubs' own loads and stores nor those of
 * the two trampolines: a stub that writes outside its frame is found by the frame, register and
 * alignment checks below, or not at all.
 */
#ifndef STUBMAP_TEST_STUB_WORLD_H
#define STUBMAP_TEST_STUB_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stub_values.h"

enum { WORLD_PROBES = 48, WORLD_INSTANCES = 4, WORLD_ENTRY = 32 };

struct world;

struct instance {
	struct stub_activation *activation; /* first: stub.h */
	struct world *world;
};

struct probe {
	struct world *world;
	const void *entry;
};

/* The crossing under way: what is expected of it, and what happened. */
struct world {
	struct code_memory *code;
	struct stub_activation activation;
	struct instance instances[WORLD_INSTANCES];
	struct probe probes[WORLD_PROBES]; /* even ones are near, odd ones far */
	void *far;

	/* set by the caller */
	void (*hook)(struct world *, struct probe *, struct probe_seen *); /* or NULL */
	enum stub_kind kind;
	stub_signature signature;
	struct instance *caller, *context;
	uint64_t words[STUB_MAX_PARAMS]; /* the target's arguments, in entry_native's form */
	unsigned nbound;		 /* of them the stub's own: bind */
	stub_signature expected;	 /* by the caller: ref */
	uint64_t result;		 /* raw */
	stub_value host_result;
	int host_error, convert_error, unbox_error;
	const stub_value *argv;
	size_t argc;
	void *exit_frame; /* before the call */

	/* seen */
	struct probe *reached;
	unsigned hits, converted, boxed, unboxed, raised;
	uint64_t *raised_in; /* the exit frame of the last raise */
	int64_t cell;

	uint64_t *bound; /* bind: what specs store, handed out in turn */
	unsigned next_bound;
};

static inline void check_arguments(const struct world *w, const struct probe_seen *seen)
{
	unsigned ni = 1, nf = 0, ns = 0;

	for (unsigned i = 0; i < stub_nparams(w->signature); i++) {
		enum stub_type type = stub_param(w->signature, i);
		uint64_t got = is_double_like(type)
				   ? (nf < 8 ? seen->floats[nf++] : seen->stack[ns++])
				   : (ni < 6 ? seen->ints[ni++] : seen->stack[ns++]);
		uint64_t mask = mask_of(type);
		assert_int_equal(got & mask, w->words[i] & mask);
	}
}

/* ---- The runtime --------------------------------------------------------------------------- */

static inline struct world *world_of(void *context)
{
	struct world *w = ((struct instance *)context)->world;

	assert_ptr_equal(context, w->context);
	return w;
}

/* Spoils all registers that a call may spoil, and sets the trap again, as the stub is near. */
static inline void spoil(void)
{
	__asm__ volatile("mov $0x6b6b6b6b, %%ecx\n\tmov %%rcx, %%rdx\n\tmov %%rcx, %%rsi\n\t"
			 "mov %%rcx, %%rdi\n\tmov %%rcx, %%r8\n\tmov %%rcx, %%r9\n\t"
			 "mov %%rcx, %%r10\n\tmov %%rcx, %%r11\n\tmovq %%rcx, %%xmm0\n\t"
			 "movq %%rcx, %%xmm1\n\tmovq %%rcx, %%xmm8" ::
			     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
			       "xmm8", "memory");
	if (probe_step) /* below the red zone */
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushf\n\torq %0, (%%rsp)\n\tpopf\n\t"
				 "lea 128(%%rsp), %%rsp" ::"i"(PROBE_TRAP)
				 : "memory", "cc");
}

static inline int world_convert(void *context, stub_signature s, const stub_value *argv,
				size_t argc, uint64_t *out)
{
	struct world *w = world_of(context);

	w->converted++;
	assert_int_equal(s, w->signature);
	assert_ptr_equal(argv, w->argv);
	assert_int_equal(argc, w->argc);
	assert_ptr_equal(w->activation.exit_frame, w->exit_frame);
	assert_int_equal((uintptr_t)out % 16, 0);
	memcpy(out, w->words, stub_nparams(s) * sizeof(*out));
	int error = w->convert_error;
	spoil();
	return error;
}

static inline stub_value world_box_i64(void *context, int64_t v)
{
	struct world *w = world_of(context);

	w->boxed++;
	w->cell = v;
	stub_value value = tagged(STUB_VALUE_BIGINT, (uintptr_t)&w->cell);
	spoil();
	return value;
}

static inline int world_unbox(void *context, enum stub_type type, stub_value v, uint64_t *out)
{
	struct world *w = world_of(context);

	w->unboxed++;
	assert_int_equal(type, stub_result(w->signature));
	assert_int_equal(v, w->host_result);
	*out = w->result;
	int error = w->unbox_error;
	spoil();
	return error;
}

static inline void world_raise(void *context)
{
	struct world *w = world_of(context);

	w->raised++;
	w->raised_in = w->activation.exit_frame;
	spoil();
}

static const struct stub_runtime world_runtime = { .convert = world_convert,
						   .box_i64 = world_box_i64,
						   .unbox = world_unbox,
						   .raise = world_raise };

/* ---- The target's side --------------------------------------------------------------------- */

static inline void check_host_call(struct world *w, struct probe_seen *seen)
{
	stub_value *argv = (stub_value *)(uintptr_t)seen->ints[1];
	unsigned n = stub_nparams(w->signature);

	assert_int_equal((uint32_t)seen->ints[2], n);
	for (unsigned i = 0; i < n; i++)
		check_value(stub_param(w->signature, i), argv[i], w->words[i]);
	argv[0] = w->host_result;
	seen->rax = (uint64_t)(unsigned)w->host_error;
	seen->xmm0 = 0x3333;
}

static inline void world_target(struct probe *p, struct probe_seen *seen)
{
	struct world *w = p->world;
	enum stub_kind kind = w->kind;
	bool exits = kind == STUB_EXIT_JS || kind == STUB_BUILTIN;

	w->reached = p;
	w->hits++;
	assert_int_equal((uintptr_t)seen->stack % 16, 0);
	assert_ptr_equal(seen->ints[0], kind == STUB_BUILTIN ? w->caller : w->context);
	if (has_frame(kind, w->signature, w->nbound)) {
		assert_int_equal(seen->frame[-1], kind);
		assert_ptr_equal(seen->frame[-2],
				 kind <= STUB_ENTRY_JS ? w->exit_frame : w->caller);
		assert_ptr_equal(w->activation.exit_frame, exits ? seen->frame : NULL);
	}
	if (kind == STUB_EXIT_JS) {
		check_host_call(w, seen);
	} else {
		check_arguments(w, seen);
		seen->rax = w->result | (0xdeadbeef00000000u & ~mask_of(stub_result(w->signature)));
		seen->xmm0 = seen->rax;
		if (is_double_like(stub_result(w->signature)))
			seen->rax = 0x4444;
	}
	if (w->hook)
		w->hook(w, p, seen);
}

/* ---- The caller's side --------------------------------------------------------------------- */

/* Calls an entry_js stub with given values; words and the rest of *w are set. */
static inline stub_value call_js(struct world *w, struct stub_callee *c, const stub_value *argv,
				 size_t argc)
{
	struct probe_regs regs;
	uint64_t words[1] = { argc }, stack[MAX_STACK];

	arrange(STUB_I64 << 8 | 1 << 3, words, (void *)(uintptr_t)argv, &regs, stack);
	w->argv = argv;
	w->argc = argc;
	probe_call(c, &regs);
	assert_int_equal(regs.intact, 1);
	assert_ptr_equal(w->activation.exit_frame, w->exit_frame);
	return regs.rax;
}

/* Calls any stub but entry_js; returns the raw result, cut to its type. */
static inline uint64_t call_raw(struct world *w, struct stub_callee *c)
{
	enum stub_type type = stub_result(w->signature);
	struct probe_regs regs;
	uint64_t stack[MAX_STACK], argv[STUB_MAX_PARAMS + 1];

	arrange_from(w->signature, w->nbound, w->words, w->caller, &regs, stack);
	regs.r13 = w->expected;
	if (w->kind == STUB_ENTRY_NATIVE) {
		memcpy(argv, w->words, sizeof(w->words));
		argv[stub_nparams(w->signature)] = 0;
		regs.ints[0] = (uintptr_t)argv;
		regs.nstack = 0;
	}
	probe_call(c, &regs);
	assert_int_equal(regs.intact, 1);
	assert_ptr_equal(w->activation.exit_frame,
			 w->kind == STUB_EXIT_JS || w->kind == STUB_BUILTIN ? NULL : w->exit_frame);
	if (type == STUB_VOID)
		return 0;
	if (w->kind == STUB_ENTRY_NATIVE)
		return argv[0]; /* zero-extended: not cut */
	return (is_double_like(type) ? regs.xmm0 : regs.rax) & mask_of(type);
}

/* A crossing's arguments and result, anew. bind: expect_spec. */
static inline void expect(struct world *w, enum stub_kind kind, stub_signature s,
			  struct instance *context, uint64_t *seed)
{
	enum stub_type type = stub_result(s);

	w->kind = kind;
	w->signature = w->expected = s;
	w->nbound = 0;
	w->context = context;
	w->caller = &w->instances[mixed(seed) % WORLD_INSTANCES];
	w->exit_frame = kind <= STUB_ENTRY_JS ? (void *)(uintptr_t)(mixed(seed) << 8) : NULL;
	w->activation.exit_frame = w->exit_frame;
	w->host_error = w->convert_error = w->unbox_error = 0;
	w->hits = w->converted = w->boxed = w->unboxed = w->raised = 0;
	w->reached = NULL;
	w->raised_in = NULL;
	for (unsigned i = 0; i < stub_nparams(s); i++)
		w->words[i] = random_word(stub_param(s, i), seed);
	w->result = random_word(type, seed);
	if (kind == STUB_EXIT_JS && is_double_like(type) && w->result >> 20 == 0x7fc)
		w->result = bits_of_float(1.5f); /* a NaN's payload does not survive a value */
	if (kind == STUB_EXIT_JS && type == STUB_F64 && w->result >> 48 == 0xfff8)
		w->result = bits_of(2.5);
	w->host_result = value_of(type, w->result, &w->cell);
}

static inline void expect_spec(struct world *w, const struct stub_spec *spec, uint64_t *seed)
{
	expect(w, spec->kind, spec->signature, spec->context, seed);
	w->nbound = spec->nbound;
	for (unsigned i = 0; i < spec->nbound; i++)
		w->words[i] = spec->bound[i];
}

/* One good crossing that must reach the probe. */
static inline void cross(struct world *w, struct stub_callee *c, const struct probe *p)
{
	enum stub_type type = stub_result(w->signature);

	if (w->kind == STUB_ENTRY_JS) {
		stub_value argv[STUB_MAX_PARAMS];
		int64_t cells[STUB_MAX_PARAMS];

		for (unsigned i = 0; i < stub_nparams(w->signature); i++) {
			enum stub_type t = stub_param(w->signature, i);
			argv[i] = value_of(t, w->words[i], &cells[i]);
			if (argv[i] == STUB_VALUE_NAN) /* payloads are not kept */
				w->words[i] = t == STUB_F64 ? STUB_VALUE_NAN : 0x7fc00000;
		}
		check_value(type, call_js(w, c, argv, stub_nparams(w->signature)), w->result);
		assert_int_equal(w->boxed, type == STUB_I64);
	} else {
		uint64_t got = call_raw(w, c);
		if (type != STUB_VOID)
			assert_int_equal(got, w->result & mask_of(type));
	}
	assert_int_equal(w->hits, 1);
	assert_ptr_equal(w->reached, p);
	assert_int_equal(w->converted + w->unboxed + w->raised, 0);
}

/* ---- Setting up ---------------------------------------------------------------------------- */

static inline void write_entry(uint8_t *at, struct probe *p)
{
	uintptr_t entry = (uintptr_t)probe_entry, name = (uintptr_t)p;

	memcpy(at, "\xf3\x0f\x1e\xfa\x48\xb8", 6); /* endbr64; mov rax, p */
	memcpy(at + 6, &name, 8);
	memcpy(at + 14, "\x49\xbb", 2); /* mov r11, probe_entry; jmp r11 */
	memcpy(at + 16, &entry, 8);
	memcpy(at + 24, "\x41\xff\xe3", 3);
}

static inline bool near_call_reaches(const void *from, const void *target)
{
	int64_t distance = (int64_t)((uintptr_t)target - (uintptr_t)from);

	return distance == (int32_t)distance;
}

static inline void world_open(struct world *w, struct code_memory *code)
{
	uintptr_t from, to;

	memset(w, 0, sizeof(*w));
	w->code = code;
	for (int i = 0; i < WORLD_INSTANCES; i++)
		w->instances[i] = (struct instance){ &w->activation, w };
	uint8_t *near = code_reserve(code, CODE_MODULES, WORLD_PROBES * WORLD_ENTRY);
	assert_non_null(near);
	code_range(code, CODE_STUBS, &from, &to);
	w->far = mmap((void *)(from - ((uintptr_t)16 << 30)), 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* a hint, which sanitizers allow */
	assert_true(w->far != MAP_FAILED);
	for (int i = 0; i < WORLD_PROBES; i++) {
		uint8_t *at = (i % 2 ? (uint8_t *)w->far : near) + i * WORLD_ENTRY;
		w->probes[i] = (struct probe){ w, at };
		write_entry(i % 2 ? at : code_writable(code, at), &w->probes[i]);
	}
	assert_int_equal(code_commit(code, near, WORLD_PROBES * WORLD_ENTRY), 0);
	assert_int_equal(mprotect(w->far, 4096, PROT_READ | PROT_EXEC), 0);
	assert_false(near_call_reaches((void *)from, w->far));
	assert_true(near_call_reaches((void *)from, near));
}

static inline void world_close(struct world *w)
{
	munmap(w->far, 4096);
	free(w->bound);
}

#endif
