/*
 * count.h - counts instructions per lookup: by the PMU if the counter ladder has one ("papi",
 * "perf"), else by callgrind in a process of its own ("callgrind"), else not at all.
 *
 * A figure is the number of instructions from a lookup's first to its return, in user mode only, so
 * that figures of both sources can be compared.
 */
#ifndef STUBMAP_MAPS_COUNT_H
#define STUBMAP_MAPS_COUNT_H

#include "maps/region.h"
#include "meters/counters.h"

enum { MAPS_COUNT_NOTE = 1200 };

/* For tests: what should fail. */
struct maps_count_options {
	struct counters_options counters;
	const char *program; /* the stubmap that callgrind runs; NULL: this one */
	bool no_callgrind;
};

/*
 * counts[i] becomes the instructions per lookup of regions[i]. 0, with *source and a remark on it
 * in note; -ENOTSUP: *source is NULL, and note says why each means failed; -ENOMEM. options may be
 * NULL. Callgrind knows the encoders of map_encoders[] only.
 */
int maps_count(const struct maps_region *regions, size_t n,
	       const struct maps_count_options *options, double *counts, const char **source,
	       char note[MAPS_COUNT_NOTE]);

#endif
