/* paged_write.c - the writing half of `paged`: maps in chunks, entries in buckets. */
#include <errno.h>
#include <stdlib.h>

#include "../parts/bytes.h"
#include "paged.h"

int map_paged_add(void *state, const struct safepoint *p)
{
	struct map_paged *s = state;
	return map_chunked_add(&s->points, p);
}

/* ---- The layout ---------------------------------------------------------------------------- */

struct layout {
	const struct map_chunked *points;
	struct map_chunks maps;
	uint32_t *ids; /* of each map, at its first word */
	uint32_t width, chunk_bits, nchunks;
	uint64_t pages, buckets, chunks, records, end; /* offsets; pages: their number */
	uint8_t *out;
};

/* A bucket's entries, those with a map first. */
struct bucket {
	const struct map_entry *of[256];
	size_t n, near; /* near: those that are compared at once */
	size_t near_ids, rest_ids;
};

/* The bucket of the page of entry i; the index behind its entries. */
static size_t bucket_of(const struct map_chunked *s, size_t i, struct bucket *b)
{
	size_t end = i, n = 0;
	while (end < map_nentries(s) &&
	       map_entry_at(s, end)->pc / 256 == map_entry_at(s, i)->pc / 256)
		end++;
	for (size_t k = i; k < end; k++)
		if (map_entry_at(s, k)->map)
			b->of[n++] = map_entry_at(s, k);
	size_t live = n;
	for (size_t k = i; k < end; k++)
		if (!map_entry_at(s, k)->map)
			b->of[n++] = map_entry_at(s, k);
	b->n = n;
	b->near = n < PAGED_NEAR ? n : PAGED_NEAR;
	b->near_ids = n > PAGED_NEAR ? PAGED_NEAR : live;
	b->rest_ids = live > PAGED_NEAR ? live - PAGED_NEAR : 0;
	return end;
}

static size_t bucket_size(const struct layout *l, const struct bucket *b)
{
	return b->n + (b->n > b->near) + (b->near_ids + b->rest_ids) * l->width;
}

/* Numbers the maps and counts bytes; l->end: of all. */
static void lay_out(struct layout *l)
{
	const struct map_chunked *s = l->points;
	uint64_t records = 0, buckets = 0;
	struct bucket b;
	l->nchunks = 1;
	for (uint32_t i = 0; i < l->maps.n; l->nchunks++) {
		const struct map_chunk k = map_chunk_from(&l->maps, i, l->chunk_bits);
		records += map_chunk_bytes(&l->maps, &k);
		for (; i < k.end; i++)
			l->ids[l->maps.shapes[i].map] = (l->nchunks << l->chunk_bits) + i - k.begin;
	}
	uint64_t ids = (uint64_t)l->nchunks << l->chunk_bits;
	l->width = ids <= 1 << 16 ? 2 : ids <= 1 << 24 ? 3 : 4;
	for (size_t i = 0, n = map_nentries(s); i < n; buckets += bucket_size(l, &b))
		i = bucket_of(s, i, &b);
	l->pages = map_entry_at(s, map_nentries(s) - 1)->pc / 256 + 1;
	l->buckets = PAGED_HEAD + 4 * (l->pages + 1);
	l->chunks = l->buckets + buckets;
	l->records = l->chunks + (uint64_t)MAP_CHUNK * l->nchunks;
	l->end = l->records + records + PAGED_SLACK;
}

/*
 * Chunks of 32 maps. Masks of registers lie in the chunks if 16 bits are enough for the ids then,
 * if need be with chunks of 8: a lookup reads no record. Otherwise they lie in the records. 0 or
 * -EFBIG.
 */
static int choose(struct layout *l)
{
	for (l->chunk_bits = 5; l->chunk_bits >= 3; l->chunk_bits -= 2) {
		lay_out(l);
		if (l->width == 2)
			break;
	}
	if (l->width > 2) {
		l->chunk_bits = 5;
		map_chunks_sort(&l->maps, 0, l->points->registers ? 4 : 0);
		lay_out(l);
	}
	return l->width > 3 || l->chunks >> PAGED_START_BITS || l->end > UINT32_MAX ? -EFBIG : 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* The low bytes of n entries, and ids of the first nids of them, 0 if they have no map. */
static uint8_t *put_entries(const struct layout *l, uint8_t *p, const struct map_entry *const *of,
			    size_t n, size_t nids)
{
	for (size_t i = 0; i < n; i++)
		*p++ = (uint8_t)of[i]->pc;
	for (size_t i = 0; i < nids; i++) {
		uint32_t id = of[i]->map ? l->ids[of[i]->map - 1] : 0;
		for (uint32_t k = 0; k < l->width; k++)
			*p++ = (uint8_t)(id >> 8 * k);
	}
	return p;
}

static uint8_t *put_bucket(const struct layout *l, uint8_t *p, const struct bucket *b)
{
	p = put_entries(l, p, b->of, b->near, b->near_ids);
	if (b->n > b->near) {
		*p++ = (uint8_t)b->rest_ids;
		p = put_entries(l, p, b->of + b->near, b->n - b->near, b->rest_ids);
	}
	return p;
}

static void put_index(const struct layout *l)
{
	const struct map_chunked *s = l->points;
	uint8_t *word = l->out + PAGED_HEAD, *p = l->out + l->buckets;
	size_t i = 0;
	for (uint64_t page = 0; page <= l->pages; page++, word += 4) {
		uint32_t start = (uint32_t)(p - l->out), near = 0;
		struct bucket b;
		if (i < map_nentries(s) && map_entry_at(s, i)->pc / 256 == page) {
			i = bucket_of(s, i, &b);
			p = put_bucket(l, p, &b);
			near = (uint32_t)b.near;
		}
		map_store32(word, start << 4 | near);
	}
}

static void put_maps(const struct layout *l)
{
	uint8_t *chunk = l->out + l->chunks + MAP_CHUNK;
	uint64_t at = l->records;
	map_store32(chunk - MAP_CHUNK + 16, (uint32_t)at);
	for (uint32_t i = 0; i < l->maps.n; chunk += MAP_CHUNK) {
		const struct map_chunk k = map_chunk_from(&l->maps, i, l->chunk_bits);
		map_chunk_put(&l->maps, &k, chunk, l->out, at);
		at += map_chunk_bytes(&l->maps, &k);
		i = k.end;
	}
}

static int paged_write(const struct map_chunked *points, struct map_bytes *out)
{
	struct layout l = { .points = points };
	size_t at;
	int error = map_chunks_begin(&l.maps, points);
	l.ids = malloc(points->maps.bytes.len + 4);
	if (!error && !l.ids)
		error = -ENOMEM;
	if (!error)
		error = choose(&l);
	if (!error)
		error = map_bytes_zeros(out, l.end, &at);
	if (error)
		goto out;
	l.out = out->data + at;
	map_store32(l.out, 4 * (uint32_t)l.pages);
	map_store32(l.out + 4, (uint32_t)l.chunks);
	l.out[PAGED_BYTE_WIDTH] = (uint8_t)l.width;
	l.out[PAGED_BYTE_STRIDE] = (uint8_t)l.maps.stride;
	l.out[PAGED_BYTE_MASK] = (uint8_t)l.maps.mask;
	l.out[PAGED_BYTE_CHUNK_BITS] = (uint8_t)l.chunk_bits;
	put_index(&l);
	put_maps(&l);
out:
	free(l.maps.shapes);
	free(l.ids);
	return error;
}

int map_paged_finish(void *state, struct map_bytes *out)
{
	struct map_paged *s = state;
	int error = out && map_nentries(&s->points) ? paged_write(&s->points, out) : 0;
	map_chunked_free(&s->points);
	return error;
}
