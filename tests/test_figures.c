/* test_figures.c - the list of figures is whole: whatever the families record, whatever the
 * reference runs hold and whatever the claims ask for stands in it, with its unit. */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cache_helpers.h"
#include "cell_helpers.h"
#include "measure/families.h"
#include "analysis/claims.h"
#include "runs/figures.h"

enum { EARLY = 6 };

static struct figure_id id_of(const json_t *figure)
{
	return (struct figure_id){ json_string_value(json_object_get(figure, "phase")),
				   json_string_value(json_object_get(figure, "event")) };
}

static void check_figure(const json_t *figure, const char *where)
{
	const struct figure_id id = id_of(figure);
	const char *unit = json_string_value(json_object_get(figure, "unit"));
	const struct figure_row *row;
	unsigned u = 0;

	assert_true(id.phase && id.event && unit);
	if (!(row = figure_find(id)))
		fail_msg("%s: %s/%s is not in the list", where, id.phase, id.event);
	while (u < FIGURE_UNITS && strcmp(figure_unit_names[u], unit))
		u++;
	if (u == FIGURE_UNITS || !(row->units >> u & 1))
		fail_msg("%s: %s/%s is of a %s", where, id.phase, id.event, unit);
}

static void check_figures(const json_t *figures, const char *where)
{
	for (size_t i = 0; i < json_array_size(figures); i++)
		check_figure(json_array_get(figures, i), where);
}

static void test_rows(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < FIGURES; i++) {
		const struct figure_row *r = &figure_rows[i];
		const struct figure_id id = { r->id.phase, r->id.event ? r->id.event : "cycles" };

		assert_ptr_equal(figure_find(id), r); /* and so no row is there twice */
		assert_true(*r->meaning && r->units && !(r->units >> FIGURE_UNITS));
	}
	assert_null(figure_find((struct figure_id){ "steady", "nss" }));
	assert_null(figure_find((struct figure_id){ "bind", "cycles" }));
	assert_null(figure_find((struct figure_id){ "", "" }));
}

static void test_refusals(void **unused)
{
	static const struct {
		struct figure_id id;
		const char *words;
	} rows[] = { { { "steady", "nss" }, "did you mean 'steady/ns'?" },
		     { { "staedy", "ns" }, "did you mean 'steady/ns'?" },
		     { { "run", "l1i_fil" }, "did you mean 'run/l1i_fill'?" },
		     { { "nothing", "like it" }, "'nothing/like it'; `stubmap list figures`" } };
	char error[CELL_ERROR];

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		figure_refuse(rows[i].id, error, sizeof error);
		if (!strstr(error, rows[i].words))
			fail_msg("'%s' lacks '%s'", error, rows[i].words);
	}
}

/* One cell of each family, small, and with all meters where calls are counted. */
static void test_families(void **unused)
{
	static const char *const cells[FAMILIES][2] = {
		[FAMILY_CALLS] = { "{\"live\": 4}",
				   "{\"workload\": \"replay:sqlite3oo\", \"max_events\": 3000, "
				   "\"stubs\": \"lazy+pool\", \"tier\": 0}" },
		[FAMILY_TIERUP] = { "{\"workload\": \"tierup\", \"live\": 16, \"upgrades\": 100}" },
		[FAMILY_FLOOD] = { "{\"workload\": \"flood\", \"live\": 4}" },
		[FAMILY_CHURN] = { "{\"workload\": \"churn\", \"live\": 4, \"max_events\": 400}",
				   "{\"workload\": \"churn\", \"live\": 4, \"max_events\": 400, "
				   "\"poison\": true}" },
		[FAMILY_GC] = { "{\"workload\": \"gc:trees\", \"size\": 5}" },
		[FAMILY_WASM] = { "{\"workload\": \"wasm:kernel\", \"tier\": 0}" },
		[FAMILY_WASM_FLOOD] = { "{\"workload\": \"flood:wasm:kernel\", \"tier\": 0}" },
	};
	struct job job = { .seed = 3, .iterations = 2, .data = "workloads", .cache = cache };
	char why[CELL_ERROR];

	(void)unused;
	for (; job.nmeters < METERS; job.nmeters++)
		job.meters[job.nmeters] = meter_names[job.nmeters];
	for (unsigned f = 0; f < FAMILY_UNKNOWN; f++)
		for (unsigned k = 0; k < 2 && (k == 0 || cells[f][k]); k++) {
			json_t *figures = json_array();

			assert_non_null(cells[f][k]);
			if (read_cell(cells[f][k], &job.cell, why) ||
			    measure_job(&job, figures, why) != MEASURE_OK)
				fail_msg("%s: %s", cells[f][k], why);
			assert_int_equal(job.cell.family, f);
			assert_true(json_array_size(figures) > 5);
			check_figures(figures, cells[f][k]);
			json_decref(figures);
		}
}

/* Each cell of a run comes once in each block, and each meter in one of a few: the first blocks
 * have all. A line without one is a head. */
static bool is_early(const char *line)
{
	const char *block = strstr(line, "\"block\":");

	return !block || atoi(block + 8) < EARLY;
}

static void test_reference_runs(void **unused)
{
	glob_t files;
	char *line = NULL;
	size_t cap = 0, runs = 0;

	(void)unused;
	assert_int_equal(glob("results/*/*.jsonl", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *f = fopen(files.gl_pathv[i], "r");

		assert_non_null(f);
		/* maps.jsonl and its like hold no figures of runs. */
		while (getline(&line, &cap, f) > 0) {
			if (!is_early(line) || !strstr(line, "\"figures\""))
				continue;
			json_t *json = json_loads(line, 0, NULL);
			const json_t *figures = json_object_get(json, "figures");

			assert_non_null(json);
			check_figures(figures, files.gl_pathv[i]);
			runs += json_array_size(figures) > 0;
			json_decref(json);
		}
		fclose(f);
	}
	assert_true(runs > 1000);
	free(line);
	globfree(&files);
}

static void test_claims(void **unused)
{
	glob_t files;

	(void)unused;
	assert_int_equal(glob("scripts/claims*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		json_t *list = json_load_file(files.gl_pathv[i], 0, NULL);
		char error[RUN_ERROR];
		struct claims claims;

		/* As `stubmap claims` reads it, once there is a run of the plan. */
		if (claims_load(files.gl_pathv[i], &claims, error))
			fail_msg("%s", error);
		assert_int_equal(claims.n, json_array_size(list));
		claims_free(&claims);
		assert_true(json_array_size(list) > 0);
		for (size_t k = 0; k < json_array_size(list); k++) {
			const struct figure_id id = id_of(json_array_get(list, k));

			if (!figure_find(id))
				fail_msg("%s: %s/%s", files.gl_pathv[i], id.phase, id.event);
		}
		json_decref(list);
	}
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	 cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_families), cmocka_unit_test(test_reference_runs),
		cmocka_unit_test(test_claims),
	};
	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
