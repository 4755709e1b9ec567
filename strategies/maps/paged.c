/*
 * paged.c - the fast one: a pc's upper bits lead straight to the few entries around it, and their
 * low bytes are compared all at once.
 *
 *      head       u32 bytes of the directory | u32 chunks | u32 records (offsets) |
 *                 u8 bits of an id, stride, bytes of a mask, bits of a place in a chunk
 *      directory  a block for each 16 KiB of text:   u32 base | u16 at[65]
 *      buckets    one for each 256 bytes of text, from base + at[i] to base + at[i + 1]:
 *                     u8 count of entries with an id | u8 low[], theirs first | id[]
 *      chunks     20 bytes each:   u32 frame_size | first slot | bytes of a bitmap | registers |
 * base records    base: bitmap | bitmap | ...   of one chunk, all of its size zeros      so that no
 * reader's last load ends outside
 *
 * Nothing is searched for: bits 8 to 31 of a pc say where its bucket lies, and bits 0 to 7 are the
 * byte to find there, so the answer is exact. A bucket holds 4 or 5 entries; those without live
 * places come last and have no id, since half of a table's may be such.
 *
 * An id is a chunk's number and a place in the chunk. All maps of a chunk have one frame size and
 * one set of registers, so these cost a record nothing, and a lookup ends without a look at the
 * record; their bitmaps lack the bytes at both ends that are 0 in all of them. Chunk 0 is that of
 * empty maps. Where there are too many sets of registers for that, a record begins with a mask of
 * 4 bytes instead. Ids have 12, 16 or 24 bits, as the table needs. A bit stands for 8 bytes of the
 * frame if no two slots are 4 apart (stride 2).
 *
 * A table that is damaged: all four steps (directory, bucket, chunk, record) check their bytes
 * against len. paged_write.c writes.
 */
#include "../parts/table.h"
#include "paged.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline uint32_t load16(const uint8_t *p)
{
	uint16_t v;
	MAP_TOUCH(p, sizeof v);
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	return v;
}

static inline uint32_t load8(const uint8_t *p)
{
	MAP_TOUCH(p, 1);
	return *p;
}

/* A bit for each of the first LANES bytes that equals the key. All LANES are read. */
typedef uint32_t compare_fn(const uint8_t *p, uint8_t key);
/* The place, LANES or more, of a byte that equals the key; n or more: there is none.
 * p[0..n + PAGED_SLACK) may be read. */
typedef size_t find_fn(const uint8_t *p, size_t n, uint8_t key);
enum { LANES = 16 };

static inline uint32_t compare_8(const uint8_t *p, uint8_t key)
{
	const uint64_t ones = 0x0101010101010101u, low = 0x7f * ones;
	uint64_t v;
	MAP_TOUCH(p, sizeof v);
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	v ^= ones * key;
	/* A byte that is 0 gets its top bit, any other nothing; the product has all these bits in
	 * its upper byte. */
	v = ~(((v & low) + low) | v | low);
	return (uint32_t)((v >> 7) * 0x0102040810204080u >> 56);
}

MAP_INLINE uint32_t compare_scalar(const uint8_t *p, uint8_t key)
{
	return compare_8(p, key) | compare_8(p + 8, key) << 8;
}

MAP_INLINE size_t find_scalar(const uint8_t *p, size_t n, uint8_t key)
{
	for (size_t i = LANES; i < n; i += 8) {
		uint32_t equal = compare_8(p + i, key);
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}

#if defined(__x86_64__)
MAP_INLINE uint32_t compare_sse2(const uint8_t *p, uint8_t key)
{
	MAP_TOUCH(p, 16);
	__m128i v = _mm_loadu_si128((const void *)p);
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)key)));
}

MAP_INLINE size_t find_sse2(const uint8_t *p, size_t n, uint8_t key)
{
	for (size_t i = LANES; i < n; i += 16) {
		uint32_t equal = compare_sse2(p + i, key);
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}

#define AVX2 __attribute__((target("arch=x86-64-v3")))
AVX2 MAP_INLINE size_t find_avx2(const uint8_t *p, size_t n, uint8_t key)
{
	const __m256i keys = _mm256_set1_epi8((char)key);
	for (size_t i = LANES; i < n; i += 32) {
		MAP_TOUCH(p + i, 32);
		__m256i v = _mm256_loadu_si256((const void *)(p + i));
		uint32_t equal = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, keys));
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}
#endif

_Static_assert(offsetof(struct map_live, registers) == 12, "a chunk begins as a map_live does");

/* What a reader is made for. */
struct form {
	uint32_t bits, stride; /* of an id; slots from bit to bit */
	uint32_t mask;	       /* bytes of a record's mask of registers, 0 or 4 */
};

/* Id i of a bucket. */
MAP_INLINE uint32_t id_at(const uint8_t *ids, uint32_t i, uint32_t bits)
{
	if (__builtin_expect(bits == 16, 1))
		return load16(ids + 2 * i);
	uint32_t at = i * bits;
	return map_load32(ids + at / 8) >> at % 8 & ((1u << bits) - 1);
}

/* The map of an id. */
MAP_INLINE enum map_answer paged_map(const uint8_t *map, size_t len, struct form form, uint32_t id,
				     struct map_live *out)
{
	uint32_t shift = load8(map + PAGED_BYTE_CHUNK_BITS) & 31;
	size_t chunk = (size_t)(id >> shift) * PAGED_CHUNK;
	uint64_t chunks = map_load32(map + 4);
	if (chunks + chunk + PAGED_CHUNK > len)
		return MAP_DAMAGED;
	const uint8_t *c = map + chunks + chunk;
	uint64_t nbytes = map_load32(c + 8), record = map_load32(c + 16);
	record += (nbytes + form.mask) * (id & ((1u << shift) - 1)) + form.mask;
	if (record + nbytes > len)
		return MAP_DAMAGED;
	if (map_load32(c + 4) + nbytes * (8 * form.stride) > (uint64_t)map_load32(c) / 4 + 32)
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
	if (form.mask && chunk) /* chunk 0 has no record */
		out->registers = map_load32(map + record - 4);
	out->stride = (uint8_t)form.stride;
	out->bitmap = map + record;
	return MAP_FOUND;
}

/* The bucket of a pc. */
struct bucket {
	const uint8_t *at;
	uint32_t size; /* 0: none */
};

MAP_INLINE enum map_answer paged_bucket(const uint8_t *map, size_t len, uint32_t pc,
					struct bucket *out)
{
	uint32_t bucket = pc / 256, block = bucket / PAGED_BUCKETS;
	size_t at = 2 * (size_t)((bucket & -(uint32_t)PAGED_BUCKETS) + 3 * block);
	if (at >= map_load32(map))
		return MAP_NO_SAFEPOINT;
	if (at + PAGED_HEAD + PAGED_BLOCK > len)
		return MAP_DAMAGED;
	const uint8_t *b = map + at + PAGED_HEAD;
	const uint8_t *ends = b + 4 + 2 * (size_t)(bucket % PAGED_BUCKETS);
	uint32_t first = load16(ends), size = load16(ends + 2) - first;
	uint64_t start = (uint64_t)map_load32(b) + first;
	if (start + 4 * (uint64_t)size + PAGED_SLACK > len)
		return MAP_DAMAGED;
	*out = (struct bucket){ map + start, size };
	return MAP_FOUND;
}

/*
 * The id of a pc. The bytes are compared from the bucket's first on, which counts the entries that
 * have an id: so entry 1 is the first one. FAR: it may be behind those that were compared. Where
 * the id of an entry without one would be, bytes are read, and not used.
 */
enum { FAR = 16 };
MAP_INLINE int paged_id(struct bucket b, compare_fn *compare, struct form form, uint32_t pc,
			uint32_t *id)
{
	uint32_t live = load8(b.at);
	int32_t end = (int32_t)(b.size - paged_ids_size(live, form.bits));
	if (end <= (int32_t)live)
		return b.size ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
	uint32_t equal = compare(b.at, (uint8_t)pc) & ~1u;
	if (!equal)
		return end > LANES ? FAR : MAP_NO_SAFEPOINT;
	uint32_t i = (uint32_t)__builtin_ctz(equal);
	if (i >= (uint32_t)end)
		return MAP_NO_SAFEPOINT;
	*id = id_at(b.at + end, i - 1, form.bits) & ~(uint32_t)-(live < i);
	return MAP_FOUND;
}

typedef enum map_answer lookup_fn(const uint8_t *map, size_t len, uint32_t pc,
				  struct map_live *out);

MAP_INLINE enum map_answer paged_lookup(const uint8_t *map, size_t len, compare_fn *compare,
					lookup_fn *far, struct form form, uint32_t pc,
					struct map_live *out)
{
	uint32_t id;
	struct bucket bucket;
	int answer = paged_bucket(map, len, pc, &bucket);
	if (answer == MAP_FOUND)
		answer = paged_id(bucket, compare, form, pc, &id);
	if (answer == FAR)
		return far(map, len, pc, out);
	return answer == MAP_FOUND ? paged_map(map, len, form, id, out) : (enum map_answer)answer;
}

MAP_INLINE struct form paged_form(const uint8_t *map)
{
	uint32_t bits = load8(map + PAGED_BYTE_BITS);
	return (struct form){ bits <= PAGED_BITS ? bits : PAGED_BITS,
			      load8(map + PAGED_BYTE_STRIDE) == 1 ? 1 : 2,
			      load8(map + PAGED_BYTE_MASK) & 4 };
}

/* The whole again for what paged_id says is FAR: less than one in ten. */
MAP_INLINE enum map_answer paged_far(const uint8_t *map, size_t len, find_fn *find, uint32_t pc,
				     struct map_live *out)
{
	struct form form = paged_form(map);
	struct bucket b;
	if (paged_bucket(map, len, pc, &b) != MAP_FOUND)
		return MAP_DAMAGED; /* unreachable */
	uint32_t live = load8(b.at);
	size_t end = b.size - paged_ids_size(live, form.bits), i = find(b.at, end, (uint8_t)pc);
	if (i >= end)
		return MAP_NO_SAFEPOINT;
	uint32_t id = i <= live ? id_at(b.at + end, i - 1, form.bits) : 0;
	return paged_map(map, len, form, id, out);
}

MAP_INLINE void paged_lookup_many(const uint8_t *map, size_t len, compare_fn *near, lookup_fn *far,
				  struct form form, const uint32_t *pcs, size_t n,
				  struct map_live *out, enum map_answer *answers)
{
	size_t i = 0;
	for (; n - i >= MAP_LANES; i += MAP_LANES) {
		uint32_t ids[MAP_LANES];
		struct bucket buckets[MAP_LANES];
		for (size_t k = 0; k < MAP_LANES; k++) {
			answers[i + k] = paged_bucket(map, len, pcs[i + k], &buckets[k]);
			if (answers[i + k] == MAP_FOUND)
				MAP_PREFETCH(buckets[k].at);
		}
		for (size_t k = 0; k < MAP_LANES; k++) {
			if (answers[i + k] != MAP_FOUND)
				continue;
			int answer = paged_id(buckets[k], near, form, pcs[i + k], &ids[k]);
			if (answer == FAR) {
				answers[i + k] = far(map, len, pcs[i + k], &out[i + k]);
				ids[k] = UINT32_MAX;
			} else {
				answers[i + k] = (enum map_answer)answer;
			}
		}
		for (size_t k = 0; k < MAP_LANES; k++)
			if (answers[i + k] == MAP_FOUND && ids[k] != UINT32_MAX)
				answers[i + k] = paged_map(map, len, form, ids[k], &out[i + k]);
	}
	for (; i < n; i++)
		answers[i] = paged_lookup(map, len, near, far, form, pcs[i], &out[i]);
}

#define ONE_ARGS const uint8_t *map, size_t len, uint32_t pc, struct map_live *out
#define MANY_ARGS                                                                            \
	const uint8_t *map, size_t len, const uint32_t *pcs, size_t n, struct map_live *out, \
	    enum map_answer *answers

/* The readers of one form of table. */
#define READERS(as, attributes, near, far, ...)                                     \
	attributes static enum map_answer lookup_##as(ONE_ARGS)                     \
	{                                                                           \
		const struct form form = __VA_ARGS__;                               \
		return paged_lookup(map, len, near, far, form, pc, out);            \
	}                                                                           \
	attributes static void lookup_many_##as(MANY_ARGS)                          \
	{                                                                           \
		const struct form form = __VA_ARGS__;                               \
		paged_lookup_many(map, len, near, far, form, pcs, n, out, answers); \
	}

#define WIDE   0x00000210u /* 16 bits, 8 bytes a bit, no masks: of a head's bytes 12 to 14 */
#define NARROW 0x00000110u /* 16 bits, 4 bytes a bit, no masks */

/* The readers of all forms, compiled for one kind of processor. */
#define READERS_FOR(kind, attributes, compare, find)                                            \
	attributes static __attribute__((noinline)) enum map_answer far_lookup_##kind(ONE_ARGS) \
	{                                                                                       \
		return paged_far(map, len, find, pc, out);                                      \
	}                                                                                       \
	READERS(kind##_wide, attributes, compare, far_lookup_##kind, { 16, 2, 0 })              \
	READERS(kind##_narrow, attributes, compare, far_lookup_##kind, { 16, 1, 0 })            \
	READERS(kind##_other, attributes, compare, far_lookup_##kind, paged_form(map))          \
	static inline enum map_answer lookup_##kind(ONE_ARGS)                                   \
	{                                                                                       \
		if (len < PAGED_HEAD)                                                           \
			return len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;                            \
		uint32_t form = map_load32(map + 12) & 0xffffff;                                \
		if (form == WIDE)                                                               \
			return lookup_##kind##_wide(map, len, pc, out);                         \
		if (form == NARROW)                                                             \
			return lookup_##kind##_narrow(map, len, pc, out);                       \
		return lookup_##kind##_other(map, len, pc, out);                                \
	}                                                                                       \
	static void lookup_many_##kind(MANY_ARGS)                                               \
	{                                                                                       \
		uint32_t form = len < PAGED_HEAD ? 0 : map_load32(map + 12) & 0xffffff;         \
		for (size_t i = 0; i < n && len < PAGED_HEAD; i++)                              \
			answers[i] = len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;                      \
		if (form == WIDE)                                                               \
			lookup_many_##kind##_wide(map, len, pcs, n, out, answers);              \
		else if (form == NARROW)                                                        \
			lookup_many_##kind##_narrow(map, len, pcs, n, out, answers);            \
		else if (len >= PAGED_HEAD)                                                     \
			lookup_many_##kind##_other(map, len, pcs, n, out, answers);             \
	}

static bool always(void)
{
	return true;
}

READERS_FOR(scalar, , compare_scalar, find_scalar)
#if defined(__x86_64__)
READERS_FOR(sse2, , compare_sse2, find_sse2)
READERS_FOR(avx2, AVX2, compare_sse2, find_avx2)

static inline bool has_avx2(void)
{
	return __builtin_cpu_supports("x86-64-v3");
}
#define DISPATCH(function, ...) \
	(has_avx2() ? function##_avx2(__VA_ARGS__) : function##_sse2(__VA_ARGS__))
#else
#define DISPATCH(function, ...) function##_scalar(__VA_ARGS__)
#endif

const struct map_paged_reader map_paged_readers[] = {
	{ "scalar", always, lookup_scalar, lookup_many_scalar },
#if defined(__x86_64__)
	{ "sse2", always, lookup_sse2, lookup_many_sse2 },
	{ "avx2", has_avx2, lookup_avx2, lookup_many_avx2 },
#endif
	{ 0 },
};

static enum map_answer paged_look(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				  struct map_live *out)
{
	(void)scratch;
	return DISPATCH(lookup, map, len, pc, out);
}

static void paged_look_many(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			    uint8_t *scratch, struct map_live *out, enum map_answer *answers)
{
	(void)scratch;
	DISPATCH(lookup_many, map, len, pcs, n, out, answers);
}

static void paged_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	*index = len;
	if (len >= PAGED_HEAD && map_load32(map + 4) < len)
		*index = map_load32(map + 4);
	*data = len - *index;
}

const struct map_ops map_paged = {
	.name = "paged",
	.summary =
	    "a page of text leads to low bytes, all compared at once; maps in chunks of a frame",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.limits = "255 safepoints with live places in 256 bytes of text, 4 GiB",
	.state = sizeof(struct map_paged),
	.add = map_paged_add,
	.finish = map_paged_finish,
	.lookup = paged_look,
	.lookup_many = paged_look_many,
	.split = paged_split,
};
