/*
 * test_policies.c - deferred strategies: which stubs a call makes under each policy, how many calls
 * are interpreted before, and that either answers as a stub does. Every deferred row of list.h,
 * every policy, K of 0, 1 and 3, every kind.
 */
#include <errno.h>

#include "running_helpers.h"
#include "stub_set_up.h"

static struct set_up *open_policy(const struct stub_ops *ops, struct code_config code,
				  enum stub_policy policy, uint32_t generic)
{
	struct set_up *t = calloc(1, sizeof(*t));
	struct stub_config stubs = { .markers = generic & 1, .policy = policy, .generic = generic };

	assert_non_null(t);
	t->seed = 7;
	assert_int_equal(code_open(&t->code, &code), 0);
	world_open(&t->w, t->code);
	assert_int_equal(stub_space_open(&t->space, ops, t->code, &stubs, &world_runtime), 0);
	return t;
}

static bool is_made(struct set_up *t, const struct stub_callee *c)
{
	return t->space.ops->made(&t->space, c);
}

/* ---- Answers ------------------------------------------------------------------------------ */

static const char *const texts[] = { ">",
				     "i>i",
				     "l>l",
				     "f>f",
				     "d>d",
				     "r>r",
				     "ilfdr>",
				     "ilfdr>d",
				     "iiiiii>l",
				     "lllllllll>i",
				     "ddddddddd>r",
				     "ilfdrilfdrilfdri>f",
				     "fffffffffil>l",
				     "rrrrrrrrrrrrrrrr>r" };
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

/* A callee through K interpreted calls, a retarget in their midst, and its stub. */
static void one_life(struct set_up *t, enum stub_kind kind, stub_signature s, uint32_t generic)
{
	const struct stub_ops *ops = t->space.ops;
	unsigned p = mixed(&t->seed) % (WORLD_PROBES - 2);
	struct stub_spec spec = spec_of(&t->w, kind, s, p, p % WORLD_INSTANCES);
	struct stub_callee c = { 0 };

	assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
	for (uint32_t i = 0; i < generic; i++) {
		call_one(t, &spec, &c, p + (i > 1));
		assert_false(is_made(t, &c));
		if (i == 1)
			assert_int_equal(ops->retarget(&t->space, &c, t->w.probes[p + 1].entry), 0);
	}
	p += generic > 1;
	/* rent may go on. */
	for (unsigned i = 0;
	     i < 4096 && (!i || t->space.config.policy == STUB_RENT) && !is_made(t, &c); i++)
		call_one(t, &spec, &c, p);
	assert_true(is_made(t, &c));
	call_one(t, &spec, &c, p);
	ops->release(&t->space, &c);
	assert_true(!c.code && !c.word);
}

static void answers_of(const struct stub_ops *ops, enum stub_policy policy, uint32_t generic)
{
	struct code_config config = { .wx = wx_of(generic), .quantum = 4096 };
	struct set_up *t = open_policy(ops, config, policy, generic);
	struct code_stats stats;

	for (unsigned round = 0; round < 4; round++)
		for (unsigned i = 0; i < TEXTS; i++)
			for (int kind = 0; kind < STUB_KINDS; kind++)
				one_life(t, kind, parsed(texts[i]), generic);
	code_get_stats(t->code, &stats);
	assert_int_equal(stats.used_literals, 0);
	close_set_up(t);
}

static void every_policy_answers(void **state)
{
	static const uint32_t generic[] = { 0, 1, 3 };

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int policy = 0; policy < STUB_POLICIES; policy++)
			for (unsigned k = 0; k < 3; k++)
				if (stub_strategies[i]->flags & STUB_DEFERRED)
					answers_of(stub_strategies[i], policy, generic[k]);
}

/* ---- Interpreted slow paths ----------------------------------------------------------------- */

static struct set_up *interpreter(struct stub_callee *c, struct stub_spec *spec,
				  enum stub_kind kind, const char *text)
{
	struct code_config config = { .quantum = 4096 };
	struct set_up *t = open_policy(stub_strategy("lazy+pool"), config, STUB_ONE, UINT32_MAX);

	*c = (struct stub_callee){ 0 };
	*spec = spec_of(&t->w, kind, parsed(text), 2, 1);
	assert_int_equal(t->space.ops->bind(&t->space, spec, c), 0);
	expect(&t->w, kind, spec->signature, spec->context, &t->seed);
	return t;
}

/* Too few arguments, and each of the wrong type, go to convert; its refusal is STUB_VALUE_ERROR. */
static void interpreted_arguments(void **state)
{
	(void)state;
	for (unsigned text = 0; text < TEXTS; text++)
		for (int bad = -1; bad < (int)stub_nparams(parsed(texts[text])); bad++)
			for (int error = 0; error < 2; error++) {
				struct stub_callee c;
				struct stub_spec spec;
				struct set_up *t =
				    interpreter(&c, &spec, STUB_ENTRY_JS, texts[text]);
				unsigned n = stub_nparams(spec.signature);
				stub_value argv[STUB_MAX_PARAMS + 1];
				int64_t cells[STUB_MAX_PARAMS];

				for (unsigned i = 0; i < n; i++)
					argv[i] = value_of(stub_param(spec.signature, i),
							   t->w.words[i], &cells[i]);
				if (bad >= 0)
					argv[bad] = tagged(STUB_VALUE_INT32, 0x100000001);
				t->w.convert_error = error;
				if (n) {
					stub_value v =
					    call_js(&t->w, &c, argv, bad < 0 ? n - 1 : n);
					if (error)
						assert_int_equal(v, tagged(STUB_VALUE_ERROR, 0));
					else
						check_value(stub_result(spec.signature), v,
							    t->w.result);
					assert_int_equal(t->w.hits, !error);
					assert_int_equal(t->w.converted, 1);
				}
				close_set_up(t);
			}
}

/* int32s do for floats; NaNs come out canonical. */
static void interpreted_numbers(void **state)
{
	static const int32_t ints[] = { 0, -1, 16777217, INT32_MIN };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bool wide = i & 1;
		struct stub_callee c;
		struct stub_spec spec;
		struct set_up *t = interpreter(&c, &spec, STUB_ENTRY_JS, wide ? "d>d" : "f>f");
		int32_t v = ints[i / 2];
		stub_value argv[1] = { tagged(STUB_VALUE_INT32, (uint32_t)v) };

		t->w.words[0] = wide ? bits_of((double)v) : bits_of_float((float)v);
		t->w.result = wide ? 0xfff0000000000001 : 0xff800001;
		assert_int_equal(call_js(&t->w, &c, argv, 1), STUB_VALUE_NAN);
		assert_int_equal(t->w.hits, 1);
		assert_int_equal(t->w.converted, 0);
		close_set_up(t);
	}
}

/* A host's error, and results of the wrong form. */
static void interpreted_host_errors(void **state)
{
	(void)state;
	for (unsigned text = 0; text < TEXTS; text++)
		for (int how = 0; how < 3; how++) {
			struct stub_callee c;
			struct stub_spec spec;
			struct set_up *t = interpreter(&c, &spec, STUB_EXIT_JS, texts[text]);
			enum stub_type type = stub_result(spec.signature);

			t->w.host_error = how == 0;
			if (how)
				t->w.host_result = tagged(STUB_VALUE_ERROR, 0);
			t->w.unbox_error = how == 2;
			bool failed = how == 0 || (how == 2 && type != STUB_VOID);
			assert_int_equal(call_raw(&t->w, &c), failed || type == STUB_VOID
								  ? 0
								  : t->w.result & mask_of(type));
			assert_int_equal(t->w.hits, 1);
			assert_int_equal(t->w.unboxed, how && type != STUB_VOID);
			assert_int_equal(t->w.raised, failed);
			close_set_up(t);
		}
}

/* Null and another signature raise, from a frame that a walk can cross. */
static void interpreted_references(void **state)
{
	(void)state;
	for (unsigned text = 0; text < TEXTS; text++)
		for (int null = 0; null < 2; null++) {
			struct stub_callee c;
			struct stub_spec spec;
			struct set_up *t = interpreter(&c, &spec, STUB_CALL_REF, texts[text]);

			if (null)
				assert_int_equal(t->space.ops->retarget(&t->space, &c, NULL), 0);
			else
				t->w.expected ^= 1u << 8;
			assert_int_equal(call_raw(&t->w, &c), 0);
			assert_int_equal(t->w.hits, 0);
			assert_int_equal(t->w.raised, 1);
			assert_int_equal(t->w.raised_in[-1], STUB_CALL_REF);
			assert_ptr_equal(t->w.raised_in[-2], t->w.caller);
			close_set_up(t);
		}
}

/* ---- Batches -------------------------------------------------------------------------------- */

enum { GROUPS = 12 };

/* Modules 0 and 1; tables 1 and 2, the second shared by both modules; three in no table. */
static const struct {
	uint32_t module, table;
} groups[GROUPS] = { { 0, 0 }, { 0, 1 }, { 0, 1 }, { 0, 2 }, { 0, 0 }, { 1, 0 },
		     { 1, 2 }, { 1, 2 }, { 1, 0 }, { 0, 1 }, { 1, 0 }, { 0, 0 } };

static bool grouped(enum stub_policy policy, unsigned called, unsigned i)
{
	switch (policy) {
	case STUB_ALL:
		return true;
	case STUB_TABLE:
		return i == called ||
		       (groups[called].table && groups[i].table == groups[called].table);
	case STUB_MODULE:
		return groups[i].module == groups[called].module;
	case STUB_SIGNATURE: /* all have one, each its kind */
		return i % STUB_KINDS == called % STUB_KINDS;
	default:
		return i == called;
	}
}

static void bind_groups(struct set_up *t, struct stub_spec *specs, struct stub_callee *c)
{
	for (unsigned i = 0; i < GROUPS; i++) {
		specs[i] = spec_of(&t->w, (int)i % STUB_KINDS, parsed("i>i"), i, 1);
		specs[i].module = groups[i].module;
		specs[i].table = groups[i].table;
		c[i] = (struct stub_callee){ 0 };
		assert_int_equal(t->space.ops->bind(&t->space, &specs[i], &c[i]), 0);
	}
}

static void batch_of(const struct stub_ops *ops, enum stub_policy policy, unsigned called)
{
	struct code_config config = { .quantum = 4096 };
	struct set_up *t = open_policy(ops, config, policy, 0);
	struct stub_spec specs[GROUPS];
	struct stub_callee c[GROUPS];

	bind_groups(t, specs, c);
	call_one(t, &specs[called], &c[called], called);
	for (unsigned i = 0; i < GROUPS; i++)
		assert_int_equal(is_made(t, &c[i]), grouped(policy, called, i));
	for (unsigned i = 0; i < GROUPS; i++)
		call_one(t, &specs[i], &c[i], i);
	for (unsigned i = 0; i < GROUPS; i++)
		assert_true(is_made(t, &c[i]));
	close_set_up(t);
}

static void batches_are_their_groups(void **state)
{
	static const enum stub_policy policies[] = { STUB_ALL, STUB_ONE, STUB_TABLE, STUB_MODULE,
						     STUB_SIGNATURE };

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (unsigned p = 0; p < sizeof(policies) / sizeof(policies[0]); p++)
			for (unsigned called = 0; called < GROUPS; called++)
				if (stub_strategies[i]->flags & STUB_DEFERRED)
					batch_of(stub_strategies[i], policies[p], called);
}

/* The K-th call of one callee does not count for another; a released callee's stub is not made. */
static void calls_are_counted_one_by_one(void **state)
{
	struct code_config config = { .quantum = 4096 };
	struct set_up *t = open_policy(stub_strategy("lazy+template"), config, STUB_MODULE, 2);
	struct stub_spec specs[GROUPS];
	struct stub_callee c[GROUPS];

	(void)state;
	bind_groups(t, specs, c);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < GROUPS; i++)
			call_one(t, &specs[i], &c[i], i);
	for (unsigned i = 0; i < GROUPS; i++)
		assert_false(is_made(t, &c[i]));
	t->space.ops->release(&t->space, &c[4]);
	call_one(t, &specs[0], &c[0], 0);
	for (unsigned i = 0; i < GROUPS; i++)
		assert_int_equal(i != 4 && is_made(t, &c[i]), i != 4 && groups[i].module == 0);
	assert_null(c[4].code);
	/* Bound again, it starts to count anew. */
	assert_int_equal(t->space.ops->bind(&t->space, &specs[4], &c[4]), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(is_made(t, &c[4]));
		call_one(t, &specs[4], &c[4], 4);
	}
	assert_true(is_made(t, &c[4]));
	close_set_up(t);
}

/* ---- No room --------------------------------------------------------------------------------- */

/* The batch finds no room, then the one does; or neither, and the call says so. */
static void faults_of(enum stub_policy policy, uint32_t generic)
{
	/* Reserves: the probes', the trigger's, the batch's, the one's, from there on all fail. */
	struct code_config config = { .quantum = 4096, .faults = "aafaF" };
	struct set_up *t = open_policy(stub_strategy("lazy+page"), config, policy, generic);
	struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed("i>i"), 0, 1);
	struct stub_spec entry = spec_of(&t->w, STUB_ENTRY_JS, parsed("i>i"), 2, 1);
	struct stub_callee c[3] = { 0 };
	int64_t cell;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(t->space.ops->bind(&t->space, &spec, &c[i]), 0);
	assert_int_equal(t->space.ops->bind(&t->space, &entry, &c[2]), 0);
	for (uint32_t i = 0; i < generic; i++)
		for (unsigned j = 0; j < 2; j++)
			call_one(t, &spec, &c[j], 0);
	if (policy == STUB_ONE) { /* the batch is it: reported, and tried again */
		expect(&t->w, spec.kind, spec.signature, spec.context, &t->seed);
		assert_int_equal(call_raw(&t->w, &c[0]), 0);
		assert_int_equal(t->w.raised, 1);
		assert_int_equal(t->w.hits, 0);
	}
	call_one(t, &spec, &c[0], 0);
	assert_true(is_made(t, &c[0]));
	expect(&t->w, spec.kind, spec.signature, spec.context, &t->seed);
	assert_int_equal(call_raw(&t->w, &c[1]), 0);
	assert_int_equal(t->w.raised, 1);
	assert_false(is_made(t, &c[1]));
	for (uint32_t i = 0; i < generic; i++)
		call_one(t, &entry, &c[2], 2);
	expect(&t->w, entry.kind, entry.signature, entry.context, &t->seed);
	assert_int_equal(
	    call_js(&t->w, &c[2], (stub_value[]){ value_of(STUB_I32, t->w.words[0], &cell) }, 1),
	    tagged(STUB_VALUE_ERROR, 0));
	assert_int_equal(t->w.hits, 0);
	call_one(t, &spec, &c[0], 0);
	close_set_up(t);
}

static void no_room_is_reported(void **state)
{
	(void)state;
	for (uint32_t generic = 0; generic < 3; generic++) {
		faults_of(STUB_ALL, generic);
		faults_of(STUB_ONE, generic);
		faults_of(STUB_MODULE, generic);
	}
}

static void unknown_policy_is_refused(void **state)
{
	struct code_config config = { .quantum = 4096 };
	struct stub_config stubs = { .policy = STUB_POLICIES };
	struct code_memory *code;
	struct stub_space space;

	(void)state;
	assert_int_equal(code_open(&code, &config), 0);
	assert_int_equal(
	    stub_space_open(&space, stub_strategy("lazy+pool"), code, &stubs, &world_runtime),
	    -EINVAL);
	code_close(code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_answers),
		cmocka_unit_test(interpreted_arguments),
		cmocka_unit_test(interpreted_numbers),
		cmocka_unit_test(interpreted_host_errors),
		cmocka_unit_test(interpreted_references),
		cmocka_unit_test(batches_are_their_groups),
		cmocka_unit_test(calls_are_counted_one_by_one),
		cmocka_unit_test(no_room_is_reported),
		cmocka_unit_test(unknown_policy_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
