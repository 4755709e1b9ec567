/*
 * times.h - the costs of one encoder on one set of safepoints: encoding, bytes, lookups.
 *
 * Lookups are told apart by the class of pc, and by the pattern:
 *
 *   random    warm, in random order: the processor may begin a lookup before the last has ended
 *   alone     warm, in random order, with a fence between lookups: it may not
 *   batched   warm, in random order, through lookup_many, MAP_BLOCK at a time
 *   cold      every line of the table flushed from all caches before each lookup; pages stay mapped
 *             and known to the TLB, the code stays warm
 *
 * Warm samples are blocks of MAP_BLOCK lookups between two readings of CLOCK_MONOTONIC ("clock"),
 * so their percentiles are those of blocks, not of lookups; cold samples are single lookups between
 * two readings of the time-stamp counter ("tsc"), less the cost of a reading. A lookup ends when it
 * has found the bitmap; no time here includes reading it.
 */
#ifndef STUBMAP_MAPS_TIMES_H
#define STUBMAP_MAPS_TIMES_H

#include <stubmap/map.h>

#include "maps/figure.h"
#include "maps/pcs.h"

enum { MAP_BLOCK = 128, MAP_BENCH_ERROR = 240 };

enum map_pattern { MAP_RANDOM, MAP_ALONE, MAP_BATCHED, MAP_COLD, MAP_PATTERNS };
enum map_count { MAP_LINES_READ, MAP_LINES_WITH_BITMAP, MAP_LINES_FETCHED, MAP_COUNTS };

extern const char *const map_count_names[MAP_COUNTS];

struct map_cost {
	size_t len, index, data;  /* bytes of the table and its parts */
	struct map_figure encode; /* ns per safepoint; a sample is a whole table */
	struct map_figure time[MAP_PATTERNS][MAP_CLASSES]; /* ns per lookup */
	struct map_figure lines[MAP_COUNTS][MAP_CLASSES];  /* 64-byte lines per lookup */
	/* Medians in ns. A reading of the clock is part of each warm sample, 1/MAP_BLOCK of it in
	 * each lookup; a reading of the counter is subtracted; a fence is part of each lookup of
	 * `alone`. */
	double clock_probe, tsc_probe, fence;
	double tsc_step;			    /* ns: the smallest step of the counter */
	size_t outcomes[MAP_CLASSES][MAP_OUTCOMES]; /* every safepoint, and the bogus pcs drawn */
};

struct map_job {
	const struct map_ops *ops;
	const struct safepoint *points; /* ascending */
	size_t npoints;
	uint32_t text_bytes; /* bogus pcs are drawn from 0..text_bytes */
	uint64_t seed;
	size_t blocks;		/* warm samples a figure */
	size_t cold, encodings; /* cold lookups a figure; tables encoded */
};

/* Encodes, checks every answer, and measures. 0, or with one line in error: -EINVAL, -ENOTSUP,
 * -EFBIG (a safepoint that the encoder refuses), -EILSEQ (a wrong answer from an encoder that is
 * neither MAP_UNSAFE nor MAP_FLOOR), -ENOMEM. */
int map_bench(const struct map_job *, struct map_cost *, char error[MAP_BENCH_ERROR]);

#endif
