/* paged_write.c - the writing half of `paged`: maps in chunks, entries in buckets. */
#include <errno.h>
#include <stdlib.h>

#include "../parts/bytes.h"
#include "paged.h"

int map_paged_add(void *state, const struct safepoint *p)
{
	struct map_paged *s = state;
	size_t n = map_nentries(&s->points);
	bool same = n && map_entry_at(&s->points, n - 1)->pc / 256 == p->pc / 256;
	uint32_t live = same ? s->bucket_live : 0;
	int error = map_chunked_add(&s->points, p, live == PAGED_LIVE);
	if (!error)
		s->bucket_live = live + !!p->nlive;
	return error;
}

/* ---- The layout ---------------------------------------------------------------------------- */

struct layout {
	const struct map_chunked *points;
	struct map_chunks maps;
	uint32_t *ids; /* of each map, at its first word */
	uint32_t bits, chunk_bits, nchunks;
	uint64_t blocks, buckets, chunks, records, end; /* offsets; blocks: their number */
	uint8_t *out;
};

/* The entries from i on that are in its bucket end before the index returned; *live have a map. */
static size_t bucket_of(const struct map_chunked *s, size_t i, uint32_t *live)
{
	uint32_t bucket = map_entry_at(s, i)->pc / 256;
	*live = 0;
	for (; i < map_nentries(s) && map_entry_at(s, i)->pc / 256 == bucket; i++)
		*live += map_entry_at(s, i)->map != 0;
	return i;
}

/* Numbers the maps and counts bytes; l->end: of all. */
static void lay_out(struct layout *l)
{
	const struct map_chunked *s = l->points;
	uint64_t records = 0, buckets = 0, slack = 0;
	l->nchunks = 1;
	for (uint32_t i = 0; i < l->maps.n; l->nchunks++) {
		const struct map_chunk k = map_chunk_from(&l->maps, i, l->chunk_bits);
		records += map_chunk_bytes(&l->maps, &k);
		for (; i < k.end; i++)
			l->ids[l->maps.shapes[i].map] = (l->nchunks << l->chunk_bits) + i - k.begin;
	}
	uint64_t ids = (uint64_t)l->nchunks << l->chunk_bits;
	l->bits = ids <= 1 << 12	   ? 12
		  : ids <= 1 << 16	   ? 16
		  : ids <= 1 << PAGED_BITS ? PAGED_BITS
					   : 32;
	for (size_t i = 0, n = map_nentries(s); i < n;) {
		uint32_t live;
		size_t first = i;
		i = bucket_of(s, i, &live);
		uint64_t size = 1 + (i - first) + paged_ids_size(live, l->bits);
		if (slack < buckets + 4 * size)
			slack = buckets + 4 * size;
		buckets += size;
	}
	l->blocks = map_entry_at(s, map_nentries(s) - 1)->pc / (256 * PAGED_BUCKETS) + 1;
	l->buckets = PAGED_HEAD + PAGED_BLOCK * l->blocks;
	l->chunks = l->buckets + buckets;
	l->records = l->chunks + (uint64_t)MAP_CHUNK * l->nchunks;
	l->end = l->records + records;
	if (l->end < l->buckets + slack + PAGED_SLACK)
		l->end = l->buckets + slack + PAGED_SLACK;
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
		if (l->bits <= 16)
			break;
	}
	if (l->bits > 16) {
		l->chunk_bits = 5;
		map_chunks_sort(&l->maps, 0, l->points->registers ? 4 : 0);
		lay_out(l);
	}
	return l->bits == 32 || l->end > UINT32_MAX ? -EFBIG : 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void put16(uint8_t *p, uint64_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put_id(uint8_t *ids, size_t i, uint32_t bits, uint32_t id)
{
	size_t at = i * bits;
	for (uint32_t v = id << at % 8, k = 0; v; v >>= 8, k++)
		ids[at / 8 + k] |= (uint8_t)v;
}

/* Writes the bucket of the entries from i on; the index behind them. */
static size_t put_bucket(const struct layout *l, size_t i, uint64_t *at)
{
	const struct map_chunked *s = l->points;
	uint32_t live;
	size_t first = i, n;
	i = bucket_of(s, i, &live);
	n = i - first;
	uint8_t *p = l->out + *at, *low = p + 1, *other = low + live, *ids = low + n;
	*p = (uint8_t)live;
	for (size_t k = first, k_live = 0; k < i; k++) {
		const struct map_entry *e = map_entry_at(s, k);
		if (e->map) {
			put_id(ids, k_live++, l->bits, l->ids[e->map - 1]);
			*low++ = (uint8_t)e->pc;
		} else {
			*other++ = (uint8_t)e->pc;
		}
	}
	*at += 1 + n + paged_ids_size(live, l->bits);
	return i;
}

static void put_index(const struct layout *l)
{
	const struct map_chunked *s = l->points;
	uint64_t at = l->buckets;
	size_t i = 0;
	for (uint64_t block = 0; block < l->blocks; block++) {
		uint8_t *b = l->out + PAGED_HEAD + PAGED_BLOCK * block;
		uint64_t base = at;
		map_store32(b, (uint32_t)base);
		for (uint64_t k = 0; k < PAGED_BUCKETS; k++) {
			put16(b + 4 + 2 * k, at - base);
			if (i < map_nentries(s) &&
			    map_entry_at(s, i)->pc / 256 == block * PAGED_BUCKETS + k)
				i = put_bucket(l, i, &at);
		}
		put16(b + 4 + 2 * PAGED_BUCKETS, at - base);
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
	map_store32(l.out, (uint32_t)l.buckets - PAGED_HEAD);
	map_store32(l.out + 4, (uint32_t)l.chunks);
	l.out[PAGED_BYTE_BITS] = (uint8_t)l.bits;
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
