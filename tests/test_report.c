/* test_report.c - what a reader of a run sees: tables, tidy rows, figures' data, and the reading of
 * options, on a run whose numbers are known. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/options.h"
#include "analysis/report.h"
#include "analysis/rows.h"
#include "base/table.h"

enum { BLOCKS = 6 };

/* Two warm-up samples that would spoil everything, then three of about `ns` for 10 calls. */
static json_t *figures(int ns, unsigned block)
{
	return json_pack("[{s:s, s:s, s:s, s:s, s:i, s:i, s:[i,i,i,i,i]},"
			 " {s:s, s:s, s:s, s:s, s:i, s:i, s:[i]},"
			 " {s:s, s:s, s:s, s:n, s:n, s:s}]",
			 "phase", "steady", "event", "ns", "unit", "call", "source", "clock", "per",
			 10, "warmup", 2, "samples", 99999, 99999, ns * 10, ns * 10 + (int)block,
			 ns * 10 - (int)block, "phase", "space", "event", "pss", "unit", "stub",
			 "source", "kernel", "per", 4, "warmup", 0, "samples", ns > 10 ? 16384 : 0,
			 "phase", "steady", "event", "l1i_miss", "unit", "call", "source",
			 "samples", "why", "no PMU: guest");
}

static void add(struct run *run, const struct cell *cell, unsigned block, int ns, const char *why)
{
	char error[RUN_ERROR];
	json_t *record =
	    json_pack("{s:s, s:i, s:o, s:s, s:s?, s:o}", "type", "invocation", "block", (int)block,
		      "cell", cell_to_json(cell), "status", why ? "failed" : "ok", "why", why,
		      "figures", why ? json_array() : figures(ns, block));

	if (run_append(run, record, error))
		fail_msg("%s", error);
	json_decref(record);
}

/* page 20 ns, twice; pool 10 ns; template fails everywhere; null fails once. */
static void make_run(struct run *run)
{
	char error[PLAN_ERROR];
	struct plan p;
	json_t *json = json_loads("{\"name\": \"t\", \"seed\": 1, \"blocks\": 6, \"iterations\": 3,"
				  "\"baseline\": {\"stubs\": \"page\"}, \"cells\": [{\"live\": 8,"
				  "\"stubs\": [\"page\", \"pool\", \"template\", \"null\"]}]}",
				  0, NULL);

	if (plan_from_json(json, &p, error))
		fail_msg("%s", error);
	json_decref(json);
	assert_int_equal(run_begin(run, &p, NULL), 0);
	for (unsigned block = 0; block < BLOCKS; block++)
		for (size_t i = 0; i < p.n; i++) {
			const char *arm = p.cells[i].stubs;
			const char *why = !strcmp(arm, "template")	   ? "no room"
					  : !strcmp(arm, "null") && !block ? "wrong answer"
									   : NULL;
			add(run, &p.cells[i], block, !strcmp(arm, "page") ? 20 : 10, why);
		}
	plan_free(&p);
}

static char *text_of(enum report_form form)
{
	const struct report_options o = { .form = form };
	struct run run;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	make_run(&run);
	assert_int_equal(report_summary(f, &run, &o), 0);
	assert_int_equal(report_failures(&run), BLOCKS + 1);
	fclose(f);
	run_close(&run);
	return text;
}

static void test_table(void **state)
{
	char *text = text_of(REPORT_TABLE), *at = text, *line;
	static const char *const wanted[] = { "ring, 8 live, indirect i>i",
					      "page (A/A)",
					      "0.500",
					      "baseline",
					      "6 of 6 invocations failed: no room",
					      "1 of 6 invocations failed: wrong answer",
					      "not measured" };

	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!strstr(text, wanted[i]))
			fail_msg("no '%s' in:\n%s", wanted[i], text);
	assert_null(strstr(text, "nan"));
	while ((line = strsep(&at, "\n"))) {
		size_t len = strlen(line);
		assert_in_range(len, 0, TABLE_WIDTH);
		assert_true(!len || line[len - 1] != ' ');
	}
	free(text);
}

/* The row of an arm and a figure; phase NULL: the arm's row without one. */
static json_t *find_row(const char *text, const char *arm, int replica, const char *event)
{
	char *copy = strdup(text), *at = copy, *line;
	json_t *found = NULL;

	while (!found && (line = strsep(&at, "\n"))) {
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *is = json_string_value(json_object_get(row, "event"));
		if (row && !strcmp(json_string_value(json_object_get(row, "stubs")), arm) &&
		    json_integer_value(json_object_get(row, "replica")) == replica &&
		    (event ? is && !strcmp(is, event) : !is))
			found = json_incref(row);
		json_decref(row);
	}
	free(copy);
	assert_non_null(found);
	return found;
}

static void expect_real(const json_t *row, const char *key, double value)
{
	const json_t *v = json_object_get(row, key);
	double error = json_real_value(v) - value;

	assert_true(json_is_real(v) && error < 1e-6 && error > -1e-6);
}

static void expect_note(const json_t *row, const char *words)
{
	const char *note = json_string_value(json_object_get(row, "note"));

	if (!note || !strstr(note, words))
		fail_msg("note '%s' lacks '%s'", note ? note : "null", words);
}

static void test_rows(void **state)
{
	static const char *const keys[] = { "stubs",  "maps",	   "workload",	 "live",
					    "kind",   "wx",	   "quantum",	 "phase",
					    "event",  "unit",	   "source",	 "n",
					    "median", "low",	   "high",	 "baseline",
					    "ratio",  "ratio_low", "ratio_high", "note",
					    "p",      "p_holm",	   "detectable" };
	char *text = text_of(REPORT_JSON);
	json_t *row;

	(void)state;
	row = find_row(text, "pool", 0, "ns");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_non_null(json_object_get(row, keys[i]));
	expect_real(row, "median", 10);
	expect_real(row, "ratio", 0.5);
	assert_int_equal(json_integer_value(json_object_get(row, "n")), BLOCKS);
	assert_string_equal(json_string_value(json_object_get(row, "baseline")), "page");
	assert_true(json_is_null(json_object_get(row, "note")));
	json_decref(row);

	row = find_row(text, "page", 0, "ns");
	expect_real(row, "median", 20);
	assert_true(json_is_null(json_object_get(row, "ratio")));
	json_decref(row);
	row = find_row(text, "page", 1, "ns");
	expect_real(row, "ratio", 1);
	expect_note(row, "no difference found");
	json_decref(row);

	row = find_row(text, "pool", 0, "l1i_miss"); /* never a 0 for what is missing */
	assert_true(json_is_null(json_object_get(row, "median")));
	assert_true(json_is_null(json_object_get(row, "source")));
	expect_note(row, "no PMU: guest");
	json_decref(row);
	row = find_row(text, "pool", 0, "pss"); /* a 0 that was measured */
	expect_real(row, "median", 0);
	assert_true(json_is_null(json_object_get(row, "ratio")));
	expect_note(row, "no ratio");
	json_decref(row);

	row = find_row(text, "null", 0, "ns");
	assert_int_equal(json_integer_value(json_object_get(row, "n")), BLOCKS - 1);
	expect_note(row, "1 of 6 invocations failed: wrong answer");
	json_decref(row);
	row = find_row(text, "template", 0, NULL);
	expect_note(row, "6 of 6 invocations failed: no room");
	json_decref(row);
	free(text);
}

static void test_tsv(void **state)
{
	char *text = text_of(REPORT_TSV_RING);

	(void)state;
	assert_non_null(strstr(text, "arm\tworkload\tkind\tlive\tl1i_ways\tsteady_ns\tlow\thigh\t"
				     "l1i_lines\titlb_entries\n"));
	assert_non_null(strstr(text, "\npool\tring\tindirect\t8\tNaN\t10\t"));
	assert_non_null(
	    strstr(text, "\ntemplate\tring\tindirect\t8\tNaN\tNaN\tNaN\tNaN\tNaN\tNaN\n"));
	assert_null(strstr(text, "A/A"));
	free(text);
	text = text_of(REPORT_TSV_MAKE);
	assert_non_null(strstr(text, "\npage\tring\tindirect\t8\tNaN\t4096\t4096\t4096\tNaN\t"));
	free(text);
}

/* A program has no live stubs to be drawn by: its line stands where its run was counted. */
static void test_fills_of_programs(void **state)
{
	const struct report_options o = { .form = REPORT_TSV_FILLS };
	char error[RUN_ERROR], refusal[PLAN_ERROR], *text = NULL;
	struct plan p;
	struct run run;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	json_t *json =
	    json_loads("{\"name\": \"t\", \"seed\": 1, \"blocks\": 1,"
		       "\"iterations\": 1, \"baseline\": {\"stubs\": \"pool\"}, \"cells\":"
		       "[{\"workload\": \"wasm:kernel\", \"stubs\": [\"page\", \"pool\"]}]}",
		       0, NULL);

	(void)state;
	if (plan_from_json(json, &p, refusal))
		fail_msg("%s", refusal);
	json_decref(json);
	assert_int_equal(run_begin(&run, &p, NULL), 0);
	for (size_t i = 0; i < p.n; i++) {
		bool counted = !strcmp(p.cells[i].stubs, "page");
		json_t *record = json_pack(
		    "{s:s, s:i, s:o, s:s, s:[{s:s, s:s, s:s, s:s, s:i, s:i, s:[i]}]}", "type",
		    "invocation", "block", 0, "cell", cell_to_json(&p.cells[i]), "status", "ok",
		    "figures", "phase", "run", "event", counted ? "l1i_fill" : "made_indirect",
		    "unit", "run", "source", "perf", "per", 1, "warmup", 0, "samples", 4711);
		assert_int_equal(run_append(&run, record, error), 0);
		json_decref(record);
	}
	assert_int_equal(report_summary(f, &run, &o), 0);
	fclose(f);
	run_close(&run);
	plan_free(&p);
	assert_non_null(strstr(text, "\npage\twasm:kernel\t"));
	assert_non_null(strstr(text, "\t4711\t"));
	assert_null(strstr(text, "\npool\t"));
	free(text);
}

static void test_digits(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },	   { 1.234, "1.23" },	{ 9.996, "10.0" },
		{ 12.34, "12.3" }, { 99.96, "100" },	{ 12345.6, "12346" },
		{ 0.5, "0.500" },  { 0.0123, "0.012" }, { -1.5, "-1.50" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		table_format(rows[i].value, text, sizeof text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_options(void **state)
{
	static const struct option_help help = {
		.usage = "t FILE", .summary = "t", .min_words = 1, .max_words = 1
	};
	uint64_t number = 7, size = 7;
	bool flag = false;
	const char *word = NULL;
	struct option_list list = { 0 };
	const struct option_spec specs[] = {
		{ "number", 'n', OPTION_NUMBER, "N", "", &number, 1, 100 },
		{ "size", 0, OPTION_SIZE, "S", "", &size, 4096, 65536 },
		{ "flag", 0, OPTION_FLAG, NULL, "", &flag, 0, 0 },
		{ "word", 0, OPTION_TEXT, "W", "", &word, 0, 0 },
		{ "list", 0, OPTION_LIST, "A,B", "", &list, 0, 0 },
	};
	char *good[] = { "t",	   "--size=16K", "file",   "-n",  "3", "--flag",
			 "--word", "w",		 "--list", "a,b", NULL };
	char *bad[][5] = {
		{ "t", "--numbr", "3", "file", NULL },	 { "t", "-n", "0", "file", NULL },
		{ "t", "-n", "3x", "file", NULL },	 { "t", "--size", "5T", "file", NULL },
		{ "t", "--list", "a,,b", "file", NULL }, { "t", "--flag=1", "file", NULL, NULL },
		{ "t", "--flag", NULL, NULL, NULL },	 { "t", "a", "b", NULL, NULL },
		{ "t", "file", "-n", NULL, NULL },
	};
	int first;

	(void)state;
	assert_int_equal(options_parse(10, good, &help, specs, 5, &first), 0);
	assert_true(number == 3 && size == 16384 && flag && list.n == 2);
	assert_string_equal(word, "w");
	assert_string_equal(list.words[1], "b");
	assert_string_equal(good[first], "file");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int n = 0;
		while (n < 5 && bad[i][n])
			n++;
		assert_int_equal(options_parse(n, bad[i], &help, specs, 5, &first), -EINVAL);
	}
	free(list.text);
	assert_int_equal(options_size("99999999999G", &size), -EINVAL);
	assert_int_equal(options_size("1MiB", &size), 0);
	assert_true(size == 1 << 20);
	assert_int_equal(options_number("-1", &number), -EINVAL);
}

static void test_shares_and_times(void **state)
{
	static const struct {
		const char *text;
		double share; /* 0: refused */
		uint64_t seconds;
	} cases[] = {
		{ "2%", 0.02, 0 },
		{ "2", 0.02, 2 },
		{ "0.5%", 0.005, 0 },
		{ "60s", 0, 60 },
		{ "5m", 0, 300 },
		{ "2h", 0, 7200 },
		{ "", 0, 0 },
		{ "s", 0, 0 },
		{ "-1%", 0, 0 },
		{ "nan", 0, 0 },
		{ "5%%", 0, 0 },
		{ "3 m", 0, 0 },
		{ "99999999999999999h", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t seconds;
		double share;
		int a = options_percent(cases[i].text, &share);
		int b = options_time(cases[i].text, &seconds);

		if (!a != (cases[i].share > 0) || !b != (cases[i].seconds > 0) ||
		    (!a && fabs(share - cases[i].share) > 1e-12) ||
		    (!b && seconds != cases[i].seconds))
			fail_msg("'%s'", cases[i].text);
	}
}

/* Puts the file's name where the text says FILE. */
static void with_file(const char *text, const char *file, char *out, size_t size)
{
	size_t n = 0;

	for (const char *at; (at = strstr(text, "FILE")); text = at + 4)
		n += (size_t)snprintf(out + n, size - n, "%.*s%s", (int)(at - text), text, file);
	snprintf(out + n, size - n, "%s", text);
}

/* A comma in a word: behind a backslash, or in the name of a file that exists. */
static void test_lists_of_files(void **state)
{
	static const struct option_help help = { .usage = "t", .min_words = 0, .max_words = 0 };
	static const struct {
		const char *text;
		int files; /* 0: as OPTION_LIST */
		const char *words[4];
	} cases[] = {
		{ "ring,x:FILE,tierup", 1, { "ring", "x:FILE", "tierup" } },
		{ "FILE", 1, { "FILE" } },
		{ "x:y:FILE,FILE", 1, { "x:y:FILE", "FILE" } },
		{ "ring,x:z:w", 1, { "ring", "x:z:w" } },
		{ "a\\,b,c", 1, { "a,b", "c" } },
		{ "a\\,b,c", 0, { "a,b", "c" } },
		{ "a\\b,c\\", 1, { "a\\b", "c\\" } },
		{ "none,x:none,here", 1, { "none", "x:none", "here" } },
		{ "x:none,x:FILE", 1, { "x:none", "x:FILE" } },
	};
	char file[] = "/tmp/test,report,XXXXXX", text[200], word[100];
	int fd = mkstemp(file), first;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct option_list list = { 0 };
		const struct option_spec spec = {
			"list", 0, cases[i].files ? OPTION_FILES : OPTION_LIST, "L", "", &list, 0, 0
		};
		char *argv[] = { (char[]){ "t" }, (char[]){ "--list" }, text, NULL };
		size_t n = 0;
		with_file(cases[i].text, file, text, sizeof text);
		assert_int_equal(options_parse(3, argv, &help, &spec, 1, &first), 0);
		for (; n < 4 && cases[i].words[n]; n++) {
			with_file(cases[i].words[n], file, word, sizeof word);
			assert_true(n < list.n);
			assert_string_equal(list.words[n], word);
		}
		assert_int_equal(list.n, n);
		free(list.text);
	}
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tsv),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_shares_and_times),
		cmocka_unit_test(test_lists_of_files),
		cmocka_unit_test(test_fills_of_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
