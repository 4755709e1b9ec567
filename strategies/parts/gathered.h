/*
 * gathered.h - functions and safepoints kept as they came until the table is written: for formats
 * that are made function by function, or that must have seen every map before they write one.
 */
#ifndef STUBMAP_GATHERED_H
#define STUBMAP_GATHERED_H

#include "table.h"

struct map_point {
	uint32_t pc, frame_size;
	uint32_t registers; /* a mask */
	uint32_t nslots;    /* live slots, ascending from gathered.slots[slots] on */
	size_t slots;
};

struct map_owner {
	uint32_t start, end; /* its safepoints have start < pc <= end; start 0 also owns pc 0 */
	uint32_t n;	     /* safepoints, from gathered.points[first] on */
	size_t first;
};

/* An encoder's state begins with it, {0}. */
struct map_gathered {
	struct map_point *points;
	struct map_owner *functions;
	uint32_t *slots;
	size_t npoints, points_cap, nfunctions, functions_cap, nslots, slots_cap;
	bool whole; /* no function was named: one owns the text up to the last safepoint */
};

/* ops->function: 0, -EINVAL (it overlaps the function or the safepoints before it), -ENOMEM. */
int map_gather_function(void *state, uint32_t start, uint32_t end);
/* For ops->add of formats with registers and without. 0, -EINVAL (order, places, outside the last
 * function), -ENOTSUP (registers), -ENOMEM: nothing has changed. */
int map_gather(void *state, const struct safepoint *);
int map_gather_slots(void *state, const struct safepoint *);
/* Formats without the low bits of a frame's size: also -EFBIG (it is not in whole words). */
int map_gather_words(void *state, const struct safepoint *);
void map_gathered_free(struct map_gathered *);

/* The stride that all slots allow: 2 if every one is even and, counted from the frame's end too if
 * from_end, else 1. */
unsigned map_gathered_stride(const struct map_gathered *, bool from_end);

#endif
