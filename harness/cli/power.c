/* power.c - stubmap power: how many blocks a run would need to show a difference. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "analysis/rows.h"
#include "analysis/views.h"
#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"

static const struct option_help help = {
	.usage = "power RUN.jsonl [--difference 5%]",
	.summary =
	    "Shows for each ratio of the run's tables how large a difference its blocks would\n"
	    "have found, and how many blocks would find --difference, 4 times in 5, if they\n"
	    "vary as these do. Differences between runs are left out. The exit status is 1 if\n"
	    "no ratio of the run has an interval.",
	.min_words = 1,
	.max_words = 1,
};

static int say(const char *line)
{
	return say_line("stubmap power", "%s", line);
}

/* The row of a cell whose ratio the table shows; NULL: there is no ratio. */
static const struct row *ratio_of(const struct rows *rows, size_t cell)
{
	const struct cell *c = &rows->census.cells[cell];
	const struct row *row = rows_find(rows, cell, view_of(c)->columns[0].id);

	return row && !row->baseline && !c->replica && row->ratio.known ? row : NULL;
}

static void put(struct table *t, const struct rows *rows, const struct row *row, size_t blocks)
{
	const struct census *c = &rows->census;
	char label[80];

	table_row(t);
	table_cell(t, "%s", arm_label(c->run, &c->cells[row->cell], label, sizeof label));
	table_cell(t, "%s %s", row->id.phase, row->id.event);
	table_cell(t, "%.3f", row->ratio.value);
	table_cell(t, "%zu", row->ratio.n);
	if (!row->ratio.interval) {
		table_missing(t, row->ratio.why);
		table_cell(t, "%s", "");
		return;
	}
	table_cell(t, "%.2g %%", row->detectable * 100);
	if (blocks < 1000000)
		table_cell(t, "%zu", blocks);
	else
		table_cell(t, "over a million");
}

static int print_json(const struct rows *rows, const struct row *row, size_t blocks)
{
	const struct estimate *e = &row->ratio;
	json_t *json = json_pack(
	    "{s:o, s:s, s:s, s:f, s:I, s:o, s:o}", "cell",
	    cell_to_json(&rows->census.cells[row->cell]), "phase", row->id.phase, "event",
	    row->id.event, "ratio", e->value, "n", (json_int_t)e->n, "detectable",
	    e->interval ? json_real(row->detectable) : json_null(), "blocks",
	    e->interval && blocks < SIZE_MAX ? json_integer((json_int_t)blocks) : json_null());
	int r = tidy_json(stdout, json, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(json);
	return r;
}

static int by_size(const void *x, const void *y)
{
	size_t a = *(const size_t *)x, b = *(const size_t *)y;

	return (a > b) - (a < b);
}

/* needed: the blocks of each of n ratios. */
static void print_sentence(const struct run *run, size_t *needed, size_t n, double difference)
{
	size_t enough = 0, has = 0;

	for (size_t i = 0; i < run->n; i++)
		has = run->invocations[i].block >= has ? run->invocations[i].block + 1 : has;
	qsort(needed, n, sizeof *needed, by_size);
	while (enough < n && needed[enough] <= has)
		enough++;
	printf("\n%zu of %zu ratios show %g %% with the %zu blocks of this run.\n", enough, n,
	       difference * 100, has);
	if (enough == n)
		return;
	printf("Half of them need %zu, nine tenths %zu, all %zu:\n", needed[(n - 1) / 2],
	       needed[(n * 9 - 1) / 10], needed[n - 1]);
	printf("  stubmap sweep PLAN.json -o ");
	say_put(stdout, run->path ? run->path : "RUN.jsonl");
	printf(" --blocks N        (or stubmap run ... -b N)\n");
}

/* Counts the ratios in the run's tables that have an interval; *all becomes
 * the number of all ratios. */
static size_t count_intervals(const struct rows *rows, size_t *all)
{
	size_t n = 0;

	*all = 0;
	for (size_t cell = 0; cell < rows->census.n; cell++) {
		const struct row *row = ratio_of(rows, cell);
		*all += row != NULL;
		n += row && row->ratio.interval;
	}
	return n;
}

/* The command's exit status: 1 if no ratio tells anything, though there are some. */
static int show(const struct rows *rows, double difference, bool json)
{
	static const char *const headers[] = { "arm",	 "figure",     "ratio",
					       "blocks", "would find", "blocks needed" };
	const struct census *c = &rows->census;
	const struct cell *before = NULL;
	size_t all, intervals = count_intervals(rows, &all), n = 0, *needed;
	struct table t;
	char label[160];
	int r = 0;

	if (!all)
		return say("the run has no ratio to its baseline");
	if (!intervals)
		say("no ratio of the run has an interval: it takes 5 blocks that both sides have");
	if (!(needed = calloc(intervals + 1, sizeof *needed)))
		return say(strerror(ENOMEM));
	table_begin(&t, headers, "llrrrr");
	for (size_t cell = 0; cell < c->n && !r; cell++) {
		const struct row *row = ratio_of(rows, cell);
		if (!row)
			continue;
		size_t blocks = stats_blocks(&row->ratio, difference);
		if (row->ratio.interval)
			needed[n++] = blocks;
		if (json) {
			r = print_json(rows, row, blocks);
			continue;
		}
		if (!before || !cell_equal(before, &c->groups[cell]))
			table_heading(&t,
				      group_label(c->run, &c->groups[cell], label, sizeof label));
		before = &c->groups[cell];
		put(&t, rows, row, blocks);
	}
	if (table_end(&t, json || r ? NULL : stdout))
		r = -ENOMEM;
	if (!r && !json && n)
		print_sentence(c->run, needed, n, difference);
	free(needed);
	if (r)
		return say(strerror(-r));
	return !intervals;
}

int cmd_power(int argc, char **argv)
{
	bool json = false;
	double difference = 0.05;
	const struct option_spec specs[] = {
		{ "difference", 'd', OPTION_PERCENT, "5%",
		  "the difference to be found (default: 5%)", &difference, 0, 1000 },
		{ "json", 0, OPTION_FLAG, NULL, "one object a line", &json, 0, 0 },
	};
	struct figure_id ids[VIEWS_FIGURES];
	char error[RUN_ERROR];
	struct rows rows;
	struct run run;
	size_t n = 0;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (run_load(argv[first], &run, error))
		return say(error);
	for (size_t v = 0; views[v]; v++)
		ids[n++] = views[v]->columns[0].id;
	if ((r = rows_make(&run, ids, n, &rows))) {
		run_close(&run);
		return say(strerror(-r));
	}
	r = show(&rows, difference, json);
	rows_free(&rows);
	run_close(&run);
	return r;
}
