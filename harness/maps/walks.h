/*
 * walks.h - lookups of one encoder in the order of recorded stack walks, the table in cache.
 *
 *   single    one by one; the processor may begin a lookup before the last has ended
 *   batched   each walk in one lookup_many, as in a collector that first collects its frames
 *
 * All lookups hit, live and empty safepoints as the walks meet them. A sample holds whole walks of
 * MAPS_BLOCK lookups or more, between two readings of CLOCK_MONOTONIC, so that it may be one deep
 * stack; both ways use the same samples. Each sample is timed at least once, after a warm-up of
 * all: branch predictors may learn a short recording.
 */
#ifndef STUBMAP_MAPS_WALKS_H
#define STUBMAP_MAPS_WALKS_H

#include <stubmap/map.h>

#include "maps/times.h"
#include "gc/walk.h"

struct maps_walks_task {
	const struct map_ops *ops;
	const struct safepoint *points; /* ascending */
	size_t npoints;
	const struct walk_log *walks;
	size_t samples; /* the least for a figure; 0: no times */
	const struct map_function *functions;
	size_t nfunctions;
};

struct maps_walks {
	struct maps_spread single, batched; /* ns per lookup */
	size_t outcomes[MAP_OUTCOMES];	    /* of every lookup of the walks */
};

/* Checks every answer of both ways, then times. 0, or with one line in error: -EINVAL (a
 * walk asks for a pc that is no safepoint), -EILSEQ (a wrong answer from an encoder that
 * is neither MAP_UNSAFE nor MAP_FLOOR, or a batch with other answers than single
 * lookups), or map_encode's error. */
int maps_walks(const struct maps_walks_task *, struct maps_walks *, char error[MAPS_BENCH_ERROR]);

#endif
