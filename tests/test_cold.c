/*
 * test_cold.c - phase "cold" of replays: how many stubs each policy makes and how many of them are
 * used, against counts of the trace itself; for a live program, against its counted crossings. No
 * time is tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/stub.h>

#include "measure/families.h"
#include "workloads/workload.h"
#include "cache_helpers.h"

enum { EVENTS = 3000 };

struct counts {
	uint64_t boundaries, crossed, above; /* with more than K calls */
	uint64_t in_module, in_table; /* of those crossed: all of them, and in no table alone */
};

static void count(struct counts *out, uint32_t generic)
{
	struct workload w;
	const struct workload_params p = { .data = "workloads", .max_events = EVENTS };
	char error[200];
	struct scenario s;

	*out = (struct counts){ 0 };
	assert_true(workload_named("replay:sqlite3oo", &w));
	assert_int_equal(w.open(&w, &p, &s, error), 0);
	uint64_t *calls = calloc(s.nboundaries, sizeof *calls);
	bool module[64] = { false }, table[65] = { false };
	for (uint64_t i = 0; i < s.nevents; i++)
		calls[s.events[i]]++;
	for (uint32_t k = 0; k < s.nboundaries; k++) {
		const struct boundary *b = &s.boundaries[k];

		out->crossed += calls[k] > 0;
		out->above += calls[k] > generic;
		module[b->module] |= calls[k] > 0;
		table[b->table] |= calls[k] > 0;
	}
	for (uint32_t k = 0; k < s.nboundaries; k++) {
		const struct boundary *b = &s.boundaries[k];

		out->in_module += module[b->module];
		out->in_table += b->table ? table[b->table] : calls[k] > 0;
	}
	out->boundaries = s.nboundaries;
	free(calls);
	scenario_close(&s);
}

/* The figure's samples must all be the same. */
static uint64_t value_of(const json_t *figures, const char *event)
{
	const json_t *figure, *sample;
	size_t i, j;

	json_array_foreach(figures, i, figure) {
		if (strcmp(json_string_value(json_object_get(figure, "phase")), "cold") ||
		    strcmp(json_string_value(json_object_get(figure, "event")), event))
			continue;
		const json_t *samples = json_object_get(figure, "samples");
		json_array_foreach(samples, j, sample)
			assert_true(json_equal(sample, json_array_get(samples, 0)));
		return (uint64_t)json_integer_value(json_array_get(samples, 0));
	}
	fail_msg("no figure cold.%s", event);
	return 0;
}

/* A life's time holds its instantiation's. */
static void check_whole(const json_t *figures)
{
	const json_t *figure, *whole = NULL, *part = NULL;
	size_t i;

	json_array_foreach(figures, i, figure) {
		const char *event = json_string_value(json_object_get(figure, "event"));

		if (strcmp(json_string_value(json_object_get(figure, "phase")), "cold"))
			continue;
		if (!strcmp(event, "ns"))
			whole = json_object_get(figure, "samples");
		if (!strcmp(event, "instantiate_ns"))
			part = json_object_get(figure, "samples");
	}
	assert_true(json_array_size(part) > 0);
	for (i = 0; i < json_array_size(part); i++) {
		json_int_t ns = json_integer_value(json_array_get(part, i));

		assert_true(ns > 0 && ns < json_integer_value(json_array_get(whole, i)));
	}
}

struct outcome {
	uint64_t made, used, crossed;
};

static struct outcome live(const char *stubs, const char *policy)
{
	struct job job = { .seed = 3, .iterations = 1, .data = "workloads", .cache = cache };
	json_t *figures = json_array();
	char why[CELL_ERROR];
	struct outcome out;

	cell_defaults(&job.cell);
	strcpy(job.cell.workload, "wasm:kernel");
	strcpy(job.cell.stubs, stubs);
	strcpy(job.cell.policy, policy);
	job.cell.tier = 0;
	if (measure_job(&job, figures, why) != MEASURE_OK)
		fail_msg("%s: %s", stubs, why);
	out.made = value_of(figures, "made");
	out.used = value_of(figures, "used");
	out.crossed = value_of(figures, "bound_made");
	json_decref(figures);
	return out;
}

static void live_programs_make_what_policies_say(void **state)
{
	struct outcome all, eager, o;

	(void)state;
	eager = live("template", "all");
	assert_true(eager.crossed > 10 && eager.crossed < eager.made);
	assert_int_equal(eager.used, eager.crossed);
	all = live("lazy+template", "all");
	assert_int_equal(all.made, eager.made);
	o = live("null", "all");
	assert_int_equal(o.made, 0);
	assert_int_equal(o.crossed, eager.crossed);
	for (size_t i = 0; stub_strategies[i]; i++) {
		if (!(stub_strategies[i]->flags & STUB_DEFERRED))
			continue;
		o = live(stub_strategies[i]->name, "one");
		assert_int_equal(o.made, eager.crossed);
		assert_int_equal(o.used, eager.crossed);
		assert_int_equal(o.crossed, eager.crossed);
	}
}

static void run(const char *text, uint64_t made, uint64_t used)
{
	struct job job = { .seed = 3, .iterations = 1, .data = "workloads", .cache = cache };
	json_t *figures = json_array(), *json = json_loads(text, 0, NULL);
	char why[CELL_ERROR];

	assert_int_equal(cell_from_json(json, &job.cell, why), 0);
	job.cell.max_events = EVENTS;
	if (measure_job(&job, figures, why) != MEASURE_OK)
		fail_msg("%s: %s", text, why);
	assert_int_equal(value_of(figures, "made"), made);
	assert_int_equal(value_of(figures, "used"), used);
	check_whole(figures);
	json_decref(json);
	json_decref(figures);
}

#define CELL "{\"workload\": \"replay:sqlite3oo\", \"tier\": 0, \"stubs\": "

static void eager_arms_make_all(void **state)
{
	struct counts c;

	(void)state;
	count(&c, 0);
	run(CELL "\"pool\"}", c.boundaries, c.crossed);
	run(CELL "\"page\"}", c.boundaries, c.crossed);
	run(CELL "\"near\"}", c.boundaries, c.crossed);
	run(CELL "\"null\"}", 0, 0);
}

static void policies_make_their_groups(void **state)
{
	struct counts c;

	(void)state;
	count(&c, 1000);
	const uint64_t often = c.above;
	count(&c, 0);
	assert_true(c.crossed < c.in_table && c.in_table < c.in_module &&
		    c.in_module < c.boundaries);
	run(CELL "\"lazy+pool\"}", c.boundaries, c.crossed);
	run(CELL "\"lazy+template\", \"policy\": \"one\"}", c.crossed, c.crossed);
	run(CELL "\"lazy+page\", \"policy\": \"table\"}", c.in_table, c.crossed);
	run(CELL "\"lazy+pool\", \"policy\": \"module\"}", c.in_module, c.crossed);
	run(CELL "\"lazy+near\", \"policy\": \"one\"}", c.crossed, c.crossed);
	run(CELL "\"lazy+pool\", \"policy\": \"rent\", \"generic\": 1000}", often, often);
	/* No batch of pages saves anything. */
	run(CELL "\"lazy+page\", \"policy\": \"adaptive\"}", c.crossed, c.crossed);
}

static void only_what_is_called_more_than_k_times_is_made(void **state)
{
	static const uint32_t generic[] = { 1, 10, 1000 };
	struct counts c;
	char text[200];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		count(&c, generic[i]);
		snprintf(text, sizeof text,
			 CELL "\"lazy+pool\", \"policy\": \"one\", \"generic\": %u}", generic[i]);
		run(text, c.above, c.above);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eager_arms_make_all),
		cmocka_unit_test(policies_make_their_groups),
		cmocka_unit_test(only_what_is_called_more_than_k_times_is_made),
		cmocka_unit_test(live_programs_make_what_policies_say),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
