/* test_marks.c - what a table says of a ratio: a difference, none, or one that chance offers; and
 * that the baseline is both of its replicas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/report.h"
#include "tests/run_files.h"

static double real(const json_t *row, const char *key)
{
	return json_number_value(json_object_get(row, key));
}

static char *summary_of(const char *name, enum report_form form)
{
	const struct report_options o = { .form = form };
	char path[200], error[RUN_ERROR], *text = NULL;
	struct run run;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	run_path(name, path);
	assert_int_equal(run_load(path, &run, error), 0);
	assert_int_equal(report_summary(f, &run, &o), 0);
	fclose(f);
	run_close(&run);
	return text;
}

/* How many rows of an arm have a mark before their ratio. */
static unsigned count_marks(const char *text, const char *arm, const char *mark, unsigned *rows)
{
	char *copy = strdup(text), *at = copy, *line;
	unsigned n = 0;

	*rows = 0;
	while ((line = strsep(&at, "\n"))) {
		if (strncmp(line, arm, strlen(arm)) || line[strlen(arm)] != ' ')
			continue;
		++*rows;
		n += strstr(line, mark) != NULL;
	}
	free(copy);
	return n;
}

/* ~ is no difference; ? one that chance offers among so many. The mark once paid for the noise
 * twice: a true difference of 10 % had the mark in 83 of 100 runs whose interval left out 1. */
static void test_marks(void **state)
{
	unsigned rows, alike, chance;
	char *text;

	(void)state;
	make_run("same", MADE(.cells = 80, .pool = 1, .seed = 2));
	text = summary_of("same", REPORT_TABLE);
	alike = count_marks(text, "pool", "~", &rows);
	chance = count_marks(text, "pool", "?", &rows);
	assert_int_equal(rows, 80);
	assert_int_equal(alike + chance, 80);
	assert_in_range(chance, 1, 8);
	assert_non_null(strstr(text, "~: no difference found; one of "));
	assert_non_null(strstr(text, "?: a difference if it is the only question"));
	assert_non_null(strstr(text, " of 80 rows; 5 % are to be expected"));
	free(text);
	make_run("less", MADE(.cells = 80, .pool = 0.9, .blocks = 8, .replica = 0.05));
	text = summary_of("less", REPORT_TABLE);
	alike = count_marks(text, "pool", "~", &rows);
	assert_in_range(alike, 0, 80 / 5);
	free(text);
}

static void test_chances(void **state)
{
	char *text, *at, *line;

	(void)state;
	make_run("one", MADE(.pool = 0.5));
	text = at = summary_of("one", REPORT_JSON);
	while ((line = strsep(&at, "\n")) && *line) {
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		double p = json_number_value(json_object_get(row, "p")),
		       holm = json_number_value(json_object_get(row, "p_holm"));
		bool replica = json_integer_value(json_object_get(row, "replica")) == 1,
		     pool = !strcmp(json_string_value(json_object_get(row, "stubs")), "pool"),
		     time = !strcmp(json_string_value(json_object_get(row, "event")), "ns");
		if (pool)
			assert_true(p < 0.05 && holm == p); /* the only question of its figure */
		if (replica)
			assert_true(json_is_null(json_object_get(row, "p_holm")));
		if (pool && time)
			assert_true(json_real_value(json_object_get(row, "detectable")) > 0);
		json_decref(row);
	}
	free(text);
}

/* The baseline is both of its replicas: 20 and 40 ns are 28.3 on average. */
static void test_replicas(void **state)
{
	char path[200], *text, *at, *line;
	FILE *f;

	(void)state;
	run_path("modes", path);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("{\"schema\": 1, \"type\": \"run\", \"plan\": {\"name\": \"t\", \"baseline\": "
	      "{\"stubs\": \"page\"}}, \"seed\": 1, \"machine\": {}, \"started\": \"\"}\n",
	      f);
	for (int block = 0; block < 6; block++)
		for (int arm = 0; arm < 3; arm++)
			fprintf(f,
				"{\"schema\": 1, \"type\": \"invocation\", \"block\": %d, "
				"\"cell\": {\"stubs\": \"%s\", \"workload\": \"ring\", \"live\": "
				"8, \"replica\": %d}, \"status\": \"ok\", \"why\": null, "
				"\"figures\": [{\"phase\": \"steady\", \"event\": \"ns\", "
				"\"unit\": \"call\", \"source\": \"clock\", \"per\": 1, "
				"\"warmup\": 0, \"samples\": [%d]}]}\n",
				block, arm < 2 ? "page" : "pool", arm == 1,
				arm == 2	    ? 10
				: (arm + block) % 2 ? 40
						    : 20);
	fclose(f);
	text = summary_of("modes", REPORT_JSON);
	at = text;
	while ((line = strsep(&at, "\n")) && *line) {
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		double ratio = real(row, "ratio");
		if (!strcmp(json_string_value(json_object_get(row, "stubs")), "pool")) {
			assert_true(fabs(ratio - 0.353553390593) < 1e-9);
		} else if (json_integer_value(json_object_get(row, "replica"))) {
			/* against the other half alone */
			assert_true(fabs(ratio - 1) < 1e-9 && real(row, "ratio_high") > 1.5);
		} else {
			assert_true(fabs(real(row, "median") - 30) < 1e-9);
			assert_int_equal(json_integer_value(json_object_get(row, "n")), 6);
		}
		json_decref(row);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_chances),
		cmocka_unit_test(test_replicas),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
