/*
 * wasm.c - a live wasm program: opens it once, then instantiates and runs it for every sample.
 *
 *   compile     the module's object (from the second time on a large one comes from the cache)
 *   instantiate an instance: its block, memory and tables, with the stubs
 *   bind        the time inside the strategy at instantiation, per stub
 *   first_call  the first call into the new instance
 *   run         the whole program from its first call to its last; its answer is compared, byte for
 *               byte, with the native program's output
 *   release     the instance with all its stubs
 *   space       memory of stubs and code while one instance lives
 *   cold        instance and run in code memory that nobody used before, TIMES times: the stubs
 *               made, those of them that calls go through, and the time of both
 *
 * bound is the least time that a policy could reach in cold: the same placement's shortest run with
 * every stub made before, plus its shortest instantiation without the time in bind: as if making
 * stubs cost nothing and only used ones were made. regret is the ratio of the time to the bound. A
 * run that changes tables makes stubs itself: its bound is computed with `null`, which makes none.
 *
 * Crossings are counted in a separate run under a strategy that only counts: they are the same
 * under each strategy. A program that traps, exits or answers wrongly is a failed cell.
 */
#include "measure/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meters/counters.h"
#include "runs/figures.h"
#include "measure/space.h"
#include "jit/space.h"
#include "meters/memory.h"
#include "meters/probe.h"
#include "base/prng.h"
#include "base/sanitized.h"
#include "wasm/counting.h"
#include "base/watch.h"

enum {
	WARMUP = 1,
	TIMES = 3,
	MICRO = 1000000,
	CALLEES = 65536,
	PATIENCE_NS = SANITIZED ? 0 : 500000000
};
enum row { INSTANTIATE, BIND, FIRST, RUN, RELEASE, ROWS };

/* ---- One instance, one run ------------------------------------------------------------------- */

struct sample {
	uint64_t values[ROWS];
	uint32_t bound;
	struct wasm_instance_stats stats; /* after the run */
	uint64_t made, used;		  /* stubs at the end; those of them that calls cross */
	uint64_t committed, literals, syscalls; /* bytes, bytes, system calls of this run */
	uint64_t counts[METERS];
	bool counted; /* all the time */
};

static int space_figures(struct wasm_session *w, struct wasm_site *p, struct wasm_instance *in,
			 uint64_t faults)
{
	struct wasm_instance_stats s;
	struct code_stats c;

	wasm_instance_stats(in, &s);
	code_get_stats(p->code, &c);
	const struct {
		struct figure_name name;
		uint64_t per, value;
	} rows[] = {
		{ FIGURE_NAME(space, committed, stub, "code"), s.bound, c.committed_stubs },
		{ FIGURE_NAME(space, quanta, stub, "code"), s.bound, c.quanta_stubs },
		{ FIGURE_NAME(space, used_code, stub, "code"), s.bound, c.used_stubs },
		{ FIGURE_NAME(space, used_literals, stub, "code"), s.bound, c.used_literals },
		{ FIGURE_NAME(space, syscalls, process, "code"), 1, c.syscalls },
		{ FIGURE_NAME(space, text_bytes, module, "count"), 1,
		  wasm_module_text(p->module, w->job->cell.tier) },
		{ FIGURE_NAME(space, heap, instance, "count"), 1, s.heap },
		{ FIGURE_NAME(space, stubs, instance, "count"), 1, s.bound },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		figure_one(w->figures, rows[i].name, rows[i].per, rows[i].value);
	return measure_space(p->code, NULL, s.bound, faults, w->figures, w->why);
}

static int drive(struct wasm_session *w, struct wasm_site *p, struct wasm_instance *in,
		 struct wasi *wasi, struct sample *out)
{
	struct wasm_times times = { 0 };
	bool started = w->counters && !counters_start(w->counters);
	enum wasm_end end = wasm_drive(in, p->module, &p->thread, wasi, &times, w->why);

	out->counted = started && !counters_stop_timed(w->counters, times.run_ns, out->counts);
	out->values[FIRST] = times.first_ns;
	out->values[RUN] = times.run_ns;
	return end == WASM_RETURNED ? wasm_session_check(w, wasi) : -1;
}

static bool has_stub(const struct stub_space *space, const struct stub_callee *c)
{
	if (space->ops == &wasm_counting)
		return wasm_crossed(c);
	return space->ops->made ? space->ops->made(space, c) : !(space->ops->flags & STUB_DIRECT);
}

/* Counts the callees with a stub, in an order that is the same in every run. The counting run,
 * which is the first, finds which of them are crossed. */
static int count_stubs(struct wasm_session *w, const struct wasm_site *p,
		       const struct wasm_instance *in, struct sample *out)
{
	const size_t n = wasm_instance_callees(in, w->callees, CALLEES);

	out->made = out->used = 0;
	for (size_t i = 0; i < n && i < CALLEES; i++) {
		const bool made = has_stub(&p->space, w->callees[i].callee);

		if (p->space.ops == &wasm_counting)
			w->crossed[i] = made;
		out->made += made;
		out->used += made && w->crossed[i];
	}
	if (n <= CALLEES)
		return 0;
	snprintf(w->why, CELL_ERROR, "%s: %zu callees; %d are allowed", w->setup->wasm.name, n,
		 CALLEES);
	return -1;
}

/* faults: the page faults before, if the space should be recorded; else NULL. */
static int run_once(struct wasm_session *w, struct wasm_site *p, struct sample *out,
		    const uint64_t *faults)
{
	struct wasm_instance *in = NULL;
	struct code_stats before, after;
	struct wasi wasi;

	code_get_stats(p->code, &before);
	int e = wasm_program_system(&w->setup->wasm, w->folder, w->job->seed, &wasi, w->why);

	if (!e)
		e = wasm_instance_open(&in, p->module, &p->space, &p->thread, &wasi, w->why);
	if (!e) {
		jit_code_named(p->code);
		wasm_instance_stats(in, &out->stats);
		out->bound = out->stats.bound;
		out->values[INSTANTIATE] = out->stats.open_ns;
		out->values[BIND] = out->stats.bind_ns;
		e = drive(w, p, in, &wasi, out);
	}
	code_get_stats(p->code, &after);
	out->committed = after.committed_stubs - before.committed_stubs;
	out->literals = after.used_literals - before.used_literals;
	out->syscalls = after.syscalls - before.syscalls;
	if (!e)
		e = count_stubs(w, p, in, out);
	if (!e && faults)
		e = space_figures(w, p, in, *faults);
	if (in) {
		wasm_instance_stats(in, &out->stats);
		const uint64_t t0 = clock_ns();

		wasm_instance_close(in);
		out->values[RELEASE] = clock_ns() - t0;
	}
	wasi_close(&wasi);
	return e;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

/* For each kind the figures crossings, used and made follow each other. */
enum { OF_KIND = 3 };
_Static_assert(FIGURE_run_made_ref == FIGURE_run_crossings_entry_native + OF_KIND * STUB_KINDS - 1,
	       "figures.def has the kinds in their order");

static struct figure_name of_kind(unsigned kind, unsigned i)
{
	struct figure_name name = FIGURE_NAME(run, crossings_entry_native, run, "count");

	name.figure += OF_KIND * kind + i;
	return name;
}

static int count_crossings(struct wasm_session *w)
{
	struct wasm_site p = { 0 };
	struct sample s;
	struct wasm_counts counts;
	int e = wasm_site_open(w, &p, &wasm_counting, CODE_DUAL);

	watch_phase("running, calls counted");
	if (!e)
		e = run_once(w, &p, &s, NULL);
	if (!e) {
		wasm_counts(&p.space, &counts);
		for (unsigned k = 0; k < STUB_KINDS; k++) {
			if (!counts.made[k])
				continue;
			const uint64_t values[OF_KIND] = { counts.crossings[k], counts.used[k],
							   counts.made[k] };

			for (unsigned i = 0; i < OF_KIND; i++)
				figure_one(w->figures, of_kind(k, i), 1, values[i]);
		}
	}
	wasm_site_close(&p);
	return e;
}

static void figure_times(struct wasm_session *w, const struct sample *samples, size_t n)
{
	const struct sample *last = &samples[n - 1];
	uint64_t *row = calloc(n, sizeof *row);
	const struct {
		struct figure_name name;
		uint64_t per;
	} rows[ROWS] = {
		[INSTANTIATE] = { FIGURE_NAME(instantiate, ns, instance, "clock"), 1 },
		[BIND] = { FIGURE_NAME(bind, ns, stub, "clock"), last->bound },
		[FIRST] = { FIGURE_NAME(first_call, ns, call, "clock"), 1 },
		[RUN] = { FIGURE_NAME(run, ns, run, "clock"), 1 },
		[RELEASE] = { FIGURE_NAME(release, ns, instance, "clock"), 1 },
	};

	for (size_t k = 0; row && k < ROWS; k++) {
		for (size_t i = 0; i < n; i++)
			row[i] = samples[i].values[k];
		figure_samples(w->figures, rows[k].name, rows[k].per, WARMUP, row, n);
	}
	free(row);
	figure_one(w->figures, FIGURE_OF(run, rebound, run, "count"), 1, last->stats.rebound);
}

/* Adds for each counter the samples that were counted all the time. */
static void figure_counters(struct wasm_session *w, const struct sample *samples, size_t n)
{
	uint64_t *row = calloc(n, sizeof *row);

	for (size_t k = 0; row && w->counters && k < w->counters->n; k++) {
		const struct counter *c = &w->counters->counter[k];
		const struct figure_name name =
		    FIGURE_METER(run, counted, run, c->source, c->meter->name);
		size_t kept = 0, warm = 0;

		for (size_t i = 0; i < n; i++) {
			if (!samples[i].counted)
				continue;
			warm += i < WARMUP;
			row[kept++] = samples[i].counts[k];
		}
		if (!c->source)
			figure_missing(w->figures, name, c->why);
		else if (kept == warm)
			figure_missing(w->figures, name,
				       "no run was counted all the time and long enough");
		else
			figure_samples(w->figures, name, 1, warm, row, kept);
	}
	free(row);
}

static int time_runs(struct wasm_session *w, const struct stub_ops *ops)
{
	const size_t n = WARMUP + w->job->iterations;
	struct sample *samples = calloc(n, sizeof *samples);
	uint64_t faults = meters_minor_faults();
	struct wasm_site p = { 0 };
	struct probe probe;
	int e = -1;

	if (samples)
		e = wasm_site_open(w, &p, ops, w->code_config.wx);
	else
		snprintf(w->why, CELL_ERROR, "out of memory");
	watch_phase("running");
	probe_begin(&probe, PATIENCE_NS);
	for (size_t i = 0; i < n && !e; i++) {
		const uint64_t *last = i + 1 == n ? &faults : NULL; /* this one can't be repeated */

		do {
			probe_wait(&probe);
			e = run_once(w, &p, &samples[i], last);
		} while (!e && !last && probe_again(&probe));
	}
	if (!e) {
		figure_one(w->figures, FIGURE_OF(run, samples_repeated, process, "count"), 1,
			   probe.repeated);
		figure_one(w->figures, FIGURE_OF(run, samples_shared, process, "count"), 1,
			   probe.kept);
		figure_times(w, samples, n);
		figure_counters(w, samples, n);
	}
	free(samples);
	wasm_site_close(&p);
	return e;
}

/* Opens and runs one instance in code memory of its own. */
static int run_cold(struct wasm_session *w, const struct stub_ops *ops, struct sample *out)
{
	struct wasm_site p = { 0 };
	int e = wasm_site_open(w, &p, ops, w->code_config.wx);

	watch_phase("running, cold");
	if (!e)
		e = run_once(w, &p, out, NULL);
	wasm_site_close(&p);
	return e;
}

static void figure_cold(struct wasm_session *w, const struct sample *s, uint64_t bound)
{
	static const struct figure_name names[] = {
		FIGURE_NAME(cold, ns, run, "clock"),
		FIGURE_NAME(cold, instantiate_ns, run, "clock"),
		FIGURE_NAME(cold, made, run, "count"),
		FIGURE_NAME(cold, used, run, "count"),
		FIGURE_NAME(cold, committed, run, "code"),
		FIGURE_NAME(cold, used_literals, run, "code"),
		FIGURE_NAME(cold, syscalls, run, "code"),
	};
	static const struct figure_name bound_name = FIGURE_NAME(cold, bound_ns, run, "model");
	static const struct figure_name regret_name = FIGURE_NAME(cold, regret, bound, "model");
	enum { NAMES = sizeof names / sizeof *names };
	uint64_t rows[NAMES][TIMES], regret[TIMES], crossed = 0;

	for (size_t i = 0; i < TIMES; i++) {
		const uint64_t ns = s[i].values[INSTANTIATE] + s[i].values[RUN];
		const uint64_t row[NAMES] = { ns,	    s[i].values[INSTANTIATE], s[i].made,
					      s[i].used,    s[i].committed,	      s[i].literals,
					      s[i].syscalls };

		for (size_t k = 0; k < NAMES; k++)
			rows[k][i] = row[k];
		regret[i] = (uint64_t)((double)ns / (double)bound * MICRO);
	}
	for (size_t k = 0; k < NAMES; k++)
		figure_samples(w->figures, names[k], 1, 0, rows[k], TIMES);
	for (size_t i = 0; i < CALLEES; i++)
		crossed += w->crossed[i];
	figure_one(w->figures, FIGURE_OF(cold, bound_made, run, "model"), 1, crossed);
	figure_one(w->figures, bound_name, 1, bound);
	figure_samples(w->figures, regret_name, MICRO, 0, regret, TIMES);
}

/* Runs of the policy alternate with runs from which the bound is taken. */
static int time_cold(struct wasm_session *w, const struct stub_ops *ops)
{
	const struct stub_ops *best = ops->inner ? ops->inner : ops;
	struct sample samples[TIMES] = { 0 };
	uint64_t run = UINT64_MAX, instantiate = UINT64_MAX;
	int e = 0;

	for (size_t i = 0; i < TIMES && !e; i++) {
		struct sample eager = { 0 };

		e = run_cold(w, ops, &samples[i]);
		if (samples[i].stats.rebound)
			best = stub_strategies[0];
		if (!e)
			e = run_cold(w, best, &eager);
		const uint64_t without = eager.values[INSTANTIATE] - eager.values[BIND];

		run = eager.values[RUN] < run ? eager.values[RUN] : run;
		instantiate = without < instantiate ? without : instantiate;
	}
	if (!e)
		figure_cold(w, samples, run + instantiate);
	return e;
}

static int open_counters(struct wasm_session *w)
{
	const struct job *j = w->job;
	char error[COUNTERS_ERROR];

	if (!j->nmeters || !counters_open(&w->counters, j->meters, j->nmeters, NULL, error))
		return 0;
	snprintf(w->why, CELL_ERROR, "%.*s", CELL_ERROR - 1, error);
	return -1;
}

enum measure_status measure_wasm(const struct job *job, const struct setup *setup, json_t *figures,
				 char why[CELL_ERROR])
{
	struct wasm_session w;
	struct prng rng;

	wasm_session_open(&w, job, setup, figures, why, &rng);
	w.callees = calloc(CALLEES, sizeof *w.callees);
	w.crossed = calloc(CALLEES, sizeof *w.crossed);
	if (!w.callees || !w.crossed)
		snprintf(why, CELL_ERROR, "out of memory");
	int e = w.callees && w.crossed ? count_crossings(&w) : -1;
	if (!e)
		e = open_counters(&w);
	if (!e)
		e = time_runs(&w, setup->stubs);
	if (w.counters)
		counters_close(w.counters);
	w.counters = NULL;
	if (!e)
		e = time_cold(&w, setup->stubs);
	free(w.callees);
	free(w.crossed);
	wasm_session_close(&w);
	return e ? MEASURE_FAILED : MEASURE_OK;
}
