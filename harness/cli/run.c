/*
 * run.c - stubmap run: one quick comparison, as a table. A plan of one line, made from options,
 * run in memory; the first arm is the baseline.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/stub.h>

#include "cli/cells.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "meters/fingerprint.h"
#include "cli/options.h"
#include "analysis/precision.h"
#include "analysis/report.h"
#include "base/say.h"
#include "names/names.h"
#include "runs/store.h"
#include "runs/sweep.h"
#include "measure/prepare.h"

static const struct option_help help = {
	.usage = "run [options]",
	.summary =
	    "Compares arms on one workload, each invocation a process of its own, and prints\n"
	    "ns per call, ns to bind and memory per stub. Ratios are to the first arm, which\n"
	    "runs a second time under another name (A/A), to show the noise. Lists (a,b,c)\n"
	    "multiply: every combination is run. The programs on the collected heap (gc:NAME)\n"
	    "have stack maps: the arms are encoders then, and the table has ns per frame walked\n"
	    "and looked up, the share of a collection, and bytes.",
	.min_words = 0,
	.max_words = 0,
};

static int say(const char *line)
{
	return say_line("stubmap run", "%s", line);
}

struct wanted {
	struct cell_options cells;
	const char *names;
	struct quick_options quick;
};

static void add_word(struct wanted *w, const char *key, const char *word)
{
	struct option_list *list = cell_options_list(&w->cells, key);

	list->words[list->n++] = word;
}

/* Where neither stubs nor maps are named: all encoders, on programs that have
 * maps, or two allocators. */
static void choose_arms(struct wanted *w)
{
	struct cell_options *o = &w->cells;
	const struct option_list *workloads = cell_options_list(o, "workload");
	bool gc = workloads->n > 0;

	for (size_t i = 0; i < workloads->n; i++)
		gc &= !strncmp(workloads->words[i], "gc:", 3);
	if (cell_options_list(o, "stubs")->n || cell_options_list(o, "maps")->n)
		return;
	if (cell_options_list(o, "policy")->n || cell_options_list(o, "generic")->n) {
		add_word(w, "stubs", "pool");
		add_word(w, "stubs", "lazy+pool");
	} else if (gc) {
		add_word(w, "maps", "*");
	} else {
		add_word(w, "stubs", "page");
		add_word(w, "stubs", "pool");
	}
}

static bool is_deferred(const json_t *arm)
{
	const char *name = json_string_value(arm);
	const struct stub_ops *ops = name ? stub_strategy(name) : NULL;

	return ops && ops->flags & STUB_DEFERRED;
}

/* The arms that are deferred, or the other arms. */
static json_t *arms_that(const json_t *arms, bool deferred)
{
	json_t *some = json_array(), *arm;
	size_t i;

	json_array_foreach((json_t *)arms, i, arm)
		if (is_deferred(arm) == deferred)
			json_array_append(some, arm);
	return some;
}

/* Takes the keys that deferred arms alone have out of a cell; false: it has none. */
static bool drop_deferred(json_t *cell)
{
	bool any = false;

	for (size_t i = 0; i < CELL_KEYS; i++)
		if (cell_keys[i].use & USE_DEFERRED)
			any |= !json_object_del(cell, cell_keys[i].name);
	return any;
}

/* Only deferred arms have policies: the other arms get a cell without them. */
static json_t *cells_of(json_t *cell, json_t *baseline)
{
	json_t *cells = json_array(), *stubs = json_object_get(cell, "stubs");
	json_t *lazy = arms_that(stubs, true), *eager = arms_that(stubs, false);
	json_t *plain = json_copy(cell);

	if (drop_deferred(plain) && json_array_size(lazy) && json_array_size(eager)) {
		json_object_set(plain, "stubs", eager);
		json_array_append(cells, plain);
		json_object_set(cell, "stubs", lazy);
	}
	for (size_t i = 0; i < CELL_KEYS; i++) {
		const json_t *words = json_object_get(cell, cell_keys[i].name);

		if (words && cell_keys[i].use & USE_DEFERRED &&
		    is_deferred(json_object_get(baseline, "stubs")))
			json_object_set(baseline, cell_keys[i].name, json_array_get(words, 0));
	}
	json_array_append_new(cells, cell);
	json_decref(plain);
	json_decref(lazy);
	json_decref(eager);
	return cells;
}

static json_t *plan_of(const struct wanted *w)
{
	static const char *const arms[] = { "stubs", "maps" };
	json_t *cell = cell_options_to_json(&w->cells), *baseline = json_object();

	/* The first arm; what matches nothing is the plan's to refuse. */
	for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
		json_t *names = json_object_get(cell, arms[i]);

		if (json_array_size(names))
			json_object_set(baseline, arms[i], json_array_get(names, 0));
	}
	json_t *cells = cells_of(cell, baseline);
	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:o, s:o}", "name", "run", "counters",
			 w->quick.counters, "seed", (json_int_t)w->quick.seed, "blocks",
			 (json_int_t)w->quick.blocks, "iterations", (json_int_t)w->quick.iterations,
			 "baseline", baseline, "cells", cells);
}

/* Begins a run in memory, or in the file that was asked for. 0 or the exit status. */
static int begin(const struct quick_options *w, const struct plan *plan, json_t *machine,
		 struct run *run)
{
	const struct run_start start = { .machine = machine };
	char error[RUN_ERROR] = "out of memory";

	if (plan->counters && sweep_survey(machine, error))
		return say_line(w->command, "%s", error);
	if (w->output ? run_open(w->output, plan, &start, run, error)
		      : run_begin(run, plan, machine))
		return say_line(w->command, "%s", error);
	if (run->n < plan->n * plan->blocks || w->precision > 0 || w->seconds)
		return 0;
	run_close(run);
	return say_line(w->command,
			"%s holds this very run, whole: name another file for a new one",
			w->output);
}

int quick_run(const struct quick_options *w, const struct plan *plan)
{
	const struct report_options form = { .form = w->forms.json	 ? REPORT_JSON
						     : w->forms.csv	 ? REPORT_CSV
						     : w->forms.markdown ? REPORT_MARKDOWN
									 : REPORT_TABLE,
					     .peers = w->peers };
	char error[RUN_ERROR] = "out of memory", data[4096], cache[4096], line[PRECISION_LINE];
	struct precision precision;
	struct sweep_options o = { .name = w->command,
				   .timeout_s = (unsigned)w->timeout,
				   .cpu = sweep_default_cpu(),
				   .cache = sweep_default_cache(cache, sizeof cache),
				   .data = sweep_default_data(data, sizeof data),
				   .prepare = prepare_cells };
	json_t *machine = env_machine();
	struct run run;
	int r;

	if (prepare_check(plan->cells, plan->n, error)) {
		json_decref(machine);
		return say_line(w->command, "%s", error);
	}
	if (!machine || sweep_pinned(machine, o.cpu) ||
	    ((w->peers || plan_has_peers(plan)) && sweep_peers(machine))) {
		json_decref(machine);
		return say_line(w->command, "%s", error);
	}
	if ((r = begin(w, plan, machine, &run))) {
		json_decref(machine);
		return r;
	}
	if (w->precision > 0 || w->seconds) {
		precision_begin(&precision, w->precision, w->seconds, plan->blocks);
		o.more = precision_more;
		o.arg = &precision;
	}
	r = sweep_run(plan, &o, &run, error);
	if (r == -EINTR)
		say_line(w->command, "stopped after %zu of %zu invocations", run.n,
			 plan->n * plan->blocks);
	else if (!r && o.more)
		say_line(w->command, "%s", precision_line(&precision, line));
	if (r && r != -EINTR)
		r = say_line(w->command, "%s", error);
	else if (r == -EINTR && !run.n)
		r = SWEEP_STOPPED;
	else if (report_summary(stdout, &run, &form))
		r = say_line(w->command, "out of memory");
	else
		r = r == -EINTR ? SWEEP_STOPPED : report_failures(&run) ? 1 : 0;
	run_close(&run);
	json_decref(machine);
	return r;
}

/* 0; 1: help was asked for; -EINVAL. */
static int read_options(int argc, char **argv, struct wanted *w)
{
	const struct option_spec statistics[] = {
		{ "blocks", 'b', OPTION_NUMBER, "N", "invocations of each arm (default: 7)",
		  &w->quick.blocks, 1, PLAN_MAX_BLOCKS },
		{ "iterations", 'i', OPTION_NUMBER, "N", "steady samples of each (default: 10)",
		  &w->quick.iterations, 1, PLAN_MAX_ITERATIONS },
		{ "seed", 0, OPTION_NUMBER, "N", "of order and set-up (default: 1)", &w->quick.seed,
		  0, INT64_MAX },
		{ "precision", 0, OPTION_PERCENT, "2%",
		  "add blocks until half of each ratio's 95 % interval is no more than this",
		  &w->quick.precision, 0, 100 },
		{ "time", 0, OPTION_TIME, "60s",
		  "add blocks, or leave some out, until this time is over", &w->quick.seconds, 1,
		  31536000 },
		{ "output", 'o', OPTION_TEXT, "RUN.jsonl",
		  "keep the run for summary, compare and claims; one that was cut off is "
		  "continued, "
		  "a whole one refused",
		  &w->quick.output, 0, 0 },
		{ "timeout", 0, OPTION_NUMBER, "SECONDS",
		  "the most that an invocation may measure, and before that compile (default: "
		  "120)",
		  &w->quick.timeout, 1, PLAN_MAX_TIMEOUT },
		{ "names", 0, OPTION_TEXT, "TOOLS",
		  "name each stub for " NAMES_ALL " (a list); slows down what makes stubs",
		  &w->names, 0, 0 },
		{ "counters", 0, OPTION_FLAG, NULL, "hardware counters too (see --json)",
		  &w->quick.counters, 0, 0 },
		OPTION_FORMS(w->quick.forms),
	};
	enum { NSTATISTICS = sizeof statistics / sizeof *statistics };
	struct option_spec specs[CELL_KEYS + NSTATISTICS];
	struct option_group groups[CELL_GROUPS + 2] = { 0 };
	struct option_help grouped = help;
	size_t n = 0, g = 0;
	int first;

	cell_options_specs(&w->cells, false, specs, &n, groups);
	while (groups[g].title)
		g++;
	groups[g] = (struct option_group){ "statistics and output", n };
	grouped.groups = groups;
	memcpy(specs + n, statistics, sizeof statistics);
	return options_parse(argc, argv, &grouped, specs, n + NSTATISTICS, &first);
}

/* The invocations inherit it. The cost of names is in the figures, so these are not kept. */
static int name_stubs(const struct wanted *w)
{
	unsigned wanted;

	if (!w->names)
		return 0;
	if (names_parse(w->names, &wanted))
		return say_line("stubmap run", "--names '%s': a list of " NAMES_ALL " is allowed",
				w->names);
	if (w->quick.output)
		return say("--names: its cost is in the figures, which -o would keep: leave out "
			   "one of them");
	return setenv("STUBMAP_NAMES", w->names, 1) ? say("out of memory") : 0;
}

int cmd_run(int argc, char **argv)
{
	struct wanted w = { .quick = { .command = "stubmap run",
				       .blocks = PLAN_BLOCKS,
				       .iterations = PLAN_ITERATIONS,
				       .seed = PLAN_SEED } };
	char error[PLAN_ERROR];
	struct plan plan;
	json_t *text;
	int r = read_options(argc, argv, &w);

	r = r ? (r < 0 ? 2 : 0) : options_forms("stubmap run", &w.quick.forms, NULL) ? 2 : -1;
	if (r >= 0)
		goto out;
	if ((r = name_stubs(&w)))
		goto out;
	choose_arms(&w);
	text = plan_of(&w);
	r = text ? plan_from_json(text, &plan, error) : -ENOMEM;
	json_decref(text);
	if (r) {
		r = say(text ? plan_plain_error(error) : "out of memory");
		goto out;
	}
	r = quick_run(&w.quick, &plan);
	plan_free(&plan);
out:
	cell_options_free(&w.cells);
	return r;
}
