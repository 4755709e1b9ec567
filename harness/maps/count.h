/*
 * count.h - instructions per lookup, counted: by the PMU where the counter ladder has one
 * ("papi", "perf"), else by callgrind in a process of its own ("callgrind"), else not.
 *
 * A region is many lookups in a loop; the same loop around lookups of a known length, counted in
 * the same way, is taken off. So a figure is what a lookup executes from its first instruction to
 * its return, user mode only, and two sources of it may be compared.
 */
#ifndef STUBMAP_MAPS_COUNT_H
#define STUBMAP_MAPS_COUNT_H

#include <stubmap/map.h>

#include "meters/counters.h"

struct map_region {
	const struct map_ops *ops;
	const uint8_t *table;
	size_t len;
	const uint32_t *pcs;
	size_t n; /* lookups, 1 or more */
	/* Batches: the index behind each one's last pc, ascending to n. NULL: one by one. */
	const size_t *ends;
	size_t nends;
};

/* Room for the answers of a region's longest batch. */
struct map_answers {
	struct live *live;
	enum map_answer *kinds;
};
int map_answers_open(struct map_answers *, const struct map_region *, size_t n); /* 0, -ENOMEM */
void map_answers_close(struct map_answers *);

/* All lookups once. floor: of MAP_FLOOR_INSTRUCTIONS each (a batch: in all) instead of ops'. */
enum { MAP_FLOOR_INSTRUCTIONS = 2 };
void map_region_run(const struct map_region *, const struct map_answers *, bool floor);
/* Instructions per lookup, from those of the region and of its floor. */
double map_region_instructions(const struct map_region *, double all, double floor);

enum { MAP_COUNT_NOTE = 1200 };

/* For tests: what is to fail. */
struct map_count_options {
	struct counters_options counters;
	const char *program; /* the stubmap that callgrind runs; NULL: this one */
	bool no_callgrind;
};

/*
 * counts[i]: instructions per lookup of regions[i]. 0, with *source and what is to be known of it
 * in note; -ENOTSUP: *source is NULL, and note says why each means failed; -ENOMEM. options may be
 * NULL. Callgrind knows the encoders of map_encoders[] only.
 */
int map_count(const struct map_region *regions, size_t n, const struct map_count_options *options,
	      double *counts, const char **source, char note[MAP_COUNT_NOTE]);

#endif
