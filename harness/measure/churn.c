/*
 * churn.c - instances come and go; the slots of the dead are used again, or not.
 *
 *   churn        births and deaths in random order, 1 to N stubs each; how many live, over time:
 *
 *                  K |    ________            ________
 *                    |   /        \          /           a flood, turnover, a lull with a tenth
 *                    |  /          \________/            left, and another flood
 *                    +--------------------------------
 *
 *   churn:LOG    births and deaths as a code cache of an engine had them, at most K alive: a piece
 *                of code gets a stub to enter it and one more for each KiB, N at most
 *
 * `held` counts the quanta that the strategy has not given back, `used` the bytes that live
 * stubs occupy: the rest is fragmentation. Both are noted at fixed points of the stream, so
 * that a figure shows them over time. Between two points some live instances are called,
 * and their answers checked.
 *
 * After each death the strategy is told that nobody is inside a stub (reclaim), timed apart.
 *
 * Under poison stubs of dead instances are called, too: each such call must be reported.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/churn.h"
#include "runs/figures.h"
#include "measure/phases.h"
#include "base/stamp.h"
#include "calls/tenant.h"
#include "meters/memory.h"

enum { POINTS = 100, KERNEL_POINTS = 10, VISITS = 64, STEPS = 20000, EVERY_DEAD = 16 };

struct churner {
	struct tenants t;
	struct world *w;
	json_t *figures;
	struct prng *rng;
	struct churn log; /* of churn:LOG */
	struct churn_stream stream;
	uint32_t *alive, *rank; /* the live slots; each slot's index among them */
	uint32_t nalive, *unused, nunused;
	uint64_t steps, births, deaths, stubs, stale;
	uint64_t bind_ns[POINTS], release_ns[POINTS]; /* sums */
	uint64_t reclaim_ns[POINTS];
	uint64_t bound[POINTS], released[POINTS];
	uint64_t held[POINTS], used[POINTS], alive_stubs[POINTS], calls_ns[POINTS];
	uint64_t kernel[KERNEL_POINTS]; /* bytes */
	uint64_t mappings, mappings_limit, stubs_peak;
	unsigned point;
};

/* ---- Births and deaths ---------------------------------------------------------------------- */

static int birth(struct churner *c, uint32_t slot, uint32_t n)
{
	uint64_t ns;

	if (tenant_bind(&c->t, &c->t.all[slot], (uint32_t)c->births, n, &ns))
		return -1;
	c->births++;
	c->stubs += n;
	c->bind_ns[c->point] += ns;
	c->bound[c->point] += n;
	c->rank[slot] = c->nalive;
	c->alive[c->nalive++] = slot;
	return 0;
}

/* Calls a stub of a dead instance, as a caller that kept its code would. */
static int call_stale(struct churner *c, struct tenant *a, const struct stub_callee *kept)
{
	struct stub_callee *callee = &a->callees[c->t.order[0]];
	const uint64_t before = c->w->host->released;
	bool good;

	*callee = *kept;
	tenant_call(&c->t, a, 0, 1, &good);
	memset(callee, 0, sizeof *callee);
	c->stale++;
	if (c->w->host->released == before + 1)
		return 0;
	snprintf(c->w->why, CELL_ERROR, "%s: a call of a released stub was not reported",
		 c->w->job->cell.stubs);
	return -1;
}

/* Here, outside all stubs, the strategy may move the live ones. Returns ns. */
static uint64_t give_back(struct world *w)
{
	struct stamp s = stamp_begin();

	if (w->ops->reclaim)
		w->ops->reclaim(&w->space);
	return stamp_end(s).ns;
}

static int death(struct churner *c, uint32_t slot)
{
	/* The floor's callees are its stubs: a caller that keeps one still has a stub. */
	const bool stale = c->w->job->cell.poison && !(c->w->ops->flags & STUB_DIRECT) &&
			   c->deaths++ % EVERY_DEAD == 0;
	struct tenant *a = &c->t.all[slot];
	const uint32_t n = a->n;
	bool good = true;

	if (stale) /* makes a deferred stub */
		tenant_call(&c->t, a, 0, 1, &good);
	if (!good)
		return tenant_wrong(&c->t, a, 0);
	const struct stub_callee kept = a->callees[c->t.order[0]];
	const uint64_t ns = tenant_release(&c->t, a);
	const uint32_t last = c->alive[--c->nalive];

	c->alive[c->rank[slot]] = last;
	c->rank[last] = c->rank[slot];
	c->release_ns[c->point] += ns;
	c->reclaim_ns[c->point] += give_back(c->w);
	c->released[c->point] += n;
	c->stubs -= n;
	return stale ? call_stale(c, a, &kept) : 0;
}

/* How many instances should live at that step of the stream. */
static uint32_t population(const struct churner *c, uint64_t step)
{
	static const struct {
		uint32_t when, share; /* 1/1000: of the stream; of K */
	} turns[] = { { 0, 0 },	    { 200, 1000 }, { 500, 1000 }, { 600, 100 },
		      { 750, 100 }, { 850, 1000 }, { 1001, 1000 } };
	const uint32_t now = (uint32_t)(step * 1000 / c->steps), k = c->w->job->cell.instances;
	unsigned i = 1;

	while (turns[i].when <= now)
		i++;
	uint32_t passed = now - turns[i - 1].when, all = turns[i].when - turns[i - 1].when;
	int32_t rise = (int32_t)turns[i].share - (int32_t)turns[i - 1].share;
	int32_t share = (int32_t)turns[i - 1].share + rise * (int32_t)passed / (int32_t)all;
	uint32_t n = (uint32_t)((uint64_t)k * (uint32_t)share / 1000);

	return n ? n : 1;
}

static int random_step(struct churner *c, uint64_t step)
{
	if (c->nalive < population(c, step))
		return birth(c, c->unused[--c->nunused],
			     1 + prng_below(c->rng, c->w->scenario.nboundaries));
	uint32_t slot = c->alive[prng_below(c->rng, c->nalive)];

	c->unused[c->nunused++] = slot;
	return death(c, slot);
}

static int logged_step(struct churner *c)
{
	const uint32_t most = c->w->scenario.nboundaries;
	struct churn_step step;

	if (!churn_next(&c->stream, &step))
		return 0; /* skipped releases make the stream shorter than the log */
	if (!step.create)
		return death(c, step.slot);
	uint32_t n = 1 + step.size / 1024;
	return birth(c, step.slot, n < most ? n : most);
}

/* ---- At each point -------------------------------------------------------------------------- */

static int call_some(struct churner *c)
{
	uint32_t visits[VISITS];
	uint64_t calls = 0;
	bool good;

	if (!c->nalive)
		return 0;
	for (unsigned i = 0; i < VISITS; i++) {
		struct tenant *a = &c->t.all[visits[i] = c->alive[prng_below(c->rng, c->nalive)]];

		a->state.rounds = 1;
		a->state.events = c->w->thunks + c->w->scenario.nevents;
		a->state.nevents = a->n;
		calls += a->n;
	}
	struct stamp t = stamp_begin();
	for (unsigned i = 0; i < VISITS; i++)
		c->w->round(&c->t.all[visits[i]].state);
	c->calls_ns[c->point] = stamp_end(t).ns * 1000 / calls;
	for (unsigned i = 0; i < VISITS; i++) {
		struct tenant *a = &c->t.all[visits[i]];

		tenant_call(&c->t, a, 0, a->n, &good);
		if (!good)
			return tenant_wrong(&c->t, a, 0);
	}
	return 0;
}

static uint64_t kernel_bytes(struct churner *c)
{
	char why[METERS_ERROR];
	struct memory_view v;

	if (meters_memory(c->w->code, &v, why))
		return 0;
	uint64_t mappings = v.areas[CODE_STUBS].mappings + v.alias[CODE_STUBS].mappings +
			    v.areas[CODE_LITERALS].mappings;
	c->mappings = mappings > c->mappings ? mappings : c->mappings;
	c->mappings_limit = v.mappings_limit;
	c->stubs_peak = c->stubs > c->stubs_peak ? c->stubs : c->stubs_peak;
	return v.areas[CODE_STUBS].pss + v.alias[CODE_STUBS].pss + v.areas[CODE_LITERALS].pss;
}

static int look(struct churner *c)
{
	struct code_stats s;

	code_get_stats(c->w->code, &s);
	c->held[c->point] = s.committed_stubs;
	c->used[c->point] = s.used_stubs;
	c->alive_stubs[c->point] = c->stubs;
	if (c->point % (POINTS / KERNEL_POINTS) == POINTS / KERNEL_POINTS - 1)
		c->kernel[c->point / (POINTS / KERNEL_POINTS)] = kernel_bytes(c);
	return call_some(c);
}

static int run(struct churner *c)
{
	const bool logged = c->log.nevents;
	uint64_t step = 0;
	int e = 0;

	for (c->point = 0; c->point < POINTS && !e; c->point++) {
		const uint64_t end = c->steps * (c->point + 1) / POINTS;

		for (; step < end && !e; step++)
			e = logged ? logged_step(c) : random_step(c, step);
		e = e ? e : look(c);
	}
	c->point = POINTS - 1;
	return e;
}

/* ---- Figures -------------------------------------------------------------------------------- */

static void figure_points(struct churner *c, struct figure_name name, uint64_t per,
			  const uint64_t *samples)
{
	figure_samples(c->figures, name, per, 0, samples, POINTS);
}

/* Times per stub in picoseconds, at the points that had any. */
static void figure_times(struct churner *c, struct figure_name name, const uint64_t *ns,
			 const uint64_t *stubs)
{
	uint64_t samples[POINTS];
	size_t n = 0;

	for (unsigned i = 0; i < POINTS; i++)
		if (stubs[i])
			samples[n++] = ns[i] * 1000 / stubs[i];
	if (n)
		figure_samples(c->figures, name, 1000, 0, samples, n);
}

static void figure_mappings(struct churner *c)
{
	const struct figure_name limit = FIGURE_OF(churn, mappings_limit, process, "kernel");

	if (!c->mappings)
		return;
	figure_one(c->figures, FIGURE_OF(churn, mappings, process, "kernel"), 1, c->mappings);
	figure_one(c->figures, FIGURE_OF(churn, stubs_peak, process, "count"), 1, c->stubs_peak);
	if (c->mappings_limit)
		figure_one(c->figures, limit, 1, c->mappings_limit);
	else
		figure_missing(c->figures, limit, "/proc/sys/vm/max_map_count can't be read");
}

static void figure_all(struct churner *c)
{
	const uint64_t enough = 8 * (uint64_t)code_get_config(c->w->code)->quantum;
	uint64_t ratio[POINTS], peak = 0, worst = 0;
	struct code_stats s;
	size_t n = 0;

	figure_times(c, FIGURE_OF(bind, ns, stub, "clock"), c->bind_ns, c->bound);
	figure_times(c, FIGURE_OF(release, ns, stub, "clock"), c->release_ns, c->released);
	figure_times(c, FIGURE_OF(churn, reclaim_ns, stub, "clock"), c->reclaim_ns, c->released);
	figure_points(c, FIGURE_OF(churn, call_ns, call, "clock"), 1000, c->calls_ns);
	figure_points(c, FIGURE_OF(churn, held, process, "code"), 1, c->held);
	figure_points(c, FIGURE_OF(churn, used, process, "code"), 1, c->used);
	figure_points(c, FIGURE_OF(churn, stubs, process, "count"), 1, c->alive_stubs);
	figure_samples(c->figures, FIGURE_OF(churn, kernel, process, "kernel"), 1, 0, c->kernel,
		       KERNEL_POINTS);
	for (unsigned i = 0; i < POINTS; i++) {
		peak = c->held[i] > peak ? c->held[i] : peak;
		if (c->used[i])
			ratio[n++] = c->held[i] * 1000 / c->used[i];
		if (c->used[i] >= enough && c->held[i] * 1000 / c->used[i] > worst)
			worst = c->held[i] * 1000 / c->used[i];
	}
	if (n)
		figure_samples(c->figures, FIGURE_OF(churn, fragmentation, process, "code"), 1000,
			       0, ratio, n);
	figure_mappings(c);
	if (worst)
		figure_one(c->figures, FIGURE_OF(churn, fragmentation_worst, process, "code"), 1000,
			   worst);
	figure_one(c->figures, FIGURE_OF(churn, held_peak, process, "code"), 1, peak);
	figure_one(c->figures, FIGURE_OF(churn, births, process, "count"), 1, c->births);
	if (c->stale)
		figure_one(c->figures, FIGURE_OF(churn, stale_reported, process, "count"), 1,
			   c->stale);
	while (c->nalive)
		tenant_release(&c->t, &c->t.all[c->alive[--c->nalive]]);
	give_back(c->w);
	code_get_stats(c->w->code, &s);
	figure_one(c->figures, FIGURE_OF(churn, held_after, process, "code"), 1, s.committed_stubs);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static int open_log(struct churner *c, const char *name)
{
	char path[4096], error[CHURN_ERROR];

	snprintf(path, sizeof path, "%s/churn/%s.churn.zst", c->w->job->data, name);
	if (churn_read(path, &c->log, error)) {
		snprintf(c->w->why, CELL_ERROR, "%s", error);
		return -1;
	}
	if (churn_start(&c->stream, &c->log, c->w->job->cell.instances))
		return world_fail(c->w, "churn", -ENOMEM);
	c->steps = c->log.nevents;
	return 0;
}

static int open_all(struct churner *c)
{
	const uint32_t slots = c->w->job->cell.instances;
	const uint64_t wanted = c->w->job->cell.max_events;
	const char *log = c->w->setup->workload.trace;

	c->steps = STEPS;
	if (log && open_log(c, log))
		return -1;
	if (wanted && (!log || wanted < c->steps))
		c->steps = wanted;
	c->alive = calloc(slots, sizeof *c->alive);
	c->rank = calloc(slots, sizeof *c->rank);
	c->unused = calloc(slots, sizeof *c->unused);
	if (!c->alive || !c->rank || !c->unused)
		return world_fail(c->w, "churn", -ENOMEM);
	while (c->nunused < slots) {
		c->unused[c->nunused] = c->nunused;
		c->nunused++;
	}
	return tenants_open(&c->t, c->w, slots);
}

static int phases(struct world *w, struct counters *unused, json_t *figures, struct prng *rng)
{
	struct churner *c = calloc(1, sizeof *c);
	int e = -1;

	(void)unused;
	if (!c)
		return world_fail(w, "churn", -ENOMEM);
	c->w = w;
	c->figures = figures;
	c->rng = rng;
	if (!open_all(c) && !run(c)) {
		figure_all(c);
		e = 0;
	}
	tenants_close(&c->t);
	churn_stop(&c->stream);
	churn_free(&c->log);
	free(c->alive);
	free(c->rank);
	free(c->unused);
	free(c);
	return e;
}

enum measure_status measure_churn(const struct job *job, const struct setup *setup, json_t *figures,
				  char why[CELL_ERROR])
{
	return measure_in_world(job, setup, figures, why, phases);
}
