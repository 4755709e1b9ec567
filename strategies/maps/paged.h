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
	PAGED_BUCKETS = 64,			   /* of a block */
	PAGED_BLOCK = 4 + 2 * (PAGED_BUCKETS + 1), /* bytes */
	PAGED_BITS = 24,			   /* at most, of an id */
	PAGED_SLACK = 32,			   /* bytes behind four times a bucket's size */
	PAGED_LIVE = 255,			   /* at most, in a bucket */
};

/* Where a head's numbers of one byte stand. */
enum paged_byte {
	PAGED_BYTE_BITS = 8,   /* of an id */
	PAGED_BYTE_STRIDE,     /* slots from bit to bit */
	PAGED_BYTE_MASK,       /* bytes of a record's mask of registers: 0 or 4 */
	PAGED_BYTE_CHUNK_BITS, /* of an id: the place in its chunk */
};

/* Bytes of n ids. */
static inline uint32_t paged_ids_size(uint32_t n, uint32_t bits)
{
	return bits == 16 ? 2 * n : (n * bits + 7) / 8;
}

/* ---- Writing (paged_write.c) --------------------------------------------------------------- */

struct map_paged {
	struct map_chunked points;
	uint32_t bucket_live; /* entries with a map in the last bucket */
};

int map_paged_add(void *state, const struct safepoint *);
int map_paged_finish(void *state, struct map_bytes *out);

/* ---- Reading ------------------------------------------------------------------------------- */

extern const struct map_reader map_paged_readers[]; /* name NULL ends it */

#endif
