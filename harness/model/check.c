/*
 * check.c - compares the model with cachegrind: both run the same program from its first to its
 * last instruction, so that nothing has to be cut away and the counts can be compared directly.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/lackey.h"
#include "meters/memory.h"
#include "model/check.h"
#include "base/progress.h"
#include "base/say.h"
#include "base/table.h"

enum { AGREE_LAPS = 8, SHORT_LAPS = 2, SPEED_FETCHES = 20000000, SPEED_NS = 1000000000 };

static const struct cachegrind_geometry geometries[] = {
	{ 32768, 8, 64 },
	{ 65536, 4, 64 },
	{ 8192, 2, 32 },
};
enum { GEOMETRIES = sizeof geometries / sizeof *geometries };

static int fail(const char *why)
{
	say_line("stubmap model", "%s", why);
	return 1;
}

/* ---- Agreement -------------------------------------------------------------------------- */

static int count_all(const struct address_trace *t, const struct cachegrind_geometry *g,
		     struct cachegrind_counts *out, char error[CACHE_ERROR])
{
	const struct machine machine = {
		.line = g->line,
		.page = 4096,
		.l1i = { g->size, g->ways, INDEX_VIRTUAL, SOURCE_LOCAL },
		.l1d = { g->size, g->ways, INDEX_VIRTUAL, SOURCE_LOCAL },
	};
	struct model m;
	int e = model_open(&m, &(struct model_options){ .machine = &machine, .no_aliases = true },
			   error);

	if (e)
		return e;
	model_run(&m, t->accesses, t->n);
	*out = (struct cachegrind_counts){ .i1_misses = m.counts[MODEL_L1I].references,
					   .d1_misses = m.counts[MODEL_L1D].references };
	for (size_t i = 0; i < t->n; i++)
		if (!t->accesses[i].rest)
			*(t->accesses[i].kind == TRACE_FETCH ? &out->fetches : &out->accesses) += 1;
	model_close(&m);
	return 0;
}

/* The difference of ours from theirs, in %. */
static double apart(uint64_t ours, uint64_t theirs)
{
	return ours == theirs ? 0
	       : theirs	      ? 100 * fabs((double)ours - (double)theirs) / (double)theirs
			      : INFINITY;
}

static void agreement_line(struct table *table, const struct simulate_task *t,
			   const struct cachegrind_geometry *g, const struct cachegrind_counts *our,
			   const struct cachegrind_counts *their, double *worst)
{
	double i1 = apart(our->i1_misses, their->i1_misses);
	double d1 = apart(our->d1_misses, their->d1_misses);

	table_row(table);
	table_cell(table, "%s", t->cell.stubs);
	table_cell(table, "%s", t->cell.kind);
	table_cell(table, "%u", t->cell.live);
	table_cell(table, "%u/%u/%u", g->size, g->ways, g->line);
	table_cell(table, "%llu", (unsigned long long)their->fetches);
	table_cell(table, "%llu", (unsigned long long)our->fetches);
	table_cell(table, "%llu", (unsigned long long)their->i1_misses);
	table_cell(table, "%llu", (unsigned long long)our->i1_misses);
	table_cell(table, "%llu", (unsigned long long)their->d1_misses);
	table_cell(table, "%llu", (unsigned long long)our->d1_misses);
	table_cell(table, "%.3f", i1 > d1 ? i1 : d1);
	*worst = fmax(*worst, fmax(i1, d1));
}

static int agree(const struct simulate_paths *p, const struct simulate_task *task,
		 struct table *table, double *worst, char error[TRACE_ERROR])
{
	struct cachegrind_counts ours, theirs;
	struct trace_pack pack = { 0 };
	struct address_trace trace = { 0 };
	char path[4160];

	snprintf(path, sizeof path, "%s/agree", p->folder);
	int e = simulate_snapshot(p, &task->cell, AGREE_LAPS, path, error);
	if (!e)
		e = lackey_trace(path, true, &pack, error);
	if (!e)
		e = trace_open(&pack, &trace, error);
	for (size_t i = 0; i < GEOMETRIES && !e; i++) {
		e = count_all(&trace, &geometries[i], &ours, error);
		if (!e)
			e = lackey_cachegrind(path, &geometries[i], &theirs, error);
		if (!e)
			agreement_line(table, task, &geometries[i], &ours, &theirs, worst);
	}
	simulate_remove(path);
	trace_close(&trace);
	trace_pack_free(&pack);
	return e;
}

int model_check_agreement(const struct simulate_paths *p, const struct simulate_task *tasks,
			  size_t n)
{
	static const char *const headers[TABLE_COLUMNS] = { "stubs",	      "kind",	    "live",
							    "size/ways/line", "fetches cg", "ours",
							    "I1 cg",	      "ours",	    "D1 cg",
							    "ours",	      "apart [%]" };
	char error[TRACE_ERROR];
	struct progress progress;
	struct table table;
	double worst = 0;
	int e = 0;

	table_begin(&table, headers, "llrlrrrrrrr");
	progress_begin(&progress, "stubmap model", n);
	for (size_t i = 0; i < n && !e; i++) {
		e = agree(p, &tasks[i], &table, &worst, error);
		progress_step(&progress, tasks[i].cell.stubs);
	}
	progress_end(&progress);
	if (table_end(&table, stdout))
		return fail("out of memory");
	if (e)
		return fail(error);
	printf(
	    "misses of cachegrind (cg) and of the model: at most %.3g %% apart; 1 %% is allowed\n",
	    worst);
	return worst > 1;
}

/* ---- Speed ------------------------------------------------------------------------------ */

/* Keeps only the fetches of the last lap; returns how many. */
static size_t last_fetches(struct address_trace *t)
{
	size_t n = 0;

	for (size_t i = t->laps[t->nlaps - 1]; i < t->n; i++)
		if (t->accesses[i].kind == TRACE_FETCH)
			t->accesses[n++] = t->accesses[i];
	return n;
}

/* Measures the model's fetches a second. */
static int time_model(const struct trace_access *a, size_t n, double *rate, double *misses,
		      char error[CACHE_ERROR])
{
	const struct model_options o = { .machine = machine_find("zen5"), .code_only = true };
	struct model m;
	uint64_t laps = 0, t0, t1;
	int e = model_open(&m, &o, error);

	if (e)
		return e;
	model_run(&m, a, n);
	model_forget_counts(&m);
	t0 = clock_ns();
	do {
		model_run(&m, a, n);
		laps++;
	} while ((t1 = clock_ns()) - t0 < SPEED_NS);
	*rate = (double)(laps * n) / ((double)(t1 - t0) * 1e-9);
	*misses = (double)m.counts[MODEL_L1I].misses / (double)(laps * n);
	model_close(&m);
	return 0;
}

/* Measures the difference of a long and a short run, which leaves out start and translation. */
static int time_cachegrind(const struct simulate_paths *p, const struct cell *c, unsigned laps,
			   double *rate, char error[TRACE_ERROR])
{
	struct cachegrind_counts counts[2];
	char path[4160];
	int e = 0;

	snprintf(path, sizeof path, "%s/speed", p->folder);
	for (int i = 0; i < 2 && !e; i++) {
		e = simulate_snapshot(p, c, i ? laps : SHORT_LAPS, path, error);
		if (!e)
			e = lackey_cachegrind(path, &geometries[0], &counts[i], error);
		simulate_remove(path);
	}
	if (!e)
		*rate = (double)(counts[1].fetches - counts[0].fetches) /
			(counts[1].seconds - counts[0].seconds);
	return e;
}

int model_check_speed(const struct simulate_paths *p, const struct cell *c)
{
	struct trace_pack pack = { 0 };
	struct address_trace trace = { 0 };
	char error[TRACE_ERROR], path[4160];
	double ours = 0, theirs = 0, misses = 0;

	snprintf(path, sizeof path, "%s/speed", p->folder);
	int e = simulate_snapshot(p, c, SHORT_LAPS, path, error);
	if (!e)
		e = lackey_trace(path, false, &pack, error);
	simulate_remove(path);
	if (!e)
		e = trace_open(&pack, &trace, error);
	if (!e) {
		size_t n = last_fetches(&trace);
		unsigned laps = (unsigned)(SPEED_FETCHES / (n ? n : 1) + SHORT_LAPS + 1);
		e = time_model(trace.accesses, n, &ours, &misses, error);
		if (!e)
			e = time_cachegrind(p, c, laps, &theirs, error);
	}
	trace_close(&trace);
	trace_pack_free(&pack);
	if (e)
		return fail(error);
	printf("%s, %u live: L1I (32 KiB, 8 ways) and ITLB (64, full), %.3g misses a fetch\n"
	       "model       %8.1f million fetches a second, one core\n"
	       "cachegrind  %8.1f million, with the program itself, data and the last level\n",
	       c->stubs, c->live, misses, ours * 1e-6, theirs * 1e-6);
	return 0;
}
