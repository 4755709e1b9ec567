/*
 * test_stubs_life.c - strategies over time: ten thousand random operations against a model, stubs
 * nested in one another and walked, code memory that runs out, bulk, space, and callers that run
 * while a target is replaced. stub_world.h says how calls are made.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "stub_world.h"

void probe_target(void *probe, struct probe_seen *seen)
{
	world_target(probe, seen);
}

struct set_up {
	struct code_memory *code;
	struct stub_space space;
	struct world w;
	uint64_t seed;
};

static struct set_up *open_set_up(const struct stub_ops *ops, struct code_config config,
				  enum stub_literals literals)
{
	struct set_up *t = calloc(1, sizeof(*t));
	struct stub_config stubs = { literals, true, false };

	assert_non_null(t);
	t->seed = 7;
	assert_int_equal(code_open(&t->code, &config), 0);
	world_open(&t->w, t->code);
	assert_int_equal(stub_space_open(&t->space, ops, t->code, &stubs, &world_runtime), 0);
	return t;
}

static void close_set_up(struct set_up *t)
{
	stub_space_close(&t->space);
	world_close(&t->w);
	code_close(t->code);
	free(t);
}

static stub_signature parsed(const char *text)
{
	stub_signature s;

	assert_int_equal(stub_signature_parse(text, &s), 0);
	return s;
}

static stub_signature some_signature(uint64_t r)
{
	static const char *const texts[] = { ">",	   "i>i",   "l>l",	     "d>d",
					     "r>r",	   "ff>f",  "iiiiiiii>",     "ilfdr>i",
					     "llllllll>r", "dil>d", "ddddddddddd>l", "rrr>f" };
	return parsed(texts[r % (sizeof(texts) / sizeof(texts[0]))]);
}

/* ---- A model -------------------------------------------------------------------------------- */

enum { MODEL = 100, OPERATIONS = 10000 };

struct model {
	struct callee c[MODEL];
	struct stub_spec specs[MODEL];
	unsigned probes[MODEL];
	bool bound[MODEL];
};

static void model_bind(struct set_up *t, struct model *m, unsigned i)
{
	uint64_t r = mixed(&t->seed);
	const struct stub_ops *ops = t->space.ops;

	m->probes[i] = r % WORLD_PROBES;
	m->specs[i] = spec_of(&t->w, (int)(r >> 8 & 0xff) % STUB_KINDS, some_signature(r >> 16),
			      m->probes[i], (r >> 32) % WORLD_INSTANCES);
	if (ops->prepare && r >> 63)
		assert_int_equal(ops->prepare(&t->space, &m->specs[i], 1), 0);
	assert_int_equal(ops->bind(&t->space, &m->specs[i], &m->c[i]), 0);
	m->bound[i] = true;
}

static void model_step(struct set_up *t, struct model *m)
{
	uint64_t r = mixed(&t->seed);
	unsigned i = (unsigned)(r >> 32) % MODEL;

	if (!m->bound[i]) {
		model_bind(t, m, i);
		return;
	}
	switch (r % 8) {
	case 0:
	case 1:
		m->probes[i] = (unsigned)(r >> 8) % WORLD_PROBES;
		assert_int_equal(
		    t->space.ops->retarget(&t->space, &m->c[i], t->w.probes[m->probes[i]].entry),
		    0);
		break;
	case 2:
		t->space.ops->release(&t->space, &m->c[i]);
		assert_true(!m->c[i].code && !m->c[i].word);
		m->bound[i] = false;
		break;
	default:
		expect(&t->w, m->specs[i].kind, m->specs[i].signature, m->specs[i].context,
		       &t->seed);
		cross(&t->w, &m->c[i], &t->w.probes[m->probes[i]]);
	}
}

static void random_operations(void **state)
{
	static const uint32_t quanta[] = { 4096, 16384, 65536 };

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++) {
		const struct stub_ops *ops = stub_strategies[i];

		for (int literals = 0; literals < 2; literals++) {
			if (!(ops->flags & (literals ? STUB_CAN_TABLE : STUB_CAN_BAKE)))
				continue;
			struct code_config config = { .wx = (int)i % CODE_WX_POLICIES,
						      .quantum = quanta[i % 3] };
			struct set_up *t = open_set_up(ops, config, literals);
			struct model *m = calloc(1, sizeof(*m));
			struct code_stats stats;

			assert_non_null(m);
			for (unsigned n = 0; n < OPERATIONS; n++)
				model_step(t, m);
			for (unsigned j = 0; j < MODEL; j++)
				if (m->bound[j])
					ops->release(&t->space, &m->c[j]);
			code_get_stats(t->code, &stats);
			assert_int_equal(stats.used_literals, 0);
			free(m);
			close_set_up(t);
		}
	}
}

/* ---- Nesting -------------------------------------------------------------------------------- */

enum { DEPTH = 14 };

/* Which kind is called at each depth: from the host entries, from compiled code the others. */
static const enum stub_kind chain[DEPTH] = { STUB_ENTRY_JS, STUB_EXIT_JS,  STUB_ENTRY_NATIVE,
					     STUB_INDIRECT, STUB_BUILTIN,  STUB_ENTRY_NATIVE,
					     STUB_INDIRECT, STUB_INDIRECT, STUB_EXIT_JS,
					     STUB_ENTRY_JS, STUB_BUILTIN,  STUB_ENTRY_JS,
					     STUB_INDIRECT, STUB_EXIT_JS };

struct nest {
	struct world w; /* first: the hook gets its address */
	struct callee callees[DEPTH];
	struct stub_spec specs[DEPTH];
	uint64_t *frames[DEPTH];
	unsigned depth;
	uint64_t seed;
};

/* From the newest exit, over the callers' frames to the entry, from there to the exit before. */
static void walk(const struct nest *nest)
{
	const uint64_t *frame = nest->w.activation.exit_frame;
	unsigned depth = DEPTH;

	while (depth > 0) {
		const uint64_t *expected = nest->frames[--depth];
		unsigned steps = 0;

		while (frame != expected && steps++ < 64)
			frame = (const uint64_t *)(uintptr_t)frame[0];
		assert_ptr_equal(frame, expected);
		assert_int_equal(frame[-1], chain[depth]);
		if (chain[depth] <= STUB_ENTRY_JS)
			frame = (const uint64_t *)(uintptr_t)frame[-2];
	}
	assert_null(frame);
}

static void go_deeper(struct world *w, struct probe *p, struct probe_seen *seen)
{
	struct nest *nest = (struct nest *)w;
	struct world *saved = malloc(sizeof(*saved));
	unsigned depth = nest->depth++;

	(void)p;
	assert_non_null(saved);
	nest->frames[depth] = seen->frame;
	if (nest->depth == DEPTH) {
		walk(nest);
	} else {
		void *exit_frame = w->activation.exit_frame;
		const struct stub_spec *spec = &nest->specs[nest->depth];

		*saved = *w;
		expect(w, spec->kind, spec->signature, spec->context, &nest->seed);
		w->activation.exit_frame = w->exit_frame = exit_frame;
		cross(w, &nest->callees[nest->depth], &w->probes[nest->depth]);
		assert_ptr_equal(w->activation.exit_frame, exit_frame);
		*w = *saved;
	}
	nest->depth--;
	free(saved);
}

static void nest_with(const struct stub_ops *ops, enum code_wx wx)
{
	struct code_config config = { .wx = wx, .quantum = 4096 };
	struct stub_config stubs = { .defaults = true };
	struct code_memory *code;
	struct stub_space space;
	struct nest *nest = calloc(1, sizeof(*nest));

	assert_non_null(nest);
	assert_int_equal(code_open(&code, &config), 0);
	world_open(&nest->w, code);
	assert_int_equal(stub_space_open(&space, ops, code, &stubs, &world_runtime), 0);
	nest->w.hook = go_deeper;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < DEPTH; i++) {
			nest->specs[i] =
			    spec_of(&nest->w, chain[i], some_signature(mixed(&nest->seed)), i,
				    i % WORLD_INSTANCES);
			assert_int_equal(ops->bind(&space, &nest->specs[i], &nest->callees[i]), 0);
		}
		expect(&nest->w, chain[0], nest->specs[0].signature, nest->specs[0].context,
		       &nest->seed);
		nest->w.activation.exit_frame = nest->w.exit_frame = NULL;
		cross(&nest->w, &nest->callees[0], &nest->w.probes[0]);
		assert_int_equal(nest->depth, 0);
		for (unsigned i = 0; i < DEPTH; i++)
			ops->release(&space, &nest->callees[i]);
	}
	stub_space_close(&space);
	world_close(&nest->w);
	code_close(code);
	free(nest);
}

static void nested_kinds_can_be_walked(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			nest_with(stub_strategies[i], wx);
}

/* ---- No room -------------------------------------------------------------------------------- */

enum { MANY = 4096 };

static bool untouched(const struct callee *c, size_t n)
{
	static const struct callee zero;

	for (size_t i = 0; i < n; i++)
		if (memcmp(&c[i], &zero, sizeof(zero)) != 0)
			return false;
	return true;
}

static void call_indirect(struct set_up *t, struct stub_spec *spec, struct callee *c,
			  unsigned probe)
{
	expect(&t->w, spec->kind, spec->signature, spec->context, &t->seed);
	cross(&t->w, c, &t->w.probes[probe]);
}

static void bind_until_full(const struct stub_ops *ops)
{
	struct code_config config = { .quantum = 4096, .limit_stubs = 4 * 4096 };
	struct set_up *t = open_set_up(ops, config, ops->literals);
	struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed("il>i"), 2, 1);
	struct callee *c = calloc(MANY, sizeof(*c));
	unsigned n = 0;

	assert_non_null(c);
	while (n < MANY && ops->bind(&t->space, &spec, &c[n]) == 0)
		n++;
	assert_true(n > 1 && n < MANY);
	assert_true(untouched(&c[n], 1));
	for (unsigned i = 0; i < n; i++)
		call_indirect(t, &spec, &c[i], 2);
	ops->release(&t->space, &c[n / 2]);
	assert_int_equal(ops->bind(&t->space, &spec, &c[n]), 0);
	call_indirect(t, &spec, &c[n], 2);
	call_indirect(t, &spec, &c[0], 2);
	free(c);
	close_set_up(t);
}

static void full_code_memory_is_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		if (!(stub_strategies[i]->flags & (STUB_DIRECT | STUB_DEFERRED)))
			bind_until_full(stub_strategies[i]);
}

/* A pending stub can't be made: the call says so, and the next one tries again. */
static void deferred_failure(const struct stub_ops *ops, enum stub_kind kind)
{
	struct code_config config = { .quantum = 4096, .faults = "aaff" };
	struct set_up *t = open_set_up(ops, config, ops->literals);
	struct stub_spec spec = spec_of(&t->w, kind, parsed("il>i"), 4, 1);
	struct callee c = { 0 };

	assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
	expect(&t->w, kind, spec.signature, spec.context, &t->seed);
	if (kind == STUB_ENTRY_JS) {
		assert_int_equal(call_js(&t->w, &c, NULL, 0), tagged(VALUE_ERROR, 0));
	} else {
		t->w.exit_frame = t->w.activation.exit_frame = NULL;
		t->w.raised = 0;
		assert_int_equal(call_raw(&t->w, &c), 0);
		assert_int_equal(t->w.raised, 1);
	}
	assert_int_equal(t->w.hits, 0);
	call_indirect(t, &spec, &c, 4);
	ops->release(&t->space, &c);
	close_set_up(t);
}

static void deferred_failures_are_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int kind = 0; kind < STUB_KINDS; kind++)
			if (stub_strategies[i]->flags & STUB_DEFERRED)
				deferred_failure(stub_strategies[i], kind);
}

/* A batch that does not fit still makes the one that was called, if there is room for that. */
static void deferred_batch_too_large(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++) {
		const struct stub_ops *ops = stub_strategies[i];
		struct code_config config = { .quantum = 4096, .limit_stubs = 4 * 4096 };

		if (!(ops->flags & STUB_DEFERRED))
			continue;
		struct set_up *t = open_set_up(ops, config, ops->literals);
		struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed("il>i"), 2, 1);
		struct callee *c = calloc(MANY, sizeof(*c));

		assert_non_null(c);
		for (unsigned n = 0; n < MANY; n++)
			assert_int_equal(ops->bind(&t->space, &spec, &c[n]), 0);
		ops->release(&t->space, &c[MANY - 1]);
		assert_int_equal(ops->retarget(&t->space, &c[MANY - 2], t->w.probes[5].entry), 0);
		call_indirect(t, &spec, &c[MANY - 2], 5);
		for (unsigned n = 0; n < MANY - 2; n += 3)
			ops->release(&t->space, &c[n]);
		call_indirect(t, &spec, &c[MANY - 2], 5);
		call_indirect(t, &spec, &c[MANY - 3], 2);
		free(c);
		close_set_up(t);
	}
}

/* ---- Bulk ----------------------------------------------------------------------------------- */

struct bulk {
	struct callee c[MANY];
	struct callee *pointers[MANY];
	struct stub_spec specs[MANY];
};

static struct bulk *new_bulk(struct set_up *t, const char *signature)
{
	struct bulk *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	for (unsigned i = 0; i < MANY; i++) {
		b->pointers[i] = &b->c[i];
		b->specs[i] = spec_of(&t->w, signature ? STUB_INDIRECT : (int)i % STUB_KINDS,
				      signature ? parsed(signature) : some_signature(i / 5),
				      i % WORLD_PROBES, i % WORLD_INSTANCES);
	}
	return b;
}

static void call_all(struct set_up *t, struct bulk *b, unsigned step)
{
	for (unsigned i = 0; i < MANY; i += step)
		call_indirect(t, &b->specs[i], &b->c[i], i % WORLD_PROBES);
}

/* One by one, whatever fails on the way; then calls each. */
static void bind_some(struct set_up *t, struct bulk *b, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		for (unsigned tries = 0; !b->c[i].code; tries++) {
			assert_true(tries < 8);
			(void)t->space.ops->bind(&t->space, &b->specs[i], &b->c[i]);
		}
	for (unsigned i = from; i < to; i++)
		call_indirect(t, &b->specs[i], &b->c[i], i % WORLD_PROBES);
}

static void bulk_with_faults(const struct stub_ops *ops, const char *faults)
{
	struct code_config config = { .quantum = 4096, .faults = faults };
	struct set_up *t;
	struct code_stats stats;

	/* The test's own targets take the first reserve. */
	t = open_set_up(ops, config, ops->literals);
	struct bulk *b = new_bulk(t, NULL);
	bind_some(t, b, 0, 1);
	for (unsigned tries = 0; ops->bind_many(&t->space, b->specs + 1, b->pointers + 1, MANY - 1);
	     tries++) {
		assert_true(tries < strlen(faults));
		assert_true(untouched(b->c + 1, MANY - 1));
		code_get_stats(t->code, &stats);
		assert_in_range(stats.used_literals, 0, 32);
		bind_some(t, b, 1, 30);
		for (unsigned i = 1; i < 30; i++)
			ops->release(&t->space, &b->c[i]);
	}
	call_all(t, b, 7);
	for (unsigned i = 0; i < MANY; i += 2)
		ops->release(&t->space, &b->c[i]);
	for (unsigned i = 0; i < MANY; i += 2)
		assert_int_equal(ops->bind(&t->space, &b->specs[i], &b->c[i]), 0);
	call_all(t, b, 3);
	free(b);
	close_set_up(t);
}

static void bulk_is_all_or_nothing(void **state)
{
	static const char *const faults[] = { "a",   "af",   "aaf",   "aaaf",
					      "aff", "aaff", "aaaff", "aaaaff" };

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (unsigned j = 0; j < sizeof(faults) / sizeof(faults[0]); j++)
			if (stub_strategies[i]->bind_many)
				bulk_with_faults(stub_strategies[i], faults[j]);
}

/* All in one run would be too much; with the places given back there is room. */
static void bulk_into_released_places(void **state)
{
	const struct stub_ops *ops = stub_strategy("template");
	struct code_config config = { .quantum = 4096, .limit_stubs = 2 * 4096 };
	struct set_up *t = open_set_up(ops, config, STUB_LITERALS_TABLE);
	struct bulk *b = new_bulk(t, "i>i");
	struct code_stats stats;
	unsigned n = 0;

	(void)state;
	do {
		assert_int_equal(ops->bind(&t->space, &b->specs[n], &b->c[n]), 0);
		n++;
		code_get_stats(t->code, &stats);
	} while (stats.used_stubs < 4096);
	for (unsigned i = 0; i < n; i++)
		ops->release(&t->space, &b->c[i]);
	b->specs[0].kind = STUB_EXIT_JS;
	assert_int_equal(ops->bind_many(&t->space, b->specs, b->pointers, n + 2), 0);
	for (unsigned i = 0; i < n + 2; i++)
		call_indirect(t, &b->specs[i], &b->c[i], i % WORLD_PROBES);
	free(b);
	close_set_up(t);
}

/* ---- Space ---------------------------------------------------------------------------------- */

/* Proportional set size of an address range, as the kernel has it. */
static size_t pss_between(uintptr_t from, uintptr_t to)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kib;
	size_t sum = 0;
	bool inside = false;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start >= from && end <= to;
		else if (inside && sscanf(line, "Pss: %lu kB", &kib) == 1)
			sum += kib * 1024;
	}
	fclose(f);
	return sum;
}

static void space_of(const struct stub_ops *ops, uint32_t quantum)
{
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .quantum = quantum }, ops->literals);
	struct bulk *b = new_bulk(t, "i>i");
	struct code_stats before, after;
	uintptr_t from, to, literals, literals_end;
	int error = 0;

	code_range(t->code, CODE_STUBS, &from, &to);
	code_range(t->code, CODE_LITERALS, &literals, &literals_end);
	code_get_stats(t->code, &before);
	if (ops->bind_many)
		error = ops->bind_many(&t->space, b->specs, b->pointers, MANY);
	for (unsigned i = 0; !ops->bind_many && i < MANY && !error; i++)
		error = ops->bind(&t->space, &b->specs[i], &b->c[i]);
	assert_int_equal(error, 0);
	call_all(t, b, 1);
	code_get_stats(t->code, &after);
	size_t pss = pss_between(from, to) + pss_between(literals, literals_end);
	size_t committed = after.committed_stubs + after.used_literals;
	print_message("%-14s quantum %5u: %7.1f committed %7.1f PSS %7.1f used B/stub, %llu "
		      "syscalls\n",
		      ops->name, quantum, (double)committed / MANY, (double)pss / MANY,
		      (double)(after.used_stubs + after.used_literals) / MANY,
		      (unsigned long long)(after.syscalls - before.syscalls));
	if (strcmp(ops->name, "pool") == 0) {
		assert_true(committed <= 64 * MANY);
		assert_true(pss <= 64 * MANY);
	}
	if (ops->bind_many)
		assert_true(after.syscalls - before.syscalls <= 8);
	free(b);
	close_set_up(t);
}

static void space_at_4096_live(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++) {
		space_of(stub_strategies[i], 4096);
		space_of(stub_strategies[i], 65536);
	}
}

/* ---- Callers that run ----------------------------------------------------------------------- */

struct runner {
	struct callee c;
	struct instance *context;
	const atomic_bool *stop;
	atomic_ulong calls, wrong;
};

static void *run(void *arg)
{
	struct runner *r = arg;
	struct probe_regs regs;
	uint64_t stack[MAX_STACK];

	while (!atomic_load(r->stop)) {
		arrange(STUB_I32, NULL, r->context, &regs, stack);
		probe_call(&r->c, &regs);
		if (((uint32_t)regs.rax != 1 && (uint32_t)regs.rax != 2) || !regs.intact)
			atomic_fetch_add(&r->wrong, 1);
		atomic_fetch_add(&r->calls, 1);
	}
	return NULL;
}

static void retarget_while_running(const struct stub_ops *ops, enum code_wx wx,
				   enum stub_literals literals)
{
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, literals);
	atomic_bool stop = false;
	struct runner r = { .context = &t->w.instances[1], .stop = &stop };
	uint8_t *near = code_reserve(t->code, CODE_MODULES, 64);
	pthread_t thread;

	assert_non_null(near);
	for (unsigned i = 0; i < 2; i++) /* mov eax, 1 or 2; ret */
		memcpy((uint8_t *)code_writable(t->code, near) + 32 * i,
		       i ? "\xb8\x02\0\0\0\xc3" : "\xb8\x01\0\0\0\xc3", 6);
	assert_int_equal(code_commit(t->code, near, 64), 0);
	struct stub_spec spec = { STUB_INDIRECT, parsed(">i"), near, r.context };
	assert_int_equal(ops->bind(&t->space, &spec, &r.c), 0);
	if (ops->flags & STUB_DEFERRED) { /* its first call is a hook of the space */
		struct probe_regs regs;
		uint64_t stack[MAX_STACK];

		arrange(STUB_I32, NULL, r.context, &regs, stack);
		probe_call(&r.c, &regs);
	}
	assert_int_equal(pthread_create(&thread, NULL, run, &r), 0);
	for (unsigned i = 1; i < 4000 || atomic_load(&r.calls) < 1000; i++)
		assert_int_equal(ops->retarget(&t->space, &r.c, near + i % 2 * 32), 0);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&r.wrong), 0);
	close_set_up(t);
}

static void targets_change_under_callers(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int literals = 0; literals < 2; literals++) {
				const struct stub_ops *ops = stub_strategies[i];
				bool baked = literals == STUB_LITERALS_BAKED;

				/* A patch under toggle needs callers that stand still. */
				if (baked && wx == CODE_TOGGLE)
					continue;
				if (ops->flags & (baked ? STUB_CAN_BAKE : STUB_CAN_TABLE))
					retarget_while_running(ops, wx, literals);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
		cmocka_unit_test(nested_kinds_can_be_walked),
		cmocka_unit_test(full_code_memory_is_reported),
		cmocka_unit_test(deferred_failures_are_reported),
		cmocka_unit_test(deferred_batch_too_large),
		cmocka_unit_test(bulk_is_all_or_nothing),
		cmocka_unit_test(bulk_into_released_places),
		cmocka_unit_test(space_at_4096_live),
		cmocka_unit_test(targets_change_under_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
