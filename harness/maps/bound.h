/*
 * bound.h - how small a table of stack maps could be.
 *
 *      positions    log2 of the number of ways to choose n pcs among the text's bytes: no format
 *                   that knows each pc exactly can do with less on average
 *      ids          n times the entropy of order 0 of the maps: which of the distinct maps each
 *                   safepoint has. A format that predicts a map from its neighbours can get below
 *      dictionary   each distinct map once: frame size, then its places as a bitmap or a list of
 *                   steps, whichever is shorter. A simple code of bytes, not a bound
 *
 * A map is live places and frame size; all empty ones are one map, without a frame.
 */
#ifndef STUBMAP_MAPS_BOUND_H
#define STUBMAP_MAPS_BOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stubmap/map.h>

struct bound {
	size_t safepoints, maps; /* counted; distinct */
	double positions_bits;	 /* of all safepoints together, as are ids */
	double ids_bits;
	size_t dictionary_bytes;
	double bytes; /* all three */
};

/* empties: counts the empty safepoints too, else leaves them out. 0 or -ENOMEM. */
int bound_of(const struct safepoint *points, size_t n, size_t text_bytes, bool empties,
	     struct bound *out);

#endif
