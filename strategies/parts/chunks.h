/*
 * chunks.h - pieces of one size out of the table (code/table.c), each for the literals of one
 * quantum of code. They come and go with the quanta.
 *
 *      pages    |.......|.......|.......|.......|.......|.......|
 *      chunks   | taken    | free     | free     | another's | taken    |
 *                          |  dropped         |
 *
 * The lowest free one is taken first; none is rounded up to pages. The pages that lie wholly in
 * free chunks are dropped, so that at most two pages a run of free chunks stay.
 */
#ifndef STUBMAP_CHUNKS_H
#define STUBMAP_CHUNKS_H

#include "../code/internal.h"

struct chunk {
	uint8_t *at;
	bool taken;
};

struct chunks {
	struct code_memory *code;
	size_t bytes;	   /* of one; a multiple of 16 */
	struct chunk *all; /* by address */
	uint32_t n, capacity, taken;
	uint32_t low; /* none is free below */
};

/* Makes sure that n chunks are free. 0 or -ENOMEM. */
int chunks_provide(struct chunks *chunks, uint32_t n);
/* The lowest free one. One must be free. What it holds is anything. */
uint8_t *chunks_take(struct chunks *chunks);
void chunks_give(struct chunks *chunks, const uint8_t *at);
void chunks_close(struct chunks *chunks); /* heap memory only */

#endif
