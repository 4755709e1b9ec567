/*
 * test_tierup.c - upgrades under callers: every strategy, form of literals and W^X policy, with and
 * without poison, each call checked by value. Built under TSan too, which sees the C side.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stubmap/stub.h>

#include "arms.h"
#include "measure/families.h"
#include "calls/tierup.h"
#include "cache_helpers.h"
#include "cell_helpers.h"
#include "running_helpers.h"

/* The only sample of a figure. */
static uint64_t value_of(const json_t *figures, const char *phase, const char *event)
{
	const json_t *figure;
	size_t i;

	json_array_foreach(figures, i, figure) {
		if (strcmp(json_string_value(json_object_get(figure, "phase")), phase) ||
		    strcmp(json_string_value(json_object_get(figure, "event")), event))
			continue;
		const json_t *samples = json_object_get(figure, "samples");
		assert_int_equal(json_array_size(samples), 1);
		return (uint64_t)json_integer_value(json_array_get(samples, 0));
	}
	fail_msg("no figure %s.%s", phase, event);
	return 0;
}

/* A pause is a gap of TIERUP_NOTABLE_US or more, whoever had the CPU: the longest is no shorter. */
static void check_stalls(const json_t *figures, const char *phase)
{
	const uint64_t stall = value_of(figures, phase, "stall");

	assert_true(stall >= value_of(figures, phase, "stall_on_cpu"));
	if (value_of(figures, phase, "pauses"))
		assert_true(stall > 900 * TIERUP_NOTABLE_US); /* ns, by a clock of its own */
}

/* objects: where compiled ones are kept; NULL: the compiler runs beside the callers. */
static void run_cell(const struct cell *c, const char *objects)
{
	struct job job = {
		.cell = *c, .seed = 7, .iterations = 1, .data = "workloads", .cache = objects
	};
	json_t *figures = json_array();
	char why[CELL_ERROR];
	const uint64_t rounds = (c->upgrades + c->live - 1) / c->live;

	if (measure_job(&job, figures, why) != MEASURE_OK)
		fail_msg("%s, wx %s, literals %s, poison %d: %s", c->stubs, c->wx, c->literals,
			 c->poison, why);
	assert_int_equal(value_of(figures, "upgrade", "wrong"), 0);
	assert_true(value_of(figures, "upgrade", "upgrades") >= c->upgrades);
	/* After each round every stub was called by someone who had to see its new target. */
	assert_true(value_of(figures, "upgrade", "calls_settled") >= rounds * c->live);
	assert_true(value_of(figures, "floor", "calls_settled") >= rounds * c->live);
	check_stalls(figures, "background");
	check_stalls(figures, "upgrade");
	check_stalls(figures, "floor");
	assert_true(value_of(figures, "floor", "interval") >=
		    value_of(figures, "upgrade", "interval"));
	json_decref(figures);
}

static void test_every_strategy(void **unused)
{
	char error[CELL_ERROR];
	struct cell c;

	(void)unused;
	assert_int_equal(read_cell("{\"workload\": \"tierup\", \"live\": 16, \"threads\": 2, "
				   "\"upgrades\": 80}",
				   &c, error),
			 0);
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int form = 0; form < 4 && can_run(wx); form++) {
				const struct stub_ops *ops = stub_strategies[i];
				bool baked = form & 1;

				if (!(ops->flags & (baked ? STUB_CAN_BAKE : STUB_CAN_TABLE)))
					continue;
				strcpy(c.stubs, ops->name);
				strcpy(c.wx, code_wx_names[wx]);
				strcpy(c.literals, baked ? "baked" : "table");
				c.poison = form & 2;
				run_cell(&c, cache);
			}
}

static void test_every_kind(void **unused)
{
	static const char *const signatures[] = { "i>i", "f>i", "ifdri>i" };
	char error[CELL_ERROR];
	struct cell c;

	(void)unused;
	assert_int_equal(read_cell("{\"workload\": \"tierup\", \"live\": 12, \"threads\": 3, "
				   "\"upgrades\": 48}",
				   &c, error),
			 0);
	strcpy(c.wx, code_wx_names[running_wx()]);
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int kind = 0; kind < STUB_KINDS; kind++) {
			strcpy(c.stubs, stub_strategies[i]->name);
			strcpy(c.kind, stub_kind_names[kind]);
			strcpy(c.signature, signatures[(i + (unsigned)kind) % 3]);
			run_cell(&c, cache);
		}
}

/* The rule that the callers check every answer by. */
static void test_stale_answers_are_wrong(void **unused)
{
	struct boundary b[] = { { .kind = BOUNDARY_INDIRECT, .signature = "i>i" },
				{ .kind = BOUNDARY_INDIRECT, .signature = "ifdri>i" } };
	uint32_t acc[SCENARIO_INSTANCES], event = 0;
	struct scenario s = { .boundaries = b, .nboundaries = 2, .events = &event, .nevents = 1 };

	(void)unused;
	for (uint32_t x = 1; x < 2000000000; x += x / 3 + 1, event = !event) {
		const uint32_t old = scenario_run(&s, 0, 1, x, acc);
		const uint32_t new = scenario_run(&s, 1, 1, x, acc);
		const uint32_t other = old + 1 == new ? old + 2 : old + 1;

		assert_int_not_equal(old, new);
		assert_true(tierup_right(&s, event, x, old, 0, 0));
		assert_false(tierup_right(&s, event, x, new, 0, 0));
		assert_true(tierup_right(&s, event, x, new, 2, 2));
		assert_false(tierup_right(&s, event, x, old, 2, 2));
		for (uint64_t before = 0; before < 4; before++)
			for (uint64_t after = before + !(before & 1); after < 5; after++) {
				assert_true(tierup_right(&s, event, x, old, before, after));
				assert_true(tierup_right(&s, event, x, new, before, after));
				assert_false(tierup_right(&s, event, x, other, before, after));
			}
		assert_false(tierup_right(&s, event, x, other, 2, 2));
	}
}

static void test_more_threads_than_stubs(void **unused)
{
	char error[CELL_ERROR];
	struct cell c;

	(void)unused;
	assert_int_equal(read_cell("{\"workload\": \"tierup\", \"live\": 3, \"threads\": 8, "
				   "\"upgrades\": 60}",
				   &c, error),
			 0);
	strcpy(c.wx, code_wx_names[running_wx()]);
	run_cell(&c, cache);
}

/* Fewer upgrades than stubs, just as many, and one more: one round or two. */
static void test_few_upgrades(void **unused)
{
	char error[CELL_ERROR], text[200];
	struct cell c;

	(void)unused;
	for (unsigned upgrades = 1; upgrades <= 9; upgrades += upgrades < 8 ? 7 : 1) {
		snprintf(text, sizeof text,
			 "{\"workload\": \"tierup\", \"live\": 8, \"threads\": 1, "
			 "\"upgrades\": %u, \"wx\": \"%s\"}",
			 upgrades, code_wx_names[running_wx()]);
		assert_int_equal(read_cell(text, &c, error), 0);
		run_cell(&c, NULL);
	}
}

static void test_refused(void **unused)
{
	static const struct bad_cell bad[] = {
		{ "{\"workload\": \"tierup\", \"threads\": 0}",
		  "threads must be a whole number, 1 to 8" },
		{ "{\"workload\": \"tierup\", \"threads\": 9}",
		  "threads must be a whole number, 1 to 8" },
		{ "{\"workload\": \"tierup\", \"upgrades\": 0}", "1 to 1000000" },
		{ "{\"workload\": \"tierup\", \"upgrades\": 1000001}", "1 to 1000000" },
		{ "{\"workload\": \"tierup\", \"poison\": 1}", "true or false" },
		{ "{\"workload\": \"tierup\", \"tier\": 2}", "tier does not apply" },
		{ "{\"workload\": \"tierup\", \"signature\": \"l>i\"}", "parameters i f d r" },
		{ "{\"workload\": \"tierup\", \"signature\": \"i>d\"}", "parameters i f d r" },
		{ "{\"workload\": \"tieruq\"}", "did you mean 'tierup'" },
		{ "{\"threads\": 4}", "threads does not apply to workload ring" },
		{ "{\"workload\": \"flood\", \"instances\": 0}", "1 to 1000" },
		{ "{\"workload\": \"flood\", \"instances\": 1001}", "1 to 1000" },
		{ "{\"workload\": \"flood\", \"poison\": true}", "poison does not apply" },
		{ "{\"workload\": \"flood:sqljs\", \"live\": 4}", "live does not apply" },
		{ "{\"workload\": \"churn\", \"threads\": 4}", "threads does not apply" },
		{ "{\"workload\": \"churn:javac-16n\"}", "did you mean 'churn:javac-16m'" },
		{ "{\"workload\": \"gc:lisp\", \"threads\": 4}", "threads does not apply" },
	};

	(void)unused;
	expect_refused(bad, sizeof bad / sizeof *bad);
}

/* The kinds that two threads may interpret at once. An instance's entries are for one thread's
 * calls: its activation is written, here in C, where TSan looks on. */
static const char *shared_kind(unsigned i)
{
	static const enum stub_kind kinds[] = { STUB_EXIT_JS, STUB_INDIRECT, STUB_BUILTIN,
						STUB_BIND, STUB_CALL_REF };

	return stub_kind_names[kinds[i % (sizeof kinds / sizeof *kinds)]];
}

/* Stubs that callers make while they are upgraded, some after calls that are interpreted: `generic`
 * of them, or as many as rent decides. */
static void test_policies_under_callers(void **unused)
{
	static const struct {
		const char *policy;
		uint32_t generic;
	} made[] = { { "one", 0 }, { "one", 3 },  { "adaptive", 0 }, { "adaptive", 3 },
		     { "all", 3 }, { "rent", 0 }, { "rent", 3 } };
	char error[CELL_ERROR];
	struct cell c;

	(void)unused;
	assert_int_equal(read_cell("{\"workload\": \"tierup\", \"live\": 12, \"threads\": 2, "
				   "\"upgrades\": 36, \"stubs\": \"lazy+pool\"}",
				   &c, error),
			 0);
	strcpy(c.wx, code_wx_names[running_wx()]);
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (unsigned j = 0; j < sizeof made / sizeof *made; j++) {
			if (!(stub_strategies[i]->flags & STUB_DEFERRED))
				continue;
			strcpy(c.stubs, stub_strategies[i]->name);
			strcpy(c.policy, made[j].policy);
			c.generic = made[j].generic;
			strcpy(c.kind, made[j].generic || !strcmp(c.policy, "rent")
					   ? shared_kind(i + j)
					   : stub_kind_names[(i + j) % STUB_KINDS]);
			run_cell(&c, cache);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stale_answers_are_wrong),
		cmocka_unit_test(test_every_strategy),
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_more_threads_than_stubs),
		cmocka_unit_test(test_few_upgrades),
		cmocka_unit_test(test_policies_under_callers),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
