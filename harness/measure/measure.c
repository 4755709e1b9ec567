/*
 * measure.c - the phases of a cell, each timed separately, in an engine's order:
 *
 *   compile   targets and callers to objects, loaded into code memory
 *   bind      the whole population at once, as at instantiation (one bulk call if the strategy
 *             has one), then again one at a time, like stubs that are made on demand
 *   first     each boundary crossed for the first time
 *   steady    rounds of crossings, in samples of at least SAMPLE_NS
 *   space     figures of the kernel and the code memory while all stubs are live
 *   retarget  every stub to a second copy of its target, which answers differently
 *   release   every stub
 *   cold      replays: the whole trace from a new space on (cold.c)
 *
 * scenario_run computes the answer, in plain C without a stub; it is compared after the steady
 * calls and after the retargeting. The seed moves what the strategy does not decide: the base of
 * the code, the offset of the text, the depth of the stack.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meters/counters.h"
#include "runs/figures.h"
#include "measure/phases.h"
#include "measure/space.h"
#include "meters/memory.h"
#include "calls/rounds.h"
#include "measure/snapshot.h"
#include "base/stamp.h"

enum { SAMPLE_NS = 2000000, WARMUP = 3 };

struct run {
	struct world *w;
	uint64_t rounds_done; /* full rounds since the state was zeroed */
	uint64_t faults_before;
	struct counters *counters; /* NULL: none */
	json_t *figures;
};

/* The names of a time per stub, by both clocks. */
struct time_names {
	struct figure_name ns, ticks;
};
#define TIME_OF(phase)                                               \
	((struct time_names){ FIGURE_NAME(phase, ns, stub, "clock"), \
			      FIGURE_NAME(phase, ticks, stub, "tsc") })

static void figure_time(struct run *r, struct time_names names, uint64_t per, struct stamp t)
{
	figure_one(r->figures, names.ns, per, t.ns);
	figure_one(r->figures, names.ticks, per, t.ticks);
}

static void phase_compile(struct run *r)
{
	static const struct figure_name name = FIGURE_NAME(compile, ns, function, "clock");

	if (r->w->cached)
		figure_missing(r->figures, name, "the object came from the cache");
	else
		figure_one(r->figures, name, r->w->targets[0].nfunctions + r->w->callers.nfunctions,
			   r->w->compile_ns);
}

static int bind_one_by_one(struct run *r)
{
	int e = 0;

	for (uint32_t k = 0; k < r->w->scenario.nboundaries && !e; k++)
		e = r->w->ops->bind(&r->w->space, &r->w->specs[k], &r->w->callees[k]);
	return e;
}

static int bind_all(struct run *r)
{
	uint32_t n = r->w->scenario.nboundaries;
	int e = 0;

	if (r->w->ops->prepare)
		e = r->w->ops->prepare(&r->w->space, r->w->specs, n);
	if (!e && r->w->ops->bind_many)
		return r->w->ops->bind_many(&r->w->space, r->w->specs, r->w->pointers, n);
	return e ? e : bind_one_by_one(r);
}

static void release_all(struct run *r)
{
	for (uint32_t k = 0; k < r->w->scenario.nboundaries; k++)
		r->w->ops->release(&r->w->space, &r->w->callees[k]);
}

static void phase_release(struct run *r)
{
	struct stamp t = stamp_begin();

	release_all(r);
	figure_time(r, TIME_OF(release), r->w->scenario.nboundaries, stamp_end(t));
}

/*
 * The population is made once in bulk, released, and made again one at a time; the second set
 * stays, in a memory that has been used before. Strategies that make nothing (null) are timed, too:
 * theirs is the cost of bookkeeping.
 */
static int phase_bind(struct run *r)
{
	struct code_stats before, after;

	code_get_stats(r->w->code, &before);
	struct stamp t = stamp_begin();
	int e = bind_all(r);
	t = stamp_end(t);
	if (e)
		return world_fail(r->w, "bind", e);
	code_get_stats(r->w->code, &after);
	figure_time(r, TIME_OF(bind), r->w->scenario.nboundaries, t);
	figure_one(r->figures, FIGURE_OF(bind, syscalls, stub, "code"), r->w->scenario.nboundaries,
		   after.syscalls - before.syscalls);

	release_all(r);
	t = stamp_begin();
	e = bind_one_by_one(r);
	t = stamp_end(t);
	if (e)
		return world_fail(r->w, "bind one by one", e);
	figure_time(r, TIME_OF(bind_one), r->w->scenario.nboundaries, t);
	return 0;
}

static void run_rounds(struct run *r, uint64_t rounds)
{
	rounds_run(r->w, rounds);
	r->rounds_done += rounds;
}

static void zero_state(struct run *r)
{
	rounds_zero(r->w);
	r->rounds_done = 0;
}

static int check_answer(struct run *r, const struct scenario *s, uint32_t version)
{
	return rounds_check(r->w, s, version, r->rounds_done);
}

/* Crosses each boundary that is ever crossed once, in the order of first crossings. */
static int phase_first(struct run *r)
{
	struct scenario first = r->w->scenario;

	zero_state(r);
	if (first.shape == SCENARIO_DISPATCH) {
		first.events = r->w->crossed;
		first.nevents = first.crossed;
		r->w->state.events = r->w->thunks + r->w->scenario.nevents;
		r->w->state.nevents = first.crossed;
	}
	struct stamp t = stamp_begin();
	run_rounds(r, 1);
	figure_time(r, TIME_OF(first_call), r->w->scenario.crossed, stamp_end(t));
	if (first.shape == SCENARIO_DISPATCH) {
		r->w->state.events = r->w->thunks;
		r->w->state.nevents = r->w->scenario.nevents;
	}
	return check_answer(r, &first, 0);
}

static uint64_t timed_rounds(struct run *r, uint64_t rounds, uint64_t *ticks)
{
	struct stamp t = stamp_begin();

	run_rounds(r, rounds);
	t = stamp_end(t);
	*ticks = t.ticks;
	return t.ns;
}

/* Samples of one phase: ns[n], ticks[n], then a row of n for each counter; counted[i]: whether
 * sample i was counted all the time. */
struct steady {
	uint64_t *ns, *ticks, *counts;
	bool *counted;
	unsigned n;
};

static void sample_counted(struct run *r, struct steady *t, unsigned i, uint64_t rounds)
{
	uint64_t values[METERS];
	bool started = r->counters && !counters_start(r->counters);

	t->ns[i] = timed_rounds(r, rounds, &t->ticks[i]);
	if (!started || counters_stop_timed(r->counters, t->ns[i], values))
		return;
	t->counted[i] = true;
	for (size_t k = 0; k < r->counters->n; k++)
		t->counts[k * t->n + i] = values[k];
}

/* Adds the counters' figures: samples that were counted all the time, and the number of others. */
static void figure_counters(struct run *r, struct steady *t, uint64_t calls)
{
	char why[120];

	if (!r->counters)
		return;
	const uint64_t shared = r->counters->discarded, brief = r->counters->too_short;
	const struct figure_name lost = FIGURE_NAME(steady, samples_not_counted, process, "count");
	figure_one(r->figures, lost, 1, shared + brief);
	snprintf(
	    why, sizeof why,
	    "no sample was kept: %llu were not counted all the time, %llu too short for the probe",
	    (unsigned long long)shared, (unsigned long long)brief);
	for (size_t k = 0; k < r->counters->n; k++) {
		const struct counter *c = &r->counters->counter[k];
		const struct figure_name name =
		    FIGURE_METER(steady, counted, call, c->source, c->meter->name);
		uint64_t *row = t->counts + k * t->n;
		unsigned kept = 0, warm = 0;

		for (unsigned i = 0; i < t->n; i++) {
			if (!t->counted[i])
				continue;
			warm += i < WARMUP;
			row[kept++] = row[i];
		}
		if (!c->source)
			figure_missing(r->figures, name, c->why);
		else if (kept == warm)
			figure_missing(r->figures, name, why);
		else
			figure_samples(r->figures, name, calls, warm, row, kept);
	}
}

static int phase_steady(struct run *r)
{
	const unsigned n = WARMUP + r->w->job->iterations;
	size_t rows = 2 + (r->counters ? r->counters->n : 0);
	uint64_t *cells = calloc(rows * n, sizeof *cells), rounds = 1;
	struct steady t = { cells, cells + n, cells + 2 * n, calloc(n, sizeof(bool)), n };
	int e = -1;

	if (!cells || !t.counted) {
		world_fail(r->w, "steady", -ENOMEM);
		goto out;
	}
	zero_state(r);
	/* Double the rounds of a sample until it takes long enough. */
	while (timed_rounds(r, rounds, &t.ticks[0]) < SAMPLE_NS)
		rounds *= 2;
	for (unsigned i = 0; i < n; i++)
		sample_counted(r, &t, i, rounds);
	uint64_t calls = rounds * r->w->scenario.nevents;
	figure_samples(r->figures, FIGURE_OF(steady, ns, call, "clock"), calls, WARMUP, t.ns, n);
	figure_samples(r->figures, FIGURE_OF(steady, ticks, call, "tsc"), calls, WARMUP, t.ticks,
		       n);
	figure_counters(r, &t, calls);
	e = check_answer(r, &r->w->scenario, 0);
out:
	free(cells);
	free(t.counted);
	return e;
}

static int phase_retarget(struct run *r)
{
	const uint32_t n = r->w->scenario.nboundaries;
	int e = 0;

	struct stamp t = stamp_begin();
	for (uint32_t k = 0; k < n && !e; k++) {
		const uint8_t *old = r->w->specs[k].target;

		e = r->w->ops->retarget(&r->w->space, &r->w->callees[k],
					old - r->w->targets[0].text + r->w->targets[1].text);
	}
	t = stamp_end(t);
	if (e)
		return world_fail(r->w, "retarget", e);
	figure_time(r, TIME_OF(retarget), r->w->scenario.nboundaries, t);
	/* The floor's compiled callers call the targets directly: a retarget does not affect
	 * them. */
	if (r->w->ops->flags & STUB_DIRECT)
		return 0;
	zero_state(r);
	run_rounds(r, 2);
	return check_answer(r, &r->w->scenario, 1);
}

static int phase_space(struct run *r)
{
	const uint32_t n = r->w->scenario.nboundaries;
	struct code_stats s;

	code_get_stats(r->w->code, &s);
	const struct {
		struct figure_name name;
		uint64_t value;
	} counts[] = {
		{ FIGURE_NAME(space, quanta, stub, "code"), s.quanta_stubs },
		{ FIGURE_NAME(space, committed, stub, "code"), s.committed_stubs },
		{ FIGURE_NAME(space, used_code, stub, "code"), s.used_stubs },
		{ FIGURE_NAME(space, used_literals, stub, "code"), s.used_literals },
	};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		figure_one(r->figures, counts[i].name, n, counts[i].value);
	figure_one(r->figures, FIGURE_OF(space, reserved, process, "code"), 1, s.reserved);
	figure_one(r->figures, FIGURE_OF(space, syscalls, process, "code"), 1, s.syscalls);
	figure_one(r->figures, FIGURE_OF(space, regions, process, "code"), 1, s.mappings);
	return measure_space(r->w->code, n, r->faults_before, r->figures, r->w->why);
}

static int phases(struct world *w, struct counters *counters, json_t *figures, struct prng *rng)
{
	struct run r = { .w = w, .counters = counters, .figures = figures };

	(void)rng;
	phase_compile(&r);
	r.faults_before = meters_minor_faults();
	if (phase_bind(&r) || phase_first(&r) || phase_steady(&r))
		return -1;
	if (w->job->snapshot)
		return snapshot_write(w, w->job->snapshot, w->why);
	if (phase_space(&r) || phase_retarget(&r))
		return -1;
	phase_release(&r);
	return measure_cold(w, figures);
}

enum measure_status measure_calls(const struct job *job, const struct setup *setup, json_t *figures,
				  char why[CELL_ERROR])
{
	return measure_in_world(job, setup, figures, why, phases);
}
