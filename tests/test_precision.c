/* test_precision.c - when a run has enough blocks: made-up runs whose ratios are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/precision.h"
#include "run_helpers.h"

/* Adds a block: page takes 100, and pool `ratio` times as long. */
static void add_block(struct run *run, const struct plan *p, unsigned block, double ratio, bool ok)
{
	char error[RUN_ERROR];

	for (size_t i = 0; i < p->n; i++) {
		bool arm = !strcmp(p->cells[i].stubs, "pool");
		json_t *record = make_record(p, block, i, ok || !arm ? "ok" : "failed");

		json_object_set_new(record, "figures",
				    json_pack("[{s:s, s:s, s:s, s:s, s:i, s:i, s:[f]}]", "phase",
					      "steady", "event", "ns", "unit", "call", "source",
					      "clock", "per", 1, "warmup", 0, "samples",
					      arm ? 100 * ratio : 100.));
		if (run_append(run, record, error))
			fail_msg("%s", error);
		json_decref(record);
	}
}

/* The blocks that it takes, at most `most`. */
static unsigned blocks(struct precision *p, double spread, bool ok, unsigned most)
{
	struct plan plan = make_plan(1);
	struct run run;
	unsigned n = 0;

	assert_int_equal(run_begin(&run, &plan, NULL), 0);
	for (; n < most && precision_more(p, &run, n); n++)
		add_block(&run, &plan, n, n % 2 ? 0.5 * (1 + spread) : 0.5, ok);
	run_close(&run);
	plan_free(&plan);
	return n;
}

static void narrow_ratios_are_enough(void **state)
{
	char line[PRECISION_LINE];
	struct precision p;

	(void)state;
	precision_begin(&p, 0.02, 0, 3);
	assert_int_equal(blocks(&p, 0, true, 50), 5); /* the fewest with an interval */
	assert_string_equal(precision_line(&p, line),
			    "5 blocks: each ratio is known to 0 % or better");
	precision_begin(&p, 0.02, 0, 9);
	assert_int_equal(blocks(&p, 0, true, 50), 9); /* the plan's */

	precision_begin(&p, 0.02, 0, 5);
	unsigned n = blocks(&p, 0.08, true, 200);
	assert_in_range(n, 10, 40); /* 4 % each way: (2 * 4 / 2)^2 blocks, and some for t */
	assert_true(p.widest <= 0.02 && p.widest > 0.01);
	precision_begin(&p, 0.01, 0, 5);
	assert_true(blocks(&p, 0.08, true, 200) > 2 * n);
}

static void wide_ratios_go_on(void **state)
{
	char line[PRECISION_LINE];
	struct precision p;

	(void)state;
	precision_begin(&p, 0.02, 0, 5);
	assert_int_equal(blocks(&p, 3, true, 30), 30);
	precision_more(&p, &(struct run){ .fd = -1 }, 30); /* what has no ratio at all */
	assert_string_equal(precision_line(&p, line),
			    "30 blocks: no ratio is known (an interval takes 5 blocks)");
}

/* More blocks give no ratio to an arm that always fails. */
static void failed_arms_end_it(void **state)
{
	struct precision p;

	(void)state;
	precision_begin(&p, 0.02, 0, 7);
	assert_int_equal(blocks(&p, 0, false, 50), 7);
}

static void the_time_ends_it(void **state)
{
	char line[PRECISION_LINE];
	struct precision p;

	(void)state;
	precision_begin(&p, 0, 3600, 5);
	assert_int_equal(blocks(&p, 0, true, 20), 20); /* the time alone was asked for */
	precision_begin(&p, 0, 3600, 5);
	p.longest_ns =
	    UINT64_C(3601000000000); /* a block takes so long: no other would end in time */
	assert_int_equal(blocks(&p, 0, true, 20), 1);
	/* As many blocks as are asked for, however much time is left. */
	precision_begin(&p, 0, 3600, 5);
	p.most = 7;
	assert_int_equal(blocks(&p, 3, true, 30), 7);
	assert_false(p.over);
	assert_ptr_equal(strstr(precision_line(&p, line), "7 blocks: each ratio"), line);

	precision_begin(&p, 0.02, 1, 50);
	p.begun_ns -= 2000000000u;
	assert_int_equal(blocks(&p, 0, true, 50), 1); /* one block there is */
	assert_true(p.over);
	assert_non_null(strstr(precision_line(&p, line), "1 block, the time is over: no ratio"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narrow_ratios_are_enough),
		cmocka_unit_test(wide_ratios_go_on),
		cmocka_unit_test(failed_arms_end_it),
		cmocka_unit_test(the_time_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
