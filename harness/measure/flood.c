/*
 * flood.c - instantiates one module K times, as a web page with many frames or a server with many
 * tenants does: its code exists once, its stubs K times.
 *
 *      each instance:  bind all its stubs (instantiate) | the first of its calls (first_call)
 *      then:           memory (space) | calls that go from instance to instance (steady) | release
 *
 * An instance's memory is the kernel's view of stubs and literals (each page once) and of page
 * tables, and the callees, which the harness lays out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs/figures.h"
#include "measure/flood_figures.h"
#include "measure/phases.h"
#include "base/sanitized.h"
#include "base/stamp.h"
#include "calls/tenant.h"
#include "meters/memory.h"
#include "meters/probe.h"

/* Nobody uses a sanitized program's times. */
enum {
	WARMUP = 3,
	VISIT = 8,
	SAMPLE_NS = SANITIZED ? 100000 : 1000000,
	PATIENCE = SANITIZED ? 0 : 20,
};

struct flood {
	struct tenants t;
	struct world *w;
	json_t *figures;
	uint32_t *order; /* the order of visits */
	struct flood_times times;
};

static int instantiate(struct flood *f, uint32_t count)
{
	const uint32_t n = f->w->scenario.nboundaries;
	bool good;

	flood_times_begin(&f->times, count);
	for (uint32_t i = 0; i < count; i++) {
		struct tenant *a = &f->t.all[i];
		uint64_t bind, first;

		if (tenant_bind(&f->t, a, i, n, &bind))
			return -1;
		first = tenant_call(&f->t, a, 0, 1, &good);
		if (!good)
			return tenant_wrong(&f->t, a, 0);
		flood_times_add(&f->times, i, bind, first);
		/* Deferred: a first call may make all pending stubs, of its
		 * own instance and of others. */
		f->times.ready += bind + (f->w->ops->flags & STUB_DEFERRED ? first : 0);
	}
	flood_times_figures(&f->times, f->figures);
	return 0;
}

/* Calls every stub of every instance once and checks the answer. */
static int check_all(struct flood *f)
{
	bool good;

	for (uint32_t i = 0; i < f->t.count; i++) {
		tenant_call(&f->t, &f->t.all[i], 0, f->w->scenario.crossed, &good);
		if (!good)
			return tenant_wrong(&f->t, &f->t.all[i], 0);
	}
	return 0;
}

/* ---- Calls from instance to instance -------------------------------------------------------- */

static void shuffle(struct flood *f, struct prng *rng)
{
	for (uint32_t i = 0; i < f->t.count; i++)
		f->order[i] = i;
	for (uint32_t i = f->t.count; i > 1; i--) {
		uint32_t j = prng_below(rng, i), last = f->order[i - 1];

		f->order[i - 1] = f->order[j];
		f->order[j] = last;
	}
}

static void visit_all(struct flood *f, uint64_t laps)
{
	while (laps--)
		for (uint32_t i = 0; i < f->t.count; i++)
			f->w->round(&f->t.all[f->order[i]].state);
}

/* The time of laps while the core was this process's own, if there is patience for it. */
static uint64_t visit_alone(struct flood *f, uint64_t laps, struct probe *probe)
{
	struct stamp t;

	do {
		probe_wait(probe);
		t = stamp_begin();
		visit_all(f, laps);
		t = stamp_end(t);
	} while (probe_again(probe));
	return t.ns;
}

static int steady(struct flood *f, struct prng *rng)
{
	const uint32_t crossed = f->w->scenario.crossed, visit = crossed < VISIT ? crossed : VISIT;
	const unsigned n = WARMUP + f->w->job->iterations;
	uint64_t *ns = calloc(n, sizeof *ns), laps = 1;
	struct probe probe;

	if (!ns)
		return world_fail(f->w, "steady", -ENOMEM);
	shuffle(f, rng);
	for (uint32_t i = 0; i < f->t.count; i++)
		f->t.all[i].state.nevents = visit;
	probe_begin(&probe, (uint64_t)PATIENCE * n * SAMPLE_NS);
	while (visit_alone(f, laps, &probe) < SAMPLE_NS)
		laps *= 2;
	probe.repeated = probe.kept = 0;
	for (unsigned i = 0; i < n; i++)
		ns[i] = visit_alone(f, laps, &probe);
	figure_samples(f->figures, FIGURE_OF(steady, ns, call, "clock"), laps * f->t.count * visit,
		       WARMUP, ns, n);
	figure_one(f->figures, FIGURE_OF(steady, samples_repeated, process, "count"), 1,
		   probe.repeated);
	figure_one(f->figures, FIGURE_OF(steady, samples_shared, process, "count"), 1, probe.kept);
	free(ns);
	return check_all(f);
}

static int run(struct flood *f, uint32_t count, struct prng *rng)
{
	const uint64_t faults = meters_minor_faults(), tables = meters_page_tables();
	const uint64_t stubs = (uint64_t)count * f->w->scenario.nboundaries;
	uint64_t ns = 0;

	if (instantiate(f, count) || check_all(f))
		return -1;
	figure_one(f->figures, FIGURE_OF(space, callees, instance, "count"), count,
		   stubs * sizeof(struct stub_callee));
	if (flood_space(f->w->code, count, stubs, faults, tables, f->figures, f->w->why) ||
	    steady(f, rng))
		return -1;
	for (uint32_t i = 0; i < count; i++)
		ns += tenant_release(&f->t, &f->t.all[f->order[i]]);
	figure_one(f->figures, FIGURE_OF(release, ns, stub, "clock"), stubs, ns);
	return 0;
}

static int phases(struct world *w, struct counters *unused, json_t *figures, struct prng *rng)
{
	const uint32_t count = w->job->cell.instances;
	struct flood *f = calloc(1, sizeof *f);
	int e = -1;

	(void)unused;
	if (!f) {
		world_fail(w, "flood", -ENOMEM);
		return -1;
	}
	f->w = w;
	f->figures = figures;
	f->order = calloc(count, sizeof *f->order);
	if (!f->order)
		world_fail(w, "flood", -ENOMEM);
	else if (!tenants_open(&f->t, w, count))
		e = run(f, count, rng);
	tenants_close(&f->t);
	free(f->order);
	free(f);
	return e;
}

enum measure_status measure_flood(const struct job *job, const struct setup *setup, json_t *figures,
				  char why[CELL_ERROR])
{
	return measure_in_world(job, setup, figures, why, phases);
}
