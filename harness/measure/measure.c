/*
 * measure.c - the phases of a cell, each timed separately, in an engine's order:
 *
 *   compile   targets and callers to objects, loaded into code memory
 *   bind      the whole population at once, as at instantiation (one bulk call if the strategy
 *             has one), then again one at a time, like stubs that are made on demand
 *   first     each boundary crossed for the first time
 *   steady    rounds of crossings, in samples of at least SAMPLE_NS; a sample during which the core
 *             was shared is taken again, for at most PATIENCE times the time that all should take
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
#include "jit/space.h"
#include "meters/memory.h"
#include "meters/probe.h"
#include "calls/rounds.h"
#include "measure/snapshot.h"
#include "base/clock.h"
#include "base/sanitized.h"
#include "base/stamp.h"

enum { SAMPLE_NS = 2000000, WARMUP = 3, PATIENCE = SANITIZED ? 0 : 20 };
/* Nobody uses a sanitized program's times. Counted samples need their full length all the same. */
enum { SANITIZED_NS = 100000 };

struct phases {
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

static void figure_time(struct phases *p, struct time_names names, uint64_t per, struct stamp t)
{
	figure_one(p->figures, names.ns, per, t.ns);
	figure_one(p->figures, names.ticks, per, t.ticks);
}

static void phase_compile(struct phases *p)
{
	static const struct figure_name name = FIGURE_NAME(compile, ns, function, "clock");

	if (p->w->cached)
		figure_missing(p->figures, name, "the object came from the cache");
	else
		figure_one(p->figures, name,
			   p->w->targets[0].nfunctions + p->w->callers.nfunctions - p->w->copied,
			   p->w->compile_ns);
}

static int bind_one_by_one(struct phases *p)
{
	int e = 0;

	for (uint32_t k = 0; k < p->w->scenario.nboundaries && !e; k++)
		e = p->w->ops->bind(&p->w->space, &p->w->specs[k], &p->w->callees[k]);
	return e;
}

static int bind_all(struct phases *p)
{
	uint32_t n = p->w->scenario.nboundaries;
	int e = 0;

	if (p->w->ops->prepare)
		e = p->w->ops->prepare(&p->w->space, p->w->specs, n);
	if (!e && p->w->ops->bind_many)
		return p->w->ops->bind_many(&p->w->space, p->w->specs, p->w->pointers, n);
	return e ? e : bind_one_by_one(p);
}

static void release_all(struct phases *p)
{
	for (uint32_t k = 0; k < p->w->scenario.nboundaries; k++)
		p->w->ops->release(&p->w->space, &p->w->callees[k]);
}

static void phase_release(struct phases *p)
{
	struct stamp t = stamp_begin();

	release_all(p);
	figure_time(p, TIME_OF(release), p->w->scenario.nboundaries, stamp_end(t));
}

/*
 * The population is made once in bulk, released, and made again one at a time; the second set
 * stays, in a memory that has been used before. The process's growth is that of the first set,
 * which is made in a fresh memory. Strategies that make nothing (null) are timed, too: their time
 * is the cost of bookkeeping.
 */
static int phase_bind(struct phases *p)
{
	struct code_stats before, after;
	struct growth_mark mark;

	if (p->w->job->grown) {
		/* The callees belong to the harness: their memory is not the stubs'. */
		memset(p->w->callees, 0, p->w->scenario.nboundaries * sizeof *p->w->callees);
		if (growth_begin(&mark, p->w->why)) {
			growth_free(&mark);
			return -1;
		}
	}
	code_get_stats(p->w->code, &before);
	struct stamp t = stamp_begin();
	int e = bind_all(p);
	t = stamp_end(t);
	if (p->w->job->grown) {
		if (!e)
			measure_growth(&mark, p->w->callees, p->w->scenario.nboundaries,
				       p->w->ops->flags & STUB_DIRECT, p->figures);
		growth_free(&mark);
	}
	if (e)
		return world_fail(p->w, "bind", e);
	code_get_stats(p->w->code, &after);
	figure_time(p, TIME_OF(bind), p->w->scenario.nboundaries, t);
	figure_one(p->figures, FIGURE_OF(bind, syscalls, stub, "code"), p->w->scenario.nboundaries,
		   after.syscalls - before.syscalls);

	release_all(p);
	t = stamp_begin();
	e = bind_one_by_one(p);
	t = stamp_end(t);
	if (e)
		return world_fail(p->w, "bind one by one", e);
	figure_time(p, TIME_OF(bind_one), p->w->scenario.nboundaries, t);
	jit_code_named(p->w->code);
	return 0;
}

static void run_rounds(struct phases *p, uint64_t rounds)
{
	rounds_run(p->w, rounds);
	p->rounds_done += rounds;
}

static void zero_state(struct phases *p)
{
	rounds_zero(p->w);
	p->rounds_done = 0;
}

static int check_answer(struct phases *p, const struct scenario *s, uint32_t version)
{
	return rounds_check(p->w, s, version, p->rounds_done);
}

/* Crosses each boundary that is ever crossed once, in the order of first crossings. */
static int phase_first(struct phases *p)
{
	struct scenario first = p->w->scenario;

	zero_state(p);
	if (first.shape != SCENARIO_STRAIGHT) {
		first.shape = SCENARIO_DISPATCH;
		first.events = p->w->crossed;
		first.nevents = first.crossed;
		p->w->state.events = p->w->thunks + p->w->scenario.nevents;
		p->w->state.nevents = first.crossed;
		p->w->state.listed = 1;
	}
	struct stamp t = stamp_begin();
	run_rounds(p, 1);
	figure_time(p, TIME_OF(first_call), p->w->scenario.crossed, stamp_end(t));
	if (first.shape != SCENARIO_STRAIGHT) {
		p->w->state.listed = 0;
		p->w->state.events = p->w->thunks;
		p->w->state.nevents = p->w->scenario.nevents;
	}
	return check_answer(p, &first, 0);
}

static uint64_t timed_rounds(struct phases *p, uint64_t rounds, uint64_t *ticks)
{
	struct stamp t = stamp_begin();

	run_rounds(p, rounds);
	t = stamp_end(t);
	*ticks = t.ticks;
	return t.ns;
}

/* Samples of one phase: ns[n], ticks[n], probes[n] (the slower one of before and after), then a row
 * of n for each counter; counted[i]: whether sample i was counted all the time. */
struct steady {
	uint64_t *ns, *ticks, *probes, *counts;
	bool *counted;
	unsigned n;
	struct probe probe;
};

static void sample_counted(struct phases *p, struct steady *t, unsigned i, uint64_t rounds)
{
	uint64_t values[METERS];
	bool started = p->counters && !counters_start(p->counters);

	t->counted[i] = false;
	t->ns[i] = timed_rounds(p, rounds, &t->ticks[i]);
	if (!started || counters_stop_timed(p->counters, t->ns[i], values))
		return;
	t->counted[i] = true;
	for (size_t k = 0; k < p->counters->n; k++)
		t->counts[k * t->n + i] = values[k];
}

/* Adds the counters' figures: samples that were counted all the time, and the number of others. */
static void figure_counters(struct phases *p, struct steady *t, uint64_t calls)
{
	char why[120];

	if (!p->counters)
		return;
	const uint64_t shared = p->counters->discarded, brief = p->counters->too_short;
	const struct figure_name lost = FIGURE_NAME(steady, samples_not_counted, process, "count");
	figure_one(p->figures, lost, 1, shared + brief);
	snprintf(
	    why, sizeof why,
	    "no sample was kept: %llu were not counted all the time, %llu too short for the probe",
	    (unsigned long long)shared, (unsigned long long)brief);
	for (size_t k = 0; k < p->counters->n; k++) {
		const struct counter *c = &p->counters->counter[k];
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
			figure_missing(p->figures, name, c->why);
		else if (kept == warm)
			figure_missing(p->figures, name, why);
		else
			figure_samples(p->figures, name, calls, warm, row, kept);
	}
}

static int phase_steady(struct phases *p)
{
	const unsigned n = WARMUP + p->w->job->iterations;
	size_t rows = 3 + (p->counters ? p->counters->n : 0);
	const uint64_t enough = SANITIZED && !p->counters ? SANITIZED_NS : SAMPLE_NS;
	uint64_t *counts = calloc(rows * n, sizeof *counts), rounds = 1;
	struct steady t = { .ns = counts,
			    .ticks = counts + n,
			    .probes = counts + 2 * n,
			    .counts = counts + 3 * n,
			    .counted = calloc(n, sizeof(bool)),
			    .n = n };
	int e = -1;

	if (!counts || !t.counted) {
		world_fail(p->w, "steady", -ENOMEM);
		goto out;
	}
	probe_begin(&t.probe, (uint64_t)PATIENCE * n * SAMPLE_NS);
	zero_state(p);
	/* Double the rounds of a sample until it takes long enough. */
	for (uint64_t ns = 0; ns < enough; rounds *= ns < enough ? 2 : 1)
		do {
			probe_wait(&t.probe);
			ns = timed_rounds(p, rounds, &t.ticks[0]);
		} while (probe_again(&t.probe));
	t.probe.repeated = t.probe.kept = 0;
	for (unsigned i = 0; i < n; i++) {
		do {
			probe_wait(&t.probe);
			sample_counted(p, &t, i, rounds);
		} while (probe_again(&t.probe));
		t.probes[i] = t.probe.slower;
	}
	uint64_t calls = rounds * p->w->scenario.nevents;
	figure_samples(p->figures, FIGURE_OF(steady, ns, call, "clock"), calls, WARMUP, t.ns, n);
	figure_samples(p->figures, FIGURE_OF(steady, ticks, call, "tsc"), calls, WARMUP, t.ticks,
		       n);
	figure_samples(p->figures, FIGURE_OF(steady, probe, addition, "clock"), PROBE_ADDITIONS,
		       WARMUP, t.probes, n);
	figure_one(p->figures, FIGURE_OF(steady, samples_repeated, process, "count"), 1,
		   t.probe.repeated);
	figure_one(p->figures, FIGURE_OF(steady, samples_shared, process, "count"), 1,
		   t.probe.kept);
	figure_counters(p, &t, calls);
	e = check_answer(p, &p->w->scenario, 0);
out:
	free(counts);
	free(t.counted);
	return e;
}

static int phase_retarget(struct phases *p)
{
	const uint32_t n = p->w->scenario.nboundaries;
	int e = 0;

	struct stamp t = stamp_begin();
	for (uint32_t k = 0; k < n && !e; k++) {
		const uint8_t *old = p->w->specs[k].target;

		e = p->w->ops->retarget(&p->w->space, &p->w->callees[k],
					old - p->w->targets[0].text + p->w->targets[1].text);
	}
	t = stamp_end(t);
	if (e)
		return world_fail(p->w, "retarget", e);
	figure_time(p, TIME_OF(retarget), p->w->scenario.nboundaries, t);
	/* The floor's compiled callers call the targets directly: a
	 * retarget does not affect them. */
	if (p->w->ops->flags & STUB_DIRECT)
		return 0;
	zero_state(p);
	run_rounds(p, 2);
	return check_answer(p, &p->w->scenario, 1);
}

static int phase_space(struct phases *p)
{
	const uint32_t n = p->w->scenario.nboundaries;
	const char *elsewhere =
	    p->w->setup->peer ? "its library has the stubs: space/grown says what they take" : NULL;
	struct code_stats s;

	code_get_stats(p->w->code, &s);
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
		if (elsewhere)
			figure_missing(p->figures, counts[i].name, elsewhere);
		else
			figure_one(p->figures, counts[i].name, n, counts[i].value);
	figure_one(p->figures, FIGURE_OF(space, reserved, process, "code"), 1, s.reserved);
	figure_one(p->figures, FIGURE_OF(space, syscalls, process, "code"), 1, s.syscalls);
	figure_one(p->figures, FIGURE_OF(space, regions, process, "code"), 1, s.mappings);
	return measure_space(p->w->code, elsewhere, n, p->faults_before, p->figures, p->w->why);
}

static int phases(struct world *w, struct counters *counters, json_t *figures, struct prng *rng)
{
	struct phases p = { .w = w, .counters = counters, .figures = figures };

	(void)rng;
	phase_compile(&p);
	p.faults_before = meters_minor_faults();
	if (phase_bind(&p) || phase_first(&p) || phase_steady(&p))
		return -1;
	if (w->job->snapshot)
		return snapshot_write(w, w->job->snapshot, w->why);
	if (phase_space(&p) || phase_retarget(&p))
		return -1;
	phase_release(&p);
	return measure_cold(w, figures);
}

enum measure_status measure_calls(const struct job *job, const struct setup *setup, json_t *figures,
				  char why[CELL_ERROR])
{
	return measure_in_world(job, setup, figures, why, phases);
}
