/*
 * counted.c - between `paged` and `coded`: a pc's upper bits lead to a few entries around it, as in
 * `paged`, but a bucket's place is not written down: two nibbles count its entries, and the nibbles
 * before them give its place. Codes of maps are bytes.
 *
 *      head       counted.h names its fields
 *      directory  a block for each 16 KiB of text:    u32 base | u16 at[8] | u64 counts[8]
 *                 a group of it, 2 KiB: its buckets begin at base + at; a byte counts each
 *      buckets    one for each 256 bytes of text, of n entries with live places, m without:
 *                     u8 code[n] | u8 low[n] | u8 second[] | u8 low[m]
 *                 its byte of the counts:   n + 16 * (bytes of second[] + m)
 *      wide       buckets that nibbles can't count, of the same form; in the place of each among
 *                 the others, whose byte is 8 * 16 then:    u32 offset in here | u16 n | u16 rest
 *      chunks     one for each frequent map, by code; others by id (parts/map_chunks.h draws them)
 *      records
 *      zeros      for the last loads of a reader
 *
 * A code below a limit has a chunk of its own; the others are the upper part of an id, and
 * `second` has the lower part, of 1 byte, or 2 in tables of many maps. Entries with such codes come
 * first, so that entry i has second byte i, and nothing more need be counted. A bucket begins where
 * those before it end: their nibbles are added up by one product of 64 bits. So pcs are split as by
 * Elias (1974) and Fano (1971) in upper bits, which are counted, and lower ones, which are listed;
 * nibbles and bytes take a few bits more than theirs, and need no search in a unary code.
 *
 * A table that is damaged: all steps (directory, bucket, chunk, record) check their bytes
 * against len. counted_write.c writes.
 */
#include "counted.h"

/* What a reader is made for. */
struct form {
	uint32_t second; /* bytes behind a code that has no chunk of its own */
	uint32_t stride; /* slots from bit to bit */
	uint32_t mask;	 /* bytes of a record's mask of registers, 0 or 4 */
};

/* A table of at least COUNTED_HEAD bytes. */
struct table {
	const uint8_t *map;
	size_t len;
	struct form form;
};

MAP_INLINE struct form counted_form(const uint8_t *map)
{
	return (struct form){ map_load8(map + COUNTED_SECOND) == 1 ? 1 : 2,
			      map_load8(map + COUNTED_STRIDE) == 1 ? 1 : 2,
			      map_load8(map + COUNTED_MASK) & 4 };
}

/* ---- Buckets ------------------------------------------------------------------------------- */

struct bucket {
	const uint8_t *at;
	uint32_t live, rest; /* what its nibbles count, or its own counts if it is wide */
};

MAP_INLINE enum map_answer counted_bucket(const struct table *t, uint32_t pc, struct bucket *out)
{
	const uint64_t ones = 0x0101010101010101u, nibbles = 15 * ones;
	size_t block = pc / COUNTED_TEXT * (size_t)COUNTED_BLOCK;
	if (block >= map_load32(t->map + COUNTED_DIRECTORY))
		return MAP_NO_SAFEPOINT;
	if (block + COUNTED_HEAD + COUNTED_BLOCK > t->len)
		return MAP_DAMAGED;
	const uint8_t *b = t->map + COUNTED_HEAD + block;
	size_t group = pc / (COUNTED_BUCKET * COUNTED_GROUP) % COUNTED_GROUPS;
	/* The bucket's byte comes to the top; then those before it do, and behind them there is
	 * nothing: the product's upper byte is the sum of their bytes. */
	uint64_t counts = map_load64(b + COUNTED_COUNTS + 8 * group)
			  << (56 - 8 * (pc / COUNTED_BUCKET % COUNTED_GROUP));
	uint64_t sizes = 2 * (counts & nibbles) + (counts >> 4 & nibbles);
	out->live = counts >> 56 & 15;
	out->rest = (uint32_t)(counts >> 60);
	uint64_t at = (uint64_t)map_load32(b) + map_load16(b + COUNTED_AT + 2 * group);
	at += (sizes << 8) * ones >> 56;
	if (at + COUNTED_SLACK > t->len)
		return MAP_DAMAGED;
	out->at = t->map + at;
	return MAP_FOUND;
}

MAP_INLINE bool counted_is_wide(const struct bucket *b)
{
	return (b->live | b->rest << 4) == COUNTED_IS_WIDE;
}

/* Where a map is: its chunk, and which one of the chunk. */
struct spot {
	uint32_t chunk, in_chunk;
};

/* The spot of the map of entry i < b.live, whose second byte would be at byte `second`. No branch
 * depends on the code: which comes next is not foreseen. */
MAP_INLINE struct spot counted_spot(const struct table *t, const struct bucket *b, uint32_t i,
				    uint32_t second)
{
	const uint32_t bits = map_load8(t->map + COUNTED_BITS) & 7;
	uint32_t codes = map_load8(t->map + COUNTED_CODES), code = map_load8(b->at + i);
	uint32_t lower =
	    t->form.second == 1 ? map_load8(b->at + second) : map_load16(b->at + second);
	uint32_t other = (uint32_t)0 - (code >= codes);
	uint32_t id = (code - codes) << 8 * t->form.second | lower;
	return (struct spot){ (code & ~other) + ((codes + (id >> bits)) & other),
			      id & ((1u << bits) - 1) & other };
}

MAP_INLINE enum map_answer counted_map(const struct table *t, struct spot spot,
				       struct map_live *out)
{
	uint64_t chunk = map_load32(t->map + COUNTED_CHUNKS) + (uint64_t)spot.chunk * MAP_CHUNK;
	return map_chunk_map(t->map, t->len, chunk, spot.in_chunk, t->form.stride, t->form.mask,
			     out);
}

/* ---- Lookups ------------------------------------------------------------------------------- */

/* A bit for each live entry of the bucket, from `from` on, whose low byte is the pc's. */
MAP_INLINE uint32_t counted_equal(const struct bucket *b, uint32_t from, map_compare_fn *compare,
				  uint32_t pc)
{
	uint32_t n = b->live - from < MAP_COMPARED ? b->live - from : MAP_COMPARED;
	return compare(b->at + b->live + from, (uint8_t)pc) & ((1u << n) - 1);
}

/* Whether pc is one of the bucket's entries without live places, from byte `from`
 * behind those with some. There are second bytes first: byte k is one if entry k, or k
 * / 2, has a code that needs it. */
MAP_INLINE bool counted_empty(const struct table *t, const struct bucket *b, uint32_t from,
			      map_compare_fn *compare, uint32_t pc)
{
	uint32_t n = b->rest - from < MAP_COMPARED ? b->rest - from : MAP_COMPARED;
	uint32_t equal = compare(b->at + 2 * b->live + from, (uint8_t)pc) & ((1u << n) - 1);
	for (; equal; equal &= equal - 1) {
		uint32_t byte = from + (uint32_t)__builtin_ctz(equal);
		uint32_t owner = byte / t->form.second;
		if (owner >= b->live ||
		    map_load8(b->at + owner) < map_load8(t->map + COUNTED_CODES))
			return true;
	}
	return false;
}

/* In a bucket that is wide. */
static __attribute__((noinline)) enum map_answer
counted_wide(const uint8_t *map, size_t len, const uint8_t *at, uint32_t pc, struct map_live *out)
{
	const struct table t = { map, len, counted_form(map) };
	uint64_t place = (uint64_t)map_load32(map + COUNTED_WIDE) + map_load32(at);
	struct bucket b = { .live = map_load16(at + 4), .rest = map_load16(at + 6) };
	if (place + 2 * b.live + b.rest + COUNTED_WIDE_SLACK > len)
		return MAP_DAMAGED;
	b.at = map + place;
	for (uint32_t i = 0; i < b.live; i += MAP_COMPARED) {
		uint32_t equal = counted_equal(&b, i, MAP_COMPARE, pc);
		if (!equal)
			continue;
		uint32_t k = i + (uint32_t)__builtin_ctz(equal), second = t.form.second * k;
		second = 2 * b.live + (second < b.rest ? second : b.rest);
		return counted_map(&t, counted_spot(&t, &b, k, second), out);
	}
	for (uint32_t i = 0; i < b.rest; i += MAP_COMPARED)
		if (counted_empty(&t, &b, i, MAP_COMPARE, pc)) {
			*out = (struct map_live){ .stride = 1, .bitmap = map };
			return MAP_FOUND;
		}
	return MAP_NO_SAFEPOINT;
}

/* The answer for a pc that is no live entry of its bucket. */
MAP_INLINE enum map_answer counted_other(const struct table *t, const struct bucket *b,
					 map_compare_fn *compare, uint32_t pc, struct map_live *out)
{
	if (counted_is_wide(b))
		return counted_wide(t->map, t->len, b->at, pc, out);
	if (!counted_empty(t, b, 0, compare, pc))
		return MAP_NO_SAFEPOINT;
	*out = (struct map_live){ .stride = 1, .bitmap = t->map };
	return MAP_FOUND;
}

/* The answer for a pc whose bucket is found. */
MAP_INLINE enum map_answer counted_in_bucket(const struct table *t, const struct bucket *b,
					     map_compare_fn *compare, uint32_t pc,
					     struct map_live *out)
{
	uint32_t equal = counted_equal(b, 0, compare, pc);
	if (!equal)
		return counted_other(t, b, compare, pc, out);
	uint32_t i = (uint32_t)__builtin_ctz(equal), second = 2 * b->live + t->form.second * i;
	return counted_map(t, counted_spot(t, b, i, second), out);
}

MAP_INLINE enum map_answer counted_lookup(const struct table *t, map_compare_fn *compare,
					  uint32_t pc, struct map_live *out)
{
	struct bucket b;
	enum map_answer answer = counted_bucket(t, pc, &b);
	return answer == MAP_FOUND ? counted_in_bucket(t, &b, compare, pc, out) : answer;
}

/* MAP_LANES buckets are fetched, then looked into: each is on its way while
 * the others are asked for. */
MAP_INLINE void counted_lanes(const struct table *t, const uint32_t *pcs, struct map_live *out,
			      enum map_answer *answers)
{
	struct bucket buckets[MAP_LANES];
	for (size_t k = 0; k < MAP_LANES; k++) {
		answers[k] = counted_bucket(t, pcs[k], &buckets[k]);
		if (answers[k] == MAP_FOUND)
			MAP_PREFETCH(buckets[k].at);
	}
	for (size_t k = 0; k < MAP_LANES; k++) {
		if (answers[k] == MAP_FOUND)
			answers[k] =
			    counted_in_bucket(t, &buckets[k], MAP_COMPARE, pcs[k], &out[k]);
		if (answers[k] == MAP_FOUND)
			MAP_PREFETCH(out[k].bitmap);
	}
}

MAP_INLINE void counted_many(const uint8_t *map, size_t len, struct form form, const uint32_t *pcs,
			     size_t n, struct map_live *out, enum map_answer *answers)
{
	const struct table t = { map, len, form };
	size_t i = 0;
	for (; n - i >= MAP_LANES; i += MAP_LANES)
		counted_lanes(&t, pcs + i, out + i, answers + i);
	for (; i < n; i++)
		answers[i] = counted_lookup(&t, MAP_COMPARE, pcs[i], &out[i]);
}

/* ---- Readers ------------------------------------------------------------------------------- */

/* Compiled for the usual form and for all others; on x86-64 for any processor, and for one whose
 * shifts by a variable are one instruction. */
static const struct form usual = { 1, 2, 0 };
#define USUAL 0x000201u /* a head's three bytes */

MAP_INLINE bool counted_is_usual(const uint8_t *map)
{
	return (map_load32(map + COUNTED_SECOND) & 0xffffff) == USUAL;
}

#define READER(name, attribute)                                                                   \
	attribute static __attribute__((noinline)) enum map_answer other_##name(                  \
	    const uint8_t *map, size_t len, uint32_t pc, struct map_live *out)                    \
	{                                                                                         \
		if (len < COUNTED_HEAD)                                                           \
			return len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;                              \
		const struct table t = { map, len, counted_form(map) };                           \
		return counted_lookup(&t, MAP_COMPARE, pc, out);                                  \
	}                                                                                         \
	attribute static enum map_answer look_##name(const uint8_t *map, size_t len, uint32_t pc, \
						     struct map_live *out)                        \
	{                                                                                         \
		if (len < COUNTED_HEAD || !counted_is_usual(map))                                 \
			return other_##name(map, len, pc, out);                                   \
		const struct table t = { map, len, usual };                                       \
		return counted_lookup(&t, MAP_COMPARE, pc, out);                                  \
	}                                                                                         \
	attribute static void many_##name(const uint8_t *map, size_t len, const uint32_t *pcs,    \
					  size_t n, struct map_live *out,                         \
					  enum map_answer *answers)                               \
	{                                                                                         \
		if (counted_is_usual(map))                                                        \
			counted_many(map, len, usual, pcs, n, out, answers);                      \
		else                                                                              \
			counted_many(map, len, counted_form(map), pcs, n, out, answers);          \
	}

READER(any, )
READER(avx2, MAP_AVX2)

static enum map_answer look(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
			    struct map_live *out)
{
	(void)scratch;
	return map_has_avx2() ? look_avx2(map, len, pc, out) : look_any(map, len, pc, out);
}

static void look_many(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
		      uint8_t *scratch, struct map_live *out, enum map_answer *answers)
{
	(void)scratch;
	if (len < COUNTED_HEAD)
		for (size_t i = 0; i < n; i++)
			answers[i] = len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
	else if (map_has_avx2())
		many_avx2(map, len, pcs, n, out, answers);
	else
		many_any(map, len, pcs, n, out, answers);
}

static enum map_answer look_scalar(const uint8_t *map, size_t len, uint32_t pc,
				   struct map_live *out)
{
	if (len < COUNTED_HEAD)
		return len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
	const struct table t = { map, len, counted_form(map) };
	return counted_lookup(&t, map_compare_scalar, pc, out);
}

const struct map_reader map_counted_readers[] = {
	{ "scalar", map_runs_everywhere, look_scalar },
	{ "any", map_runs_everywhere, look_any },
	{ "avx2", map_has_avx2, look_avx2 },
	{ 0 },
};

/* ---- The encoder --------------------------------------------------------------------------- */

static void counted_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	*index = len;
	if (len >= COUNTED_HEAD && map_load32(map + COUNTED_CHUNKS) < len)
		*index = map_load32(map + COUNTED_CHUNKS);
	*data = len - *index;
}

const struct map_ops map_counted = {
	.name = "counted",
	.summary = "buckets that nibbles count, codes of maps in bytes; maps in chunks of a frame",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.limits = "ids of 24 bits (2,097,152 frame sizes if each has 8 maps or fewer), 4 GiB",
	.state = sizeof(struct map_chunked),
	.add = map_counted_add,
	.finish = map_counted_finish,
	.lookup = look,
	.lookup_many = look_many,
	.split = counted_split,
};
