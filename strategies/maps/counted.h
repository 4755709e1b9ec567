/*
 * counted.h - what the two halves of `counted` share, and its test: counted.c reads and draws the
 * layout, counted_write.c writes.
 */
#ifndef STUBMAP_COUNTED_H
#define STUBMAP_COUNTED_H

#include "../parts/map_chunks.h"
#include "../parts/compare.h"

/* The head; all numbers are little-endian, at these bytes. */
enum {
	COUNTED_DIRECTORY = 0, /* u32: bytes of the directory, which follows the head */
	COUNTED_WIDE = 4,      /* u32: offset */
	COUNTED_CHUNKS = 8,    /* u32: offset */
	COUNTED_SECOND = 12,   /* u8: bytes behind a code that has no chunk of its own, 1 or 2 */
	COUNTED_STRIDE = 13,   /* u8: slots from bit to bit */
	COUNTED_MASK = 14,     /* u8: bytes of a record's mask of registers, 0 or 4 */
	COUNTED_BITS = 15,     /* u8: of an id: the place in its chunk */
	COUNTED_CODES = 16,    /* u8: codes below it have chunks of their own */
	COUNTED_HEAD = 17,
};

enum {
	COUNTED_BUCKET = 256,						/* bytes of text */
	COUNTED_GROUP = 8,						/* buckets */
	COUNTED_GROUPS = 8,						/* of a block */
	COUNTED_TEXT = COUNTED_BUCKET * COUNTED_GROUP * COUNTED_GROUPS, /* of a block */
	COUNTED_AT = 4,		    /* in a block: u16 at[COUNTED_GROUPS] */
	COUNTED_COUNTS = 4 + 2 * 8, /* in a block: u64 counts[COUNTED_GROUPS] */
	COUNTED_BLOCK = COUNTED_COUNTS + 8 * COUNTED_GROUPS,
	COUNTED_MOST = 15,	/* of what a nibble counts */
	COUNTED_IS_WIDE = 0x80, /* a count: the bucket has u32 place in wide | u16 n | u16 rest */
	COUNTED_WIDE_BYTES = 8,
	COUNTED_MOST_BYTES = 255, /* of the first seven buckets of a group */
	COUNTED_MOST_IDS = 1 << 24,
	/* Bytes that a reader may read behind where a bucket begins, and behind a wide one. */
	COUNTED_SLACK = 64,
	COUNTED_WIDE_SLACK = 16,
};

int map_counted_add(void *state, const struct safepoint *);
int map_counted_finish(void *state, struct map_bytes *out);

extern const struct map_reader map_counted_readers[]; /* name NULL ends it */

#endif
