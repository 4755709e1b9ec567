/* test_accept.c - what a run must keep to count, as its plan said beforehand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/accept.h"
#include "claim_runs.h"

static struct acceptance judge(struct made m)
{
	struct acceptance a;
	char error[RUN_ERROR], path[200];
	struct run run;

	make("x.jsonl", m);
	snprintf(path, sizeof path, "%s/x.jsonl", folder);
	assert_int_equal(run_load(path, &run, error), 0);
	assert_int_equal(accept_judge(&run, &a), 0);
	run_close(&run);
	return a;
}

static void a_plan_says_beforehand_what_a_run_must_keep(void **state)
{
	char text[300];
	struct acceptance a = judge(MADE(.seed = 1));

	(void)state;
	assert_int_equal(a.state, RUN_ACCEPTED);
	assert_string_equal(a.why, "");
	a = judge(MADE(.load = 2.5));
	assert_int_equal(a.state, RUN_MARKED);
	assert_string_equal(a.why, "load 2.5 is above 2");
	a = judge(MADE(.steal_ms = 20));
	assert_string_equal(a.why, "steal 2 % is above 1 %");
	a = judge(MADE(.shared = 1, .accept = "{\"shared\": 5}"));
	assert_string_equal(a.why, "shared 33.3 % is above 5 %");
	a = judge(MADE(.accept = "{\"shared\": 5}"));
	assert_int_equal(a.state, RUN_ACCEPTED);
	a = judge(MADE(.wobble = 0.2));
	assert_non_null(strstr(a.why, "A/A "));
	/* Who stops a run, or goes on with it, may have seen its numbers. */
	a = judge(MADE(.blocks = 5));
	assert_int_equal(a.state, RUN_MARKED);
	assert_string_equal(a.why, "3 of 18 invocations are missing");
	a = judge(MADE(.blocks = 4));
	assert_string_equal(a.why, "6 of 18 invocations are missing; A/A is not known");
	a = judge(MADE(.blocks = 7, .load = 3));
	assert_string_equal(a.why, "3 invocations are beyond its plan's blocks; load 3 is above 2");
	a = judge(MADE(.wobble = 0.2, .load = 3));
	assert_non_null(strstr(a.why, "load 3 is above 2; A/A "));
	a = judge(MADE(.accept = "", .load = 9));
	assert_int_equal(a.state, RUN_WITHOUT_RULE);
	assert_string_equal(a.why, "its plan has no rule");
	a = judge(MADE(.accept = "{\"load\": 3}", .load = 2.5, .steal_ms = 900));
	assert_int_equal(a.state, RUN_ACCEPTED);
	assert_non_null(
	    strstr(accept_format(&a, text, sizeof text), "accepted: load 2.5, steal 90 %"));
	a = judge(MADE(.accept = "{\"laod\": 3}"));
	assert_int_equal(a.state, RUN_WITHOUT_RULE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_says_beforehand_what_a_run_must_keep),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
