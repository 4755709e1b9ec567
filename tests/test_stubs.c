/*
 * test_stubs.c - every row of stub_strategies held to the contract of stub.h: each kind, signature,
 * W^X policy, quantum, literal form and marker; calls, retargets, releases, slow paths and errors.
 * stub_world.h says how calls are made and what the sanitizers do not see.
 */
#include <errno.h>

#include "arms.h"
#include "running_helpers.h"
#include "stub_slow.h"

/* ---- Signatures ---------------------------------------------------------------------------- */

enum { NSIGNATURES = 80 };

static unsigned all_signatures(stub_signature out[NSIGNATURES])
{
	static const char *const texts[] = {
		">",
		">i",
		">l",
		">f",
		">d",
		">r",
		"i>",
		"l>",
		"f>",
		"d>",
		"r>",
		"i>i",
		"l>l",
		"f>f",
		"d>d",
		"r>r",
		"ilfdr>l",
		"rdfli>r",
		"iiiii>i",
		"iiiiii>i",
		"lllllll>l",
		"rrrrrrr>r",
		"iiiiiiiiiiiiiiii>i",
		"llllllllllllllll>l",
		"ffffffffffffffff>f",
		"dddddddddddddddd>d",
		"rrrrrrrrrrrrrrrr>r",
		"ddddddddd>d",
		"fffffffff>f",
		"ddddddddi>i",
		"iiiiidddddddddl>d",
		"ilfdrilfdrilfdri>f",
		"dldldldldldldldl>l",
		"fififififififi>",
		"fffffffffil>r",
	};
	uint64_t seed = 42;
	unsigned n = 0;

	for (; n < sizeof(texts) / sizeof(texts[0]); n++)
		assert_int_equal(stub_signature_parse(texts[n], &out[n]), 0);
	for (unsigned i = 0; i < 40; i++, n++) {
		unsigned params = mixed(&seed) % (STUB_MAX_PARAMS + 1);
		out[n] = mixed(&seed) % STUB_TYPES | params << 3;
		for (unsigned j = 0; j < params; j++)
			out[n] |= (mixed(&seed) % 5 + 1) << (8 + 3 * j);
	}
	return n;
}

/* ---- Conformance --------------------------------------------------------------------------- */

static void retarget_it(struct set_up *t, struct stub_callee *c, unsigned probe)
{
	const void *target = t->w.probes[probe].entry;

	assert_int_equal(t->space.ops->retarget(&t->space, c, target), 0);
	assert_ptr_equal(c->target, target);
}

static void live_one(struct set_up *t, enum stub_kind kind, stub_signature s)
{
	const struct stub_ops *ops = t->space.ops;
	unsigned p = mixed(&t->seed) % (WORLD_PROBES - 8);
	struct stub_spec spec = spec_of(&t->w, kind, s, p, p % WORLD_INSTANCES);
	struct stub_spec other = spec_of(&t->w, kind, s, p + 7, (p + 1) % WORLD_INSTANCES);
	struct stub_callee c = { 0 }, d = { 0 };

	if (ops->prepare && p % 2)
		assert_int_equal(ops->prepare(&t->space, &spec, 1), 0);
	assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
	assert_int_equal(ops->bind(&t->space, &other, &d), 0);
	assert_true(c.code && c.word && c.target == spec.target && c.context == spec.context);
	retarget_it(t, &d, p + 6);
	call_one(t, &spec, &c, p);
	call_one(t, &spec, &c, p);
	call_one(t, &other, &d, p + 6);
	const void *code = c.code;
	for (unsigned i = 1; i < 4; i++) {
		retarget_it(t, &c, p + i);
		call_one(t, &spec, &c, p + i);
		call_one(t, &other, &d, p + 6);
		if (t->space.config.literals == STUB_LITERALS_TABLE)
			assert_ptr_equal(c.code, code);
	}
	ops->release(&t->space, &c);
	assert_true(!c.code && !c.word);
	call_one(t, &other, &d, p + 6);
	ops->release(&t->space, &d);
	assert_true(!d.code && !d.word);
}

/* Every kind and signature lives once, the same each time. */
static void one_round(struct set_up *t, const stub_signature *signatures, unsigned n,
		      struct code_stats *stats)
{
	t->seed = 1;
	t->w.next_bound = 0;
	for (unsigned i = 0; i < n; i++)
		for (int kind = 0; kind < STUB_KINDS; kind++)
			live_one(t, kind, signatures[i]);
	code_get_stats(t->code, stats);
}

static void conform(const struct stub_ops *ops, struct code_config config,
		    enum stub_literals literals, bool markers)
{
	stub_signature signatures[NSIGNATURES];
	unsigned n = all_signatures(signatures);
	struct code_stats first, second;
	struct set_up *t = open_set_up(ops, config, literals, markers);

	one_round(t, signatures, n, &first);
	one_round(t, signatures, n, &second);
	assert_int_equal(first.used_literals, 0);
	/* Released memory is used again; only shared code is left. */
	assert_int_equal(first.used_stubs, second.used_stubs);
	assert_int_equal(first.quanta_stubs, second.quanta_stubs);
	if (strcmp(ops->name, "page") == 0)
		assert_int_equal(first.quanta_stubs, 0);
	if (strcmp(ops->name, "page") == 0 || strcmp(ops->name, "template") == 0)
		assert_int_equal(first.used_stubs, 0);
	close_set_up(t);
}

/* For each strategy each pair of policy, quantum, form and markers occurs; but for each form only
 * half of the pairs of policy and quantum, and the other half for the next strategy. */
static void every_form_conforms(void **state)
{
	static const uint32_t quanta[] = { 4096, 16384, 65536, CODE_LARGE_QUANTUM };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (unsigned wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (unsigned form = STUB_LITERALS_BAKED; form < FORMS; form++)
				for (unsigned markers = 0; markers < 2; markers++) {
					const unsigned q = i + wx + form + 2 * markers;
					struct code_config config = { .wx = wx,
								      .quantum = quanta[q % 4] };

					if (takes(stub_strategies[i], form) && can_open(wx))
						conform(stub_strategies[i], config, form, markers);
				}
}

/* ---- Slow paths and errors ------------------------------------------------------------------ */

static void slow_paths_of(const struct stub_ops *ops, enum stub_literals literals)
{
	static const char *const texts[] = { "i>i",
					     "l>l",
					     "f>f",
					     "d>d",
					     "r>r",
					     "ilfdr>d",
					     "iiiiiiiii>l",
					     "dddddddddd>r",
					     "rlrlrlrlf>f",
					     "i>",
					     "ilfdrilfdrilfdri>f" };
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .quantum = 4096 }, literals, false);

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		stub_signature s = parsed(texts[i]);

		for (unsigned probe = 2; probe < 4; probe++) {
			struct stub_spec entry = spec_of(&t->w, STUB_ENTRY_JS, s, probe, 1);
			struct stub_spec leave = spec_of(&t->w, STUB_EXIT_JS, s, probe, 2);
			struct stub_callee c = { 0 }, d = { 0 };

			assert_int_equal(ops->bind(&t->space, &entry, &c), 0);
			assert_int_equal(ops->bind(&t->space, &leave, &d), 0);
			wrong_types_are_converted(t, &c, s, entry.context);
			numbers_are_converted(t, &c, s, entry.context);
			host_errors_are_raised(t, &d, s, leave.context);
			ops->release(&t->space, &c);
			ops->release(&t->space, &d);
		}
	}
	close_set_up(t);
}

static void slow_paths_and_errors(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++)
			if (takes(stub_strategies[i], literals))
				slow_paths_of(stub_strategies[i], literals);
}

/* ---- What is refused ------------------------------------------------------------------------ */

static void bad_specs_are_refused(void **state)
{
	const stub_signature bad[] = { 7, 1 << 3, 1 << 3 | 7 << 8, 31 << 3 };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		const struct stub_ops *ops = stub_strategies[i];
		struct set_up *t = open_set_up(ops, (struct code_config){ .quantum = 4096 },
					       STUB_LITERALS_OWN, false);

		for (unsigned j = 0; j < 5; j++) {
			struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed(">i"), 0, 0);
			struct stub_callee c = { 0 };

			spec.signature = j < 4 ? bad[j] : spec.signature;
			spec.kind = j < 4 ? spec.kind : STUB_KINDS;
			assert_int_equal(ops->bind(&t->space, &spec, &c), -ENOTSUP);
			if (ops->prepare)
				assert_int_equal(ops->prepare(&t->space, &spec, 1), -ENOTSUP);
			assert_true(!c.code && !c.word);
		}
		close_set_up(t);
	}
}

static void binds_exactly(const struct stub_ops *ops, const struct stub_runtime *runtime,
			  unsigned kinds)
{
	struct code_config config = { .quantum = 4096 };
	struct stub_config stubs = { 0 };
	struct set_up *t = open_set_up(ops, config, STUB_LITERALS_OWN, false);
	struct stub_space space;
	bool opens = runtime->raise || !(ops->flags & STUB_DEFERRED);

	assert_int_equal(stub_space_open(&space, ops, t->code, &stubs, runtime),
			 opens ? 0 : -EINVAL);
	for (int kind = 0; opens && kind < STUB_KINDS; kind++) {
		struct stub_spec spec = spec_of(&t->w, kind, parsed("il>i"), 2, 1);
		struct stub_callee c = { 0 };
		int wanted = kinds >> kind & 1 ? 0 : -EINVAL;

		if (ops->prepare)
			assert_int_equal(ops->prepare(&space, &spec, 1), wanted);
		assert_int_equal(ops->bind(&space, &spec, &c), wanted);
		assert_int_equal(!c.code, wanted != 0);
		if (wanted)
			continue;
		call_one(t, &spec, &c, 2);
		ops->release(&space, &c);
	}
	stub_space_close(&space);
	close_set_up(t);
}

/* A kind's stubs are made exactly where the runtime has the functions that they call. */
static void missing_functions_are_refused(void **state)
{
	const struct stub_runtime all = world_runtime;
	const struct {
		struct stub_runtime runtime;
		unsigned kinds; /* 1 << kind: the kinds that do without the missing function */
	} cases[] = {
		{ { NULL },
		  1 << STUB_ENTRY_NATIVE | 1 << STUB_INDIRECT | 1 << STUB_BUILTIN |
		      1 << STUB_BIND },
		{ { NULL, all.box_i64, all.unbox, all.raise, NULL }, ~(1u << STUB_ENTRY_JS) },
		{ { all.convert, NULL, all.unbox, all.raise, NULL }, ~(1u << STUB_ENTRY_JS) },
		{ { all.convert, all.box_i64, NULL, all.raise, NULL }, ~(1u << STUB_EXIT_JS) },
		{ { all.convert, all.box_i64, all.unbox, NULL, NULL },
		  ~(1u << STUB_EXIT_JS | 1u << STUB_CALL_REF) },
	};

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (unsigned j = 0; j < sizeof(cases) / sizeof(cases[0]); j++)
			binds_exactly(stub_strategies[i], &cases[j].runtime, cases[j].kinds);
}

static void bad_rows_are_refused(void **state)
{
	struct code_config config = { .quantum = 4096 };
	struct code_memory *code;
	struct stub_space space;

	(void)state;
	assert_int_equal(code_open(&code, &config), 0);
	struct stub_ops ops = *stub_strategy("pool");
	struct stub_config stubs = { .literals = STUB_LITERALS_BAKED };
	assert_int_equal(stub_space_open(&space, &ops, code, &stubs, &world_runtime), -EINVAL);
	stubs.literals = STUB_LITERALS_OWN;
	assert_int_equal(stub_space_open(&space, &ops, code, &stubs, &world_runtime), 0);
	assert_int_equal(space.config.literals, STUB_LITERALS_TABLE);
	stub_space_close(&space);
	ops.bind_many = NULL;
	assert_int_equal(stub_space_open(&space, &ops, code, &stubs, &world_runtime), -EINVAL);
	ops.flags &= ~STUB_BULK;
	assert_int_equal(stub_space_open(&space, &ops, code, &stubs, &world_runtime), 0);
	stub_space_close(&space);
	ops.release = NULL;
	assert_int_equal(stub_space_open(&space, &ops, code, &stubs, &world_runtime), -EINVAL);
	code_close(code);
	assert_null(stub_strategy("poool"));
	assert_ptr_equal(stub_strategy("null"), stub_strategies[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_conforms),
		cmocka_unit_test(slow_paths_and_errors),
		cmocka_unit_test(bad_specs_are_refused),
		cmocka_unit_test(missing_functions_are_refused),
		cmocka_unit_test(bad_rows_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
