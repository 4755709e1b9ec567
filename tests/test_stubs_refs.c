/*
 * test_stubs_refs.c - the kinds behind function references, under every strategy: bind with each
 * number of stored arguments, ref with the references that must not be called.
 */
#include <errno.h>

#include "arms.h"
#include "running_helpers.h"
#include "stub_set_up.h"

/* In turn: each type stored into a register; integers, floats and both pushed out to the stack;
 * stored ones that belong there; stack arguments that stay where they are. */
static const char *const texts[] = {
	"i>i",
	"l>l",
	"f>f",
	"d>d",
	"r>r",
	"ilfd>d",
	"dfli>r",
	"rrrr>",
	"iiiiii>i",
	"lllllll>l",
	"rdrdrdrd>r",
	"ddddddddd>d",
	"fffffffff>f",
	"iiiiiddddddddl>d",
	"llllldddddddddll>l",
	"ddddlllllll>l",
	"iffffffffffff>f",
	"llllllllllllllll>l",
	"ffffffffffffffff>f",
	"ilfdrilfdrilfdri>f",
	"dldldldldldldldl>l",
	"fififififififi>",
	"iiiiiiir>i",
};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

/* No call here goes to a stub that was released. */
static void released(const struct stub_owner *owner)
{
	fail_msg("%p was released", owner->code);
}

/* Still callers or running ones, and these with poison: a retarget may then move the stub. */
static void in_every_mode(void (*test)(struct set_up *), const struct stub_ops *ops,
			  struct stub_config config)
{
	struct stub_runtime runtime = world_runtime;

	runtime.released = released;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
		for (int mode = 0; mode < (can_run(wx) ? 3 : can_open(wx)); mode++) {
			config.running = mode > 0;
			config.poison = mode > 1;
			struct set_up *t =
			    open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096 },
					   config, &runtime);
			test(t);
			close_set_up(t);
		}
}

static void in_every_form(void (*test)(struct set_up *))
{
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int markers = 0; markers < 2; markers++)
			for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++)
				if (takes(stub_strategies[i], literals))
					in_every_mode(test, stub_strategies[i],
						      (struct stub_config){ .literals = literals,
									    .markers = markers });
}

/* All were released. */
static void nothing_is_left(struct set_up *t)
{
	struct code_stats stats;

	if (t->space.ops->reclaim)
		t->space.ops->reclaim(&t->space);
	code_get_stats(t->code, &stats);
	if (!t->space.config.poison) /* which keeps them a while */
		assert_int_equal(stats.used_literals, 0);
}

static void retarget_it(struct set_up *t, struct stub_callee *c, const void *target)
{
	assert_int_equal(t->space.ops->retarget(&t->space, c, target), 0);
	assert_ptr_equal(c->target, target);
}

/* ---- bind ----------------------------------------------------------------------------------- */

static struct stub_spec bind_of(struct set_up *t, stub_signature s, unsigned n, unsigned probe)
{
	struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, s, probe, probe % WORLD_INSTANCES);

	spec.kind = STUB_BIND;
	bind_words(&t->w, &spec, n);
	return spec;
}

/* Two of the same shape with other values live side by side, through targets near and far. */
static void bind_counts(struct set_up *t)
{
	const struct stub_ops *ops = t->space.ops;
	const bool whole = !strcmp(ops->name, "page") || !strcmp(ops->name, "template");
	struct code_stats stats;

	for (unsigned i = 0; i < TEXTS; i++) {
		stub_signature s = parsed(texts[i]);

		for (unsigned n = 1; n <= STUB_MAX_BOUND && n <= stub_nparams(s); n++) {
			struct stub_spec a = bind_of(t, s, n, 2 * i % 40), b = bind_of(t, s, n, 3);
			struct stub_callee c = { 0 }, d = { 0 };

			assert_int_equal(ops->bind(&t->space, &a, &c), 0);
			assert_int_equal(ops->bind(&t->space, &b, &d), 0);
			for (unsigned probe = 2 * i % 40; probe < 2 * i % 40 + 4; probe++) {
				retarget_it(t, &c, t->w.probes[probe].entry);
				call_one(t, &a, &c, probe);
				call_one(t, &b, &d, 3);
			}
			code_get_stats(t->code, &stats);
			if (whole && t->space.config.literals == STUB_LITERALS_TABLE &&
			    !t->space.config.poison)
				assert_int_equal(stats.used_literals, 2 * (16 + 8 * n));
			ops->release(&t->space, &c);
			call_one(t, &b, &d, 3);
			ops->release(&t->space, &d);
		}
	}
	nothing_is_left(t);
}

static void every_count_is_bound(void **state)
{
	(void)state;
	in_every_form(bind_counts);
}

/* One after another, so that literals beside a stub would run into the next one's. */
static void neighbours_keep_their_arguments(void **state)
{
	enum { EACH = 8, COUNT = TEXTS * EACH };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		const struct stub_ops *ops = stub_strategies[i];
		struct set_up *t = open_set_up(ops, (struct code_config){ .quantum = 4096 },
					       STUB_LITERALS_TABLE, false);
		struct stub_spec specs[COUNT];
		struct stub_callee c[COUNT] = { 0 };

		for (unsigned j = 0; j < COUNT; j++) {
			stub_signature s = parsed(texts[j / EACH]);
			unsigned most = stub_nparams(s) < 4 ? stub_nparams(s) : 4;

			specs[j] = bind_of(t, s, 1 + j % most, j % 40);
			assert_int_equal(ops->bind(&t->space, &specs[j], &c[j]), 0);
		}
		for (unsigned j = 0; j < COUNT; j++)
			call_one(t, &specs[j], &c[j], j % 40);
		for (unsigned j = 0; j < COUNT; j += 2)
			ops->release(&t->space, &c[j]);
		for (unsigned j = 1; j < COUNT; j += 2)
			call_one(t, &specs[j], &c[j], j % 40);
		close_set_up(t);
	}
}

static void bad_counts_are_refused(void **state)
{
	static const struct {
		enum stub_kind kind;
		const char *signature;
		unsigned n;
	} bad[] = { { STUB_BIND, "iiiiii>i", 0 },     { STUB_BIND, "iiiiii>i", 5 },
		    { STUB_BIND, "i>i", 2 },	      { STUB_BIND, ">", 1 },
		    { STUB_INDIRECT, "ii>i", 1 },     { STUB_CALL_REF, "ii>i", 1 },
		    { STUB_ENTRY_NATIVE, "ii>i", 1 }, { STUB_BIND, "ii>i", UINT32_MAX } };
	const uint64_t words[8] = { 0 };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		const struct stub_ops *ops = stub_strategies[i];
		struct set_up *t = open_set_up(ops, (struct code_config){ .quantum = 4096 },
					       STUB_LITERALS_OWN, false);

		for (unsigned j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			struct stub_spec spec =
			    spec_of(&t->w, STUB_INDIRECT, parsed(bad[j].signature), 0, 0);
			struct stub_callee c = { 0 };

			spec.kind = bad[j].kind;
			spec.bound = words;
			spec.nbound = bad[j].n;
			assert_int_equal(ops->bind(&t->space, &spec, &c), -ENOTSUP);
			if (ops->prepare)
				assert_int_equal(ops->prepare(&t->space, &spec, 1), -ENOTSUP);
			assert_true(!c.code && !c.word);
		}
		close_set_up(t);
	}
}

/* ---- ref ------------------------------------------------------------------------------------ */

/* A call that must raise: once, from a frame that a walk can cross, with zero as its result. */
static void call_raises(struct set_up *t, struct stub_spec *spec, struct stub_callee *c,
			stub_signature expected)
{
	struct world *w = &t->w;

	expect_spec(w, spec, &t->seed);
	w->expected = expected;
	assert_int_equal(call_raw(w, c), 0);
	assert_int_equal(w->hits, 0);
	assert_int_equal(w->raised, 1);
	assert_non_null(w->raised_in);
	assert_int_equal(w->raised_in[-1], STUB_CALL_REF);
	assert_ptr_equal(w->raised_in[-2], w->caller);
}

static void ref_checks(struct set_up *t)
{
	const struct stub_ops *ops = t->space.ops;

	for (unsigned i = 0; i < TEXTS; i++) {
		stub_signature s = parsed(texts[i]), other = parsed(texts[(i + 1) % TEXTS]);
		struct stub_spec spec = spec_of(&t->w, STUB_CALL_REF, s, i % 2, i % 4);
		struct stub_callee c = { 0 };

		assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
		call_raises(t, &spec, &c, other); /* deferred: its first call */
		call_one(t, &spec, &c, i % 2);
		for (unsigned bit = 0; bit < 64; bit += 1 + i % 3)
			call_raises(t, &spec, &c, s ^ (uint64_t)1 << bit);
		retarget_it(t, &c, t->w.probes[3].entry);
		call_one(t, &spec, &c, 3);
		call_raises(t, &spec, &c, other);
		ops->release(&t->space, &c);
	}
}

static void other_signatures_raise(void **state)
{
	(void)state;
	in_every_form(ref_checks);
}

/* A null reference becomes a function, near or far, and null again. */
static void null_checks(struct set_up *t)
{
	const struct stub_ops *ops = t->space.ops;

	for (unsigned i = 0; i < TEXTS; i++) {
		stub_signature s = parsed(texts[i]);
		struct stub_spec spec = spec_of(&t->w, STUB_CALL_REF, s, 0, i % 4);
		struct stub_callee c = { 0 };

		spec.target = NULL;
		assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
		assert_true(c.code && c.word && !c.target && c.context == spec.context);
		call_raises(t, &spec, &c, s);
		call_raises(t, &spec, &c, s + 1);
		for (unsigned probe = i; probe < i + 4; probe++) {
			retarget_it(t, &c, t->w.probes[probe].entry);
			call_one(t, &spec, &c, probe);
			if (probe % 2)
				continue;
			retarget_it(t, &c, NULL);
			call_raises(t, &spec, &c, s);
		}
		ops->release(&t->space, &c);
		assert_null(c.code);
	}
	nothing_is_left(t);
}

static void null_references_raise(void **state)
{
	(void)state;
	in_every_form(null_checks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_count_is_bound),
		cmocka_unit_test(neighbours_keep_their_arguments),
		cmocka_unit_test(bad_counts_are_refused),
		cmocka_unit_test(other_signatures_raise),
		cmocka_unit_test(null_references_raise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
