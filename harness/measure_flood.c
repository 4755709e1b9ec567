/*
 * measure_flood.c - one module instantiated K times, as a page with many frames or a server with
 * many tenants does: its code is there once, its stubs K times.
 *
 *      each instance:  bind all its stubs (instantiate) | the first of its calls (first_call)
 *      then:           memory (space) | calls that go from instance to instance (steady) | release
 *
 * What an instance takes: the kernel's view of the stubs and literals (each page once), of page
 * tables, and the callees, which the harness lays out for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "measure_life.h"
#include "stamp.h"
#include "tenant.h"

enum { SAMPLES = 100, WARMUP = 3, VISIT = 8, SAMPLE_NS = 1000000 };

struct flood {
	struct tenants t;
	struct world *w;
	json_t *figures;
	uint32_t *order; /* in which instances are visited */
	uint64_t tables; /* bytes of page tables before */
	uint64_t bind[SAMPLES], first[SAMPLES], both[SAMPLES];
};

/* Of the whole process, 0: the kernel does not say. */
static uint64_t page_tables(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	uint64_t kib = 0;
	char line[128];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmPTE: %" SCNu64, &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib * 1024;
}

static int instantiate(struct flood *f, uint32_t count)
{
	const uint32_t group = (count + SAMPLES - 1) / SAMPLES, n = f->w->scenario.nboundaries;
	const size_t samples = count / group; /* the last ones may be too few for one */
	uint64_t made = 0;
	bool good;

	for (uint32_t i = 0; i < count; i++) {
		struct tenant *a = &f->t.all[i];
		uint64_t bind, first;

		if (tenant_bind(&f->t, a, i, n, &bind))
			return -1;
		first = tenant_call(&f->t, a, 0, 1, &good);
		if (!good)
			return tenant_wrong(&f->t, a, 0);
		made += bind + (f->w->ops->flags & STUB_DEFERRED ? first : 0);
		if (i / group < samples) {
			f->bind[i / group] += bind;
			f->first[i / group] += first;
			f->both[i / group] += bind + first;
		}
	}
	const struct {
		const char *event;
		const uint64_t *samples;
	} rows[] = { { "ns", f->bind }, { "first_call", f->first }, { "to_call", f->both } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		figure_samples(
		    f->figures,
		    (struct figure_name){ "instantiate", rows[i].event, "instance", "clock" },
		    group, 0, rows[i].samples, samples);
	/* Deferred: a first call may make all that is pending, its instance's and others'. */
	figure_one(f->figures, (struct figure_name){ "instantiate", "ready", "process", "clock" },
		   1, made);
	return 0;
}

/* Every stub of every instance once, by value. */
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

static void figure_bytes(struct flood *f, const char *event, const char *source, uint64_t bytes)
{
	figure_one(f->figures, (struct figure_name){ "space", event, "instance", source },
		   f->t.count, bytes);
}

static int figure_space(struct flood *f, uint64_t faults)
{
	struct world *w = f->w;
	const uint64_t stubs = (uint64_t)f->t.count * w->scenario.nboundaries;
	const struct figure_name missing = { "space", "tables", "instance", NULL };
	uint64_t tables = page_tables();
	char why[METERS_ERROR];
	struct memory_view v;
	struct code_stats s;

	code_get_stats(w->code, &s);
	figure_bytes(f, "held_code", "code", s.committed_stubs);
	figure_bytes(f, "used_code", "code", s.used_stubs);
	figure_bytes(f, "used_literals", "code", s.used_literals);
	figure_bytes(f, "callees", "count", stubs * sizeof(struct callee));
	if (meters_memory(w->code, &v, why)) {
		figure_missing(f->figures,
			       (struct figure_name){ "space", "bytes", "instance", NULL }, why);
	} else {
		uint64_t code = v.areas[CODE_STUBS].pss + v.alias[CODE_STUBS].pss;
		uint64_t literals = v.areas[CODE_LITERALS].pss;

		figure_bytes(f, "bytes", "kernel", code + literals);
		figure_bytes(f, "bytes_code", "kernel", code);
		figure_bytes(f, "bytes_literals", "kernel", literals);
	}
	if (f->tables && tables >= f->tables)
		figure_bytes(f, "tables", "kernel", tables - f->tables);
	else
		figure_missing(f->figures, missing, "/proc/self/status does not show VmPTE");
	return meters_space(w->code, stubs, faults, f->figures, w->why);
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

static int steady(struct flood *f, struct prng *rng)
{
	const uint32_t crossed = f->w->scenario.crossed, visit = crossed < VISIT ? crossed : VISIT;
	const unsigned n = WARMUP + f->w->job->iterations;
	uint64_t *ns = calloc(n, sizeof *ns), laps = 1;
	struct stamp t;

	if (!ns)
		return world_fail(f->w, "steady", -ENOMEM);
	shuffle(f, rng);
	for (uint32_t i = 0; i < f->t.count; i++)
		f->t.all[i].state.nevents = visit;
	for (;; laps *= 2) {
		t = stamp_begin();
		visit_all(f, laps);
		if (stamp_end(t).ns >= SAMPLE_NS)
			break;
	}
	for (unsigned i = 0; i < n; i++) {
		t = stamp_begin();
		visit_all(f, laps);
		ns[i] = stamp_end(t).ns;
	}
	figure_samples(f->figures, (struct figure_name){ "steady", "ns", "call", "clock" },
		       laps * f->t.count * visit, WARMUP, ns, n);
	free(ns);
	return check_all(f);
}

static int run(struct flood *f, uint32_t count, struct prng *rng)
{
	uint64_t faults = meters_minor_faults(), ns = 0;

	f->tables = page_tables();
	if (instantiate(f, count) || check_all(f) || figure_space(f, faults) || steady(f, rng))
		return -1;
	for (uint32_t i = 0; i < count; i++)
		ns += tenant_release(&f->t, &f->t.all[f->order[i]]);
	figure_one(f->figures, (struct figure_name){ "release", "ns", "stub", "clock" },
		   (uint64_t)count * f->w->scenario.nboundaries, ns);
	return 0;
}

int measure_flood(struct world *w, json_t *figures, struct prng *rng)
{
	const uint32_t count = w->job->cell.instances;
	struct flood *f = calloc(1, sizeof *f);
	int e = -1;

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
