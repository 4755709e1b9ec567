/*
 * model.c - stubmap model: what caches, TLBs and branch-target buffers of known machines would do
 * with the cells' real addresses. Also how far the model can be believed: it is compared with
 * cachegrind and with measured times.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stubmap/stub.h>

#include "cli/cells.h"
#include "cli/commands.h"
#include "meters/fingerprint.h"
#include "model/check.h"
#include "analysis/predict.h"
#include "model/report.h"
#include "cli/options.h"
#include "measure/prepare.h"
#include "runs/plan.h"
#include "base/home.h"
#include "base/say.h"
#include "base/suggest.h"
#include "runs/sweep.h"

static const struct option_help help = {
	.usage = "model [options] [TRACE...]",
	.summary =
	    "Runs each cell once more under valgrind's lackey, puts the addresses of its steady\n"
	    "state through models of machines, and prints misses per call. A page of P KiB\n"
	    "stands for a machine with such pages and a code allocator of such quanta. Traces\n"
	    "given as files (--keep) are used instead of cells.",
	.min_words = 0,
	.max_words = -1,
};

enum { MOST_MACHINES = 40, MOST_PAGES = 3 };

struct wanted {
	struct cell_options cells;
	struct option_list machines, page;
	bool json, tsv, agree, speed, plru;
	const char *predict, *keep;
	uint64_t seed, frames, workers, timeout;
	const struct machine *chosen[MOST_MACHINES];
	size_t nchosen;
	struct machine host;
	struct machine copies[MOST_MACHINES]; /* with another replacement */
	uint32_t pages[MOST_PAGES];
	size_t npages; /* 0: each machine's own */
};

static int say(const char *line)
{
	return say_line("stubmap model", "%s", line);
}

/* ---- Machines and pages ----------------------------------------------------------------- */

/* "all" and a row's own name may both be given: each machine is asked once. */
static void add_machine(struct wanted *w, const struct machine *m)
{
	for (size_t i = 0; i < w->nchosen; i++)
		if (w->chosen[i] == m)
			return;
	w->chosen[w->nchosen++] = m;
}

static int choose_host(struct wanted *w)
{
	json_t *fingerprint = env_machine();
	int e = machine_of_fingerprint(fingerprint, &w->host);

	json_decref(fingerprint);
	if (e)
		return say(
		    "--machines host: neither sysfs nor CPUID tells this machine's L1I; name a "
		    "row of `stubmap list machines`");
	add_machine(w, &w->host);
	return 0;
}

static int choose_machine(struct wanted *w, const char *word)
{
	const char *names[MOST_MACHINES];
	const struct machine *m = machine_find(word);
	char line[1000];

	if (!strcmp(word, "host"))
		return choose_host(w);
	if (!strcmp(word, "all")) {
		for (size_t i = 0; i < machines_n && w->nchosen < MOST_MACHINES; i++)
			add_machine(w, &machines[i]);
		return 0;
	}
	if (m && w->nchosen < MOST_MACHINES) {
		add_machine(w, m);
		return 0;
	}
	size_t n = 0;
	names[n++] = "all";
	names[n++] = "host";
	for (size_t i = 0; i < machines_n; i++)
		names[n++] = machines[i].name;
	suggest_refuse(line, sizeof line, "machine", word, names, n);
	return say(m ? "too many machines" : line);
}

/* Refuses options that exclude each other. words: the number of traces given. */
static int check_call(const struct wanted *w, size_t words)
{
	bool mode = w->agree || w->speed || w->predict;

	if (w->agree + w->speed + (w->predict != NULL) > 1)
		return say("--agree, --speed and --predict exclude each other");
	if (w->json && w->tsv)
		return say("--json and --tsv exclude each other");
	if ((w->json && (w->agree || w->speed)) || (w->tsv && mode))
		return say("--agree, --speed: a table only; --predict: a table or --json");
	if (words && (mode || cell_options_given(&w->cells)))
		return say("a trace is of a cell already: no options of cells beside it, and no "
			   "--agree, --speed or --predict");
	return 0;
}

static int choose_pages(struct wanted *w)
{
	for (size_t i = 0; i < w->page.n; i++) {
		uint64_t v = 0;
		bool bad =
		    options_size(w->page.words[i], &v) || (v != 4096 && v != 16384 && v != 65536);
		for (size_t p = 0; p < w->npages; p++)
			bad |= w->pages[p] == v;
		if (bad)
			return say_line("stubmap model",
					"--page '%s': allowed: 4K, 16K, 64K, each once",
					w->page.words[i]);
		w->pages[w->npages++] = (uint32_t)v;
	}
	return 0;
}

static int choose(struct wanted *w)
{
	int e = choose_pages(w);

	/* A prediction is for the machine of the run, unless machines are named. */
	if (!e && !w->machines.n && !w->predict)
		e = choose_host(w);
	for (size_t i = 0; i < w->machines.n && !e; i++)
		e = choose_machine(w, w->machines.words[i]);
	for (size_t i = 0; i < w->nchosen && w->plru && !e; i++) {
		w->copies[i] = *w->chosen[i];
		w->copies[i].policy = CACHE_PLRU;
		w->chosen[i] = &w->copies[i];
	}
	return e;
}

/* Whether machine i is to be asked about pages of that size. */
static bool has_page(const struct wanted *w, size_t i, uint32_t page)
{
	for (size_t p = 0; p < w->npages; p++)
		if (w->pages[p] == page)
			return true;
	return !w->npages && w->chosen[i]->page == page;
}

/* ---- Cells ------------------------------------------------------------------------------ */

/* A plan needs a baseline that is one of its arms. */
static const char *first_arm(const char *word)
{
	for (size_t i = 0; stub_strategies[i]; i++)
		if (!fnmatch(word, stub_strategies[i]->name, 0))
			return stub_strategies[i]->name;
	return word;
}

static json_t *plan_of(struct wanted *w)
{
	struct option_list *stubs = cell_options_list(&w->cells, "stubs");

	if (!stubs->n) {
		stubs->words[stubs->n++] = "page";
		stubs->words[stubs->n++] = "pool";
	}
	return json_pack("{s:s, s:i, s:i, s:i, s:{s:s}, s:[o]}", "name", "model", "seed", 1,
			 "blocks", 1, "iterations", 1, "baseline", "stubs",
			 first_arm(stubs->words[0]), "cells", cell_options_to_json(&w->cells));
}

static size_t add_passes(const struct wanted *w, struct simulate_task *t, uint32_t page)
{
	t->passes = calloc(w->nchosen * (w->npages + 1), sizeof *t->passes);
	for (size_t i = 0; i < w->nchosen && t->passes; i++)
		if (has_page(w, i, page))
			t->passes[t->n++].options = (struct model_options){
				.machine = w->chosen[i],
				.page = page,
				.classify = true,
				.frames = w->frames,
			};
	return t->n;
}

static struct simulate_task *tasks_of(const struct wanted *w, const struct plan *plan, size_t *n)
{
	static const uint32_t pages[MOST_PAGES] = { 4096, 16384, 65536 };
	struct simulate_task *tasks = calloc(plan->n * MOST_PAGES, sizeof *tasks);

	*n = 0;
	for (size_t p = 0; p < MOST_PAGES && tasks; p++)
		for (size_t i = 0; i < plan->n; i++) {
			struct simulate_task *t = &tasks[*n];
			t->cell = plan->cells[i];
			t->cell.quantum = pages[p];
			if (!t->cell.replica && add_passes(w, t, pages[p]))
				(*n)++;
			else
				free(t->passes), *t = (struct simulate_task){ 0 };
		}
	return tasks;
}

/* A file has one quantum; a machine may be asked about each size of page that it has. */
static struct simulate_task *tasks_of_files(const struct wanted *w, char **files, size_t n)
{
	static const uint32_t pages[MOST_PAGES] = { 4096, 16384, 65536 };
	struct simulate_task *tasks = calloc(n, sizeof *tasks);

	for (size_t i = 0; i < n && tasks; i++) {
		tasks[i].file = files[i];
		tasks[i].passes = calloc(w->nchosen * MOST_PAGES, sizeof *tasks[i].passes);
		for (size_t m = 0; m < w->nchosen && tasks[i].passes; m++)
			for (size_t p = 0; p < MOST_PAGES; p++)
				if (has_page(w, m, pages[p]))
					tasks[i].passes[tasks[i].n++].options =
					    (struct model_options){
						    .machine = w->chosen[m],
						    .page = pages[p],
						    .classify = true,
						    .frames = w->frames,
					    };
	}
	return tasks;
}

/* ---- The command ------------------------------------------------------------------------ */

static int finish(const struct wanted *w, const struct simulate_paths *paths,
		  struct simulate_task *tasks, size_t n, bool files)
{
	enum model_form form = w->json ? MODEL_JSON : w->tsv ? MODEL_TSV : MODEL_TABLE;
	int status = 0;

	if (simulate_all(paths, tasks, n, (unsigned)w->workers)) {
		say("stopped");
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (!tasks[i].status)
			continue;
		say(tasks[i].why);
		if (files || tasks[i].status == -ENOENT || tasks[i].status == -EINVAL)
			return 2;
		status = 1;
	}
	if (model_report(stdout, form, tasks, n))
		return say("out of memory");
	model_report_cost(stderr, tasks, n);
	return status;
}

static int model_cells(struct wanted *w, const struct simulate_paths *paths)
{
	char error[PLAN_ERROR];
	struct plan plan;
	json_t *text = plan_of(w);
	size_t n;
	int r;

	if (!text)
		return say("out of memory");
	r = plan_from_json(text, &plan, error);
	json_decref(text);
	if (r)
		return say(plan_plain_error(error));
	if (plan_has_peers(&plan)) {
		plan_free(&plan);
		return say("--stubs: a peer's stubs are a library's, which no trace has");
	}
	for (size_t i = 0; i < plan.n; i++)
		if (plan.cells[i].family == FAMILY_GC) {
			say_line("stubmap model",
				 "--workload %s: no trace of a program on the "
				 "collected heap; allowed: ring, replay:NAME",
				 plan.cells[i].workload);
			plan_free(&plan);
			return 2;
		}
	if (prepare_check(plan.cells, plan.n, error)) {
		plan_free(&plan);
		return say(error);
	}
	struct simulate_task *tasks = tasks_of(w, &plan, &n);
	if (!tasks)
		r = say("out of memory");
	else if (w->agree)
		r = model_check_agreement(paths, tasks, n);
	else if (w->speed)
		r = model_check_speed(paths, &tasks[0].cell);
	else
		r = finish(w, paths, tasks, n, false);
	for (size_t i = 0; tasks && i < n; i++)
		free(tasks[i].passes);
	free(tasks);
	plan_free(&plan);
	return r;
}

static int model_files(const struct wanted *w, const struct simulate_paths *paths, char **files,
		       size_t n)
{
	struct simulate_task *tasks = tasks_of_files(w, files, n);
	int r = tasks ? finish(w, paths, tasks, n, true) : say("out of memory");

	for (size_t i = 0; tasks && i < n; i++)
		free(tasks[i].passes);
	free(tasks);
	return r;
}

static int dispatch(struct wanted *w, char **words, size_t nwords)
{
	char folder[4096], data[4096], cache[4096];
	struct simulate_paths paths = { .data = sweep_default_data(data, sizeof data),
					.cache = sweep_default_cache(cache, sizeof cache),
					.folder = folder,
					.keep = w->keep,
					.seed = w->seed,
					.timeout_s = (unsigned)w->timeout };
	int r;

	if (w->keep && access(w->keep, W_OK | X_OK))
		return say_line("stubmap model", "--keep %s: %s", w->keep, strerror(errno));
	snprintf(folder, sizeof folder, "%s/stubmap-XXXXXX", home_temp_root());
	if (!mkdtemp(folder))
		return say_line("stubmap model", "%s: %s", folder, strerror(errno));
	if (w->predict)
		r = model_check_prediction(&paths, w->predict, w->machines.n ? w->chosen[0] : NULL,
					   (unsigned)w->workers, w->json);
	else if (nwords)
		r = model_files(w, &paths, words, nwords);
	else
		r = model_cells(w, &paths);
	rmdir(folder);
	return r;
}

/* 0; 1: help was asked for; -EINVAL. */
static int read_options(int argc, char **argv, struct wanted *w, int *first)
{
	const struct option_spec of_machines[] = {
		{ "machines", 'm', OPTION_LIST, "A,B",
		  "rows of `list machines`, all, host (default: host)", &w->machines, 0, 0 },
		{ "page", 'p', OPTION_LIST, "P",
		  "bytes: 4K, 16K, 64K (default: each machine's own)", &w->page, 0, 0 },
		{ "frames", 0, OPTION_NUMBER, "N",
		  "seed of random page frames (default: a page's own number)", &w->frames, 1,
		  INT64_MAX },
		{ "plru", 0, OPTION_FLAG, NULL, "tree-PLRU caches, whatever the machine's row says",
		  &w->plru, 0, 0 },
	};
	const struct option_spec others[] = {
		{ "seed", 0, OPTION_NUMBER, "N", "of order and set-up (default: 1)", &w->seed, 0,
		  INT64_MAX },
		{ "workers", 0, OPTION_NUMBER, "N", "cells at a time (default: one a CPU)",
		  &w->workers, 1, 64 },
		{ "timeout", 0, OPTION_NUMBER, "SECONDS",
		  "the most that a cell's process may measure, and before that compile "
		  "(default: 120)",
		  &w->timeout, 1, PLAN_MAX_TIMEOUT },
		{ "keep", 0, OPTION_TEXT, "DIR", "leave the traces there", &w->keep, 0, 0 },
		{ "agree", 0, OPTION_FLAG, NULL, "instead: the model's misses beside cachegrind's",
		  &w->agree, 0, 0 },
		{ "speed", 0, OPTION_FLAG, NULL,
		  "instead: accesses a second beside cachegrind's, on the first cell", &w->speed, 0,
		  0 },
		{ "predict", 0, OPTION_TEXT, "RUN.jsonl",
		  "instead: rank correlation with that run's ns per call in ring", &w->predict, 0,
		  0 },
		{ "tsv", 0, OPTION_FLAG, NULL, "data for scripts/reach", &w->tsv, 0, 0 },
		{ "json", 0, OPTION_FLAG, NULL, "tidy rows, one object a line", &w->json, 0, 0 },
	};
	enum {
		NMACHINES = sizeof of_machines / sizeof *of_machines,
		NOTHERS = sizeof others / sizeof *others
	};
	struct option_spec specs[NMACHINES + CELL_KEYS + NOTHERS];
	struct option_group groups[CELL_GROUPS + 3] = { { "machines", 0 } };
	struct option_help grouped = help;
	size_t n = NMACHINES, g = 0;

	memcpy(specs, of_machines, sizeof of_machines);
	cell_options_specs(&w->cells, true, specs, &n, groups + 1);
	while (groups[g].title)
		g++;
	groups[g] = (struct option_group){ "how, and what is shown", n };
	grouped.groups = groups;
	memcpy(specs + n, others, sizeof others);
	return options_parse(argc, argv, &grouped, specs, n + NOTHERS, first);
}

int cmd_model(int argc, char **argv)
{
	struct wanted w = { .seed = 1, .workers = sweep_cpus() };
	int first, r = read_options(argc, argv, &w, &first);

	if (r)
		r = r < 0 ? 2 : 0;
	else if (!(r = check_call(&w, (size_t)(argc - first))) && !(r = choose(&w)))
		r = dispatch(&w, argv + first, (size_t)(argc - first));
	cell_options_free(&w.cells);
	free(w.machines.text);
	free(w.page.text);
	return r;
}
