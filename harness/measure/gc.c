/*
 * gc.c - a program on the collected heap, first judged, then timed.
 *
 *   compile  the module to an object
 *   encode   its safepoints into the encoder's table
 *   load     that table into what look-ups read, if the encoder's engine does so
 *   run      the program from end to end, its collections included
 *   collect  collections alone: the walk that finds the frames, the lookup of their maps, the rest
 *            (moving, and the system calls that take the old space away)
 *   space    bytes of the table and of the code that it is for
 *
 * In the first run each answer of the encoder is compared with the truth; the timed runs
 * after it compare only the program's answer. All runs are the same: same seed, same
 * layout, same collections.
 */
#include "measure/phases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs/figures.h"
#include "gc/execute.h"
#include "base/sanitized.h"
#include "meters/probe.h"

enum { WARMUP = 1, MILLION = 1000000, PATIENCE_NS = SANITIZED ? 0 : 500000000 };

enum row { ENCODE, LOAD, RUN, COLLECT, WALK, LOOKUP, SHARE, ROWS };

static struct gc_task task_of(const struct job *job, const struct setup *setup)
{
	return (struct gc_task){ .program = setup->program,
				 .size = job->cell.size,
				 .maps = setup->maps,
				 .stubs = setup->stubs,
				 .wx = setup->code.wx,
				 .quantum = setup->code.quantum,
				 .tier = job->cell.tier,
				 .polls = job->cell.polls,
				 .mode = setup->mode,
				 .seed = job->seed,
				 .cache = job->cache };
}

static void figure_compile(json_t *figures, const struct gc_result *r)
{
	static const struct figure_name name = FIGURE_NAME(compile, ns, module, "clock");

	if (r->cached)
		figure_missing(figures, name, "the object came from the cache");
	else
		figure_one(figures, name, 1, r->compile_ns);
}

static void figure_space(json_t *figures, const struct gc_result *r)
{
	const struct {
		struct figure_name name;
		uint64_t value;
	} counts[] = {
		{ FIGURE_NAME(space, map_bytes, module, "count"), r->map_bytes },
		{ FIGURE_NAME(space, index_bytes, module, "count"), r->index_bytes },
		{ FIGURE_NAME(space, text_bytes, module, "count"), r->text_bytes },
		{ FIGURE_NAME(space, safepoints, module, "count"), r->safepoints },
		{ FIGURE_NAME(space, empties, module, "count"), r->empties },
	};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		figure_one(figures, counts[i].name, 1, counts[i].value);
	figure_one(figures, FIGURE_OF(space, map_share, text_byte, "count"), r->text_bytes,
		   r->map_bytes);
}

/* Adds the collector's counts, which no clock measures. */
static void figure_work(json_t *figures, const struct collector_stats *s)
{
	const struct {
		struct figure_name name;
		uint64_t value;
	} counts[] = {
		{ FIGURE_NAME(collect, frames, collection, "count"), s->frames },
		{ FIGURE_NAME(collect, stubs, collection, "count"), s->stubs },
		{ FIGURE_NAME(collect, roots, collection, "count"), s->roots },
		{ FIGURE_NAME(collect, moved, collection, "count"), s->moved_bytes },
	};

	figure_one(figures, FIGURE_OF(collect, collections, run, "count"), 1, s->collections);
	for (size_t i = 0; s->collections && i < sizeof counts / sizeof *counts; i++)
		figure_one(figures, counts[i].name, s->collections, counts[i].value);
}

/* samples: ROWS rows of n. A share is stored in millionths, with "per" a million. */
static void figure_times(json_t *figures, const struct gc_result *r, const struct map_ops *maps,
			 const uint64_t *samples, size_t n)
{
	const struct {
		struct figure_name name;
		uint64_t per;
		const char *why;
	} rows[ROWS] = {
		[ENCODE] = { FIGURE_NAME(encode, ns, safepoint, "clock"), r->safepoints,
			     "no safepoint" },
		[LOAD] = { FIGURE_NAME(load, ns, safepoint, "clock"),
			   maps->load ? r->safepoints : 0,
			   maps->load ? "no safepoint" : "look-ups read the table itself" },
		[RUN] = { FIGURE_NAME(run, ns, run, "clock"), 1, NULL },
		[COLLECT] = { FIGURE_NAME(collect, ns, collection, "clock"), r->stats.collections,
			      "no collection" },
		[WALK] = { FIGURE_NAME(collect, walk_ns, frame, "clock"), r->stats.frames,
			   "no frame" },
		[LOOKUP] = { FIGURE_NAME(collect, lookup_ns, frame, "clock"), r->stats.frames,
			     "no frame" },
		[SHARE] = { FIGURE_NAME(collect, lookup_share, collection_time, "clock"),
			    r->stats.collections ? MILLION : 0, "no collection" },
	};

	for (size_t k = 0; k < ROWS; k++)
		if (rows[k].per)
			figure_samples(figures, rows[k].name, rows[k].per, WARMUP, samples + k * n,
				       n);
		else
			figure_missing(figures, rows[k].name, rows[k].why);
}

static bool same_work(const struct gc_result *a, const struct gc_result *b)
{
	return a->stats.collections == b->stats.collections && a->stats.frames == b->stats.frames;
}

/* The timed runs. */
static enum measure_status time_runs(struct gc_task *g, const struct gc_result *judged, size_t n,
				     json_t *figures, char *why)
{
	uint64_t *samples = calloc(n * ROWS, sizeof *samples);
	enum measure_status status = MEASURE_OK;
	struct probe probe;
	struct gc_result r;

	if (!samples) {
		snprintf(why, CELL_ERROR, "out of memory");
		return MEASURE_FAILED;
	}
	probe_begin(&probe, PATIENCE_NS);
	for (size_t i = 0; i < n && status == MEASURE_OK; i++) {
		enum gc_status s;

		do {
			probe_wait(&probe);
			s = gc_execute(g, &r, why);
		} while (s == GC_OK && probe_again(&probe));
		if (s != GC_OK) {
			status = MEASURE_FAILED;
		} else if (!same_work(&r, judged)) {
			snprintf(why, CELL_ERROR, "%s: two runs of one seed collected differently",
				 g->program->name);
			status = MEASURE_FAILED;
		}
		uint64_t total = r.stats.total_ns ? r.stats.total_ns : 1;
		samples[ENCODE * n + i] = r.encode_ns;
		samples[LOAD * n + i] = r.load_ns;
		samples[RUN * n + i] = r.program_ns;
		samples[COLLECT * n + i] = r.stats.total_ns;
		samples[WALK * n + i] = r.stats.walk_ns;
		samples[LOOKUP * n + i] = r.stats.lookup_ns;
		samples[SHARE * n + i] = r.stats.lookup_ns * MILLION / total;
	}
	if (status == MEASURE_OK) {
		figure_times(figures, judged, g->maps, samples, n);
		figure_one(figures, FIGURE_OF(run, samples_repeated, process, "count"), 1,
			   probe.repeated);
		figure_one(figures, FIGURE_OF(run, samples_shared, process, "count"), 1,
			   probe.kept);
	}
	free(samples);
	return status;
}

enum measure_status measure_gc(const struct job *job, const struct setup *setup, json_t *figures,
			       char why[CELL_ERROR])
{
	struct gc_task g = task_of(job, setup);
	struct gc_result r;

	g.check = true;
	enum gc_status judged = gc_execute(&g, &r, why);
	if (judged == GC_REFUSED)
		return MEASURE_REFUSED;
	if (judged == GC_OK) {
		figure_compile(figures, &r);
		figure_space(figures, &r);
		figure_work(figures, &r.stats);
	}
	for (size_t k = 0; k < job->nmeters; k++)
		figure_missing(figures,
			       (struct figure_name)FIGURE_METER(collect, counted, collection, NULL,
								job->meters[k]),
			       "counted in calls only");
	if (judged != GC_OK)
		return MEASURE_FAILED;
	g.check = false;
	return time_runs(&g, &r, job->iterations + WARMUP, figures, why);
}
