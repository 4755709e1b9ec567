/* test_stats.c - the statistics against distributions whose answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/prng.h"
#include "analysis/stats.h"
#include "analysis/student.h"

enum { ITERATIONS = 9 };

/* Roughly normal: the sum of twelve uniforms. */
static double normal(struct prng *p)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += prng_unit(p);
	return sum;
}

/* Invocations of log-normal values: `between` and `within` are the spreads of the logarithm. */
static struct unit *units(struct prng *p, size_t n, double centre, double between, double within,
			  const double *shared)
{
	struct unit *u = calloc(n, sizeof *u);

	assert_non_null(u);
	for (size_t i = 0; i < n; i++) {
		double own = log(centre) + between * normal(p) + (shared ? shared[i] : 0);
		u[i].n = ITERATIONS;
		u[i].block = (uint32_t)i;
		u[i].samples = calloc(ITERATIONS, sizeof(double));
		assert_non_null(u[i].samples);
		for (size_t j = 0; j < ITERATIONS; j++)
			u[i].samples[j] = exp(own + within * normal(p));
	}
	return u;
}

static void drop(struct unit *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(u[i].samples);
	free(u);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* An invocation's value: of every small multiset, odd and even. */
static void test_median(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 6; n++)
		for (unsigned x = 0; x < 1u << (2 * n); x++) {
			double samples[6], sorted[6];
			struct unit u = { .samples = samples, .n = n };
			struct estimate e;
			for (size_t i = 0; i < n; i++)
				sorted[i] = samples[i] = x >> (2 * i) & 3;
			qsort(sorted, n, sizeof *sorted, ascending);
			assert_int_equal(stats_value(&u, 1, &e), 0);
			assert_true(e.value == (sorted[(n - 1) / 2] + sorted[n / 2]) / 2);
		}
}

static void test_value_covers(void **state)
{
	struct prng p;
	unsigned covered = 0;
	enum { TRIALS = 100, N = 10 };

	(void)state;
	prng_seed(&p, 1);
	for (int t = 0; t < TRIALS; t++) {
		struct unit *u = units(&p, N, 100, 0.05, 0.02, NULL);
		struct estimate e;
		assert_int_equal(stats_value(u, N, &e), 0);
		assert_true(e.known && e.interval && e.low <= e.value && e.value <= e.high);
		covered += e.low <= 100 && 100 <= e.high;
		assert_in_range(e.n, N, N);
		drop(u, N);
	}
	assert_in_range(covered, 90, 100);
}

static void test_ratio_covers(void **state)
{
	struct prng p;
	unsigned covered = 0, found = 0;
	enum { TRIALS = 100, N = 8 };

	(void)state;
	prng_seed(&p, 2);
	for (int t = 0; t < TRIALS; t++) {
		double weather[N]; /* what a block does to both arms: pairing must take it out */
		for (size_t i = 0; i < N; i++)
			weather[i] = 0.5 * normal(&p);
		struct unit *a = units(&p, N, 130, 0.02, 0.02, weather);
		struct unit *b = units(&p, N, 100, 0.02, 0.02, weather);
		struct estimate e, apart;
		assert_int_equal(stats_ratio(a, N, b, N, &e), 0);
		assert_int_equal(stats_ratio_apart(a, N, b, N, &apart), 0);
		covered += e.low <= 1.3 && 1.3 <= e.high;
		found += stats_differs(&e) && e.low > 1.05;
		assert_true(apart.high - apart.low > e.high - e.low);
		drop(a, N);
		drop(b, N);
	}
	assert_in_range(covered, 90, 100);
	assert_int_equal(found, TRIALS);
}

static void test_same_is_one(void **state)
{
	struct prng p;
	unsigned covered = 0, claimed = 0;
	enum { TRIALS = 100, N = 8 };

	(void)state;
	prng_seed(&p, 3);
	for (int t = 0; t < TRIALS; t++) {
		struct unit *a = units(&p, N, 100, 0.02, 0.02, NULL);
		struct unit *b = units(&p, N, 100, 0.02, 0.02, NULL);
		struct estimate e;
		assert_int_equal(stats_ratio(a, N, b, N, &e), 0);
		covered += e.low <= 1 && 1 <= e.high;
		claimed += stats_differs(&e);
		assert_true(stats_differs(&e) == (stats_chance(&e) < 0.05));
		if (!t) { /* the very same data: exactly one */
			assert_int_equal(stats_ratio(a, N, a, N, &e), 0);
			assert_true(e.value == 1 && e.low == 1 && e.high == 1);
			assert_true(stats_chance(&e) == 1 && stats_detectable(&e, 0.05) == 0);
		}
		drop(a, N);
		drop(b, N);
	}
	assert_in_range(covered, 90, 100);
	assert_int_equal(claimed, TRIALS - covered);
}

static void test_poor_data(void **state)
{
	double x[] = { 3, 4, 5 }, zero[] = { 0, 0, 0 };
	struct unit one = { x, 3, 7, 0 }, other = { x, 3, 8, 0 }, none = { zero, 3, 7, 0 };
	struct unit same[] = {
		{ x, 1, 0, 0 }, { x, 1, 1, 0 }, { x, 1, 2, 0 }, { x, 1, 3, 0 }, { x, 1, 4, 0 }
	};
	struct estimate e;
	bool known;

	(void)state;
	stats_value(NULL, 0, &e);
	assert_false(e.known || e.interval);
	assert_non_null(e.why);
	stats_value(&one, 1, &e);
	assert_true(e.known && e.value == 4 && !e.interval);
	assert_string_equal(e.why, "fewer than 5 blocks: no interval");
	assert_true(stats_floor(&e, &known) == 1 && !known);
	stats_ratio(&one, 1, &one, 1, &e);
	assert_true(e.known && e.value == 1 && !e.interval && e.why);
	assert_false(stats_differs(&e));
	stats_ratio(&one, 1, &other, 1, &e); /* blocks 7 and 8 */
	assert_true(!e.known && e.n == 0 && e.why);
	stats_ratio(&one, 1, &none, 1, &e);
	assert_true(!e.known && e.why);
	stats_value(same, 4, &e);
	assert_true(e.known && !e.interval);
	stats_value(same, 5, &e); /* an exact count: an interval of no width */
	assert_true(e.interval && e.low == 3 && e.high == 3);
}

static void test_repeats(void **state)
{
	struct prng p;
	struct estimate e, again;
	struct unit *u;

	(void)state;
	prng_seed(&p, 4);
	u = units(&p, 5, 10, 0.1, 0.1, NULL);
	stats_value(u, 5, &e);
	stats_value(u, 5, &again);
	assert_memory_equal(&e.low, &again.low, sizeof e.low);
	assert_memory_equal(&e.high, &again.high, sizeof e.high);
	drop(u, 5);
}

static void expect_near(double is, double wanted)
{
	if (!(fabs(is - wanted) <= 1e-9 * (1 + fabs(wanted))))
		fail_msg("%.12g is not %.12g", is, wanted);
}

/* With one and two degrees of freedom there is a formula; the others are of printed tables. */
static void test_student(void **state)
{
	static const double df[] = { 3, 4, 9, 14, 29, 120 },
			    points[] = { 3.18244630528, 2.77644510520, 2.26215716280,
					 2.14478668792, 2.04522964213, 1.97993040508 };

	(void)state;
	for (double t = 0; t < 20; t += 0.37) {
		expect_near(student_tails(t, 1), 1 - 2 * atan(t) / acos(-1));
		expect_near(student_tails(-t, 2), 1 - t / sqrt(2 + t * t));
	}
	for (size_t i = 0; i < sizeof df / sizeof *df; i++)
		expect_near(student_point(0.025, df[i]), points[i]);
	expect_near(student_point(0.025, 1), tan(acos(-1) * 0.475));
	assert_true(student_tails(INFINITY, 3) == 0 && student_tails(0, 3) == 1);
	assert_true(student_point(0.025, 2.5) < student_point(0.025, 2.4));
}

/* Two replicas of a baseline are one side of their block; n counts blocks. */
static void test_replicas(void **state)
{
	double x[] = { 2, 8, 2, 8, 2, 8, 2, 8, 2, 8 }, y[] = { 8, 8, 8, 8, 8 };
	struct unit base[10], arm[5];
	struct estimate e;

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		base[i] = (struct unit){ .samples = &x[i], .n = 1, .block = i / 2 };
	for (uint32_t i = 0; i < 5; i++)
		arm[i] = (struct unit){ .samples = &y[i], .n = 1, .block = i };
	stats_ratio(arm, 5, base, 10, &e);
	assert_int_equal(e.n, 5);
	expect_near(e.value, 2);
	assert_true(e.interval);
	stats_value(base, 10, &e);
	assert_int_equal(e.n, 5);
	assert_true(e.value == 5 && e.low == 5 && e.high == 5); /* blocks are drawn whole */
}

/* Three runs that differ: the interval holds the difference between them, which one run's interval
 * lacks. Blocks pair within their run only. */
static void test_runs(void **state)
{
	enum { RUNS = 3, N = 10, ALL = RUNS * N };
	double a[ALL], b[ALL], within, effect[RUNS] = { -0.1, 0, 0.1 };
	struct unit arm[ALL], base[ALL];
	struct estimate one, all, value;

	(void)state;
	for (uint32_t i = 0; i < ALL; i++) {
		within = i % 2 ? 0.01 : -0.01;
		b[i] = 100 * exp(i % N * 0.3);
		a[i] = b[i] * exp(effect[i / N] + within);
		arm[i] = (struct unit){ &a[i], 1, i % N, i / N };
		base[i] = (struct unit){ &b[i], 1, i % N, i / N };
	}
	stats_ratio(arm, N, base, N, &one);
	stats_ratio(arm, ALL, base, ALL, &all);
	assert_true(one.n == N && one.runs == 1 && all.n == ALL && all.runs == RUNS);
	expect_near(one.value, exp(-0.1));
	expect_near(all.value, 1);
	assert_true(one.high < 0.95 && all.low < 0.8 && all.high > 1.25);
	expect_near(all.low * all.high, 1);
	stats_ratio(arm, ALL, base, N, &all); /* the other runs have no partner */
	assert_true(all.n == N && all.runs == 1);
	stats_value(arm, N, &one);
	stats_value(arm, ALL, &value);
	assert_true(value.n == ALL && value.runs == RUNS && value.low < value.value);
	stats_ratio_apart(arm, ALL, base, ALL, &all);
	assert_true(all.n == ALL && all.runs == RUNS && all.interval);
}

/* By hand, with scipy's quantiles: blocks of e^0 to e^0.4 to a baseline of 1, and a second run that
 * is e^0.1 above. */
static void test_ratio_of_known_blocks(void **state)
{
	double samples[10], one = 1;
	struct unit arm[10], base[10];
	struct estimate e;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		samples[i] = exp(0.1 * (i % 5) + (i < 5 ? 0 : 0.1));
		arm[i] = (struct unit){ &samples[i], 1, i % 5, i / 5 };
		base[i] = (struct unit){ &one, 1, i % 5, i / 5 };
	}
	assert_int_equal(stats_ratio(arm, 5, base, 5, &e), 0);
	expect_near(e.value, 1.22140275816);
	expect_near(e.low, 0.980691583975);
	expect_near(e.high, 1.52119659434);
	expect_near(e.of_blocks.error, 0.0790569415042);
	expect_near(stats_detectable(&e, 0.05), 0.34163234406);
	assert_int_equal(stats_ratio(arm, 10, base, 10, &e), 0);
	expect_near(e.value, 1.28402541669);
	expect_near(e.of_blocks.error, 0.0559016994375);
	expect_near(e.of_runs.error, 0.05);
	expect_near(e.low, 0.680239568104);
	expect_near(e.high, 2.42373620708);
}

/* By hand: three runs whose blocks are all alike, so that their medians alone say how far the mean
 * may be off (t has a formula with two degrees of freedom: 0.95 / sqrt(2 * 0.975 * 0.025)). In
 * logarithms, and, with a value that is not above 0, without. */
static void test_median_of_known_runs(void **state)
{
	enum { RUNS = 3, N = 5, ALL = RUNS * N };
	double samples[ALL];
	struct unit u[ALL];
	struct estimate e, one;

	(void)state;
	for (int logs = 0; logs < 2; logs++) {
		for (uint32_t i = 0; i < ALL; i++) {
			double of_run = 0.1 * (i / N);
			samples[i] = logs ? exp(of_run) : of_run;
			u[i] = (struct unit){ &samples[i], 1, i % N, i / N };
		}
		assert_int_equal(stats_value(u, ALL, &e), 0);
		assert_true(e.n == ALL && e.runs == RUNS && e.interval);
		expect_near(logs ? log(e.value) : e.value, 0.1);
		expect_near(logs ? log(e.low) : e.low, -0.148413771176);
		expect_near(logs ? log(e.high) : e.high, 0.348413771176);
	}
	/* Runs that do not differ: three tell more than one about the difference between blocks. */
	for (uint32_t i = 0; i < ALL; i++)
		samples[i] = exp(0.1 * (i % N));
	assert_int_equal(stats_value(u, N, &one), 0);
	assert_int_equal(stats_value(u, ALL, &e), 0);
	assert_true(e.low < e.value && e.value < e.high);
	assert_true(log(e.high / e.low) < 0.75 * log(one.high / one.low));
}

static void test_holm(void **state)
{
	double p[] = { 0.04, 0.01, NAN, 0.03, 0.9 }, corrected[5];
	static const double wanted[] = { 0.09, 0.04, NAN, 0.09, 0.9 };

	(void)state;
	assert_int_equal(stats_holm(p, 5, corrected), 0);
	for (size_t i = 0; i < 5; i++)
		if (isnan(wanted[i]))
			assert_true(isnan(corrected[i]));
		else
			expect_near(corrected[i], wanted[i]);
	assert_int_equal(stats_holm(p, 0, corrected), 0);
}

/* What `stats_blocks` asks for finds the difference; one block less does not. */
static void test_blocks(void **state)
{
	static const double differences[] = { 0.01, 0.05, 0.2 };
	struct estimate e = { .known = true, .interval = true, .value = 1.1, .n = 10 };

	(void)state;
	e.of_blocks = (struct spread){ 0.05 / sqrt(9), 9 };
	for (size_t i = 0; i < 3; i++) {
		size_t n = stats_blocks(&e, differences[i]);
		struct estimate then = e;
		then.of_blocks = (struct spread){ 0.05 / sqrt((double)n - 1), (double)n - 1 };
		assert_true(stats_detectable(&then, 0.05) <= differences[i]);
		then.of_blocks = (struct spread){ 0.05 / sqrt((double)n - 2), (double)n - 2 };
		assert_true(n == STATS_FEWEST || stats_detectable(&then, 0.05) > differences[i]);
	}
	assert_int_equal(stats_blocks(&e, 0.5), STATS_FEWEST);
	assert_true(stats_blocks(&e, 0) == SIZE_MAX);
	e.of_blocks.error = 0; /* what does not vary shows any difference, of 0 % too */
	assert_int_equal(stats_blocks(&e, 0), STATS_FEWEST);
	e.interval = false;
	assert_int_equal(stats_blocks(&e, 0.5), 0);
	assert_true(isnan(stats_detectable(&e, 0.05)) && isnan(stats_chance(&e)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_value_covers),
		cmocka_unit_test(test_ratio_covers),
		cmocka_unit_test(test_same_is_one),
		cmocka_unit_test(test_poor_data),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_student),
		cmocka_unit_test(test_replicas),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_holm),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_ratio_of_known_blocks),
		cmocka_unit_test(test_median_of_known_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
