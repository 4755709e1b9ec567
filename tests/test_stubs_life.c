/*
 * test_stubs_life.c - strategies over time: ten thousand random operations against a model, and
 * stubs nested in one another and walked.
 */
#include "arms.h"
#include "running_helpers.h"
#include "stub_set_up.h"

/* ---- A model -------------------------------------------------------------------------------- */

enum { MODEL = 100, OPERATIONS = 10000 };

struct model {
	struct stub_callee c[MODEL];
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
		expect_spec(&t->w, &m->specs[i], &t->seed);
		cross(&t->w, &m->c[i], &t->w.probes[m->probes[i]]);
	}
}

static void random_operations(void **state)
{
	static const uint32_t quanta[] = { 4096, 16384, 65536 };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		const struct stub_ops *ops = stub_strategies[i];

		for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++) {
			if (!takes(ops, literals))
				continue;
			struct code_config config = { .wx = wx_of(i), .quantum = quanta[i % 3] };
			struct set_up *t = open_set_up(ops, config, literals, true);
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

enum { DEPTH = 18 };

/* Which kind is called at each depth: from the host entries, from compiled code the others. */
static const enum stub_kind chain[DEPTH] = { STUB_ENTRY_JS, STUB_EXIT_JS,  STUB_ENTRY_NATIVE,
					     STUB_INDIRECT, STUB_BUILTIN,  STUB_ENTRY_NATIVE,
					     STUB_INDIRECT, STUB_BIND,	   STUB_INDIRECT,
					     STUB_EXIT_JS,  STUB_ENTRY_JS, STUB_CALL_REF,
					     STUB_BUILTIN,  STUB_ENTRY_JS, STUB_INDIRECT,
					     STUB_BIND,	    STUB_CALL_REF, STUB_EXIT_JS };

struct nest {
	struct world w; /* first: the hook gets its address */
	struct stub_callee callees[DEPTH];
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
		const struct stub_spec *spec = &nest->specs[depth];
		if (has_frame(spec->kind, spec->signature, spec->nbound)) /* else its caller's */
			assert_int_equal(frame[-1], spec->kind);
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
		expect_spec(w, spec, &nest->seed);
		w->activation.exit_frame = w->exit_frame = exit_frame;
		cross(w, &nest->callees[nest->depth], &w->probes[nest->depth]);
		assert_ptr_equal(w->activation.exit_frame, exit_frame);
		*w = *saved;
	}
	nest->depth--;
	free(saved);
}

static void nest_with(const struct stub_ops *ops, enum code_wx wx, uint32_t generic)
{
	struct code_config config = { .wx = wx, .quantum = 4096 };
	struct stub_config stubs = { .generic = generic };
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
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (uint32_t generic = 0; can_open(wx) && generic < 2; generic++)
				if (!generic || stub_strategies[i]->flags & STUB_DEFERRED)
					nest_with(stub_strategies[i], wx, generic);
}

/* Between the two lies a quantum that nobody holds: no single change of protection covers both. */
static void apart(const struct stub_ops *ops, enum code_wx wx, enum stub_literals literals)
{
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, literals, false);
	struct stub_callee c[3] = { 0 }, *ends[2] = { &c[0], &c[2] };
	const void *targets[2] = { t->w.probes[4].entry, t->w.probes[6].entry };
	struct stub_spec specs[3];
	size_t done = 0;

	for (unsigned i = 0; i < 3; i++) {
		specs[i] = spec_of(&t->w, STUB_BUILTIN, parsed("il>l"), 2 * i, 1);
		assert_int_equal(ops->bind(&t->space, &specs[i], &c[i]), 0);
		call_one(t, &specs[i], &c[i], 2 * i);
	}
	ops->release(&t->space, &c[1]);
	assert_int_equal(stub_retarget_many(&t->space, ends, targets, 2, &done), 0);
	assert_int_equal(done, 2);
	call_one(t, &specs[0], &c[0], 4);
	call_one(t, &specs[2], &c[2], 6);
	close_set_up(t);
}

static void many_may_lie_apart(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++)
				if (takes(stub_strategies[i], literals) && can_open(wx))
					apart(stub_strategies[i], wx, literals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_may_lie_apart),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(nested_kinds_can_be_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
