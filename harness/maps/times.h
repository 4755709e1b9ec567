/*
 * times.h - the costs of one encoder on one set of safepoints: encoding, bytes, lookups.
 *
 * Lookups are told apart by the class of pc, and by the pattern:
 *
 *   random    warm, in random order: the processor may begin a lookup before the last has ended
 *   alone     warm, in random order, with a fence between lookups: it may not
 *   batched   warm, in random order, through lookup_many, MAPS_BLOCK at a time
 *   cold      every line of the table flushed from all caches before each lookup; pages stay mapped
 *             and known to the TLB, the code stays warm
 *
 * Warm samples are blocks of MAPS_BLOCK lookups between two readings of CLOCK_MONOTONIC ("clock"),
 * so their percentiles are those of blocks, not of lookups; cold samples are single lookups between
 * two readings of the time-stamp counter ("tsc"), less the cost of a reading. A lookup ends when it
 * has found the bitmap; no time here includes reading it. Warm samples are taken again while
 * something else has a share of the core (meters/probe.h), for at most two seconds an encoder.
 */
#ifndef STUBMAP_MAPS_TIMES_H
#define STUBMAP_MAPS_TIMES_H

#include <stubmap/map.h>

#include "base/sanitized.h"
#include "maps/pcs.h"

/* A measured distribution, or the reason why there is none. */
struct maps_spread {
	const char *source;	    /* "clock", "tsc", "model"; NULL: not to be had */
	const char *why;	    /* the reason, without a source */
	double mean, p50, p90, p99; /* a quantile is always one of the samples */
	size_t samples;
};

/* Sorts samples. n is 0: the figure is missing, since it was not asked for. */
struct maps_spread maps_spread_of(const char *source, double *samples, size_t n);
struct maps_spread maps_spread_missing(const char *why);

enum { MAPS_BLOCK = 128, MAPS_ROW = 50, MAPS_BENCH_ERROR = 320 };

/* How long an encoder's rows of MAPS_ROW samples are taken again, because the core was shared. */
#define MAPS_PATIENCE_NS ((uint64_t)(SANITIZED ? 0 : 2000000000))

struct probe;
typedef double maps_sample(void *of, size_t i);
/* Takes n samples, in rows of MAPS_ROW. If something else had a share of the core during a row, the
 * row is taken again while the probe has patience. Returns the number of rows. */
size_t maps_take(struct probe *, maps_sample *, void *of, double *samples, size_t n);

enum maps_pattern { MAPS_RANDOM, MAPS_ALONE, MAPS_BATCHED, MAPS_COLD, MAPS_PATTERNS };
enum maps_count { MAPS_LINES_READ, MAPS_LINES_WITH_BITMAP, MAPS_LINES_FETCHED, MAPS_COUNTS };

extern const char *const maps_count_names[MAPS_COUNTS];

struct maps_cost {
	size_t len, index, data;   /* bytes of the table and its parts */
	struct maps_spread encode; /* ns per safepoint; a sample is a whole table */
	/* What ops->load takes and makes; missing and 0 if lookups read the table itself. */
	struct maps_spread load;
	size_t loaded;
	struct maps_spread time[MAPS_PATTERNS][MAPS_CLASSES]; /* ns per lookup */
	struct maps_spread lines[MAPS_COUNTS][MAPS_CLASSES];  /* 64-byte lines per lookup */
	/* Medians in ns. A reading of the clock is part of each warm sample, 1/MAPS_BLOCK
	 * of it in each lookup; a reading of the counter is subtracted; a fence is part
	 * of each lookup of `alone`. */
	double clock_probe, tsc_probe, fence;
	double tsc_step; /* ns: the smallest step of the counter */
	/* Rows of warm samples, and those that were kept although the core was shared (probe.h). */
	size_t rows, rows_shared;
	size_t outcomes[MAPS_CLASSES][MAP_OUTCOMES]; /* every safepoint, and the bogus pcs drawn */
};

struct maps_bench_task {
	const struct map_ops *ops;
	const struct safepoint *points; /* ascending */
	size_t npoints;
	uint32_t text_bytes; /* bogus pcs are drawn from 0..text_bytes */
	uint64_t seed;
	size_t blocks;		/* warm samples a figure */
	size_t cold, encodings; /* cold lookups a figure; tables encoded and loaded */
	const struct map_function *functions;
	size_t nfunctions;
};

/* Encodes, checks every answer, and measures. 0, or with one line in error: -EINVAL, -ENOTSUP,
 * -EFBIG (a safepoint that the encoder refuses), -EILSEQ (a wrong answer from an encoder that is
 * neither MAP_UNSAFE nor MAP_FLOOR), -ENOMEM. */
int maps_bench(const struct maps_bench_task *, struct maps_cost *, char error[MAPS_BENCH_ERROR]);

#endif
