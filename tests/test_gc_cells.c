/*
 * test_gc_cells.c - the programs on the collected heap as cells of plans and sweeps, and
 * a producer's faults in them. Faults run in processes made by fork; cells in this
 * program, again, as `child`.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/child.h"
#include "gc/faults.h"
#include "measure/families.h"
#include "analysis/report.h"
#include "runs/sweep.h"
#include "cache_helpers.h"
#include "cell_helpers.h"

/* ---- Cells --------------------------------------------------------------------------------- */

static void test_refused(void **unused)
{
	static const struct bad_cell bad[] = {
		{ "{\"workload\": \"gc:lips\"}", "did you mean 'gc:lisp'" },
		{ "{\"workload\": \"gc:lisp\", \"mode\": \"evry\"}", "did you mean 'every'" },
		{ "{\"workload\": \"gc:lisp\", \"maps\": \"exat\"}", "did you mean 'exact'" },
		{ "{\"workload\": \"gc:lisp\", \"polls\": 1}", "true or false" },
		{ "{\"workload\": \"gc:lisp\", \"size\": 25}", "1 to 24 are allowed" },
		{ "{\"workload\": \"gc:lisp\", \"size\": -1}", "whole number" },
		{ "{\"workload\": \"gc:lisp\", \"live\": 4}", "live does not apply" },
		{ "{\"workload\": \"gc:lisp\", \"kind\": \"indirect\"}", "kind does not apply" },
		{ "{\"workload\": \"gc:lisp\", \"literals\": \"own\"}", "literals does not apply" },
		{ "{\"workload\": \"gc:lisp\", \"markers\": true}", "markers does not apply" },
		{ "{\"workload\": \"gc:lisp\", \"max_events\": 9}", "max_events does not apply" },
		{ "{\"mode\": \"every\"}", "mode does not apply to workload ring" },
		{ "{\"polls\": true}", "polls does not apply" },
		{ "{\"size\": 4}", "size does not apply" },
		{ "{\"maps\": \"exact\"}", "has no stack maps" },
		{ "{\"workload\": \"replay:sqljs\", \"maps\": \"exact\"}", "has no stack maps" },
	};

	(void)unused;
	expect_refused(bad, sizeof bad / sizeof *bad);
}

static void test_filled_in(void **unused)
{
	char error[CELL_ERROR];
	struct setup setup;
	struct cell a, b;

	(void)unused;
	for (size_t i = 0; gc_programs[i]; i++) {
		const struct gc_program *p = gc_programs[i];
		char text[100];
		snprintf(text, sizeof text, "{\"workload\": \"%s\"}", p->workload);
		assert_int_equal(read_cell(text, &a, error), 0);
		assert_int_equal(a.family, FAMILY_GC);
		assert_int_equal(setup_of(&a, &setup, error), 0);
		assert_ptr_equal(setup.program, p);
		assert_string_equal(a.maps, "exact");
		assert_string_equal(a.mode, "normal");
		assert_int_equal(a.size, p->usual);
		json_t *json = cell_to_json(&a);
		assert_null(json_object_get(json, "live"));
		assert_null(json_object_get(json, "literals"));
		assert_int_equal(cell_read(json, &b, error), 0);
		assert_true(cell_equal(&a, &b));
		json_object_set_new(json, "polls", json_true());
		assert_int_equal(cell_read(json, &b, error), 0);
		assert_false(cell_equal(&a, &b));
		json_decref(json);
	}
	assert_int_equal(read_cell("{\"workload\": \"gc:map\", \"mode\": \"every\"}", &a, error),
			 0);
	assert_int_equal(a.size, gc_program_find("map")->small);
	assert_int_equal(read_cell("{}", &a, error), 0);
	assert_int_equal(setup_of(&a, &setup, error), 0);
	assert_null(setup.program);
	assert_string_equal(a.maps, "none");
}

/* ---- Plans and sweeps ---------------------------------------------------------------------- */

#define PLAN                                                                       \
	"{\"name\": \"t\", \"seed\": 5, \"blocks\": 1, \"iterations\": 2, "        \
	"\"baseline\": {\"maps\": \"exact\"}, \"cells\": [{\"workload\": \"%s\", " \
	"\"mode\": \"every\", \"maps\": %s}]}"

static void make_plan(struct plan *p, const char *workload, const char *maps)
{
	char text[400], error[PLAN_ERROR];

	snprintf(text, sizeof text, PLAN, workload, maps);
	json_t *json = json_loads(text, 0, NULL);
	assert_non_null(json);
	if (plan_from_json(json, p, error))
		fail_msg("%s", error);
	json_decref(json);
}

/* A pattern stands for the encoders that should work. */
static void test_pattern(void **unused)
{
	size_t safe = 0, programs = 0;
	struct plan p;

	(void)unused;
	for (size_t i = 0; map_encoders[i]; i++)
		safe += !(map_encoders[i]->flags & (MAP_FLOOR | MAP_UNSAFE));
	while (gc_programs[programs])
		programs++;
	make_plan(&p, "gc:*", "\"*\"");
	assert_int_equal(p.n, programs * (safe + 1)); /* a replica in each group */
	for (size_t i = 0; i < p.n; i++)
		assert_false(map_encoder(p.cells[i].maps)->flags & (MAP_FLOOR | MAP_UNSAFE));
	plan_free(&p);
}

/* A failed cell is recorded with its reason, and the cells after it run. */
static void test_sweep_goes_on(void **unused)
{
	const struct sweep_options o = { .cpu = -1, .cache = cache, .data = "workloads" };
	char error[RUN_ERROR] = "";
	struct plan p;
	struct run run;

	(void)unused;
	make_plan(&p, "gc:gaps", "[\"exact\", \"ranged-unsafe\", \"none\", \"ranged\"]");
	json_t *machine = json_object();
	assert_int_equal(run_begin(&run, &p, machine), 0);
	assert_int_equal(sweep_run(&p, &o, &run, error), 0);
	assert_int_equal(run.n, 5);
	assert_int_equal(report_failures(&run), 2);
	for (size_t i = 0; i < run.n; i++) {
		const struct invocation *v = &run.invocations[i];
		bool bad = map_encoder(v->cell.maps)->flags & (MAP_FLOOR | MAP_UNSAFE);
		if (v->ok == bad)
			fail_msg("%s: %s", v->cell.maps, v->why ? v->why : "no reason");
		if (!bad)
			continue;
		/* The return address, the encoder, and what it should have answered. */
		assert_non_null(strstr(v->why, "gap+0x"));
		assert_non_null(strstr(v->why, v->cell.maps));
		assert_non_null(strstr(v->why, "should be {"));
	}
	run_close(&run);
	json_decref(machine);
	plan_free(&p);
}

/* ---- One cell ------------------------------------------------------------------------------ */

static const json_t *find_figure(const json_t *figures, const char *phase, const char *event)
{
	const json_t *f;
	size_t i;

	json_array_foreach(figures, i, f)
		if (!strcmp(json_string_value(json_object_get(f, "phase")), phase) &&
		    !strcmp(json_string_value(json_object_get(f, "event")), event))
			return f;
	fail_msg("no figure %s %s", phase, event);
	return NULL;
}

static json_t *measure(const char *text, struct job *job)
{
	json_t *figures = json_array();
	char why[CELL_ERROR];

	*job = (struct job){ .seed = 3, .iterations = 4, .cache = cache };
	if (read_cell(text, &job->cell, why) || measure_job(job, figures, why) != MEASURE_OK)
		fail_msg("%s: %s", text, why);
	return figures;
}

static void test_figures(void **unused)
{
	static const char *const timed[][2] = {
		{ "encode", "ns" },	    { "run", "ns" },
		{ "collect", "ns" },	    { "collect", "walk_ns" },
		{ "collect", "lookup_ns" }, { "collect", "lookup_share" },
	};
	struct job job;
	json_t *figures =
	    measure("{\"workload\": \"gc:lisp\", \"size\": 12, \"mode\": \"random\"}", &job);

	(void)unused;
	for (size_t i = 0; i < sizeof timed / sizeof *timed; i++) {
		const json_t *f = find_figure(figures, timed[i][0], timed[i][1]);
		assert_string_equal(json_string_value(json_object_get(f, "source")), "clock");
		assert_int_equal(json_array_size(json_object_get(f, "samples")),
				 (json_int_t)job.iterations + 1);
		assert_int_equal(json_integer_value(json_object_get(f, "warmup")), 1);
		assert_true(json_integer_value(json_object_get(f, "per")) > 0);
	}
	/* A share is a part of its whole. */
	const json_t *share = find_figure(figures, "collect", "lookup_share"), *v;
	size_t i;
	json_array_foreach(json_object_get(share, "samples"), i, v)
		assert_true(json_integer_value(v) <=
			    json_integer_value(json_object_get(share, "per")));
	json_decref(figures);
}

/* Nothing was collected: no time of it, and it says so. */
static void test_missing(void **unused)
{
	struct job job;
	json_t *figures = measure(
	    "{\"workload\": \"gc:trees\", \"size\": 6, \"mode\": \"never\", \"maps\": \"none\"}",
	    &job);
	const json_t *f = find_figure(figures, "collect", "lookup_ns");

	(void)unused;
	assert_true(json_is_null(json_object_get(f, "samples")));
	assert_string_equal(json_string_value(json_object_get(f, "why")), "no frame");
	f = find_figure(figures, "collect", "collections");
	assert_int_equal(json_integer_value(json_array_get(json_object_get(f, "samples"), 0)), 0);
	json_decref(figures);
}

/* Each encoder that loads its tables says how long that takes, and no other says 0. */
static void test_load(void **unused)
{
	(void)unused;
	for (size_t i = 0; map_encoders[i]; i++) {
		const struct map_ops *ops = map_encoders[i];
		char text[200];
		struct job job;

		/* Those refuse this program, or some of its collections. */
		if (ops->flags & (MAP_UNSAFE | MAP_FLOOR))
			continue;
		snprintf(text, sizeof text,
			 "{\"workload\": \"gc:trees\", \"size\": 6, \"maps\": \"%s\"}", ops->name);
		json_t *figures = measure(text, &job);
		const json_t *f = find_figure(figures, "load", "ns"), *v;
		const json_t *samples = json_object_get(f, "samples");
		size_t k;
		assert_int_equal(json_is_null(samples), !ops->load);
		if (!ops->load)
			assert_string_equal(json_string_value(json_object_get(f, "why")),
					    "look-ups read the table itself");
		json_array_foreach(samples, k, v)
			assert_true(json_integer_value(v) > 0);
		json_decref(figures);
	}
}

/* ---- Faults -------------------------------------------------------------------------------- */

static struct gc_task fault_task(const char *program, const char *maps, enum gc_fault_kind kind)
{
	const struct gc_program *p = gc_program_find(program);

	return (struct gc_task){ .program = p,
				 .size = p->small,
				 .maps = map_encoder(maps),
				 .stubs = stub_strategy("pool"),
				 .quantum = 4096,
				 .tier = 2,
				 .mode = GC_EVERY,
				 .seed = 1,
				 .check = true,
				 .fault.kind = kind,
				 .cache = cache };
}

static struct fault_count count(const char *program, const char *maps, enum gc_fault_kind kind,
				uint64_t most)
{
	struct gc_task task = fault_task(program, maps, kind);
	uint64_t rooms[GC_FAULT_KINDS], sum = 0;
	struct progress progress;
	struct fault_count c;
	char why[GC_ERROR];

	assert_int_equal(fault_rooms(&task, rooms, why), 0);
	progress_begin(&progress, "test", rooms[kind]);
	if (fault_count(&task, rooms[kind], most, &progress, &c, why))
		fail_msg("%s", why);
	progress_end(&progress);
	for (int k = 0; k < FAULT_OUTCOMES; k++)
		sum += c.outcomes[k];
	assert_true(rooms[kind] > 0);
	assert_int_equal(c.room, rooms[kind]);
	assert_int_equal(c.runs, rooms[kind] < most ? rooms[kind] : most);
	assert_int_equal(sum, c.runs);
	return c;
}

static void test_counts_add_up(void **unused)
{
	static const char *const encoders[] = { "exact", "ranged", "ranged-start" };

	(void)unused;
	for (size_t m = 0; m < sizeof encoders / sizeof *encoders; m++)
		for (int kind = GC_FAULT_NONE + 1; kind < GC_FAULT_KINDS; kind++) {
			count("gaps", encoders[m], (enum gc_fault_kind)kind, 64);
			count("trees", encoders[m], (enum gc_fault_kind)kind, 2);
		}
}

/* The encoders differ in what they notice. */
static void test_who_notices(void **unused)
{
	struct fault_count c;

	(void)unused;
	/* exact holds no empty maps: leaving one out changes nothing. */
	c = count("gaps", "exact", GC_FAULT_EMPTY, 64);
	assert_int_equal(c.outcomes[FAULT_HARMLESS], c.runs);
	/* ranged knows its safepoints; a format that takes the map before answers wrongly. */
	c = count("gaps", "ranged", GC_FAULT_EMPTY, 64);
	assert_true(c.outcomes[FAULT_CAUGHT] > 0);
	c = count("gaps", "ranged-start", GC_FAULT_EMPTY, 64);
	assert_int_equal(c.outcomes[FAULT_CAUGHT], 0);
	assert_true(c.outcomes[FAULT_BAD_ROOT] > 0);
	/* Nobody can notice a slot by its map; the program runs into the old space. */
	c = count("gaps", "ranged", GC_FAULT_SLOT, 64);
	assert_int_equal(c.outcomes[FAULT_CAUGHT], 0);
	assert_true(c.outcomes[FAULT_CRASH] > 0);
}

/* Without a fault: uninitialised data is handed to the collector by ranged-unsafe, and a dead
 * reference lives on; by no other encoder. */
static void test_unsafe(void **unused)
{
	struct gc_task task = fault_task("gaps", "exact", GC_FAULT_NONE);
	uint64_t moved;
	struct fault_end end;

	(void)unused;
	task.check = false;
	assert_int_equal(fault_run(&task, &end), 0);
	moved = end.result.stats.moved_objects;
	for (size_t i = 0; map_encoders[i]; i++) {
		bool unsafe = map_encoders[i]->flags & MAP_UNSAFE;
		if (map_encoders[i]->flags & MAP_FLOOR)
			continue;
		task.maps = map_encoders[i];
		task.check = true;
		assert_int_equal(fault_run(&task, &end), 0);
		assert_int_equal(end.outcome, unsafe ? FAULT_BAD_ROOT : FAULT_HARMLESS);
		task.check = false;
		assert_int_equal(fault_run(&task, &end), 0);
		assert_int_equal(end.result.stats.bad_roots > 0, unsafe);
		assert_int_equal(end.result.stats.moved_objects > moved, unsafe);
	}
}

static void test_refused_task(void **unused)
{
	struct gc_task task = fault_task("gaps", "exact", GC_FAULT_PC);
	struct fault_end end;

	(void)unused;
	task.fault.n = UINT64_MAX;
	assert_int_equal(fault_run(&task, &end), -EINVAL);
	assert_non_null(strstr(end.why, "is allowed"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_filled_in),
		cmocka_unit_test(test_pattern),	     cmocka_unit_test(test_sweep_goes_on),
		cmocka_unit_test(test_figures),	     cmocka_unit_test(test_load),
		cmocka_unit_test(test_missing),	     cmocka_unit_test(test_counts_add_up),
		cmocka_unit_test(test_who_notices),  cmocka_unit_test(test_unsafe),
		cmocka_unit_test(test_refused_task),
	};

	if (argc > 2 && !strcmp(argv[1], "child"))
		return child_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
