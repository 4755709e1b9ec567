/*
 * map_chunks.h - maps in chunks, for formats that find a map by its chunk and its place in it.
 *
 *      chunks     u32 frame_size | first slot | bytes of a bitmap | registers | offset
 *      records    from a chunk's offset on, all of one size:   bitmap | bitmap | ...
 *
 * All maps of a chunk have one frame size and one set of registers, so these cost a record
 * nothing, and a lookup ends without a look at the record; their bitmaps lack the bytes at
 * both ends that are 0 in all of them. Where there are too many sets of registers for that, a
 * record begins with a mask of 4 bytes instead. A bit stands for 8 bytes of the frame if no
 * two slots are 4 apart (stride 2).
 */
#ifndef STUBMAP_MAP_CHUNKS_H
#define STUBMAP_MAP_CHUNKS_H

#include "strings.h"
#include "table.h"

enum { MAP_CHUNK = 20 };

/* ---- Writing ------------------------------------------------------------------------------- */

/* Safepoints, and their maps, equal ones once. An encoder's state begins with it, {0}. */
struct map_chunked {
	struct map_strings maps;  /* each: words: frame_size, registers, nslots, slots */
	struct map_bytes entries; /* of struct map_entry */
	struct map_bytes words;	  /* of the last map */
	unsigned parities;	  /* bit 0: some slot is even; bit 1: odd */
	uint32_t registers;	  /* of all maps */
};

struct map_entry {
	uint32_t pc, map; /* map: 1 + the word where it begins; 0: empty */
};

/* 0, -EINVAL (order, places), -ENOTSUP, -ENOMEM, -EFBIG: nothing has changed. */
int map_chunked_add(struct map_chunked *, const struct safepoint *);
void map_chunked_free(struct map_chunked *);

static inline size_t map_nentries(const struct map_chunked *s)
{
	return s->entries.len / sizeof(struct map_entry);
}

static inline const struct map_entry *map_entry_at(const struct map_chunked *s, size_t i)
{
	return (const struct map_entry *)(const void *)s->entries.data + i;
}

/* A map's place among all: those of one chunk lie side by side, with bitmaps as alike as can be. */
struct map_shape {
	uint32_t frame_size, registers; /* registers: 0 if the record has a mask */
	uint32_t low, high;		/* bytes of its bitmap */
	uint32_t map;			/* the word where it begins */
	uint32_t uses;			/* is its user's */
};

struct map_chunks {
	const struct map_chunked *points;
	struct map_shape *shapes;
	uint32_t n, stride, odd;
	uint32_t mask; /* bytes of a record's mask of registers: 0 or 4 */
};

/* Shapes of all maps, sorted. 0, -ENOMEM. Its user calls free(shapes). */
int map_chunks_begin(struct map_chunks *, const struct map_chunked *);
/* Sorts the shapes from `from` on, for records with or without a mask. */
void map_chunks_sort(struct map_chunks *, uint32_t from, uint32_t mask);

/* A chunk of at most 1 << bits maps that begins with shape i. */
struct map_chunk {
	uint32_t begin, end; /* shapes */
	uint32_t low, high;  /* bytes of its bitmaps */
};
struct map_chunk map_chunk_from(const struct map_chunks *, uint32_t i, unsigned bits);
/* Bytes of its records. */
static inline uint64_t map_chunk_bytes(const struct map_chunks *c, const struct map_chunk *k)
{
	return (uint64_t)(k->high - k->low + c->mask) * (k->end - k->begin);
}
/* Writes it at `to`, and its records at byte `at` of `out`, which is zero there. */
void map_chunk_put(const struct map_chunks *, const struct map_chunk *, uint8_t *to, uint8_t *out,
		   uint64_t at);

/* ---- Reading ------------------------------------------------------------------------------- */

_Static_assert(offsetof(struct map_live, registers) == 12, "a chunk begins as a map_live does");

/* The map at a place in the chunk whose bytes are at c. Its record ends before `end`. mask: as
 * above; 0 for a chunk without records. stride: 1 or 2. */
MAP_INLINE enum map_answer map_chunk_at(const uint8_t *map, size_t end, const uint8_t *c,
					uint32_t place, uint32_t stride, uint32_t mask,
					struct map_live *out)
{
	uint64_t nbytes = map_load32(c + 8), record = map_load32(c + 16);
	record += (nbytes + mask) * place + mask;
	if (record + nbytes > end)
		return MAP_DAMAGED;
	/* In bytes of a bitmap, the last of which may stand for slots behind the frame, too. */
	if ((int64_t)((map_load32(c + 4) >> (2 + stride)) + nbytes) - 1 >
	    (int64_t)(map_load32(c) >> (4 + stride)))
		return MAP_DAMAGED;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	out->frame_size = map_load32(c);
	out->first = map_load32(c + 4);
	out->nbytes = (uint32_t)nbytes;
	out->registers = map_load32(c + 12);
#else
	MAP_TOUCH(c + 12, 4);
	memcpy(out, c, 16); /* one load and one store */
#endif
	if (mask)
		out->registers = map_load32(map + record - 4);
	out->stride = (uint8_t)stride;
	out->bitmap = map + record;
	return MAP_FOUND;
}

/* The same, of a chunk that is at an offset. */
MAP_INLINE enum map_answer map_chunk_map(const uint8_t *map, size_t len, uint64_t chunk,
					 uint32_t place, uint32_t stride, uint32_t mask,
					 struct map_live *out)
{
	if (chunk + MAP_CHUNK > len)
		return MAP_DAMAGED;
	return map_chunk_at(map, len, map + chunk, place, stride, mask, out);
}

#endif
