/*
 * test_cell_refusals.c - cells whose code memory is refused something, of each strategy and under
 * each policy, at each point where it can be: the cell fails with one line that says what failed,
 * and all is closed again (the sanitizers look at that). The library does not tell which system
 * call it was: test_refusals.c has them all, for each strategy under each policy. Here the harness
 * is tested: each pair of strategy, policy and point occurs, not each triple.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stubmap/stub.h>

#include "measure/families.h"
#include "cache_helpers.h"
#include "cell_helpers.h"
#include "running_helpers.h"

enum { POINTS = 24 };

/* Whether a cell failed whose n-th reserve (f) or commit (c) was refused. */
static bool fails(const struct cell *c, char what, unsigned n)
{
	struct job job = {
		.cell = *c, .seed = 3, .iterations = 1, .data = "workloads", .cache = cache
	};
	char faults[POINTS + 2], why[CELL_ERROR] = "";
	json_t *figures = json_array();

	memset(faults, what == 'c' ? 'o' : 'a', n);
	faults[n] = what;
	faults[n + 1] = 0;
	setenv("STUBMAP_CODE_TEST", faults, 1);
	enum measure_status status = measure_job(&job, figures, why);
	unsetenv("STUBMAP_CODE_TEST");
	json_decref(figures);
	if (status == MEASURE_OK)
		return false;
	if (status != MEASURE_FAILED || strlen(why) < 8 || strchr(why, '\n'))
		fail_msg("%s on %s, wx %s, %s: %d '%s'", c->stubs, c->workload, c->wx, faults,
			 (int)status, why);
	return true;
}

static void each_point(const char *text)
{
	unsigned policies[CODE_WX_POLICIES], npolicies = 0;
	char error[CELL_ERROR];
	struct cell c;

	if (read_cell(text, &c, error))
		fail_msg("%s: %s", text, error);
	cell_resolve(&c);
	for (unsigned wx = 0; wx < CODE_WX_POLICIES; wx++)
		if (c.family == FAMILY_TIERUP ? can_run(wx) : can_open(wx))
			policies[npolicies++] = wx;
	assert_true(npolicies > 0);
	for (unsigned i = 0; stub_strategies[i]; i++) {
		unsigned failed = 0, turn = i;

		snprintf(c.stubs, sizeof c.stubs, "%s", stub_strategies[i]->name);
		cell_resolve(&c);
		for (unsigned n = 0; n < POINTS; n += 1 + n / 6, turn++) {
			const unsigned wx = policies[turn % npolicies];

			snprintf(c.wx, sizeof c.wx, "%s", code_wx_names[wx]);
			failed += fails(&c, 'f', n);
			failed += fails(&c, 'c', n);
		}
		assert_true(failed >= 2);
	}
}

static void test_ring(void **state)
{
	(void)state;
	each_point("{\"workload\": \"ring\", \"live\": 5}");
}

static void test_tierup(void **state)
{
	(void)state;
	each_point("{\"workload\": \"tierup\", \"live\": 4, \"threads\": 1, \"upgrades\": 8}");
}

static void test_churn(void **state)
{
	(void)state;
	each_point("{\"workload\": \"flood\", \"live\": 3, \"instances\": 2}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_tierup),
		cmocka_unit_test(test_churn),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
