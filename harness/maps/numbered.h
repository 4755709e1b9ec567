/*
 * numbered.h - safepoints with their maps numbered in the order of first use. A map is live places
 * and frame size; all empty maps count as one, without a frame.
 */
#ifndef STUBMAP_MAPS_NUMBERED_H
#define STUBMAP_MAPS_NUMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stubmap/map.h>

struct numbered {
	const struct safepoint **points;
	uint32_t *ids;	/* each one's map */
	size_t n, maps; /* safepoints; distinct maps */
};

/* empties: with the empty safepoints. 0 or -ENOMEM; numbered_close in any case. */
int numbered_open(const struct safepoint *points, size_t n, bool empties, struct numbered *);
void numbered_close(struct numbered *);

/* The difference between two maps: the places that only one of them has. */
struct change {
	uint32_t *flips; /* slots, ascending; room for all slots of both maps */
	uint32_t nflips;
	uint32_t registers; /* a mask */
};
void numbered_compare(const struct safepoint *from, const struct safepoint *to, struct change *);

/* log2 of the number of ways to choose k of n. */
double numbered_log2_choose(double n, double k);

#endif
