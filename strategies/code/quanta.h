/*
 * quanta.h - which of n equal pieces are taken: a bitmap with a bitmap of its full words above it.
 * Finding one free piece reads n/4096 + 1 words at most, however many are taken; a search for a run
 * of several looks at each gap below it. The lowest free ones are taken first, so that the pieces
 * in use stay dense.
 */
#ifndef STUBMAP_QUANTA_H
#define STUBMAP_QUANTA_H

#include <stdbool.h>
#include <stdint.h>

struct quanta {
	uint32_t n;
	uint32_t taken;
	uint64_t *held; /* a bit a piece */
	uint64_t *full; /* a bit a word of held: set where no bit of it is free */
};

/* n is 1 or more. 0, or -ENOMEM; close in both cases. */
int quanta_open(struct quanta *, uint32_t n);
void quanta_close(struct quanta *);
/* The start of the lowest run of `run` free pieces; n if there is none. Takes nothing. */
uint32_t quanta_find(const struct quanta *, uint32_t run);
/* Takes or gives back [first, first + run), which must be all free or all held. */
void quanta_mark(struct quanta *, uint32_t first, uint32_t run, bool held);
bool quanta_held(const struct quanta *, uint32_t first, uint32_t run); /* all of them */

#endif
