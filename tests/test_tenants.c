/*
 * test_tenants.c - floods and churn: every strategy makes, calls and releases the stubs of many
 * instances, each call's answer is checked; the records add up.
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
#include "running_helpers.h"

static void read_cell(const char *text, struct cell *c)
{
	json_t *json = json_loads(text, 0, NULL);
	char error[CELL_ERROR] = "";

	assert_non_null(json);
	if (cell_from_json(json, c, error))
		fail_msg("%s: %s", text, error);
	json_decref(json);
}

static json_t *run_cell(const struct cell *c)
{
	struct job job = {
		.cell = *c, .seed = 3, .iterations = 1, .data = "workloads", .cache = cache
	};
	json_t *figures = json_array();
	char why[CELL_ERROR];

	if (measure_job(&job, figures, why) != MEASURE_OK)
		fail_msg("%s on %s, wx %s: %s", c->stubs, c->workload, c->wx, why);
	return figures;
}

static const json_t *samples_of(const json_t *figures, const char *phase, const char *event)
{
	const json_t *figure;
	size_t i;

	json_array_foreach(figures, i, figure) {
		if (!strcmp(json_string_value(json_object_get(figure, "phase")), phase) &&
		    !strcmp(json_string_value(json_object_get(figure, "event")), event))
			return json_object_get(figure, "samples");
	}
	fail_msg("no figure %s.%s", phase, event);
	return NULL;
}

static uint64_t sample(const json_t *samples, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(samples, i));
}

static void test_floods(void **unused)
{
	static const char *const cells[] = {
		"{\"workload\": \"flood\", \"live\": 5, \"instances\": 7}",
		"{\"workload\": \"flood\", \"live\": 3, \"instances\": 230, \"wx\": \"dual\"}",
		"{\"workload\": \"flood\", \"live\": 1, \"instances\": 1, \"kind\": \"exit_js\"}",
		"{\"workload\": \"flood:sqljs\", \"instances\": 3, \"max_events\": 5000}",
	};
	struct cell c;

	(void)unused;
	for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
		for (unsigned i = 0; stub_strategies[i]; i++) {
			read_cell(cells[k], &c);
			strcpy(c.stubs, stub_strategies[i]->name);
			json_t *figures = run_cell(&c);
			/* A sample is of equally many instances: up to 100 samples. */
			size_t n = json_array_size(samples_of(figures, "instantiate", "ns"));
			assert_int_equal(n, c.instances <= 100 ? c.instances : c.instances / 3);
			assert_true(sample(samples_of(figures, "space", "held_code"), 0) >=
				    sample(samples_of(figures, "space", "used_code"), 0));
			json_decref(figures);
		}
}

static void test_churn(void **unused)
{
	static const char *const cells[] = {
		"{\"workload\": \"churn\", \"live\": 9, \"instances\": 12, \"max_events\": 700}",
		"{\"workload\": \"churn\", \"live\": 1, \"instances\": 1, \"max_events\": 150}",
		"{\"workload\": \"churn:javac-16m\", \"live\": 3, \"instances\": 30, "
		"\"max_events\": 900, \"wx\": \"dual\"}",
		"{\"workload\": \"churn:v8-duckdb\", \"live\": 3, \"instances\": 30, "
		"\"max_events\": 500, \"wx\": \"rwx\"}",
	};
	struct cell c;

	(void)unused;
	for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
		for (unsigned i = 0; stub_strategies[i]; i++) {
			read_cell(cells[k], &c);
			strcpy(c.stubs, stub_strategies[i]->name);
			json_t *figures = run_cell(&c);
			const json_t *held = samples_of(figures, "churn", "held");
			const json_t *used = samples_of(figures, "churn", "used");
			const json_t *stubs = samples_of(figures, "churn", "stubs");
			const json_t *peak = samples_of(figures, "churn", "stubs_peak");
			uint64_t most = 0;
			assert_int_equal(json_array_size(held), 100);
			for (size_t p = 0; p < 100; p++) {
				assert_true(sample(held, p) >= sample(used, p));
				assert_true(sample(stubs, p) <= c.instances * c.live);
				most = sample(stubs, p) > most ? sample(stubs, p) : most;
			}
			/* Looked at less often. */
			assert_true(sample(peak, 0) > 0 && sample(peak, 0) <= most);
			assert_true(sample(samples_of(figures, "churn", "mappings"), 0) > 0);
			json_decref(figures);
		}
}

/* The same flood with one physical page for all slots: it answers as before, and takes less. */
static void test_shared_page(void **unused)
{
	static const char *const arms[] = { "pool", "lazy+pool" };
	uint64_t bytes[2];
	struct cell c;

	(void)unused;
	read_cell("{\"workload\": \"flood\", \"live\": 64, \"instances\": 80, \"wx\": \"dual\"}",
		  &c);
	for (unsigned i = 0; i < 2; i++) {
		strcpy(c.stubs, arms[i]);
		for (unsigned share = 0; share < 2; share++) {
			c.share = share;
			json_t *figures = run_cell(&c);
			bytes[share] = sample(samples_of(figures, "space", "bytes_code"), 0);
			json_decref(figures);
		}
		/* 80 x 64 slots of 16 bytes are 20 pages, or one; bodies
		 * and a trigger take others. */
		assert_true(bytes[0] >= 20 * 4096);
		assert_true(bytes[1] <= 4 * 4096);
	}
}

static void test_share_refused(void **unused)
{
	static const char *const bad[] = {
		"{\"stubs\": \"pool\", \"share\": true}",
		"{\"stubs\": \"page\", \"wx\": \"dual\", \"share\": true}"
	};
	char error[CELL_ERROR];
	struct cell c;

	(void)unused;
	for (unsigned i = 0; i < 2; i++) {
		json_t *json = json_loads(bad[i], 0, NULL);
		assert_true(cell_from_json(json, &c, error) < 0);
		assert_non_null(
		    strstr(error, "share takes wx dual and pool or island or lazy+pool"));
		json_decref(json);
	}
}

/* A call of a stub of the dead is reported, each time, or the measuring says that one was not. */
static void test_stale_calls(void **unused)
{
	struct cell c;

	(void)unused;
	read_cell("{\"workload\": \"churn\", \"live\": 4, \"instances\": 8, \"max_events\": 600, "
		  "\"poison\": true}",
		  &c);
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
			if (stub_strategies[i]->flags & STUB_DIRECT || !can_open(wx))
				continue;
			strcpy(c.stubs, stub_strategies[i]->name);
			strcpy(c.wx, code_wx_names[wx]);
			json_t *figures = run_cell(&c);
			assert_true(sample(samples_of(figures, "churn", "stale_reported"), 0) > 0);
			json_decref(figures);
		}
}

/* Every instance's output is compared inside. */
static void test_floods_of_a_program(void **unused)
{
	struct job job = { .seed = 3, .iterations = 1, .cache = cache };
	char why[CELL_ERROR];

	(void)unused;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (enum code_wx wx = CODE_TOGGLE; wx <= CODE_DUAL; wx++) {
			json_t *figures = json_array();

			read_cell("{\"workload\": \"flood:wasm:kernel\", \"tier\": 0}", &job.cell);
			strcpy(job.cell.stubs, stub_strategies[i]->name);
			strcpy(job.cell.wx, code_wx_names[wx]);
			/* Beyond 100, samples are of several: of two, here. */
			job.cell.instances = i ? 21 : 103;
			if (measure_job(&job, figures, why) != MEASURE_OK)
				fail_msg("%s, wx %s: %s", job.cell.stubs, job.cell.wx, why);
			assert_int_equal(
			    json_array_size(samples_of(figures, "instantiate", "to_call")),
			    i ? 21 : 51);
			assert_true(sample(samples_of(figures, "space", "heap"), 0) >=
				    job.cell.instances * 65536);
			bool deferred = stub_strategies[i]->flags & STUB_DEFERRED;
			assert_true(json_is_null(samples_of(figures, "instantiate", "ready")) ==
				    deferred);
			json_decref(figures);
		}
}

/* Where one has no room, those that were there are closed, and the cell says why. */
static void test_flood_of_a_program_without_room(void **unused)
{
	struct job job = { .seed = 3, .iterations = 1, .cache = cache };
	json_t *figures = json_array();
	char why[CELL_ERROR];

	(void)unused;
	read_cell("{\"workload\": \"flood:wasm:kernel\", \"instances\": 9, \"tier\": 0, "
		  "\"stubs\": \"page\"}",
		  &job.cell);
	setenv("STUBMAP_CODE_TEST",
	       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaF", 1);
	assert_int_equal(measure_job(&job, figures, why), MEASURE_FAILED);
	unsetenv("STUBMAP_CODE_TEST");
	assert_non_null(strstr(why, "kernel"));
	json_decref(figures);
}

static void test_no_log(void **unused)
{
	struct job job = { .seed = 3, .iterations = 1, .data = "/nowhere" };
	json_t *figures = json_array();
	char why[CELL_ERROR];

	(void)unused;
	read_cell("{\"workload\": \"churn:javac-16m\"}", &job.cell);
	assert_int_equal(measure_job(&job, figures, why), MEASURE_REFUSED);
	assert_non_null(strstr(why, "/nowhere/churn/javac-16m.churn.zst"));
	json_decref(figures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_shared_page),
		cmocka_unit_test(test_share_refused),
		cmocka_unit_test(test_stale_calls),
		cmocka_unit_test(test_no_log),
		cmocka_unit_test(test_floods_of_a_program),
		cmocka_unit_test(test_flood_of_a_program_without_room),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
