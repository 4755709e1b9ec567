/*
 * distinct.h - the distinct maps of a table in the making, private to the encoders. A map is a
 * frame's size, a mask of registers and a list of slots; equal ones share a number, which counts
 * from 0 in the order of first use.
 */
#ifndef STUBMAP_DISTINCT_H
#define STUBMAP_DISTINCT_H

#include "../map.h"

/* Initially {0}. */
struct map_distinct {
	uint32_t *words; /* of each map: frame_size, registers, nslots, slots */
	size_t nwords, words_cap;
	size_t *at; /* where the words of each map begin */
	size_t at_cap;
	uint32_t n;
	struct map_distinct_cell {
		uint32_t hash, number; /* number: 1 + the map's; 0: free */
	} *cells;
	uint32_t ncells; /* a power of two, at least twice n */
};

/* The number of a safepoint's map. p has been checked (map_check_places). 0, -ENOMEM, -EFBIG. */
int map_distinct_add(struct map_distinct *, const struct safepoint *p, uint32_t registers,
		     uint32_t *number);
void map_distinct_free(struct map_distinct *);

struct map_distinct_map {
	uint32_t frame_size, registers, nslots;
	const uint32_t *slots;
};

static inline struct map_distinct_map map_distinct_get(const struct map_distinct *d, uint32_t n)
{
	const uint32_t *w = d->words + d->at[n];
	return (struct map_distinct_map){ w[0], w[1], w[2], w + 3 };
}

/* Makes room in a growing array for n more of `size` bytes each: the array, or NULL (no memory; it
 * is then as before). */
void *map_grow(void *array, size_t *cap, size_t used, size_t n, size_t size);

#endif
