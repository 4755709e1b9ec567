/*
 * paged.h - what the two halves of `paged` share, and its test: paged.c reads, paged_write.c
 * writes. paged.c draws the layout.
 */
#ifndef STUBMAP_PAGED_H
#define STUBMAP_PAGED_H

#include "../parts/strings.h"

enum {
	PAGED_HEAD = 12,
	PAGED_BUCKETS = 64,			   /* of a block */
	PAGED_BLOCK = 4 + 2 * (PAGED_BUCKETS + 1), /* bytes */
	PAGED_CHUNK = 20,
	PAGED_BITS = 24,  /* at most, of an id */
	PAGED_SLACK = 32, /* bytes behind four times a bucket's size */
	PAGED_LIVE = 255, /* at most, in a bucket */
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
	struct map_strings maps;  /* each: words: frame_size, registers, nslots, slots */
	struct map_bytes entries; /* of struct map_paged_entry */
	struct map_bytes words;	  /* of the last map */
	unsigned parities;	  /* bit 0: some slot is even; bit 1: odd */
	uint32_t registers;	  /* of all maps */
	uint32_t bucket_live;	  /* entries with a map in the last bucket */
};

struct map_paged_entry {
	uint32_t pc, map; /* map: 1 + the word where it begins; 0: empty */
};

int map_paged_add(void *state, const struct safepoint *);
int map_paged_finish(void *state, struct map_bytes *out);

/* ---- Reading: the readers one by one ------------------------------------------------------- */

struct map_paged_reader {
	const char *name;
	bool (*runs_here)(void);
	enum map_answer (*lookup)(const uint8_t *map, size_t len, uint32_t pc, struct map_live *);
};
extern const struct map_paged_reader map_paged_readers[]; /* name NULL ends it */

#endif
