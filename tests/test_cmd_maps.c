/*
 * test_cmd_maps.c - stubmap maps as a caller sees it: exit status, rows that
 * add up, records that are read back, one line for a wrong call. Two files under every encoder take
 * long: that is done once for all tests, and read back from its record.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <stubmap/map.h>

#include "cli/commands.h"
#include "corpora/import.h"
#include "maps/safety.h"
#include "command_helpers.h"

#define CORPUS "workloads/corpora/dart-sass.corpus"
/* Under a sanitizer the faults of all encoders take minutes at their usual number. */
#define FEW " --samples 100"

/* ---- Rows ----------------------------------------------------------------------------------- */

static double value(json_t *rows, const char *encoder, const char *event)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row) {
		const char *e = json_string_value(json_object_get(row, "encoder"));
		if (strcmp(json_string_value(json_object_get(row, "event")), event) ||
		    strcmp(e ? e : "", encoder))
			continue;
		assert_true(json_is_number(json_object_get(row, "value")));
		return json_number_value(json_object_get(row, "value"));
	}
	fail_msg("no row %s of %s", event, encoder);
	return 0;
}

static json_t *parse(const char *text)
{
	json_t *rows = json_array();

	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		assert_non_null(end);
		json_t *row = json_loadb(text, (size_t)(end - text), 0, NULL);
		assert_non_null(row);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* Each figure has a source, or is null with a reason. */
static void check_row(const json_t *row)
{
	static const char *const fields[] = { "file",	"corpus", "encoder", "event", "unit",
					      "source", "value",  "n",	     "mean",  "p50",
					      "p90",	"p99",	  "note" };
	bool has = !json_is_null(json_object_get(row, "value"));

	assert_int_equal(json_object_size(row), sizeof fields / sizeof *fields);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		assert_non_null(json_object_get(row, fields[i]));
	assert_true(json_is_string(json_object_get(row, "unit")));
	assert_int_equal(json_is_string(json_object_get(row, "source")), has);
	if (!has)
		assert_true(json_is_string(json_object_get(row, "note")));
	if (!json_is_null(json_object_get(row, "p50")))
		assert_true(json_number_value(json_object_get(row, "p50")) <=
			    json_number_value(json_object_get(row, "p99")));
}

static void check_encoder(json_t *rows, const struct map_ops *ops, double safepoints, double text)
{
	const char *e = ops->name;
	double bytes = value(rows, e, "bytes");
	double live = 0, empty = 0;
	char event[64];

	assert_true(value(rows, e, "index_bytes") + value(rows, e, "data_bytes") == bytes);
	assert_float_equal(value(rows, e, "text_share"), 100 * bytes / text, 1e-3);
	assert_float_equal(value(rows, e, "bits"), 8 * bytes / safepoints, 1e-2);
	for (int o = 0; o < MAP_OUTCOMES; o++) {
		snprintf(event, sizeof event, "true_live_%s", map_outcome_names[o]);
		live += value(rows, e, event);
		snprintf(event, sizeof event, "true_empty_%s", map_outcome_names[o]);
		empty += value(rows, e, event);
	}
	assert_true(live + empty == safepoints);
	if (!(ops->flags & (MAP_UNSAFE | MAP_FLOOR))) {
		assert_true(value(rows, e, "true_live_correct") == live);
		assert_true(value(rows, e, "true_empty_correct") == empty);
		assert_true(bytes > value(rows, "", "adaptive_live_bytes"));
	}
	for (int sort = 0; sort < SAFETY_SORTS; sort++) {
		double n = 0;
		if (sort == SAFETY_PADDING) /* a corpus of Dart has none that is sure */
			continue;
		for (int o = 0; o < MAP_OUTCOMES; o++) {
			snprintf(event, sizeof event, "bogus_%s_%s", safety_sort_names[sort],
				 map_outcome_names[o]);
			n += value(rows, e, event);
		}
		snprintf(event, sizeof event, "bogus_%s", safety_sort_names[sort]);
		assert_true(n == value(rows, "", event));
	}
}

/* CORPUS and CWASM under every encoder: the record's path, and the table that was shown. */
static char record[] = "/tmp/stubmap-maps-XXXXXX";
static struct result shown;

static int make_record(void **state)
{
	char line[200];
	int fd = mkstemp(record);
	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(line, sizeof line, "maps " CORPUS " " CWASM FEW " --no-time -o %s", record);
	shown = run_to(0, cmd_maps, line);
	return 0;
}

static int remove_record(void **state)
{
	(void)state;
	done(&shown);
	return unlink(record);
}

static struct result read_back(const char *words)
{
	char line[200];
	snprintf(line, sizeof line, "maps %s%s", record, words);
	return run_to(0, cmd_maps, line);
}

/* The first rows of an event are the corpus's. */
static void test_rows(void **state)
{
	struct result r = read_back(" --json");
	json_t *rows = parse(r.out), *row;
	double safepoints, text;
	size_t i;
	(void)state;
	assert_string_equal(shown.err, "");
	assert_string_equal(r.err, "");
	json_array_foreach(rows, i, row)
		check_row(row);
	safepoints = value(rows, "", "safepoints");
	text = value(rows, "", "text_bytes");
	for (int e = 0; map_encoders[e]; e++)
		check_encoder(rows, map_encoders[e], safepoints, text);
	assert_true(value(rows, "exact-consed", "bytes") < value(rows, "exact", "bytes"));
	json_decref(rows);
	done(&r);
}

/* Wasmtime's section has no empty safepoints: how many there are is not 0 but unknown. Figures
 * without a clock are the same each time: here, and in the record. */
static void test_unrecorded(void **state)
{
	struct result r = run_to(0, cmd_maps, "maps " CWASM FEW " --no-time --json");
	struct result again = read_back(" --json");
	char *at = strstr(again.out, CWASM);
	json_t *rows = parse(r.out), *row;
	size_t i, unknown = 0;
	(void)state;
	json_array_foreach(rows, i, row) {
		const char *event = json_string_value(json_object_get(row, "event"));
		if (strcmp(event, "empties") && strcmp(event, "order0_bytes") &&
		    strcmp(event, "adaptive_bytes") && strcmp(event, "zstd_bytes"))
			continue;
		check_row(row);
		unknown += json_is_null(json_object_get(row, "value"));
	}
	assert_int_equal(unknown, 4);
	assert_non_null(strstr(shown.out, "empty ones not recorded"));
	assert_non_null(at);
	while (at > again.out && at[-1] != '\n')
		at--;
	assert_string_equal(r.out, at);
	json_decref(rows);
	done(&r);
	done(&again);
}

static void test_times(void **state)
{
	struct result r =
	    run_to(0, cmd_maps, "maps " CWASM FEW " --json --encoders exact,exact-consed");
	json_t *rows = parse(r.out), *row;
	size_t i;
	(void)state;
	json_array_foreach(rows, i, row)
		check_row(row);
	assert_true(value(rows, "exact", "encode") > 0);
	assert_true(value(rows, "exact", "warm_random_live") > 0);
	assert_true(value(rows, "exact-consed", "warm_batched_live") > 0);
	json_decref(rows);
	done(&r);
}

/* ---- The JIT's own maps --------------------------------------------------------------------- */

#define GC_WORDS FEW " --json --encoders exact,exact-consed,ranged-start,none"

static void check_walk_rows(json_t *rows, const char *encoder)
{
	const struct map_ops *ops = map_encoder(encoder);
	double n = value(rows, "", "walk_lookups"),
	       right = value(rows, encoder, "true_walk_correct");

	assert_true(value(rows, encoder, "walk") > 0);
	if (ops->lookup_many)
		assert_true(value(rows, encoder, "walk_batched") > 0);
	/* No map at all is right where nothing is live. */
	assert_true(right == (ops->flags & MAP_FLOOR ? value(rows, "", "walk_empties") : n));
}

static void test_gc(void **state)
{
	struct result r = run_to(0, cmd_maps, "maps gc:lisp" GC_WORDS);
	json_t *rows = parse(r.out), *row;
	size_t i;
	(void)state;
	assert_string_equal(r.err, "");
	json_array_foreach(rows, i, row)
		check_row(row);
	assert_true(value(rows, "", "walks") > 100);
	assert_true(value(rows, "", "walk_lookups") >=
		    value(rows, "", "walks") + value(rows, "", "walk_deepest") - 1);
	assert_true(value(rows, "", "walk_deepest") > 100);
	assert_true(value(rows, "", "walk_pcs") <= value(rows, "", "safepoints"));
	check_walk_rows(rows, "exact");
	check_walk_rows(rows, "exact-consed");
	check_walk_rows(rows, "ranged-start");
	check_walk_rows(rows, "none");
	json_decref(rows);
	done(&r);
}

/* Modules that are not compiled the same differ; modules that are have
 * equal rows, walks and all. */
static void test_gc_tiers(void **state)
{
	struct result o2 = run_to(
	    0, cmd_maps, "maps gc:trees gc:trees@2" FEW " --no-time --json --encoders exact");
	struct result o0 =
	    run_to(0, cmd_maps, "maps gc:trees@0" FEW " --no-time --json --encoders exact");
	json_t *rows = parse(o2.out), *slow = parse(o0.out);
	size_t half = json_array_size(rows) / 2;
	(void)state;
	for (size_t i = 0; i < half; i++) {
		const json_t *a = json_array_get(rows, i), *b = json_array_get(rows, half + i);
		assert_string_equal(json_string_value(json_object_get(a, "event")),
				    json_string_value(json_object_get(b, "event")));
		assert_true(json_equal(json_object_get(a, "value"), json_object_get(b, "value")));
	}
	assert_true(value(slow, "", "text_bytes") > value(rows, "", "text_bytes"));
	json_decref(rows);
	json_decref(slow);
	done(&o2);
	done(&o0);
}

/* A file has none, and says so. */
static void test_no_walks(void **state)
{
	struct result r =
	    run_to(0, cmd_maps, "maps " CWASM FEW " --no-time --json --encoders exact");
	json_t *rows = parse(r.out), *row;
	size_t i, n = 0;
	(void)state;
	json_array_foreach(rows, i, row) {
		if (strncmp(json_string_value(json_object_get(row, "event")), "walk", 4))
			continue;
		assert_true(json_is_null(json_object_get(row, "value")));
		assert_non_null(strstr(json_string_value(json_object_get(row, "note")), "gc:NAME"));
		n++;
	}
	assert_int_equal(n, 2);
	json_decref(rows);
	done(&r);
}

static void test_gc_words(void **state)
{
	struct result r = run_to(0, cmd_maps, "maps gc:gaps" FEW " --encoders exact,none");
	(void)state;
	assert_non_null(strstr(r.out, "stack walks: "));
	for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 100);
	done(&r);
	refused(cmd_maps, "maps gc:lips", "did you mean 'gc:lisp'?");
	setenv("LIBPFM_FORCE_PMU", "skl", 1);
	refused(cmd_maps, "maps " CWASM, "unset it");
	unsetenv("LIBPFM_FORCE_PMU");
	refused(cmd_maps, "maps gc:", "stubmap maps: no program 'gc:'; ");
	refused(cmd_maps, "maps gc:lisp@1", "gc:lisp@1: tier '1': allowed: 0, 2");
	refused(cmd_maps, "maps gc:lisp@", "tier ''");
	refused(show_map, "map gc:lips 1", "stubmap show map: no program 'gc:lips'");
	r = run_to(0, show_map, "map gc:lisp 0 --encoders exact");
	assert_non_null(strstr(r.out, "no safepoint"));
	done(&r);
}

/* ---- Tables and records --------------------------------------------------------------------- */

static void test_table(void **state)
{
	(void)state;
	check_width(shown.out);
	for (int e = 0; map_encoders[e]; e++)
		assert_non_null(strstr(shown.out, map_encoders[e]->name));
	assert_non_null(strstr(shown.out, "ranged-unsafe (!)"));
	assert_non_null(strstr(shown.out, "order-0, live"));
	assert_non_null(strstr(shown.out, "adaptive, live"));
	assert_non_null(strstr(shown.out, "zstd, live"));
	/* The output ends with the cost of each file's own format, and of the best two. */
	const char *end =
	    strstr(shown.out, "kept as a negative control.\n\n" CORPUS ":\nThe file's ");
	assert_non_null(end);
	end = strstr(end, "\nOf the exact ones, ");
	assert_non_null(end);
	end = strstr(end, "\n\n" CWASM ":\nThe file's own format (exact) takes ");
	assert_non_null(end);
	end = strstr(end, "\nOf the exact ones, ");
	assert_non_null(end);
	assert_null(strstr(end, "\n\n"));
}

static void test_record(void **state)
{
	char path[] = "/tmp/stubmap-maps-XXXXXX", line[200];
	struct result direct, again;
	int fd = mkstemp(path);
	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(line, sizeof line, "maps " CWASM FEW " --no-time -o %s", path);
	direct = run_to(0, cmd_maps, line);
	snprintf(line, sizeof line, "maps %s", path);
	again = run_to(0, cmd_maps, line);
	assert_string_equal(again.out, direct.out);
	done(&again);
	for (int i = 0; i < 3; i++) {
		static const char *const figures[] = { "bytes", "lookup", "safety" };
		snprintf(line, sizeof line, "maps %s --tsv %s", path, figures[i]);
		again = run_to(0, cmd_maps, line);
		assert_non_null(strstr(again.out, "exact-consed\t"));
		done(&again);
	}
	done(&direct);
	unlink(path);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The bound in older records is the order-0 reference. */
static void test_old_record(void **state)
{
	char path[] = "/tmp/stubmap-maps-XXXXXX", line[200];
	struct result r;
	int fd = mkstemp(path);
	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "{\"maps\": 1, \"machine\": null}\n"
			 "{\"file\": \"f\", \"corpus\": \"c\", \"encoder\": null, \"event\": "
			 "\"bound_live_bytes\", \"unit\": \"bytes\", \"source\": \"model\", "
			 "\"value\": 77}\n");
	snprintf(line, sizeof line, "maps %s --json", path);
	r = run_to(0, cmd_maps, line);
	assert_non_null(strstr(r.out, "\"order0_live_bytes\""));
	assert_null(strstr(r.out, "bound"));
	done(&r);
	snprintf(line, sizeof line, "maps %s --tsv bytes", path);
	r = run_to(0, cmd_maps, line);
	assert_non_null(strstr(r.out, "\torder-0-live\t77\t"));
	done(&r);
	unlink(path);
}

static void test_refusals(void **state)
{
	char path[] = "/tmp/stubmap-maps-XXXXXX", line[200];
	int fd = mkstemp(path);
	(void)state;
	close(fd);
	refused(cmd_maps, "maps", "FILE");
	refused(cmd_maps, "maps no-such-file", "no-such-file: No such file");
	refused(cmd_maps, "maps Makefile", "Makefile: neither an ELF file nor a corpus");
	refused(cmd_maps, "maps " CWASM " --encoders exacct", "did you mean 'exact'?");
	refused(cmd_maps, "maps " CWASM " --encoders exact,exact", "exact twice");
	refused(cmd_maps, "maps " CWASM " --tsv byte", "did you mean 'bytes'?");
	refused(cmd_maps, "maps " CWASM " --tsv bytes --json", "exclude");
	refused(cmd_maps, "maps " CWASM " " CWASM, "given twice");
	refused(cmd_maps, "maps " CWASM " --no-time -o /no-such-folder/x", "/no-such-folder/x");
	/* Wrong words are told before the first file is looked into: that one is wrong, too. */
	refused(cmd_maps, "maps Makefile Makefile", "given twice");
	refused(cmd_maps, "maps Makefile no-such-file", "no-such-file: No such file");
	refused(cmd_maps, "maps Makefile gc:lips", "did you mean 'gc:lisp'?");
	refused(cmd_maps, "maps Makefile gc:lisp@1", "allowed: 0, 2");
	refused(cmd_maps, "maps Makefile -o /no-such-folder/x", "/no-such-folder/x: No such file");
	snprintf(line, sizeof line, "maps %s", path);
	write_file(path, "{\"maps\": 2}\n");
	refused(cmd_maps, line, "another version");
	write_file(path, "{\"maps\": 1, \"machi");
	refused(cmd_maps, line, "line 1: cut off");
	write_file(path, "{\"maps\": 1}\n{\"file\": \"x\"}\n");
	refused(cmd_maps, line, "line 2");
	write_file(path, "{\"maps\": 1}\n{\"file\": \"x\", \"eve");
	refused(cmd_maps, line, "line 2");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	 cmocka_unit_test(test_unrecorded),
		cmocka_unit_test(test_times),	 cmocka_unit_test(test_table),
		cmocka_unit_test(test_record),	 cmocka_unit_test(test_old_record),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_gc),
		cmocka_unit_test(test_gc_tiers), cmocka_unit_test(test_no_walks),
		cmocka_unit_test(test_gc_words),
	};
	return cmocka_run_group_tests(tests, make_record, remove_record);
}
