/*
 * paged.h - what the two halves of `paged` share, and its test: paged.c reads, paged_write.c
 * writes. paged.c draws the layout.
 */
#ifndef STUBMAP_PAGED_H
#define STUBMAP_PAGED_H

#include "../parts/map_chunks.h"
#include "../parts/compare.h"

enum {
	PAGED_HEAD = 12,
	PAGED_NEAR = 15,       /* entries of a bucket that are compared at once */
	PAGED_START_BITS = 28, /* of where a bucket begins */
	PAGED_SLACK = 64,      /* zeros at the end */
};

/* Where a head's numbers of one byte stand. */
enum paged_byte {
	PAGED_BYTE_WIDTH = 8,  /* of an id: 2 or 3 bytes */
	PAGED_BYTE_STRIDE,     /* slots from bit to bit */
	PAGED_BYTE_MASK,       /* bytes of a record's mask of registers: 0 or 4 */
	PAGED_BYTE_CHUNK_BITS, /* of an id: the place in its chunk */
};

/* ---- Writing (paged_write.c) --------------------------------------------------------------- */

struct map_paged {
	struct map_chunked points;
};

int map_paged_add(void *state, const struct safepoint *);
int map_paged_finish(void *state, struct map_bytes *out);

/* ---- Reading ------------------------------------------------------------------------------- */

extern const struct map_reader map_paged_readers[]; /* name NULL ends it */

#endif
