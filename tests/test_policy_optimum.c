/*
 * test_policy_optimum.c - the optimum with hindsight against every plan that the model allows: at
 * each event of a small trace any batch is made or none, by trying them all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "measure/optimum.h"
#include "base/prng.h"

enum { STUBS = 4, EVENTS = 6 };

struct trace {
	struct policy_costs costs;
	unsigned events[EVENTS];
};

/* The least from event i on, with the stubs in `made` there. */
static double least(const struct trace *t, unsigned i, unsigned made)
{
	double best = INFINITY;

	if (i == EVENTS)
		return 0;
	for (unsigned after = made; after < 1u << STUBS; after++) {
		unsigned batch = after & ~made;

		if ((after & made) != made)
			continue;
		double ns = batch ? t->costs.batch + __builtin_popcount(batch) * t->costs.make : 0;
		ns += after >> t->events[i] & 1 ? t->costs.call : t->costs.generic;
		ns += least(t, i + 1, after);
		best = ns < best ? ns : best;
	}
	return best;
}

static void optimum_is_the_least_of_all_plans(void **state)
{
	struct prng g;

	(void)state;
	prng_seed(&g, 1);
	for (unsigned n = 0; n < 400; n++) {
		uint64_t calls[STUBS] = { 0 };
		struct trace t = { .costs = { .batch = prng_below(&g, 40),
					      .make = prng_below(&g, 20),
					      .call = prng_below(&g, 6),
					      .generic = prng_below(&g, 16) } };

		for (unsigned i = 0; i < EVENTS; i++)
			calls[t.events[i] = prng_below(&g, STUBS)]++;
		struct policy_optimum best = policy_optimum(&t.costs, calls, STUBS);
		assert_true(fabs(best.ns - least(&t, 0, 0)) < 1e-9);
	}
}

static void optimum_by_hand(void **state)
{
	const struct policy_costs c = { .batch = 100, .make = 30, .call = 3, .generic = 13 };
	const uint64_t seldom[] = { 0, 1, 2, 0 }, calls[] = { 0, 3, 4, 100 };

	(void)state;
	/* Three calls save 30, as much as their stub costs: not made.
	 * The batch pays by the last. */
	struct policy_optimum best = policy_optimum(&c, calls, 4);
	assert_int_equal(best.made, 2);
	assert_int_equal(best.interpreted, 1);
	assert_true(best.ns == 100 + 3 * 13 + (30 + 4 * 3) + (30 + 100 * 3));
	/* Nothing pays for a batch. */
	best = policy_optimum(&c, seldom, 4);
	assert_int_equal(best.made, 0);
	assert_int_equal(best.interpreted, 2);
	assert_true(best.ns == 3 * 13);
	/* Nothing is called: nothing is to be paid. */
	best = policy_optimum(&c, seldom, 1);
	assert_int_equal(best.made + best.interpreted, 0);
	assert_true(best.ns == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optimum_is_the_least_of_all_plans),
		cmocka_unit_test(optimum_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
