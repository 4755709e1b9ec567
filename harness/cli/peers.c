/* peers.c - stubmap peers: our allocators beside those that others wrote, in one run. */
#include <jansson.h>
#include <stdlib.h>

#include "analysis/report.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "base/say.h"
#include "peers/peers.h"

static const struct option_help help = {
	.usage = "peers [RUN.jsonl] [options]",
	.summary =
	    "Compares our allocators of stubs with libraries that make stubs, as arms of one\n"
	    "run: a ring of calls, each cell a process of its own. `scripts/setup peers`\n"
	    "installs the libraries, and make builds an arm of each library that is there; the\n"
	    "table says why the others are missing. The column call says what a call through a\n"
	    "stub does: compare like with like. Ratios are to pool. RUN.jsonl: shows that run's\n"
	    "table instead.",
	.min_words = 0,
	.max_words = 1,
};

static const char *const ours[] = { "pool", "null", "page", "page+stagger", "template", "island" };

static json_t *cell(const char *stubs, uint64_t live)
{
	return json_pack("{s:s, s:s, s:I}", "workload", "ring", "stubs", stubs, "live",
			 (json_int_t)live);
}

/* The cells of one number of live stubs. */
static void add_cells(json_t *cells, uint64_t live)
{
	char why[PEER_WHY];

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		json_array_append_new(cells, cell(ours[i], live));
	for (const struct peer_row *r = peer_rows; r->name; r++)
		if ((!r->most || live <= r->most) && peer_there(r, why))
			json_array_append_new(cells, cell(r->name, live));
}

static json_t *plan_of(const struct quick_options *w, json_t *cells)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:{s:s}, s:o}", "name", "peers", "seed",
			 (json_int_t)w->seed, "blocks", (json_int_t)w->blocks, "iterations",
			 (json_int_t)w->iterations, "baseline", "stubs", ours[0], "cells", cells);
}

/* Adds the cells of each number of live stubs. 0, or 2 with a line on stderr. */
static int read_live(const struct option_list *list, json_t *cells)
{
	static const uint64_t usual[] = { 64, 1024, 4096 };
	uint64_t live;

	for (size_t i = 0; !list->n && i < sizeof usual / sizeof *usual; i++)
		add_cells(cells, usual[i]);
	for (size_t i = 0; i < list->n; i++) {
		if (options_size(list->words[i], &live) || !live || live > 65536)
			return say_line("stubmap peers", "--live '%s': 1 to 65536 is allowed",
					list->words[i]);
		add_cells(cells, live);
	}
	return 0;
}

/* The table of a run that was kept. The command's exit status. */
static int show(const char *path, const struct option_forms *f)
{
	const struct report_options form = { .form = f->json	   ? REPORT_JSON
						     : f->csv	   ? REPORT_CSV
						     : f->markdown ? REPORT_MARKDOWN
								   : REPORT_TABLE,
					     .peers = true };
	char error[RUN_ERROR];
	struct run run;
	int r;

	if (run_load(path, &run, error))
		return say_line("stubmap peers", "%s", error);
	if (!json_object_get(json_object_get(run.head, "machine"), "peers"))
		r = say_line("stubmap peers", "%s is of a plan without peers: see stubmap summary",
			     path);
	else if (report_summary(stdout, &run, &form))
		r = say_line("stubmap peers", "out of memory");
	else
		r = report_failures(&run) ? 1 : 0;
	run_close(&run);
	return r;
}

int cmd_peers(int argc, char **argv)
{
	struct quick_options w = { .command = "stubmap peers",
				   .peers = true,
				   .blocks = PLAN_BLOCKS,
				   .iterations = PLAN_ITERATIONS,
				   .seed = PLAN_SEED };
	struct option_list live = { 0 };
	const struct option_spec specs[] = {
		{ "live", 'n', OPTION_LIST, "N", "live stubs (default: 64,1024,4096)", &live, 0,
		  0 },
		{ "blocks", 'b', OPTION_NUMBER, "N", "invocations of each arm (default: 7)",
		  &w.blocks, 1, PLAN_MAX_BLOCKS },
		{ "iterations", 'i', OPTION_NUMBER, "N", "steady samples of each (default: 10)",
		  &w.iterations, 1, PLAN_MAX_ITERATIONS },
		{ "seed", 0, OPTION_NUMBER, "N", "of order and set-up (default: 1)", &w.seed, 0,
		  INT64_MAX },
		{ "output", 'o', OPTION_TEXT, "RUN.jsonl",
		  "keep the run for summary, compare, claims and plot", &w.output, 0, 0 },
		{ "timeout", 0, OPTION_NUMBER, "SECONDS",
		  "the most that an invocation may measure, and before that compile (default: "
		  "120)",
		  &w.timeout, 1, PLAN_MAX_TIMEOUT },
		OPTION_FORMS(w.forms),
	};
	char error[PLAN_ERROR];
	json_t *cells = json_array(), *text = NULL;
	struct plan plan;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r) {
		r = r < 0 ? 2 : 0;
		goto out;
	}
	if ((r = options_forms("stubmap peers", &w.forms, NULL)))
		goto out;
	if (first < argc) {
		r = show(argv[first], &w.forms);
		goto out;
	}
	if ((r = read_live(&live, cells)))
		goto out;
	text = plan_of(&w, json_incref(cells));
	if (plan_from_json(text, &plan, error)) {
		r = say_line("stubmap peers", "%s", plan_plain_error(error));
		goto out;
	}
	r = quick_run(&w, &plan);
	plan_free(&plan);
out:
	json_decref(text);
	json_decref(cells);
	free(live.text);
	return r;
}
