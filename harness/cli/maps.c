/*
 * maps.c - `stubmap maps`: shows the stack maps of the user's own files, and of the JIT's programs,
 * under every encoder.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "corpora/corpus.h"
#include "meters/fingerprint.h"
#include "gc/corpus.h"
#include "maps/measure.h"
#include "maps/report.h"
#include "maps/rows.h"
#include "maps/source.h"
#include "cli/options.h"
#include "base/file.h"
#include "base/say.h"
#include "base/suggest.h"
#include "base/tidy.h"

static const struct option_help help = {
	.usage = "maps FILE... [options]",
	.summary =
	    "Encodes the stack maps of each FILE with every encoder and measures them: bytes,\n"
	    "lookups, the cost of encoding, and the effect of wrong return addresses and\n"
	    "forgetful producers. References beside the sizes tell how small a table could be.\n"
	    "\n"
	    "A FILE is an x86-64 program of OCaml 4.11 to 5 or Go 1.18 and later, an object or\n"
	    "program with .llvm_stackmaps, Wasmtime's .cwasm, a corpus of workloads/corpora, or\n"
	    "a record that -o wrote, whose figures are shown again. gc:NAME (`stubmap list\n"
	    "workloads`) is a program that the JIT compiles (at tier 2, or at tier 0 as\n"
	    "gc:NAME@0) and runs: it also has stack walks, and so lookups in their order.\n"
	    "\n"
	    "The exit status is 1 if an encoder gave a wrong answer, 2 if a file was refused.",
	.min_words = 1,
	.max_words = -1,
};

enum { LINE = 600 };

static int say(const char *line)
{
	return say_line("stubmap maps", "%s", line);
}

static int check_plot(const char *plot)
{
	char line[LINE];
	size_t n = 0;

	for (; maps_report_plots[n]; n++)
		if (!strcmp(maps_report_plots[n], plot))
			return 0;
	suggest_refuse(line, sizeof line, "plot", plot, maps_report_plots, n);
	return say(line);
}

/* Checks the names of all files before the first one is looked into. */
static int check_files(char **files, size_t n)
{
	char line[MAPS_ROWS_ERROR];

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			if (!strcmp(files[k], files[i])) {
				snprintf(line, sizeof line, "%s: given twice", files[i]);
				return say(line);
			}
		if (gc_corpus_is(files[i])) {
			if (gc_corpus_check(files[i], line))
				return say(line);
		} else if (access(files[i], R_OK)) {
			snprintf(line, sizeof line, "%s: %s", files[i], strerror(errno));
			return say(line);
		}
	}
	return 0;
}

static int check_content(const char *path, char error[MAPS_ROWS_ERROR])
{
	struct maps_rows rows;
	struct walk_log walks;
	struct corpus c;
	int r;

	if (gc_corpus_is(path))
		return 0;
	if (maps_rows_is_record(path)) {
		r = maps_rows_begin(&rows);
		if (!r)
			r = maps_rows_load(&rows, path, error);
		maps_rows_end(&rows);
		return r;
	}
	r = maps_source_open(path, &c, &walks, error);
	if (r)
		return r;
	corpus_close(&c);
	walk_log_close(&walks);
	return 0;
}

/* Looks into several files before the first one is measured: a bad one at the end would lose what
 * takes minutes. */
static int check_contents(char **files, size_t n)
{
	char error[MAPS_ROWS_ERROR] = "out of memory";

	if (n < 2)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (check_content(files[i], error))
			return say(error);
	return 0;
}

/* Checks that a record can be written to its folder. */
static int check_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[LINE], line[LINE];

	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if (!access(folder, W_OK | X_OK))
		return file_replaceable(path, line, sizeof line) ? say(line) : 0;
	snprintf(line, sizeof line, "%.500s: %s", path, strerror(errno));
	return say(line);
}

/* 0, 1 (an encoder was wrong) or 2 (a line says why). */
static int measure(const struct maps_measure *with, char **files, size_t n)
{
	char error[MAPS_ROWS_ERROR];
	int wrong = 0;

	for (size_t i = 0; i < n; i++) {
		int r;
		if (maps_rows_is_record(files[i]))
			r = maps_rows_load(with->rows, files[i], error);
		else
			r = maps_measure_file(with, files[i], error);
		if (r && r != -EILSEQ) {
			progress_end(with->progress);
			return say(error);
		}
		wrong |= r == -EILSEQ;
	}
	progress_end(with->progress);
	return wrong;
}

/* One step for each encoder, and one for counting the instructions of all;
 * a record costs nothing. */
static size_t count_steps(char **files, size_t n, size_t nencoders)
{
	size_t steps = 0;

	for (size_t i = 0; i < n; i++)
		steps += maps_rows_is_record(files[i]) ? 0 : nencoders + 1;
	return steps;
}

static int save(const struct maps_rows *rows, const char *path)
{
	char line[LINE];
	json_t *machine = env_machine();
	int r = maps_rows_save(rows, machine, path);

	json_decref(machine);
	if (!r)
		return 0;
	snprintf(line, sizeof line, "%s: %s", path, strerror(-r));
	return say(line);
}

static int show(const struct maps_rows *rows, const struct option_forms *forms, const char *plot)
{
	struct tidy tidy = { .out = stdout, .csv = true, .digits = 6 };
	size_t i;
	json_t *row;
	int r = 0;

	if (plot)
		maps_report_tsv(stdout, rows, plot);
	else if (forms->json)
		maps_rows_write(rows, stdout);
	else if (forms->csv)
		json_array_foreach(rows->list, i, row) {
			if (!r)
				r = tidy_put(&tidy, json_incref(row));
		}
	else
		r = maps_report_tables(stdout, rows, forms->markdown ? TABLE_MARKDOWN : TABLE_TEXT);
	tidy_end(&tidy);
	return r ? say(strerror(-r)) : 0;
}

int cmd_maps(int argc, char **argv)
{
	struct option_list list = { 0 };
	const struct map_ops *encoders[MAPS_CHOICE];
	char error[MAPS_ROWS_ERROR];
	size_t nencoders;
	const char *plot = NULL, *path = NULL;
	struct option_forms forms = { 0 };
	bool untimed = false;
	uint64_t samples = MAPS_SAMPLES;
	const struct option_spec specs[] = {
		{ "encoders", 0, OPTION_LIST, "A,B",
		  "only these; `stubmap list maps` shows them all", &list, 0, 0 },
		{ "no-time", 0, OPTION_FLAG, NULL,
		  "leave out figures that need a clock or a counter", &untimed, 0, 0 },
		{ "samples", 0, OPTION_NUMBER, "N",
		  "of each time (default: 1000); of cold lookups and faults half as many", &samples,
		  100, 100000 },
		OPTION_FORMS(forms),
		{ "tsv", 0, OPTION_TEXT, "PLOT", "a plot's data: bytes, lookup, safety", &plot, 0,
		  0 },
		{ "out", 'o', OPTION_TEXT, "MAPS.jsonl",
		  "keep the rows, with the machine, as a record", &path, 0, 0 },
	};
	struct progress progress;
	struct maps_rows rows;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r) {
		free(list.text);
		return r < 0 ? 2 : 0;
	}
	r = maps_rows_begin(&rows) ? say("out of memory") : 0;
	if (!r && maps_measure_choose(list.words, list.n, encoders, &nencoders, error))
		r = say(error);
	if (!r)
		r = options_forms("stubmap maps", &forms, plot ? "--tsv" : NULL);
	if (!r && plot)
		r = check_plot(plot);
	if (!r)
		r = check_files(argv + first, (size_t)(argc - first));
	if (!r && path)
		r = check_path(path);
	if (!r && !untimed && getenv("LIBPFM_FORCE_PMU"))
		r = say("LIBPFM_FORCE_PMU makes counters up: unset it");
	if (!r)
		r = check_contents(argv + first, (size_t)(argc - first));
	if (!r) {
		struct maps_measure with = { .encoders = encoders,
					     .nencoders = nencoders,
					     .untimed = untimed,
					     .samples = samples,
					     .progress = &progress,
					     .rows = &rows };
		progress_begin(&progress, "stubmap maps",
			       count_steps(argv + first, (size_t)(argc - first), nencoders));
		r = measure(&with, argv + first, (size_t)(argc - first));
	}
	if (r != 2 && path && save(&rows, path))
		r = 2;
	if (r != 2 && show(&rows, &forms, plot))
		r = 2;
	maps_rows_end(&rows);
	free(list.text);
	return r;
}
