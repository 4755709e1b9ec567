/*
 * region.h - what instructions are counted of: many lookups in a loop. The same loop around lookups
 * of a known length is counted in the same way and taken off.
 */
#ifndef STUBMAP_MAPS_REGION_H
#define STUBMAP_MAPS_REGION_H

#include <stdbool.h>
#include <stubmap/map.h>

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
	struct map_live *live;
	enum map_answer *kinds;
};
int map_answers_open(struct map_answers *, const struct map_region *, size_t n); /* 0, -ENOMEM */
void map_answers_close(struct map_answers *);

/* All lookups once. floor: of MAP_FLOOR_INSTRUCTIONS each (a batch: in all) instead of ops'. */
enum { MAP_FLOOR_INSTRUCTIONS = 2 };
void map_region_run(const struct map_region *, const struct map_answers *, bool floor);
/* Instructions per lookup, from those of the region and of its floor. */
double map_region_instructions(const struct map_region *, double all, double floor);

#endif
