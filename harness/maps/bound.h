/*
 * bound.h - bounds of the size of a table of stack maps.
 *
 *      positions    log2 of the number of ways to choose n pcs among the text's bytes: no format
 *                   that knows each pc exactly can do with less on average
 *      ids          n times the entropy of order 0 of the maps: which of the distinct maps each
 *                   safepoint has. A format that predicts a map from its neighbours can do with
 * less dictionary   each distinct map once: frame size, then its places as a bitmap or a list of
 *                   steps, whichever is shorter. A simple code of bytes, not a bound
 *
 * A map is live places and frame size; all empty maps count as one, without a frame.
 */
#ifndef STUBMAP_MAPS_BOUND_H
#define STUBMAP_MAPS_BOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stubmap/map.h>

struct bound {
	size_t safepoints, maps; /* counted; distinct */
	double positions_bits;	 /* of all safepoints together, like ids */
	double ids_bits;
	size_t dictionary_bytes;
	double bytes; /* the sum of all three */
};

/* empties: also counts empty safepoints. 0 or -ENOMEM. */
int bound_of(const struct safepoint *points, size_t n, size_t text_bytes, bool empties,
	     struct bound *out);

#endif
