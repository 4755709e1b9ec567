/*
 * run.c - stubmap run: one quick comparison, as a table. A plan of one line, made from options,
 * run in memory; the first arm is the baseline.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/stub.h>

#include "cli/commands.h"
#include "meters/fingerprint.h"
#include "cli/options.h"
#include "analysis/report.h"
#include "base/say.h"
#include "runs/store.h"
#include "runs/sweep.h"
#include "measure/prepare.h"

static const struct option_help help = {
	.usage = "run [options]",
	.summary =
	    "Compares arms on one workload, each invocation a process of its own, and prints\n"
	    "ns per call, ns to bind and memory per stub. The first arm is what the ratios are\n"
	    "of; it runs a second time under another name, to show the noise. An option that\n"
	    "takes a list makes every combination. The programs on the collected heap (gc:NAME)\n"
	    "have stack maps: the arms are encoders then, and the table has ns per frame walked\n"
	    "and looked up, the share of a collection, and bytes.",
	.min_words = 0,
	.max_words = 0,
};

static int say(const char *line)
{
	return say_line("stubmap run", "%s", line);
}

/* A list of words as a JSON array: numbers where each is one, what a pattern stands for. */
static json_t *words_to_json(const char *key, const struct option_list *list, bool numbers)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++) {
		uint64_t v;

		if (numbers && !options_size(list->words[i], &v))
			json_array_append_new(array, json_integer((json_int_t)v));
		else {
			json_t *word = json_string(list->words[i]), *names = plan_values(key, word);

			json_array_extend(array, names);
			json_decref(names);
			json_decref(word);
		}
	}
	return array;
}

struct wanted {
	struct option_list stubs, maps, workload, live, kind, signature, wx, quantum, literals,
	    policy, generic, tier, mode, size, threads, upgrades, instances;
	bool markers, share, polls, poison, counters;
	uint64_t max_events, blocks, iterations, seed, timeout;
};

/* Where neither stubs nor maps are named: all encoders, on programs that have maps, or two
 * allocators. */
static void choose_arms(struct wanted *w)
{
	bool gc = w->workload.n > 0;

	for (size_t i = 0; i < w->workload.n; i++)
		gc &= !strncmp(w->workload.words[i], "gc:", 3);
	if (w->stubs.n || w->maps.n)
		return;
	if (w->policy.n || w->generic.n) {
		w->stubs.words[w->stubs.n++] = "pool";
		w->stubs.words[w->stubs.n++] = "lazy+pool";
		return;
	}
	if (gc) {
		w->maps.words[w->maps.n++] = "*";
		return;
	}
	w->stubs.words[w->stubs.n++] = "page";
	w->stubs.words[w->stubs.n++] = "pool";
}

static bool is_deferred(const json_t *arm)
{
	const char *name = json_string_value(arm);
	const struct stub_ops *ops = name ? stub_strategy(name) : NULL;

	return ops && ops->flags & STUB_DEFERRED;
}

/* Of the arms those that are deferred, or the others. */
static json_t *arms_that(const json_t *arms, bool deferred)
{
	json_t *some = json_array(), *arm;
	size_t i;

	json_array_foreach((json_t *)arms, i, arm) if (is_deferred(arm) == deferred)
	    json_array_append(some, arm);
	return some;
}

/* Policies are of the deferred arms alone: where there are others, a cell without. */
static json_t *cells_of(const struct wanted *w, json_t *cell, json_t *baseline)
{
	json_t *cells = json_array(), *stubs = json_object_get(cell, "stubs");
	json_t *lazy = arms_that(stubs, true), *eager = arms_that(stubs, false);
	const struct {
		const char *key;
		const struct option_list *list;
		bool numbers;
	} lists[] = { { "policy", &w->policy, false }, { "generic", &w->generic, true } };

	if (json_array_size(lazy) && json_array_size(eager) && (w->policy.n || w->generic.n)) {
		json_t *plain = json_copy(cell);

		json_object_set(plain, "stubs", eager);
		json_array_append_new(cells, plain);
		json_object_set(cell, "stubs", lazy);
	}
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (!lists[i].list->n)
			continue;
		json_t *words = words_to_json(lists[i].key, lists[i].list, lists[i].numbers);

		json_object_set_new(cell, lists[i].key, words);
		if (is_deferred(json_object_get(baseline, "stubs")))
			json_object_set(baseline, lists[i].key, json_array_get(words, 0));
	}
	json_array_append_new(cells, cell);
	json_decref(lazy);
	json_decref(eager);
	return cells;
}

static json_t *plan_of(const struct wanted *w)
{
	static const char *const arms[] = { "stubs", "maps" };
	const struct {
		const char *key;
		const struct option_list *list;
		bool numbers;
	} lists[] = {
		{ "stubs", &w->stubs, false },
		{ "workload", &w->workload, false },
		{ "maps", &w->maps, false },
		{ "mode", &w->mode, false },
		{ "size", &w->size, true },
		{ "live", &w->live, true },
		{ "kind", &w->kind, false },
		{ "signature", &w->signature, false },
		{ "wx", &w->wx, false },
		{ "quantum", &w->quantum, true },
		{ "literals", &w->literals, false },
		{ "tier", &w->tier, true },
		{ "threads", &w->threads, true },
		{ "upgrades", &w->upgrades, true },
		{ "instances", &w->instances, true },
	};
	json_t *cell = json_object(), *baseline = json_object();

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (lists[i].list->n)
			json_object_set_new(
			    cell, lists[i].key,
			    words_to_json(lists[i].key, lists[i].list, lists[i].numbers));
	/* The first arm; what matches nothing is the plan's to refuse. */
	for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
		json_t *names = json_object_get(cell, arms[i]);

		if (json_array_size(names))
			json_object_set(baseline, arms[i], json_array_get(names, 0));
	}
	if (w->polls)
		json_object_set_new(cell, "polls", json_true());
	if (w->markers)
		json_object_set_new(cell, "markers", json_true());
	if (w->share)
		json_object_set_new(cell, "share", json_true());
	if (w->poison)
		json_object_set_new(cell, "poison", json_true());
	if (w->max_events)
		json_object_set_new(cell, "max_events", json_integer((json_int_t)w->max_events));
	json_t *cells = cells_of(w, cell, baseline);
	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:o, s:o}", "name", "run", "counters",
			 w->counters, "seed", (json_int_t)w->seed, "blocks", (json_int_t)w->blocks,
			 "iterations", (json_int_t)w->iterations, "baseline", baseline, "cells",
			 cells);
}

static int run_plan(const struct plan *plan, unsigned timeout_s, bool json)
{
	const struct report_options form = { .form = json ? REPORT_JSON : REPORT_TABLE };
	char error[RUN_ERROR] = "", data[4096], cache[4096];
	const struct sweep_options o = { .name = "stubmap run",
					 .timeout_s = timeout_s,
					 .cpu = sweep_default_cpu(),
					 .cache = sweep_default_cache(cache, sizeof cache),
					 .data = sweep_default_data(data, sizeof data),
					 .prepare = wasm_prepare };
	json_t *machine = env_machine();
	struct run run;
	int r;

	snprintf(error, sizeof error, "out of memory");
	if (!machine || (plan->counters && sweep_survey(machine, error)) ||
	    run_begin(&run, plan, machine)) {
		json_decref(machine);
		return say(error);
	}
	r = sweep_run(plan, &o, &run, error);
	if (r && r != -EINTR)
		r = say(error);
	else if (r == -EINTR && !run.n)
		r = 1;
	else if (report_summary(stdout, &run, &form))
		r = say("out of memory");
	else
		r = r || report_failures(&run) ? 1 : 0;
	run_close(&run);
	json_decref(machine);
	return r;
}

int cmd_run(int argc, char **argv)
{
	struct wanted w = { .blocks = 7, .iterations = 10, .seed = 1 };
	bool json = false;
	const struct option_spec specs[] = {
		{ "stubs", 's', OPTION_LIST, "A,B", "arms (default: page,pool; see list stubs)",
		  &w.stubs, 0, 0 },
		{ "maps", 'm', OPTION_LIST, "A,B", "gc: encoders (default: all that are safe)",
		  &w.maps, 0, 0 },
		{ "workload", 'w', OPTION_FILES, "W",
		  "workloads (default: ring); a comma in a file's name may be \\,", &w.workload, 0,
		  0 },
		{ "live", 'n', OPTION_LIST, "N",
		  "ring: live stubs (default: 64); others: of an instance", &w.live, 0, 0 },
		{ "kind", 'k', OPTION_LIST, "K", "ring: kinds (default: indirect)", &w.kind, 0, 0 },
		{ "signature", 0, OPTION_LIST, "S",
		  "ring: as \"iid>l\" (default: \"i>i\"; bind: \"ii>i\")", &w.signature, 0, 0 },
		{ "wx", 0, OPTION_LIST, "P", "toggle, dual, rwx (default: toggle)", &w.wx, 0, 0 },
		{ "quantum", 'q', OPTION_LIST, "Q", "4K, 16K, 64K (default: 4K)", &w.quantum, 0,
		  0 },
		{ "literals", 0, OPTION_LIST, "L", "own, baked, table (default: own)", &w.literals,
		  0, 0 },
		{ "policy", 'p', OPTION_LIST, "P",
		  "lazy+NAME: what a call makes: all, one, table, module, adaptive "
		  "(default: all)",
		  &w.policy, 0, 0 },
		{ "generic", 'g', OPTION_LIST, "K",
		  "lazy+NAME: calls that are interpreted before, 0 to 1000 (default: 0)",
		  &w.generic, 0, 0 },
		{ "markers", 0, OPTION_FLAG, NULL, "endbr64 at the start of each stub", &w.markers,
		  0, 0 },
		{ "tier", 0, OPTION_LIST, "T", "0, 2 (default: 2)", &w.tier, 0, 0 },
		{ "mode", 0, OPTION_LIST, "M",
		  "gc: when to collect: normal, every, random, never (default: normal)", &w.mode, 0,
		  0 },
		{ "polls", 0, OPTION_FLAG, NULL, "gc: safepoint polls in loops and at entries",
		  &w.polls, 0, 0 },
		{ "size", 0, OPTION_LIST, "N", "gc: of the program (default: its own)", &w.size, 0,
		  0 },
		{ "threads", 't', OPTION_LIST, "T", "tierup: callers, 1 to 8 (default: 4)",
		  &w.threads, 0, 0 },
		{ "upgrades", 'u', OPTION_LIST, "N",
		  "tierup: stubs upgraded, to 1000000 (default: 10000)", &w.upgrades, 0, 0 },
		{ "instances", 0, OPTION_LIST, "K", "flood, churn: 1 to 1000 (default: 10)",
		  &w.instances, 0, 0 },
		{ "share", 0, OPTION_FLAG, NULL, "wx dual, pool: equal pages of code are one page",
		  &w.share, 0, 0 },
		{ "poison", 0, OPTION_FLAG, NULL, "tierup, churn: released slots report calls",
		  &w.poison, 0, 0 },
		{ "max-events", 0, OPTION_NUMBER, "N",
		  "replay: only the first N crossings; churn: births and deaths", &w.max_events, 1,
		  INT64_MAX },
		{ "blocks", 'b', OPTION_NUMBER, "N", "invocations of each arm (default: 7)",
		  &w.blocks, 1, PLAN_MAX_BLOCKS },
		{ "iterations", 'i', OPTION_NUMBER, "N", "steady samples of each (default: 10)",
		  &w.iterations, 1, PLAN_MAX_ITERATIONS },
		{ "seed", 0, OPTION_NUMBER, "N", "of order and set-up (default: 1)", &w.seed, 0,
		  INT64_MAX },
		{ "timeout", 0, OPTION_NUMBER, "SECONDS",
		  "the most that an invocation may take (default: 120)", &w.timeout, 1,
		  PLAN_MAX_TIMEOUT },
		{ "counters", 0, OPTION_FLAG, NULL, "hardware counters too (see --json)",
		  &w.counters, 0, 0 },
		{ "json", 0, OPTION_FLAG, NULL, "tidy rows, one object a line", &json, 0, 0 },
	};
	char error[PLAN_ERROR];
	struct plan plan;
	json_t *text;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r) {
		r = r < 0 ? 2 : 0;
		goto out;
	}
	choose_arms(&w);
	text = plan_of(&w);
	r = text ? plan_from_json(text, &plan, error) : -ENOMEM;
	json_decref(text);
	if (r) {
		r = say(text ? plan_plain_error(error) : "out of memory");
		goto out;
	}
	r = run_plan(&plan, (unsigned)w.timeout, json);
	plan_free(&plan);
out:
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
		if (specs[i].type == OPTION_LIST || specs[i].type == OPTION_FILES)
			free(((struct option_list *)specs[i].out)->text);
	return r;
}
