/*
 * paged.c - the fast one: a pc's upper bits lead straight to the few entries around it, and their
 * low bytes are compared all at once.
 *
 *      head       u32 bytes of the directory | u32 offset of the chunks |
 *                 u8 bits of an id | stride | bytes of a mask | bits of a place in a chunk
 *      directory  a block for each 16 KiB of text:   u32 base | u16 at[65]
 *      buckets    one for each 256 bytes of text, from base + at[i] to base + at[i + 1]:
 *                     u8 count of entries with an id | u8 low[], theirs first | id[]
 *      chunks     parts/map_chunks.h draws them
 *      records
 *      zeros      for the last loads of a reader
 *
 * Nothing is searched for: bits 8 to 31 of a pc say where its bucket lies, and bits 0 to 7 are the
 * byte to find there, so the answer is exact. A bucket holds 4 or 5 entries; those without live
 * places come last and have no id, since half of a table's may be such.
 *
 * An id is a chunk's number and a place in the chunk. Chunk 0 is that of empty maps, and has no
 * record. Ids have 12, 16 or 24 bits, as the table needs.
 *
 * A table that is damaged: all four steps (directory, bucket, chunk, record) check their bytes
 * against len. paged_write.c writes.
 */
#include "paged.h"

/* The place, LANES or more, of a byte that equals the key; n or more: there is none.
 * p[0..n + PAGED_SLACK) may be read. */
typedef size_t find_fn(const uint8_t *p, size_t n, uint8_t key);
enum { LANES = MAP_COMPARED };

MAP_INLINE size_t find_scalar(const uint8_t *p, size_t n, uint8_t key)
{
	for (size_t i = LANES; i < n; i += 8) {
		uint32_t equal = map_compare_8(p + i, key);
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}

#if defined(__x86_64__)
MAP_INLINE size_t find_sse2(const uint8_t *p, size_t n, uint8_t key)
{
	for (size_t i = LANES; i < n; i += 16) {
		uint32_t equal = map_compare_sse2(p + i, key);
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}

MAP_AVX2 MAP_INLINE size_t find_avx2(const uint8_t *p, size_t n, uint8_t key)
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

/* A head of at least PAGED_HEAD bytes: all of it is read before anything is written. */
struct table {
	const uint8_t *map;
	size_t len;
	uint32_t directory, chunks;
};

MAP_INLINE struct table paged_open(const uint8_t *map, size_t len)
{
	return (struct table){ map, len, map_load32(map), map_load32(map + 4) };
}

/* What a reader is made for. */
struct form {
	uint32_t bits, stride; /* of an id; slots from bit to bit */
	uint32_t mask;	       /* bytes of a record's mask of registers, 0 or 4 */
	uint32_t chunk_bits;   /* of an id: the place in its chunk */
};

/* Id i of a bucket. */
MAP_INLINE uint32_t id_at(const uint8_t *ids, size_t i, uint32_t bits)
{
	if (__builtin_expect(bits == 16, 1))
		return map_load16(ids + 2 * i);
	size_t at = i * bits;
	return map_load32(ids + at / 8) >> at % 8 & ((1u << bits) - 1);
}

/* The map of an id. */
MAP_INLINE enum map_answer paged_map(const struct table *t, struct form form, uint32_t id,
				     struct map_live *out)
{
	uint32_t chunk = id >> form.chunk_bits, place = id & ((1u << form.chunk_bits) - 1);
	return map_chunk_map(t->map, t->len, t->chunks + (uint64_t)chunk * MAP_CHUNK, place,
			     form.stride, chunk ? form.mask : 0, out);
}

/* The bucket of a pc. */
struct bucket {
	const uint8_t *at;
	uint32_t size; /* 0: none */
};

MAP_INLINE enum map_answer paged_bucket(const struct table *t, uint32_t pc, struct bucket *out)
{
	size_t block = pc / (256 * PAGED_BUCKETS) * (size_t)PAGED_BLOCK;
	if (block >= t->directory)
		return MAP_NO_SAFEPOINT;
	if (block + PAGED_HEAD + PAGED_BLOCK > t->len)
		return MAP_DAMAGED;
	const uint8_t *b = t->map + block + PAGED_HEAD;
	const uint8_t *ends = b + 4 + 2 * (size_t)(pc / 256 % PAGED_BUCKETS);
	size_t first = map_load16(ends);
	uint32_t size = map_load16(ends + 2) - (uint32_t)first;
	uint64_t start = (uint64_t)map_load32(b) + first;
	if (start + 4 * (uint64_t)size + PAGED_SLACK > t->len)
		return MAP_DAMAGED;
	*out = (struct bucket){ t->map + start, size };
	return MAP_FOUND;
}

/*
 * The id of a pc. The bytes are compared from the bucket's first on, which counts the entries that
 * have an id: so entry 1 is the first one. FAR: it may be behind those that were compared. Where
 * the id of an entry without one would be, bytes are read, and not used.
 */
enum { FAR = 16 };
MAP_INLINE int paged_id(struct bucket b, map_compare_fn *compare, struct form form, uint32_t pc,
			uint32_t *id)
{
	size_t live = map_load8(b.at) + (size_t)1;
	int32_t size = (int32_t)(b.size - paged_ids_size((uint32_t)live - 1, form.bits));
	if (size < (int32_t)live)
		return b.size ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
	size_t end = (size_t)size, i;
	uint64_t equal = compare(b.at, (uint8_t)pc) & ~1u;
	if (!equal)
		return end > LANES ? FAR : MAP_NO_SAFEPOINT;
	i = (size_t)__builtin_ctzll(equal);
	if (i >= end)
		return MAP_NO_SAFEPOINT;
	*id = id_at(b.at + end, i - 1, form.bits) & (uint32_t)((size_t)0 - (i < live));
	return MAP_FOUND;
}

typedef enum map_answer lookup_fn(const uint8_t *map, size_t len, uint32_t pc,
				  struct map_live *out);

/* far: for what paged_id says is FAR. */
MAP_INLINE enum map_answer paged_lookup(const uint8_t *map, size_t len, map_compare_fn *compare,
					lookup_fn *far, struct form form, uint32_t pc,
					struct map_live *out)
{
	const struct table t = paged_open(map, len);
	uint32_t id;
	struct bucket bucket;
	int answer = paged_bucket(&t, pc, &bucket);
	if (answer == MAP_FOUND)
		answer = paged_id(bucket, compare, form, pc, &id);
	if (answer == FAR)
		return far(map, len, pc, out);
	return answer == MAP_FOUND ? paged_map(&t, form, id, out) : (enum map_answer)answer;
}

MAP_INLINE struct form paged_form(const uint8_t *map)
{
	uint32_t bits = map_load8(map + PAGED_BYTE_BITS);
	return (struct form){ bits <= PAGED_BITS ? bits : PAGED_BITS,
			      map_load8(map + PAGED_BYTE_STRIDE) == 1 ? 1 : 2,
			      map_load8(map + PAGED_BYTE_MASK) & 4,
			      map_load8(map + PAGED_BYTE_CHUNK_BITS) & 31 };
}

/* The whole again, for less than one lookup in ten. */
MAP_INLINE enum map_answer paged_far(const uint8_t *map, size_t len, find_fn *find, uint32_t pc,
				     struct map_live *out)
{
	const struct table t = paged_open(map, len);
	const struct form form = paged_form(map);
	struct bucket b;
	if (paged_bucket(&t, pc, &b) != MAP_FOUND)
		return MAP_DAMAGED; /* unreachable */
	uint32_t live = map_load8(b.at);
	size_t end = b.size - paged_ids_size(live, form.bits), i = find(b.at, end, (uint8_t)pc);
	if (i >= end)
		return MAP_NO_SAFEPOINT;
	return paged_map(&t, form, i <= live ? id_at(b.at + end, i - 1, form.bits) : 0, out);
}

/*
 * MAP_LANES buckets are fetched, then MAP_LANES ids are read, then the maps: each load of a lane is
 * on its way while the others' are asked for. It pays to fetch the bucket, and the bitmap for the
 * caller; the directory and the chunks are small, and not worth an instruction.
 */
MAP_INLINE void paged_lookup_many(const uint8_t *map, size_t len, map_compare_fn *compare,
				  lookup_fn *far, struct form form, const uint32_t *pcs, size_t n,
				  struct map_live *out, enum map_answer *answers)
{
	const struct table t = paged_open(map, len);
	size_t i = 0;
	for (; n - i >= MAP_LANES; i += MAP_LANES) {
		const uint32_t done = UINT32_MAX; /* no id */
		uint32_t ids[MAP_LANES];
		struct bucket buckets[MAP_LANES];
		for (size_t k = 0; k < MAP_LANES; k++) {
			answers[i + k] = paged_bucket(&t, pcs[i + k], &buckets[k]);
			if (answers[i + k] == MAP_FOUND)
				MAP_PREFETCH(buckets[k].at);
		}
		for (size_t k = 0; k < MAP_LANES; k++) {
			if (answers[i + k] != MAP_FOUND)
				continue;
			int answer = paged_id(buckets[k], compare, form, pcs[i + k], &ids[k]);
			if (answer == FAR) {
				answers[i + k] = far(map, len, pcs[i + k], &out[i + k]);
				ids[k] = done;
			} else {
				answers[i + k] = (enum map_answer)answer;
			}
		}
		for (size_t k = 0; k < MAP_LANES; k++)
			if (answers[i + k] == MAP_FOUND && ids[k] != done) {
				answers[i + k] = paged_map(&t, form, ids[k], &out[i + k]);
				MAP_PREFETCH(out[i + k].bitmap);
			}
	}
	for (; i < n; i++)
		answers[i] = paged_lookup(map, len, compare, far, form, pcs[i], &out[i]);
}

/* ---- Readers ------------------------------------------------------------------------------- */

/*
 * Few buckets have more than the 16 bytes that any x86-64 compares at once, so what a processor
 * with AVX2 can do is asked for those alone.
 */
#if defined(__x86_64__)
static enum map_answer far_sse2(const uint8_t *map, size_t len, uint32_t pc, struct map_live *out)
{
	return paged_far(map, len, find_sse2, pc, out);
}

MAP_AVX2 static enum map_answer far_avx2(const uint8_t *map, size_t len, uint32_t pc,
					 struct map_live *out)
{
	return paged_far(map, len, find_avx2, pc, out);
}

static __attribute__((noinline)) enum map_answer far(const uint8_t *map, size_t len, uint32_t pc,
						     struct map_live *out)
{
	return map_has_avx2() ? far_avx2(map, len, pc, out) : far_sse2(map, len, pc, out);
}
#else
static __attribute__((noinline)) enum map_answer far(const uint8_t *map, size_t len, uint32_t pc,
						     struct map_live *out)
{
	return paged_far(map, len, find_scalar, pc, out);
}
#endif

/* The reader is compiled for the usual form, for that of few maps, for that of slots of 4 bytes
 * with many sets of registers, and for all others. */
static const struct form usual = { 16, 2, 0, 5 }, few = { 12, 2, 0, 5 }, narrow = { 16, 1, 0, 3 };
#define USUAL  0x05000210u /* a head's last bytes */
#define FEW    0x0500020cu
#define NARROW 0x03000110u

static __attribute__((noinline)) enum map_answer look_other(const uint8_t *map, size_t len,
							    uint32_t pc, struct map_live *out)
{
	if (len < PAGED_HEAD)
		return len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
	uint32_t form = map_load32(map + PAGED_BYTE_BITS);
	if (form == FEW)
		return paged_lookup(map, len, MAP_COMPARE, far, few, pc, out);
	if (form == NARROW)
		return paged_lookup(map, len, MAP_COMPARE, far, narrow, pc, out);
	return paged_lookup(map, len, MAP_COMPARE, far, paged_form(map), pc, out);
}

static enum map_answer paged_look(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				  struct map_live *out)
{
	(void)scratch;
	if (len >= PAGED_HEAD && map_load32(map + PAGED_BYTE_BITS) == USUAL)
		return paged_lookup(map, len, MAP_COMPARE, far, usual, pc, out);
	return look_other(map, len, pc, out);
}

static void paged_look_many(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			    uint8_t *scratch, struct map_live *out, enum map_answer *answers)
{
	(void)scratch;
	uint32_t form = len < PAGED_HEAD ? 0 : map_load32(map + PAGED_BYTE_BITS);
	if (form == USUAL)
		paged_lookup_many(map, len, MAP_COMPARE, far, usual, pcs, n, out, answers);
	else if (form == FEW)
		paged_lookup_many(map, len, MAP_COMPARE, far, few, pcs, n, out, answers);
	else if (form == NARROW)
		paged_lookup_many(map, len, MAP_COMPARE, far, narrow, pcs, n, out, answers);
	else if (len >= PAGED_HEAD)
		paged_lookup_many(map, len, MAP_COMPARE, far, paged_form(map), pcs, n, out,
				  answers);
	else
		for (size_t i = 0; i < n; i++)
			answers[i] = len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
}

/* One by one, for the test. */
static enum map_answer far_scalar(const uint8_t *map, size_t len, uint32_t pc, struct map_live *out)
{
	return paged_far(map, len, find_scalar, pc, out);
}

#define READER(name, compare)                                                                 \
	static enum map_answer look_##name(const uint8_t *map, size_t len, uint32_t pc,       \
					   struct map_live *out)                              \
	{                                                                                     \
		if (len < PAGED_HEAD)                                                         \
			return len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;                          \
		return paged_lookup(map, len, compare, far_##name, paged_form(map), pc, out); \
	}

READER(scalar, map_compare_scalar)
#if defined(__x86_64__)
READER(sse2, map_compare_sse2)
READER(avx2, map_compare_sse2)
#endif

const struct map_reader map_paged_readers[] = {
	{ "scalar", map_runs_everywhere, look_scalar },
#if defined(__x86_64__)
	{ "sse2", map_runs_everywhere, look_sse2 },
	{ "avx2", map_has_avx2, look_avx2 },
#endif
	{ 0 },
};

/* ---- The encoder --------------------------------------------------------------------------- */

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
