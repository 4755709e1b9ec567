/*
 * wasm_flood.c - instantiates one live wasm program K times: its code exists once; each instance
 * has its memory, tables and stubs, and runs once, with its answer checked, before the next is
 * made. All stay until the last has run.
 *
 *      each instance:  instantiate, all its stubs bound | its first call (first_call) | the rest
 *      then:           what all take (space)            | their release in random order
 *
 * `ready` is the time in bind alone, until all eager stubs of all instances exist.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runs/figures.h"
#include "measure/flood_figures.h"
#include "meters/memory.h"
#include "base/prng.h"
#include "measure/session.h"
#include "base/watch.h"

struct flooded {
	struct wasm_instance *in;
	struct wasi wasi;
};

struct wasm_flood {
	struct wasm_session *w;
	struct wasm_site p;
	struct flooded *all;
	uint32_t count; /* of the open ones */
	uint64_t stubs, heap;
	struct flood_times times;
};

static int add(struct wasm_flood *f)
{
	struct wasm_session *w = f->w;
	struct flooded *a = &f->all[f->count];
	struct wasm_instance_stats stats;
	struct wasm_times times = { 0 };

	if (wasm_program_system(&w->setup->wasm, w->folder, w->job->seed, &a->wasi, w->why) ||
	    wasm_instance_open(&a->in, f->p.module, &f->p.space, &f->p.thread, &a->wasi, w->why)) {
		wasi_close(&a->wasi);
		return -1;
	}
	f->count++;
	wasm_instance_stats(a->in, &stats);
	if (wasm_drive(a->in, f->p.module, &f->p.thread, &a->wasi, &times, w->why) !=
		WASM_RETURNED ||
	    wasm_session_check(w, &a->wasi))
		return -1;
	flood_times_add(&f->times, f->count - 1, stats.open_ns, times.first_ns);
	f->times.ready += stats.bind_ns;
	f->stubs += stats.bound;
	wasm_instance_stats(a->in, &stats);
	f->heap += stats.heap;
	return 0;
}

/* Closes an instance drawn at random; returns the time. */
static uint64_t drop(struct wasm_flood *f, struct prng *rng)
{
	const uint32_t i = prng_below(rng, f->count);
	const uint64_t t0 = clock_ns();

	wasm_instance_close(f->all[i].in);
	const uint64_t ns = clock_ns() - t0;
	wasi_close(&f->all[i].wasi);
	f->all[i] = f->all[--f->count];
	return ns;
}

static int run(struct wasm_flood *f, uint32_t count, struct prng *rng)
{
	static const struct figure_name steady = FIGURE_NAME(steady, ns, call, "clock");
	struct wasm_session *w = f->w;
	const uint64_t faults = meters_minor_faults(), tables = meters_page_tables();
	uint64_t ns = 0;

	watch_phase("running");
	flood_times_begin(&f->times, count);
	if (f->p.space.ops->flags & STUB_DEFERRED)
		f->times.never_ready = "stubs are made as the program calls";
	for (uint32_t i = 0; i < count; i++)
		if (add(f))
			return -1;
	flood_times_figures(&f->times, w->figures);
	figure_missing(w->figures, steady, "a program runs once an instance");
	figure_one(w->figures, FIGURE_OF(space, heap, instance, "count"), count, f->heap);
	if (flood_space(f->p.code, count, f->stubs, faults, tables, w->figures, w->why))
		return -1;
	while (f->count)
		ns += drop(f, rng);
	figure_one(w->figures, FIGURE_OF(release, ns, instance, "clock"), count, ns);
	return 0;
}

enum measure_status measure_wasm_flood(const struct job *job, const struct setup *setup,
				       json_t *figures, char why[CELL_ERROR])
{
	const uint32_t count = job->cell.instances;
	struct wasm_session w;
	struct wasm_flood f = { .w = &w, .all = calloc(count, sizeof *f.all) };
	struct prng rng;
	int e = -1;

	wasm_session_open(&w, job, setup, figures, why, &rng);
	if (!f.all)
		snprintf(why, CELL_ERROR, "flood: out of memory");
	else if (!wasm_site_open(&w, &f.p, setup->stubs, w.code_config.wx))
		e = run(&f, count, &rng);
	while (f.count)
		drop(&f, &rng);
	wasm_site_close(&f.p);
	free(f.all);
	wasm_session_close(&w);
	return e ? MEASURE_FAILED : MEASURE_OK;
}
