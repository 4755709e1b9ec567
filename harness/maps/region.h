/*
 * region.h - a region whose instructions are counted: many lookups in a loop. The same loop around
 * lookups of a known length is counted in the same way and subtracted.
 */
#ifndef STUBMAP_MAPS_REGION_H
#define STUBMAP_MAPS_REGION_H

#include <stdbool.h>
#include <stubmap/map.h>

struct maps_region {
	const struct map_ops *ops;
	const uint8_t *table;
	size_t len;
	const uint32_t *pcs;
	size_t n; /* lookups, 1 or more */
	/* For batches: the index behind each batch's last pc, ascending to n. NULL: one by one. */
	const size_t *ends;
	size_t nends;
};

/* Room for the answers of the longest batch, and scratch for the greatest table. */
struct maps_answers {
	struct map_live *live;
	enum map_answer *kinds;
	uint8_t *scratch;
};
int maps_answers_open(struct maps_answers *, const struct maps_region *, size_t n); /* 0, -ENOMEM */
void maps_answers_close(struct maps_answers *);

/* Does all lookups once. floor: for each lookup or batch it calls a function of
 * MAPS_FLOOR_INSTRUCTIONS instructions instead of the function in ops. */
enum { MAPS_FLOOR_INSTRUCTIONS = 2 };
void maps_region_run(const struct maps_region *, const struct maps_answers *, bool floor);
/* Instructions per lookup, from the counts of the region and of its floor. */
double maps_region_instructions(const struct maps_region *, double all, double floor);

#endif
