/* counted_write.c - the writing half of `counted`: maps in chunks, the frequent ones alone; entries
 * in buckets, and counts of them. */
#include <errno.h>
#include <stdlib.h>

#include "../parts/bytes.h"
#include "counted.h"

int map_counted_add(void *state, const struct safepoint *p)
{
	return map_chunked_add(state, p);
}

/* How the maps that have no chunk of their own are numbered. */
struct numbering {
	uint32_t codes;	 /* chunks of a map alone */
	uint32_t second; /* bytes behind the other codes */
	uint32_t mask;	 /* bytes of a record's mask of registers */
	unsigned bits;	 /* of an id: the place in its chunk */
	uint64_t cost;	 /* bytes of chunks, records and second bytes, about */
};

struct layout {
	const struct map_chunked *points;
	struct map_chunks maps; /* those that are alone come first, by code */
	struct numbering how;
	uint32_t nchunks;
	uint64_t records; /* bytes */
	/* Of each map, at its first word: its uses, then its code, or ALONE + its id. */
	uint32_t *numbers;
	struct map_bytes directory, buckets, wide;
};
enum { ALONE = 256 };

static void put16(uint8_t *p, uint64_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

/* ---- Codes --------------------------------------------------------------------------------- */

static int by_uses(const void *a, const void *b)
{
	const struct map_shape *x = a, *y = b;
	if (x->uses != y->uses)
		return x->uses > y->uses ? -1 : 1;
	return x->map < y->map ? -1 : x->map > y->map;
}

/* Bytes and chunks of all maps from shape `from` on. */
static uint64_t measure(const struct map_chunks *c, uint32_t from, unsigned bits, uint64_t *nchunks)
{
	uint64_t bytes = 0;
	*nchunks = 0;
	for (uint32_t i = from; i < c->n; ++*nchunks) {
		const struct map_chunk k = map_chunk_from(c, i, bits);
		bytes += map_chunk_bytes(c, &k);
		i = k.end;
	}
	return bytes;
}

/* Chooses the codes for chunks of all maps that take `bytes`, if that costs less than *best. uses:
 * of the most frequent maps; total: of all. */
static void choose_codes(struct numbering how, uint64_t nchunks, uint64_t bytes,
			 const uint32_t *uses, uint32_t n, uint64_t total, struct numbering *best)
{
	for (how.second = 1; how.second <= 2; how.second++) {
		uint64_t upper =
		    ((nchunks << how.bits) + (1u << 8 * how.second) - 1) >> 8 * how.second;
		how.cost = MAP_CHUNK * nchunks + bytes + how.second * total;
		for (how.codes = 0; how.codes <= n && how.codes < ALONE; how.codes++) {
			/* If all maps are alone, none needs another code; else enough
			 * other codes must be left. */
			bool fits = how.codes == n || how.codes + upper <= ALONE;
			if (fits && how.cost < best->cost)
				*best = how;
			if (how.codes < n)
				how.cost += MAP_CHUNK - (uint64_t)how.second * uses[how.codes];
		}
	}
}

/* 0, -EFBIG. */
static int choose(struct layout *l)
{
	struct map_chunks *c = &l->maps;
	uint32_t uses[ALONE] = { 0 }, wanted = l->points->registers ? 4 : 0;
	uint64_t total = 0;
	qsort(c->shapes, c->n, sizeof *c->shapes, by_uses);
	for (uint32_t i = 0; i < c->n; i++) {
		total += c->shapes[i].uses;
		if (i < ALONE)
			uses[i] = c->shapes[i].uses;
	}
	l->how = (struct numbering){ .cost = UINT64_MAX };
	for (uint32_t mask = 0; mask <= wanted; mask += 4) {
		map_chunks_sort(c, 0, mask);
		for (unsigned bits = 3; bits <= 5; bits++) {
			const struct numbering how = { .mask = mask, .bits = bits };
			uint64_t nchunks, bytes = measure(c, 0, bits, &nchunks);
			if (nchunks << bits <= COUNTED_MOST_IDS)
				choose_codes(how, nchunks, bytes, uses, c->n, total, &l->how);
		}
	}
	return l->how.cost == UINT64_MAX ? -EFBIG : 0;
}

/* The chunk that begins with shape i: those that are alone come first. */
static struct map_chunk chunk_from(const struct layout *l, uint32_t i)
{
	return map_chunk_from(&l->maps, i, i < l->how.codes ? 0 : l->how.bits);
}

static void number_maps(struct layout *l)
{
	struct map_chunks *c = &l->maps;
	uint32_t id = 0;
	qsort(c->shapes, c->n, sizeof *c->shapes, by_uses);
	map_chunks_sort(c, l->how.codes, l->how.mask);
	for (uint32_t i = 0; i < c->n; l->nchunks++) {
		const struct map_chunk k = chunk_from(l, i);
		l->records += map_chunk_bytes(c, &k);
		for (; i < k.end; i++)
			l->numbers[c->shapes[i].map] =
			    i < l->how.codes ? i : ALONE + id + i - k.begin;
		id += k.begin < l->how.codes ? 0 : 1u << l->how.bits;
	}
}

/* ---- Buckets ------------------------------------------------------------------------------- */

enum kind { LONG, SHORT, EMPTY, KINDS };

static enum kind kind_of(const struct layout *l, const struct map_entry *e)
{
	return !e->map ? EMPTY : l->numbers[e->map - 1] < ALONE ? SHORT : LONG;
}

/* Appends the entries from `from` to `to`: live ones, those with long codes first; their second
 * bytes, and the empty ones. */
static int put_entries(const struct layout *l, size_t from, size_t to, const uint32_t n[KINDS],
		       struct map_bytes *out)
{
	const uint32_t live = n[LONG] + n[SHORT], second = l->how.second;
	uint32_t next[KINDS] = { 0, n[LONG], second * n[LONG] };
	size_t at;
	int error = map_bytes_zeros(out, 2 * live + second * n[LONG] + n[EMPTY], &at);
	if (error)
		return error;
	uint8_t *codes = out->data + at, *lows = codes + live, *rest = lows + live;
	for (size_t i = from; i < to; i++) {
		const struct map_entry *e = map_entry_at(l->points, i);
		enum kind kind = kind_of(l, e);
		uint32_t k = next[kind]++;
		if (kind == EMPTY) {
			rest[k] = (uint8_t)e->pc;
			continue;
		}
		uint32_t number = l->numbers[e->map - 1], id = number - ALONE;
		lows[k] = (uint8_t)e->pc;
		codes[k] = (uint8_t)(kind == SHORT ? number : l->how.codes + (id >> 8 * second));
		for (uint32_t b = 0; kind == LONG && b < second; b++)
			rest[second * k + b] = (uint8_t)(id >> 8 * b);
	}
	return 0;
}

/* Appends the bucket of the entries from `from` to `to`; *count becomes its byte of the counts.
 * most: bytes that it may have. */
static int put_bucket(struct layout *l, size_t from, size_t to, size_t most, uint8_t *count)
{
	uint32_t n[KINDS] = { 0 };
	for (size_t i = from; i < to; i++)
		n[kind_of(l, map_entry_at(l->points, i))]++;
	uint32_t live = n[LONG] + n[SHORT], rest = l->how.second * n[LONG] + n[EMPTY];
	*count = (uint8_t)(live | rest << 4);
	if (live <= COUNTED_MOST && rest <= COUNTED_MOST && 2 * live + rest <= most &&
	    *count != COUNTED_IS_WIDE)
		return put_entries(l, from, to, n, &l->buckets);
	*count = COUNTED_IS_WIDE;
	if (l->wide.len > UINT32_MAX)
		return -EFBIG;
	int error = map_bytes_put32(&l->buckets, (uint32_t)l->wide.len);
	if (!error)
		error = map_bytes_put_low(&l->buckets, live, 2);
	if (!error)
		error = map_bytes_put_low(&l->buckets, rest, 2);
	return error ? error : put_entries(l, from, to, n, &l->wide);
}

/* The entries from `from` on that have the same pc / unit end before the index returned. */
static size_t unit_of(const struct map_chunked *s, size_t from, uint32_t unit)
{
	size_t i = from;
	while (i < map_nentries(s) &&
	       map_entry_at(s, i)->pc / unit == map_entry_at(s, from)->pc / unit)
		i++;
	return i;
}

/* The buckets of a group: the entries from `from` to `to`. */
static int put_group(struct layout *l, size_t from, size_t to, uint8_t counts[COUNTED_GROUP])
{
	size_t begin = l->buckets.len;
	int error = 0;
	for (size_t i = from, next; i < to && !error; i = next) {
		size_t bucket = map_entry_at(l->points, i)->pc / COUNTED_BUCKET % COUNTED_GROUP;
		/* All behind it but the last must have room. */
		size_t left = COUNTED_GROUP - 1 - bucket, used = l->buckets.len - begin;
		size_t most =
		    left ? COUNTED_MOST_BYTES - COUNTED_WIDE_BYTES * (left - 1) - used : SIZE_MAX;
		next = unit_of(l->points, i, COUNTED_BUCKET);
		error = put_bucket(l, i, next, most, &counts[bucket]);
	}
	return error;
}

/* All buckets, and the directory to them. */
static int put_buckets(struct layout *l)
{
	const struct map_chunked *s = l->points;
	size_t n = map_nentries(s), nblocks = map_entry_at(s, n - 1)->pc / COUNTED_TEXT + (size_t)1;
	int error = map_bytes_zeros(&l->directory, nblocks * COUNTED_BLOCK, NULL);
	for (size_t i = 0, end; i < n && !error; i = end) {
		uint32_t text = map_entry_at(s, i)->pc / COUNTED_TEXT;
		uint8_t *block = l->directory.data + (size_t)text * COUNTED_BLOCK;
		uint64_t base = COUNTED_HEAD + (uint64_t)l->directory.len + l->buckets.len;
		if (base > UINT32_MAX)
			return -EFBIG;
		map_store32(block, (uint32_t)base);
		end = unit_of(s, i, COUNTED_TEXT);
		for (size_t from = i, to; from < end && !error; from = to) {
			size_t group = map_entry_at(s, from)->pc /
				       (COUNTED_BUCKET * COUNTED_GROUP) % COUNTED_GROUPS;
			put16(block + COUNTED_AT + 2 * group,
			      COUNTED_HEAD + l->directory.len + l->buckets.len - base);
			to = unit_of(s, from, COUNTED_BUCKET * COUNTED_GROUP);
			error = put_group(l, from, to, block + COUNTED_COUNTS + 8 * group);
		}
	}
	return error;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static void put_head(const struct layout *l, uint64_t wide, uint64_t chunks, uint8_t *out)
{
	map_store32(out + COUNTED_DIRECTORY, (uint32_t)l->directory.len);
	map_store32(out + COUNTED_WIDE, (uint32_t)wide);
	map_store32(out + COUNTED_CHUNKS, (uint32_t)chunks);
	out[COUNTED_SECOND] = (uint8_t)l->how.second;
	out[COUNTED_STRIDE] = (uint8_t)l->maps.stride;
	out[COUNTED_MASK] = (uint8_t)l->maps.mask;
	out[COUNTED_BITS] = (uint8_t)l->how.bits;
	out[COUNTED_CODES] = (uint8_t)l->how.codes;
}

static int put_all(const struct layout *l, struct map_bytes *out)
{
	uint64_t buckets = COUNTED_HEAD + (uint64_t)l->directory.len;
	uint64_t wide = buckets + l->buckets.len, chunks = wide + l->wide.len;
	uint64_t records = chunks + (uint64_t)MAP_CHUNK * l->nchunks, end = records + l->records;
	size_t at;
	if (end < chunks + COUNTED_SLACK)
		end = chunks + COUNTED_SLACK;
	if (end > UINT32_MAX)
		return -EFBIG;
	int error = map_bytes_zeros(out, (size_t)end, &at);
	if (error)
		return error;
	uint8_t *p = out->data + at, *chunk = p + chunks;
	put_head(l, wide, chunks, p);
	memcpy(p + COUNTED_HEAD, l->directory.data, l->directory.len);
	memcpy(p + buckets, l->buckets.data, l->buckets.len);
	if (l->wide.len)
		memcpy(p + wide, l->wide.data, l->wide.len);
	for (uint32_t i = 0; i < l->maps.n; chunk += MAP_CHUNK) {
		const struct map_chunk k = chunk_from(l, i);
		map_chunk_put(&l->maps, &k, chunk, p, records);
		records += map_chunk_bytes(&l->maps, &k);
		i = k.end;
	}
	return 0;
}

static int write_table(struct layout *l, struct map_bytes *out)
{
	int error = map_chunks_begin(&l->maps, l->points);
	if (error)
		return error;
	l->numbers = calloc(l->points->maps.bytes.len + 4, 1);
	if (!l->numbers)
		return -ENOMEM;
	for (size_t i = 0; i < map_nentries(l->points); i++) {
		const struct map_entry *e = map_entry_at(l->points, i);
		if (e->map)
			l->numbers[e->map - 1]++;
	}
	for (uint32_t i = 0; i < l->maps.n; i++)
		l->maps.shapes[i].uses = l->numbers[l->maps.shapes[i].map];
	error = choose(l);
	if (error)
		return error;
	number_maps(l);
	error = put_buckets(l);
	return error ? error : put_all(l, out);
}

int map_counted_finish(void *state, struct map_bytes *out)
{
	struct layout l = { .points = state };
	int error = out && map_nentries(l.points) ? write_table(&l, out) : 0;
	free(l.maps.shapes);
	free(l.numbers);
	free(l.directory.data);
	free(l.buckets.data);
	free(l.wide.data);
	map_chunked_free(state);
	return error;
}
