/*
 * runtime.c - the functions that programs call, and the host through which programs nest.
 *
 *      compiled code -> pad -> builtin stub (exit frame) -> rt_alloc (C) -> collector
 *      gc_step -> pad -> exit_js stub (exit frame) -> host_hop (C) -> pad -> entry stub -> gc_step
 *      gc_step -> pad -> indirect stub (changes the instance) -> gc_step
 *
 * Programs name the functions as plain external symbols: the loader's hook answers with a pad,
 * which calls through the callee, so that a strategy may bind and rebind it as it likes.
 */
#include "gc/runtime.h"

#include "workloads/gc.h"

#include <errno.h>
#include <string.h>

static struct gc_runtime *runtime_of(struct gc_instance *i)
{
	return i->runtime;
}

/* ---- Called by compiled code, through builtin stubs ------------------------------------------ */

static void *rt_alloc(struct gc_instance *i, uint32_t nrefs, uint32_t nbytes)
{
	struct gc_runtime *r = runtime_of(i);
	void *object = collector_alloc(r->collector, nrefs, nbytes);

	if (!object)
		guard_abandon(&r->guard);
	return object;
}

static void rt_collect(struct gc_instance *i)
{
	struct gc_runtime *r = runtime_of(i);

	if (collector_collect(r->collector))
		guard_abandon(&r->guard);
}

static void rt_emit(struct gc_instance *i, uint64_t v)
{
	struct gc_runtime *r = runtime_of(i);

	r->answer = gc_mix(r->answer, v);
}

/* ---- The host in between --------------------------------------------------------------------- */

/* Converts a pad's address to a function pointer, by copying its bytes. */
#define PAD_AS(r, boundary, function)                                    \
	do {                                                             \
		const void *p_ = (r)->pads + STUB_CALL_PAD * (boundary); \
		memcpy(&(function), &p_, sizeof(p_));                    \
	} while (0)

static const stub_value ref_tag = (stub_value)STUB_VALUE_REF << 48;
static const stub_value int_tag = (stub_value)STUB_VALUE_INT32 << 48;

static void *step_native(struct gc_runtime *r, void *ref, uint32_t depth)
{
	uint64_t argv[2] = { (uintptr_t)ref, depth };
	void (*enter)(uint64_t *);

	PAD_AS(r, GC_STEP_NATIVE, enter);
	enter(argv);
	return (void *)(uintptr_t)argv[0];
}

static void *step_js(struct gc_runtime *r, void *ref, uint32_t depth)
{
	stub_value argv[2] = { ref_tag | (uintptr_t)ref, int_tag | depth };
	stub_value (*enter)(stub_value *, size_t);

	PAD_AS(r, GC_STEP_JS, enter);
	return (void *)(uintptr_t)(enter(argv, 2) << 16 >> 16);
}

/* Host function of the exit stub: its own references are handles while it collects. */
static int host_hop(void *context, stub_value *argv, size_t argc)
{
	struct gc_instance *i = context;
	struct gc_runtime *r = runtime_of(i);
	struct collector_handle h = { r->collector->handles,
				      (void *)(uintptr_t)(argv[0] << 16 >> 16) };
	uint32_t depth = (uint32_t)argv[1];

	if (argc != 2)
		return -1;
	r->hops++;
	r->collector->handles = &h;
	rt_collect(i);
	h.ref = (depth & 2 ? step_native : step_js)(r, h.ref, depth);
	rt_collect(i);
	r->collector->handles = h.next;
	argv[0] = ref_tag | (uintptr_t)h.ref;
	return 0;
}

/* ---- Boundaries ------------------------------------------------------------------------------ */

struct boundary_row {
	const char *symbol; /* that programs call; NULL: this file calls it */
	enum stub_kind kind;
	const char *signature;
	const char *target; /* a function of the module; NULL: one of this file */
	unsigned instance;
};

static const struct boundary_row rows[GC_BOUNDARIES] = {
	[GC_ALLOC] = { "rt_alloc", STUB_BUILTIN, "ii>r", NULL, 0 },
	[GC_EMIT] = { "rt_emit", STUB_BUILTIN, "l>", NULL, 0 },
	[GC_COLLECT] = { "rt_collect", STUB_BUILTIN, ">", NULL, 0 },
	[GC_POLL] = { "rt_poll", STUB_BUILTIN, ">", NULL, 0 },
	[GC_HOP] = { "rt_hop", STUB_EXIT_JS, "ri>r", NULL, 0 },
	[GC_CROSS] = { "rt_cross", STUB_INDIRECT, "ri>r", "gc_step", 1 },
	[GC_STEP_NATIVE] = { NULL, STUB_ENTRY_NATIVE, "ri>r", "gc_step", 1 },
	[GC_STEP_JS] = { NULL, STUB_ENTRY_JS, "ri>r", "gc_step", 1 },
	[GC_MAIN] = { NULL, STUB_ENTRY_NATIVE, "i>l", "gc_main", 0 },
};

/* Converts a function's address to a data pointer for stub_spec, by copying its bytes. */
#define ADDRESS_OF(function, out)                         \
	do {                                              \
		__typeof__(&(function)) f_ = &(function); \
		memcpy(&(out), &f_, sizeof(out));         \
	} while (0)

static const void *own_target(enum gc_boundary b)
{
	const void *p = NULL;

	if (b == GC_ALLOC)
		ADDRESS_OF(rt_alloc, p);
	else if (b == GC_EMIT)
		ADDRESS_OF(rt_emit, p);
	else if (b == GC_COLLECT || b == GC_POLL)
		ADDRESS_OF(rt_collect, p);
	else if (b == GC_HOP)
		ADDRESS_OF(host_hop, p);
	return p;
}

int gc_runtime_bind(struct gc_runtime *r, struct stub_space *space, const struct loaded *module)
{
	struct stub_spec specs[GC_BOUNDARIES];
	struct stub_callee *callees[GC_BOUNDARIES];
	size_t n = 0;
	int err = 0;

	for (unsigned b = 0; b < GC_BOUNDARIES; b++) {
		const struct boundary_row *row = &rows[b];
		const void *target = row->target ? loaded_address(module, row->target)
						 : own_target((enum gc_boundary)b);

		if (!target && b == GC_MAIN)
			return -ENOENT;
		if (!target) /* a program that does not nest has no gc_step */
			continue;
		specs[n] = (struct stub_spec){ .kind = row->kind,
					       .target = target,
					       .context = &r->instances[row->instance] };
		stub_signature_parse(row->signature, &specs[n].signature);
		callees[n++] = &r->callees[b];
	}
	if (space->ops->prepare)
		err = space->ops->prepare(space, specs, n);
	for (size_t i = 0; i < n && !err; i++)
		err = space->ops->bind(space, &specs[i], callees[i]);
	return err;
}

void gc_runtime_release(struct gc_runtime *r, struct stub_space *space)
{
	for (unsigned b = 0; r->callees && b < GC_BOUNDARIES; b++)
		if (r->callees[b].code)
			space->ops->release(space, &r->callees[b]);
}

const void *gc_runtime_resolve(void *arg, const char *symbol, enum load_use use)
{
	struct gc_runtime *r = arg;
	const void *p = NULL;

	(void)use;
	for (unsigned b = 0; b < GC_BOUNDARIES; b++)
		if (rows[b].symbol && !strcmp(symbol, rows[b].symbol))
			return r->pads + STUB_CALL_PAD * b;
	if (!strcmp(symbol, "rt_poll_flag"))
		return (const void *)(uintptr_t)r->poll_flag;
	if (!strcmp(symbol, "rt_self"))
		return r->self;
	/* Leaf functions that LLVM inserts calls of. */
	if (!strcmp(symbol, "memcpy"))
		ADDRESS_OF(memcpy, p);
	else if (!strcmp(symbol, "memmove"))
		ADDRESS_OF(memmove, p);
	else if (!strcmp(symbol, "memset"))
		ADDRESS_OF(memset, p);
	return p;
}

/* ---- Life ------------------------------------------------------------------------------------ */

int gc_runtime_open(struct gc_runtime *r, struct code_memory *code)
{
	const size_t size = GC_BOUNDARIES * STUB_CALL_PAD;

	memset(r, 0, sizeof(*r));
	r->code = code;
	for (unsigned i = 0; i < 2; i++) {
		r->instances[i].host.head.activation = &r->host.activation;
		r->instances[i].host.host = &r->host;
		r->instances[i].runtime = r;
	}
	r->callees = code_data(code, GC_BOUNDARIES * sizeof(*r->callees));
	r->poll_flag = code_data(code, sizeof(*r->poll_flag));
	r->self = code_data(code, sizeof(*r->self));
	if (!r->callees || !r->poll_flag || !r->self)
		return -ENOMEM;
	*r->self = &r->instances[0];
	r->pads = code_reserve(code, CODE_MODULES, size);
	if (!r->pads)
		return -errno;
	uint8_t *write = code_writable(code, r->pads);
	for (unsigned b = 0; b < GC_BOUNDARIES; b++)
		stub_call_pad(write + STUB_CALL_PAD * b, &r->callees[b]);
	int err = code_commit(code, r->pads, size);
	if (err) {
		code_release(code, r->pads, size);
		r->pads = NULL;
	}
	return err;
}

void gc_runtime_close(struct gc_runtime *r)
{
	if (r->pads)
		code_release(r->code, r->pads, GC_BOUNDARIES * STUB_CALL_PAD);
	r->pads = NULL;
}

void gc_runtime_main(struct gc_runtime *r, uint32_t size)
{
	uint64_t argv[1] = { size };
	void (*enter)(uint64_t *);

	PAD_AS(r, GC_MAIN, enter);
	enter(argv);
	r->answer = gc_mix(r->answer, argv[0]);
}
