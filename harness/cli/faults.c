/*
 * faults.c - `stubmap faults`: shows what a producer's mistakes do to running programs.
 *
 * Every program runs under every encoder without a fault; then, if that went well, with each fault
 * of each kind, or with a sample of the faults.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs/cell.h"
#include "cli/commands.h"
#include "cli/fault_report.h"
#include "cli/options.h"
#include "runs/plan.h"
#include "base/say.h"
#include "base/suggest.h"
#include "runs/sweep.h"

enum { LINE = 400, MOST = 64 };

static const struct option_help help = {
	.usage = "faults [options]",
	.summary =
	    "Puts faults of a stack-map producer into programs that run on a moving collector:\n"
	    "an empty map or another one is not recorded, a live slot is left out, a return\n"
	    "address is a byte off. Counts for each encoder who notices the fault: its lookup,\n"
	    "the collector, the program by a crash or a wrong answer, or nobody. Each fault runs\n"
	    "in a process of its own.\n"
	    "\n"
	    "The exit status is 1 if an encoder that should be safe fails without a fault.",
	.min_words = 0,
	.max_words = 0,
};

struct faults {
	const struct map_ops *encoders[CELL_NAMES];
	const struct gc_program *programs[CELL_NAMES];
	size_t nencoders, nprograms;
	uint64_t most;	     /* faults of a kind in one program under one encoder */
	struct gc_task task; /* what all runs share */
	struct progress progress;
	struct fault_row *rows;
	size_t n;
	char error[LINE];
};

static int say(const char *line)
{
	return say_line("stubmap faults", "%s", line);
}

/* ---- Options ------------------------------------------------------------------------------- */

/* Without a choice: every encoder but the floor; the unsafe ones are meant to be shown. */
static int choose_encoders(struct faults *f, const struct option_list *list)
{
	const char *names[CELL_NAMES];
	size_t n = cell_names("maps", names, CELL_NAMES);
	bool all = !list->n || (list->n == 1 && !strcmp(list->words[0], "*"));

	for (size_t i = 0; all && i < n; i++)
		if (!(map_encoder(names[i])->flags & MAP_FLOOR))
			f->encoders[f->nencoders++] = map_encoder(names[i]);
	for (size_t i = 0; !all && i < list->n; i++) {
		const struct map_ops *ops = map_encoder(list->words[i]);
		if (!ops) {
			suggest_refuse(f->error, LINE, "maps", list->words[i], names, n);
			return -EINVAL;
		}
		f->encoders[f->nencoders++] = ops;
		for (size_t k = 0; k + 1 < f->nencoders; k++)
			if (f->encoders[k] == ops) {
				snprintf(f->error, LINE, "--maps: %s twice", ops->name);
				return -EINVAL;
			}
	}
	return 0;
}

static int choose_programs(struct faults *f, const struct option_list *list)
{
	const char *names[CELL_NAMES];
	size_t n = 0;

	for (; gc_programs[n]; n++)
		names[n] = gc_programs[n]->workload;
	for (size_t i = 0; !list->n && i < n; i++)
		f->programs[f->nprograms++] = gc_programs[i];
	for (size_t i = 0; i < list->n; i++) {
		size_t k = 0;
		while (k < n && strcmp(names[k], list->words[i]))
			k++;
		if (k == n) {
			suggest_refuse(f->error, LINE, "program", list->words[i], names, n);
			return -EINVAL;
		}
		f->programs[f->nprograms++] = gc_programs[k];
		for (size_t m = 0; m + 1 < f->nprograms; m++)
			if (f->programs[m] == gc_programs[k]) {
				snprintf(f->error, LINE, "--workload: %s twice", names[k]);
				return -EINVAL;
			}
	}
	return 0;
}

static int choose_mode(struct faults *f, const char *mode)
{
	int k = 0;

	while (k < GC_MODES && strcmp(gc_mode_names[k], mode))
		k++;
	if (k == GC_MODES) {
		suggest_refuse(f->error, LINE, "mode", mode, gc_mode_names, GC_MODES);
		return -EINVAL;
	}
	f->task.mode = (enum gc_mode)k;
	return 0;
}

static int choose_tier(struct faults *f, uint64_t tier)
{
	f->task.tier = (unsigned)tier;
	if (tier == 0 || tier == 2)
		return 0;
	snprintf(f->error, LINE, "tier %u: allowed: 0, 2", f->task.tier);
	return -EINVAL;
}

/* ---- The runs ------------------------------------------------------------------------------ */

static struct gc_task task_of(const struct faults *f, const struct gc_program *p,
			      const struct map_ops *maps)
{
	struct gc_task j = f->task;

	j.program = p;
	j.maps = maps;
	j.size = j.mode == GC_EVERY ? p->small : p->usual;
	return j;
}

/* Runs a program twice: judged, and going on after wrong maps.
 * reference: the second run under true maps. */
static int run_unfaulted(struct faults *f, const struct gc_result *reference, struct fault_row *row)
{
	struct gc_task going_on = row->task;
	struct fault_end end;
	int r;

	if ((r = fault_run(&row->task, &end)))
		goto done;
	row->count = (struct fault_count){ .room = 1, .runs = 1 };
	row->count.outcomes[end.outcome] = 1;
	memcpy(row->why, end.why, sizeof row->why);
	progress_step(&f->progress, row->task.program->workload);
	going_on.check = false;
	if ((r = fault_run(&going_on, &end)))
		goto done;
	progress_step(&f->progress, row->task.program->workload);
	row->finished = end.result.answer && end.result.answer == end.result.expected;
	row->bad_roots = end.result.stats.bad_roots;
	row->dead = (int64_t)(end.result.stats.moved_objects - reference->stats.moved_objects);
done:
	if (r)
		snprintf(f->error, LINE, "%s", end.why);
	return r;
}

static int run_pair(struct faults *f, const struct gc_program *p, const struct map_ops *maps,
		    const uint64_t rooms[GC_FAULT_KINDS], const struct gc_result *reference)
{
	struct fault_row *rows = &f->rows[f->n];
	int r = 0;

	for (int kind = 0; kind < GC_FAULT_KINDS && !r; kind++) {
		struct fault_row *row = &rows[kind];
		*row = (struct fault_row){ .task = task_of(f, p, maps) };
		row->task.fault.kind = (enum gc_fault_kind)kind;
		row->skipped = kind && !rows[0].count.outcomes[FAULT_HARMLESS];
		if (!kind)
			r = run_unfaulted(f, reference, row);
		else if (!row->skipped)
			r = fault_count(&row->task, rooms[kind], f->most, &f->progress, &row->count,
					f->error);
		else
			row->count.room = rooms[kind];
		f->n += !r;
	}
	return r;
}

static int run_program(struct faults *f, const struct gc_program *p,
		       const uint64_t rooms[GC_FAULT_KINDS])
{
	struct gc_task truth = task_of(f, p, map_encoder("exact"));
	struct fault_end end;

	truth.check = false;
	int r = fault_run(&truth, &end);
	if (r || end.outcome != FAULT_HARMLESS) {
		snprintf(f->error, LINE, "the true maps fail: %.*s", GC_ERROR, end.why);
		return r ? r : -EINVAL;
	}
	for (size_t m = 0; m < f->nencoders && !r; m++)
		r = run_pair(f, p, f->encoders[m], rooms, &end.result);
	return r;
}

static int run_all(struct faults *f)
{
	uint64_t(*rooms)[GC_FAULT_KINDS] = calloc(f->nprograms, sizeof *rooms);
	size_t total = 0;
	int r = rooms ? 0 : -ENOMEM;

	snprintf(f->error, LINE, "out of memory");
	f->rows = calloc(f->nprograms * f->nencoders * GC_FAULT_KINDS, sizeof *f->rows);
	if (!f->rows)
		r = -ENOMEM;
	for (size_t i = 0; i < f->nprograms && !r; i++) {
		struct gc_task j = task_of(f, f->programs[i], map_encoder("exact"));
		r = fault_rooms(&j, rooms[i], f->error);
		for (int kind = 1; kind < GC_FAULT_KINDS; kind++)
			total += rooms[i][kind] < f->most ? rooms[i][kind] : f->most;
	}
	progress_begin(&f->progress, "stubmap faults", f->nencoders * (total + 2 * f->nprograms));
	for (size_t i = 0; i < f->nprograms && !r; i++)
		r = run_program(f, f->programs[i], rooms[i]);
	progress_end(&f->progress);
	free(rooms);
	return r;
}

/* ---- The command --------------------------------------------------------------------------- */

static bool any_failed(const struct faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->rows[i].why[0] && !(f->rows[i].task.maps->flags & (MAP_UNSAFE | MAP_FLOOR)))
			return true;
	return false;
}

static int show(const struct faults *f, bool json, bool tsv)
{
	int r = 0;

	if (json)
		r = fault_report_json(stdout, f->rows, f->n);
	else if (tsv)
		fault_report_tsv(stdout, f->rows, f->n);
	else
		r = fault_report_tables(stdout, f->rows, f->n);
	return r ? say(strerror(-r)) : any_failed(f);
}

int cmd_faults(int argc, char **argv)
{
	struct option_list maps = { 0 }, workload = { 0 };
	struct faults f = { .most = MOST };
	const char *mode = "every";
	char cache[4096];
	uint64_t tier = 2, seed = 1;
	bool json = false, tsv = false, polls = false;
	const struct option_spec specs[] = {
		{ "maps", 'm', OPTION_LIST, "A,B", "encoders (default: *, all but the floor)",
		  &maps, 0, 0 },
		{ "workload", 'w', OPTION_LIST, "W", "programs, gc:NAME (default: all)", &workload,
		  0, 0 },
		{ "tier", 0, OPTION_NUMBER, "T", "0 or 2 (default: 2)", &tier, 0, 2 },
		{ "mode", 0, OPTION_TEXT, "M",
		  "when to collect: normal, every, random, never (default: every)", &mode, 0, 0 },
		{ "polls", 0, OPTION_FLAG, NULL, "safepoint polls in loops and at entries", &polls,
		  0, 0 },
		{ "most", 0, OPTION_NUMBER, "N",
		  "faults of a kind in each program, spread over all that there are (default: 64)",
		  &f.most, 1, 1000000 },
		{ "seed", 0, OPTION_NUMBER, "N", "seed of the set-up (default: 1)", &seed, 0,
		  INT64_MAX },
		{ "json", 0, OPTION_FLAG, NULL, "one row a line: program, encoder, kind of fault",
		  &json, 0, 0 },
		{ "tsv", 0, OPTION_FLAG, NULL, "the data of scripts/faults.gp", &tsv, 0, 0 },
	};
	int first,
	    r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);

	if (r) {
		r = r < 0 ? 2 : 0;
		goto out;
	}
	f.task = (struct gc_task){ .stubs = stub_strategy("pool"),
				   .quantum = 4096,
				   .polls = polls,
				   .seed = seed,
				   .check = true,
				   .cache = sweep_default_cache(cache, sizeof cache) };
	if (json && tsv)
		r = say("--json and --tsv exclude each other");
	else if (choose_encoders(&f, &maps) || choose_programs(&f, &workload) ||
		 choose_mode(&f, mode) || choose_tier(&f, tier) || run_all(&f))
		r = say(f.error);
	else
		r = show(&f, json, tsv);
out:
	free(maps.text);
	free(workload.text);
	free(f.rows);
	return r;
}
