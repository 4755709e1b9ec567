/* test_simulation.c - the statistics keep what they promise on data of known truth: intervals that
 * cover, false alarms of at most 5 %, and enough power. The seed is fixed, so chance has no say;
 * tests/simulate.c prints the whole table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/simulation.h"

enum { TRIALS = 2000 };

struct counts {
	unsigned covers, alarms, aa, power;
};

static struct counts try(enum form form, size_t runs, size_t n, double between)
{
	static struct simulated s;
	static struct unit base[2 * SIM_MOST];
	struct counts c = { 0 };
	struct estimate e;
	struct prng p;

	prng_seed(&p, 12);
	for (int t = 0; t < TRIALS; t++) {
		simulate(&p, form, runs, n, between, &s);
		size_t nbase = sim_baseline(&s, base);
		assert_int_equal(stats_ratio(s.units[0], s.n, base, nbase, &e), 0);
		c.alarms += stats_differs(&e);
		assert_int_equal(stats_ratio(s.units[2], s.n, s.units[1], s.n, &e), 0);
		c.aa += stats_differs(&e);
		for (size_t i = 0; i < s.n; i++)
			for (int j = 0; j < SIM_SAMPLES; j++)
				s.samples[0][i][j] *= 1.1;
		stats_ratio(s.units[0], s.n, base, nbase, &e);
		c.covers += e.low <= 1.1 && 1.1 <= e.high;
		c.power += stats_differs(&e);
	}
	return c;
}

/* At most 5 %, with three standard errors of TRIALS trials. */
static void expect_calm(const char *what, unsigned n, enum form form, size_t blocks)
{
	if (n > TRIALS * (0.05 + 3 * 0.0049))
		fail_msg("%s: %u of %d, %s, %zu blocks", what, n, TRIALS, form_names[form], blocks);
}

static void test_one_run(void **state)
{
	static const size_t sizes[] = { 5, 8, 10, 30 };

	(void)state;
	for (enum form form = 0; form < FORMS; form++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct counts c = try(form, 1, sizes[i], 0);
			expect_calm("false alarms", c.alarms, form, sizes[i]);
			expect_calm("A/A", c.aa, form, sizes[i]);
			expect_calm("does not cover", TRIALS - c.covers, form, sizes[i]);
			if (sizes[i] >= 10 && c.power < TRIALS * 3 / 4)
				fail_msg("10 %% is found in %u of %d, %s, %zu blocks", c.power,
					 TRIALS, form_names[form], sizes[i]);
		}
}

/* The interval holds the difference between runs, be it much or nothing. */
static void test_runs(void **state)
{
	static const double between[] = { 0, 0.015, 0.06 };

	(void)state;
	for (enum form form = 0; form < FORMS; form++)
		for (size_t i = 0; i < 3; i++) {
			struct counts c = try(form, 3, 10, between[i]);
			expect_calm("false alarms of three runs", c.alarms, form, 10);
			expect_calm("three runs: does not cover", TRIALS - c.covers, form, 10);
			if (!i && c.power < TRIALS * 2 / 3)
				fail_msg("three runs find 10 %% in %u of %d, %s", c.power, TRIALS,
					 form_names[form]);
		}
}

/* The blocks of one run can't tell what another run would say. */
static void test_one_run_is_not_three(void **state)
{
	struct counts c = try(LOGNORMAL, 1, 30, 0.06);

	(void)state;
	assert_true(c.alarms > TRIALS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_run),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_one_run_is_not_three),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
