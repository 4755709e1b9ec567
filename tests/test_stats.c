/* test_stats.c - the statistics against distributions whose answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/prng.h"
#include "analysis/stats.h"

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
		found += stats_differs(&e, 1.05);
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
		struct unit *c = units(&p, N, 100, 0.02, 0.02, NULL);
		struct estimate e, aa;
		bool known;
		assert_int_equal(stats_ratio(a, N, b, N, &e), 0);
		assert_int_equal(stats_ratio(c, N, b, N, &aa), 0);
		covered += e.low <= 1 && 1 <= e.high;
		double noise = stats_floor(&aa, &known);
		assert_true(known && noise >= 1);
		claimed += stats_differs(&e, noise);
		if (!t) { /* the very same data: exactly one */
			assert_int_equal(stats_ratio(a, N, a, N, &e), 0);
			assert_true(e.value == 1 && e.low <= 1 && 1 <= e.high);
		}
		drop(a, N);
		drop(b, N);
		drop(c, N);
	}
	assert_in_range(covered, 90, 100);
	assert_in_range(claimed, 0, 2); /* the noise floor refuses what chance offers */
}

static void test_poor_data(void **state)
{
	double x[] = { 3, 4, 5 }, zero[] = { 0, 0, 0 };
	struct unit one = { x, 3, 7 }, other = { x, 3, 8 }, none = { zero, 3, 7 };
	struct unit same[] = { { x, 1, 0 }, { x, 1, 1 }, { x, 1, 2 }, { x, 1, 3 }, { x, 1, 4 } };
	struct estimate e;
	bool known;

	(void)state;
	stats_value(NULL, 0, &e);
	assert_false(e.known || e.interval);
	assert_non_null(e.why);
	stats_value(&one, 1, &e);
	assert_true(e.known && e.value == 4 && !e.interval);
	assert_string_equal(e.why, "fewer than 5 invocations: no interval");
	assert_true(stats_floor(&e, &known) == 1 && !known);
	stats_ratio(&one, 1, &one, 1, &e);
	assert_true(e.known && e.value == 1 && !e.interval && e.why);
	assert_false(stats_differs(&e, 1));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),	     cmocka_unit_test(test_value_covers),
		cmocka_unit_test(test_ratio_covers), cmocka_unit_test(test_same_is_one),
		cmocka_unit_test(test_poor_data),    cmocka_unit_test(test_repeats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
