/*
 * table.h - what the encoders share, private to them. Writing: a builder of columns and records,
 * and hash-consing. Reading: little-endian words, one search, and the table that most formats are:
 *
 *      count | start[count] | end[count] | offset[count] | records ...     all u32, unaligned
 *
 *      record: frame_size | nwords | bitmap[nwords]     offset: words from the first record
 *
 * `end` is there in the ranged formats only. No entries: no bytes at all.
 *
 * Readers trust nothing: count is checked against len, and each offset against the bytes that
 * follow. A reader tells MAP_TOUCH which bytes it reads and fetches ahead by MAP_PREFETCH, so that
 * a second compilation with other definitions can count cache lines.
 */
#ifndef STUBMAP_TABLE_H
#define STUBMAP_TABLE_H

#include <string.h>

#include "../map.h"

#ifndef MAP_TOUCH
#define MAP_TOUCH(p, n) ((void)0)
#endif
#ifndef MAP_PREFETCH
#define MAP_PREFETCH(p) __builtin_prefetch(p)
#endif
#ifdef __clang__ /* clang would make a branch of a conditional move; gcc does not */
#define MAP_UNPREDICTABLE(x) __builtin_unpredictable(x)
#else
#define MAP_UNPREDICTABLE(x) (x)
#endif
/* For functions that take a function as an argument: inlined, it becomes part of the loop. */
#define MAP_INLINE static inline __attribute__((always_inline))

/* The offset of an empty map: it has no record, and whatever its frame, it equals any other. */
#define MAP_EMPTY 0xffffffffu

/* ---- Writing ------------------------------------------------------------------------------- */

static inline void map_store32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* Finds equal strings in a byte store: an open hash of their positions. Initially {0}. */
struct map_cons {
	struct map_cons_slot {
		uint32_t hash, at; /* at: 1 + the user's number for the string; 0: free */
	} *slots;
	uint32_t capacity, used; /* capacity: a power of two */
};

struct map_builder {
	struct map_bytes start, end, offset, records;
	struct map_cons cons;
	uint32_t pc; /* of the last safepoint */
	bool begun;
	bool trimmed; /* records begin at their first word with a live slot (map_record_trimmed) */
};

/* Checks a safepoint's places; *registers is a mask of those that are registers, which
 * come last. 0, -EINVAL (out of order, outside the frame), or -ENOTSUP: all is right
 * but a register is above 31. */
int map_check_places(const struct safepoint *, uint32_t *registers);
/* Every add calls it first. 0, or -EINVAL, -ENOTSUP (registers). */
int map_builder_begin(const struct map_builder *, const struct safepoint *);
/* Every add returns what it returns: error. Without one the next safepoint must lie behind this. */
int map_builder_end(struct map_builder *, const struct safepoint *, int error);
/* Writes the safepoint's record behind all others; *offset is its number of words from the first,
 * and there is room for its entry. 0, -ENOMEM, -EFBIG. */
int map_builder_record(struct map_builder *, const struct safepoint *, uint32_t *offset);
/* Replaces the record just written by an equal earlier one, if there is one; on -ENOMEM and -EFBIG
 * by none. */
int map_builder_cons(struct map_builder *, uint32_t *offset);
void map_builder_entry(struct map_builder *, uint32_t pc, uint32_t offset);
/* Adds a safepoint to a ranged table: a new entry, unless the last one has the same map. */
int map_builder_run(struct map_builder *, const struct safepoint *, bool consed, bool with_end);
/* ops->finish for tables of the form drawn at the head. */
int map_builder_finish(void *state, struct map_bytes *out);

/* ---- Reading ------------------------------------------------------------------------------- */

static inline uint32_t map_load16(const uint8_t *p)
{
	uint16_t v;
	MAP_TOUCH(p, sizeof v);
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	return v;
}

static inline uint32_t map_load32(const uint8_t *p)
{
	uint32_t v;
	MAP_TOUCH(p, sizeof v);
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline uint64_t map_load64(const uint8_t *p)
{
	uint64_t v;
	MAP_TOUCH(p, sizeof v);
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* Columns of a table; `end` is `start` where the format has none. */
struct map_table {
	const uint8_t *start, *end, *offset, *records;
	size_t count, words; /* entries; words from records to the end of the bytes */
};

/* columns: 2 or 3 (with end). false: the bytes are no such table. */
static inline bool map_table_open(struct map_table *t, const uint8_t *map, size_t len,
				  unsigned columns)
{
	t->count = 0;
	if (len < 4)
		return len == 0;
	size_t count = map_load32(map);
	if (count > (len - 4) / (4 * columns))
		return false;
	t->count = count;
	t->start = map + 4;
	t->end = t->start + (columns - 2) * 4 * count;
	t->offset = t->end + 4 * count;
	t->records = t->offset + 4 * count;
	t->words = (len - 4) / 4 - columns * count;
	return true;
}

/* The map at an offset, which may be any number. A record with more words than its frame has slots
 * is damaged: no place lies outside the frame by more than the rest of a word. */
static inline enum map_answer map_record(const struct map_table *t, uint32_t offset,
					 struct map_live *out)
{
	if (offset >= t->words || t->words - offset < 2)
		return MAP_DAMAGED;
	const uint8_t *p = t->records + 4 * (size_t)offset;
	uint32_t frame_size = map_load32(p), nwords = map_load32(p + 4);
	*out = (struct map_live){
		.frame_size = frame_size, .nbytes = 4 * nwords, .stride = 1, .bitmap = p + 8
	};
	if (nwords > t->words - offset - 2 || nwords > ((uint64_t)frame_size + 127) / 128)
		return MAP_DAMAGED;
	return MAP_FOUND;
}

/* map_record for records whose second word is nwords + 65536 * words left out before them. */
enum { MAP_WORDS = 0xffff };
static inline enum map_answer map_record_trimmed(const struct map_table *t, uint32_t offset,
						 struct map_live *out)
{
	if (offset >= t->words || t->words - offset < 2)
		return MAP_DAMAGED;
	const uint8_t *p = t->records + 4 * (size_t)offset;
	uint32_t frame_size = map_load32(p), words = map_load32(p + 4);
	uint32_t nwords = words & MAP_WORDS, first = words >> 16;
	*out = (struct map_live){ .frame_size = frame_size,
				  .first = 32 * first,
				  .nbytes = 4 * nwords,
				  .stride = 1,
				  .bitmap = p + 8 };
	if (nwords > t->words - offset - 2 || first + nwords > ((uint64_t)frame_size + 127) / 128)
		return MAP_DAMAGED;
	return MAP_FOUND;
}

/* map_record for a format that records empty maps. */
static inline enum map_answer map_record_or_empty(const struct map_table *t, uint32_t offset,
						  struct map_live *out)
{
	if (offset != MAP_EMPTY)
		return map_record(t, offset, out);
	*out = (struct map_live){ .stride = 1 };
	return MAP_FOUND;
}

/*
 * One step of a binary search over n > 1 ascending words at `low`: the half with the last word <=
 * key. No branch depends on the words read (in a cached table half of such branches would be
 * mispredicted), but then nothing runs ahead in a cold table either; so both places where the next
 * step may look are fetched. That is as fast cold as a search with branches, and two to five times
 * as fast warm.
 */
static inline const uint8_t *map_search_step(const uint8_t *low, size_t n, uint32_t key)
{
	const uint8_t *high = low + 4 * (n / 2);
	return MAP_UNPREDICTABLE(map_load32(high) <= key) ? high : low;
}

/* Of n >= 1 ascending words, the index of the last that is <= key; 0 if there is none. */
static inline size_t map_search(const uint8_t *at, size_t n, uint32_t key)
{
	const uint8_t *low = at;
	for (; n > 16; n -= n / 2) {
		size_t half = n / 2, next = (n - half) / 2;
		MAP_PREFETCH(low + 4 * next);
		MAP_PREFETCH(low + 4 * (half + next));
		low = map_search_step(low, n, key);
	}
	/* The rest lies in one or two lines, which are on their way by now. */
	for (; n > 1; n -= n / 2)
		low = map_search_step(low, n, key);
	return (size_t)(low - at) / 4;
}

/* A format's answer for pc, from the entry at which the search ended. */
typedef enum map_answer map_at(const struct map_table *, size_t entry, uint32_t pc,
			       struct map_live *);

/* For ops->lookup, made of one format's `at`. nothing: the answer of an empty table. */
MAP_INLINE enum map_answer map_lookup(const uint8_t *map, size_t len, unsigned columns, map_at *at,
				      enum map_answer nothing, uint32_t pc, struct map_live *out)
{
	struct map_table t;
	if (!map_table_open(&t, map, len, columns))
		return MAP_DAMAGED;
	if (!t.count)
		return nothing;
	return at(&t, map_search(t.start, t.count, pc), pc, out);
}

/*
 * For ops->lookup_many: MAP_LANES searches in step. All halve the same n, so a step is
 * MAP_LANES loads that do not wait for one another; then the entries' offsets are fetched
 * together, then their records.
 */
enum { MAP_LANES = 16 };

MAP_INLINE void map_lookup_lanes(const struct map_table *t, map_at *at, const uint32_t *pcs,
				 struct map_live *out, enum map_answer *answers)
{
	const uint8_t *low[MAP_LANES];
	for (int i = 0; i < MAP_LANES; i++)
		low[i] = t->start;
	for (size_t n = t->count; n > 1; n -= n / 2)
		for (int i = 0; i < MAP_LANES; i++)
			low[i] = map_search_step(low[i], n, pcs[i]);
	for (int i = 0; i < MAP_LANES; i++) {
		MAP_PREFETCH(t->end + (low[i] - t->start));
		MAP_PREFETCH(t->offset + (low[i] - t->start));
	}
	for (int i = 0; i < MAP_LANES; i++) {
		uint32_t offset = map_load32(t->offset + (low[i] - t->start));
		MAP_PREFETCH(t->records + 4 * (offset < t->words ? (size_t)offset : 0));
	}
	for (int i = 0; i < MAP_LANES; i++)
		answers[i] = at(t, (size_t)(low[i] - t->start) / 4, pcs[i], &out[i]);
}

MAP_INLINE void map_lookup_many(const uint8_t *map, size_t len, unsigned columns, map_at *at,
				enum map_answer nothing, const uint32_t *pcs, size_t n,
				struct map_live *out, enum map_answer *answers)
{
	struct map_table t;
	size_t i = 0;
	if (map_table_open(&t, map, len, columns) && t.count)
		for (; n - i >= MAP_LANES; i += MAP_LANES)
			map_lookup_lanes(&t, at, pcs + i, out + i, answers + i);
	for (; i < n; i++)
		answers[i] = map_lookup(map, len, columns, at, nothing, pcs[i], &out[i]);
}

/* For ops->split. */
static inline void map_table_split(const uint8_t *map, size_t len, unsigned columns, size_t *index,
				   size_t *data)
{
	struct map_table t;
	*index = len;
	if (map_table_open(&t, map, len, columns) && t.count)
		*index = 4 + 4 * columns * t.count;
	*data = len - *index;
}

/* Defines FORMAT_lookup, FORMAT_lookup_many and FORMAT_split, for struct
 * map_ops, made of FORMAT_at. */
#define MAP_TABLE_READER(format, columns, nothing)                                              \
	static enum map_answer format##_lookup(const uint8_t *map, size_t len, uint32_t pc,     \
					       uint8_t *scratch, struct map_live *out)          \
	{                                                                                       \
		(void)scratch;                                                                  \
		return map_lookup(map, len, columns, format##_at, nothing, pc, out);            \
	}                                                                                       \
	static void format##_lookup_many(const uint8_t *map, size_t len, const uint32_t *pcs,   \
					 size_t n, uint8_t *scratch, struct map_live *out,      \
					 enum map_answer *answers)                              \
	{                                                                                       \
		(void)scratch;                                                                  \
		map_lookup_many(map, len, columns, format##_at, nothing, pcs, n, out, answers); \
	}                                                                                       \
	static void format##_split(const uint8_t *map, size_t len, size_t *index, size_t *data) \
	{                                                                                       \
		map_table_split(map, len, columns, index, data);                                \
	}

#endif
