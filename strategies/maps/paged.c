/*
 * paged.c - the fast one: a pc's upper bits lead straight to the few entries around it, and their
 * low bytes are compared all at once.
 *
 *      head       u32 bytes of the directory | u32 offset of the chunks |
 *                 u8 bytes of an id | stride | bytes of a mask | bits of a place in a chunk
 *      directory  u32 for each page of 256 bytes of text, and one more:
 *                     bits 4 to 31: where its bucket begins | bits 0 to 3: entries there, up to 15
 *      buckets    for each page:  low[] of its entries, those with an id first | id[]
 *                 with more than 15 entries:  low[15] | id[15] | u8 n | low[] of the rest | id[n]
 *      chunks     parts/map_chunks.h draws them
 *      records
 *      zeros      64 bytes: what begins before them may be read 64 bytes far
 *
 * Nothing is searched for: bits 8 to 31 of a pc say where its bucket lies, and bits 0 to 7 are the
 * byte to find there, so the answer is exact. A bucket holds 2 to 4 entries; those without live
 * places come last and have no id, since half of a table's may be such. (With a rest, the first 15
 * all have one.)
 *
 * An id is a chunk's number and a place in the chunk. Chunk 0 is that of empty maps, and has no
 * record. Ids have 16 or 24 bits, as the table needs.
 *
 * What bounds a reader is how many lookups a processor holds at once: each instruction that waits
 * for the chain of four loads (directory, bucket, id, chunk) takes a place. So bytes are given for
 * instructions: a word of the directory has twice the bytes of an offset from a base, and says all
 * of its bucket; ids are never narrower than 16 bits.
 *
 * A table that is damaged: where the directory's word, the bucket, the chunk and the record lie is
 * compared with where the zeros begin, which follows from len; an id ends at most 61 bytes behind
 * its bucket's start. paged_write.c writes.
 */
#include "paged.h"

/* The place of the first byte that equals the key; n or more: there is none.
 * p[0..n + PAGED_SLACK) may be read. */
typedef size_t find_fn(const uint8_t *p, size_t n, uint8_t key);

MAP_INLINE size_t find_scalar(const uint8_t *p, size_t n, uint8_t key)
{
	for (size_t i = 0; i < n; i += 8) {
		uint32_t equal = map_compare_8(p + i, key);
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}

#if defined(__x86_64__)
MAP_INLINE size_t find_sse2(const uint8_t *p, size_t n, uint8_t key)
{
	for (size_t i = 0; i < n; i += 16) {
		uint32_t equal = map_compare_sse2(p + i, key);
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}

MAP_AVX2 MAP_INLINE size_t find_avx2(const uint8_t *p, size_t n, uint8_t key)
{
	const __m256i keys = _mm256_set1_epi8((char)key);
	for (size_t i = 0; i < n; i += 32) {
		MAP_TOUCH(p + i, 32);
		__m256i v = _mm256_loadu_si256((const void *)(p + i));
		uint32_t equal = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, keys));
		if (equal)
			return i + (size_t)__builtin_ctz(equal);
	}
	return n;
}
#endif

/* A table of at least PAGED_SLACK bytes. */
struct table {
	const uint8_t *map;
	size_t end;	    /* of all but the zeros: PAGED_SLACK bytes from here on may be read */
	uint32_t directory; /* bytes */
};

MAP_INLINE struct table paged_open(const uint8_t *map, size_t len)
{
	return (struct table){ map, len - PAGED_SLACK, map_load32(map) };
}

/* What a reader is made for. */
struct form {
	uint32_t width, stride; /* bytes of an id, 2 or 3; slots from bit to bit */
	uint32_t mask;		/* bytes of a record's mask of registers, 0 or 4 */
	uint32_t chunk_bits;	/* of an id: the place in its chunk */
};

MAP_INLINE struct form paged_form(const uint8_t *map)
{
	return (struct form){ map_load8(map + PAGED_BYTE_WIDTH) == 2 ? 2 : 3,
			      map_load8(map + PAGED_BYTE_STRIDE) == 1 ? 1 : 2,
			      map_load8(map + PAGED_BYTE_MASK) & 4,
			      map_load8(map + PAGED_BYTE_CHUNK_BITS) & 31 };
}

/* A page's word of the directory, and the next one in the upper half. */
MAP_INLINE enum map_answer paged_words(const struct table *t, uint32_t pc, uint64_t *words)
{
	uint32_t at = pc / 256 * 4;
	if (at >= t->directory)
		return MAP_NO_SAFEPOINT;
	if (at > t->end)
		return MAP_DAMAGED;
	*words = map_load64(t->map + PAGED_HEAD + at);
	return MAP_FOUND;
}

MAP_INLINE uint32_t start_of(uint64_t words)
{
	return (uint32_t)words >> 4;
}

MAP_INLINE uint32_t end_of(uint64_t words)
{
	return (uint32_t)(words >> 36);
}

MAP_INLINE uint32_t id_at(const struct table *t, struct form form, uint32_t at)
{
	const uint8_t *p = t->map + at;
	return form.width == 2 ? map_load16(p) : map_load32(p) & 0xffffff;
}

/* The id of a pc. FAR: it may be in the bucket's rest. Where the id of an entry without one would
 * be, bytes are read, and not used: no branch depends on it. */
enum { FAR = 16 };
MAP_INLINE int paged_id(const struct table *t, uint64_t words, map_compare_fn *compare,
			struct form form, uint32_t pc, uint32_t *id)
{
	uint32_t start = start_of(words), n = words & PAGED_NEAR;
	if (start > t->end)
		return MAP_DAMAGED;
	uint32_t equal = compare(t->map + start, (uint8_t)pc) | 1u << MAP_COMPARED;
	uint32_t i = (uint32_t)__builtin_ctz(equal);
	if (i >= n)
		return n < PAGED_NEAR ? (int)MAP_NO_SAFEPOINT : FAR;
	uint32_t at = start + n + form.width * i;
	*id = id_at(t, form, at) & -(uint32_t)(at < end_of(words));
	return MAP_FOUND;
}

/* Where the chunks are. A single lookup asks when it has an id: a register is free then. */
MAP_INLINE uint32_t paged_chunks(const uint8_t *map)
{
	return map_load32(map + 4);
}

/* The map of an id. */
MAP_INLINE enum map_answer paged_map(const struct table *t, uint32_t chunks, struct form form,
				     uint32_t id, struct map_live *out)
{
	uint32_t number = id >> form.chunk_bits, place = id & ((1u << form.chunk_bits) - 1);
	size_t chunk = chunks + (size_t)number * MAP_CHUNK;
	if (chunk > t->end)
		return MAP_DAMAGED;
	return map_chunk_at(t->map, t->end, t->map + chunk, place, form.stride,
			    number ? form.mask : 0, out);
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
	uint64_t words;
	int answer = paged_words(&t, pc, &words);
	if (answer == MAP_FOUND)
		answer = paged_id(&t, words, compare, form, pc, &id);
	if (answer == FAR)
		return far(map, len, pc, out);
	return answer == MAP_FOUND ? paged_map(&t, paged_chunks(map), form, id, out)
				   : (enum map_answer)answer;
}

/* In a bucket's rest, for one lookup in forty or less. */
MAP_INLINE enum map_answer paged_far(const uint8_t *map, size_t len, find_fn *find, uint32_t pc,
				     struct map_live *out)
{
	const struct table t = paged_open(map, len);
	const struct form form = paged_form(map);
	uint64_t words;
	if (paged_words(&t, pc, &words) != MAP_FOUND)
		return MAP_DAMAGED; /* unreachable */
	uint32_t rest = start_of(words) + PAGED_NEAR * (1 + form.width), end = end_of(words);
	if (rest >= end)
		return MAP_NO_SAFEPOINT;
	if (end > t.end)
		return MAP_DAMAGED;
	uint32_t ids = map_load8(map + rest++) * form.width, n = end - rest - ids;
	if (ids > end - rest)
		return MAP_DAMAGED;
	size_t i = find(map + rest, n, (uint8_t)pc);
	if (i >= n)
		return MAP_NO_SAFEPOINT;
	uint32_t at = rest + n + form.width * (uint32_t)i, id = at < end ? id_at(&t, form, at) : 0;
	return paged_map(&t, paged_chunks(map), form, id, out);
}

/*
 * MAP_LANES words of the directory are read, then MAP_LANES ids, then the maps: each load of a lane
 * is on its way while the others' are asked for. It pays to fetch the bucket, and the bitmap for
 * the caller; the directory and the chunks are small, and not worth an instruction.
 */
MAP_INLINE void paged_lookup_many(const uint8_t *map, size_t len, map_compare_fn *compare,
				  lookup_fn *far, struct form form, const uint32_t *pcs, size_t n,
				  struct map_live *out, enum map_answer *answers)
{
	const struct table t = paged_open(map, len);
	const uint32_t chunks = paged_chunks(map);
	size_t i = 0;
	for (; n - i >= MAP_LANES; i += MAP_LANES) {
		const uint32_t done = UINT32_MAX; /* no id */
		uint32_t ids[MAP_LANES];
		uint64_t words[MAP_LANES];
		for (size_t k = 0; k < MAP_LANES; k++) {
			answers[i + k] = paged_words(&t, pcs[i + k], &words[k]);
			if (answers[i + k] == MAP_FOUND)
				MAP_PREFETCH(map + start_of(words[k]));
		}
		for (size_t k = 0; k < MAP_LANES; k++) {
			if (answers[i + k] != MAP_FOUND)
				continue;
			int answer = paged_id(&t, words[k], compare, form, pcs[i + k], &ids[k]);
			if (answer == FAR) {
				answers[i + k] = far(map, len, pcs[i + k], &out[i + k]);
				ids[k] = done;
			} else {
				answers[i + k] = (enum map_answer)answer;
			}
		}
		for (size_t k = 0; k < MAP_LANES; k++)
			if (answers[i + k] == MAP_FOUND && ids[k] != done) {
				answers[i + k] = paged_map(&t, chunks, form, ids[k], &out[i + k]);
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

/* The reader is compiled for the usual form, for that of slots of 4 bytes with many sets of
 * registers, and for all others. */
static const struct form usual = { 2, 2, 0, 5 }, narrow = { 2, 1, 0, 3 };
#define USUAL  0x05000202u /* a head's last bytes */
#define NARROW 0x03000102u

static __attribute__((noinline)) enum map_answer look_other(const uint8_t *map, size_t len,
							    uint32_t pc, struct map_live *out)
{
	if (len < PAGED_SLACK)
		return len ? MAP_DAMAGED : MAP_NO_SAFEPOINT;
	if (map_load32(map + PAGED_BYTE_WIDTH) == NARROW)
		return paged_lookup(map, len, MAP_COMPARE, far, narrow, pc, out);
	return paged_lookup(map, len, MAP_COMPARE, far, paged_form(map), pc, out);
}

static enum map_answer paged_look(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				  struct map_live *out)
{
	(void)scratch;
	if (len >= PAGED_SLACK && map_load32(map + PAGED_BYTE_WIDTH) == USUAL)
		return paged_lookup(map, len, MAP_COMPARE, far, usual, pc, out);
	return look_other(map, len, pc, out);
}

static void paged_look_many(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			    uint8_t *scratch, struct map_live *out, enum map_answer *answers)
{
	(void)scratch;
	uint32_t form = len < PAGED_SLACK ? 0 : map_load32(map + PAGED_BYTE_WIDTH);
	if (form == USUAL)
		paged_lookup_many(map, len, MAP_COMPARE, far, usual, pcs, n, out, answers);
	else if (form == NARROW)
		paged_lookup_many(map, len, MAP_COMPARE, far, narrow, pcs, n, out, answers);
	else if (len >= PAGED_SLACK)
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
		if (len < PAGED_SLACK)                                                        \
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
	.limits = "ids of 24 bits (524,287 frame sizes if each has 32 maps or fewer), an index of "
		  "256 MiB, 4 GiB",
	.state = sizeof(struct map_paged),
	.add = map_paged_add,
	.finish = map_paged_finish,
	.lookup = paged_look,
	.lookup_many = paged_look_many,
	.split = paged_split,
};
