/* paged_write.c - the writing half of `paged`: maps in chunks, entries in buckets. */
#include <errno.h>
#include <stdlib.h>

#include "../parts/bytes.h"
#include "paged.h"

int map_paged_add(void *state, const struct safepoint *p)
{
	struct map_paged *s = state;
	const struct map_paged_entry *last = s->n ? &s->entries[s->n - 1] : NULL;
	uint32_t registers, number = 0;
	if (last && p->pc <= last->pc)
		return -EINVAL;
	int error = map_check_places(p, &registers);
	if (error)
		return error;
	uint32_t live = last && last->pc / 256 == p->pc / 256 ? s->bucket_live : 0;
	if (p->nlive && live == PAGED_LIVE)
		return -EFBIG;
	struct map_paged_entry *entries = map_grow(s->entries, &s->cap, s->n, 1, sizeof *entries);
	if (!entries)
		return -ENOMEM;
	s->entries = entries;
	if (p->nlive) {
		error = map_distinct_add(&s->maps, p, registers, &number);
		if (error)
			return error;
		number++;
	}
	for (uint32_t i = 0; i < p->nlive && p->live[i] < MAP_REGISTER; i++)
		s->parities |= 1u << (p->live[i] & 1);
	s->registers |= registers;
	s->bucket_live = live + !!p->nlive;
	s->entries[s->n++] = (struct map_paged_entry){ p->pc, number };
	return 0;
}

/* A map's place among all: those of one chunk lie side by side, with bitmaps as alike as can be. */
struct shape {
	uint32_t frame_size, registers; /* 0 if the record has a mask */
	uint32_t low, high;		/* bytes of its bitmap */
	uint32_t map;
};

static int by_shape(const void *a, const void *b)
{
	const struct shape *x = a, *y = b;
	const uint32_t of_x[] = { x->frame_size, x->registers, x->low, x->high, x->map };
	const uint32_t of_y[] = { y->frame_size, y->registers, y->low, y->high, y->map };
	for (int i = 0; i < 5; i++)
		if (of_x[i] != of_y[i])
			return of_x[i] < of_y[i] ? -1 : 1;
	return 0;
}

struct layout {
	const struct map_paged *state;
	struct shape *shapes; /* sorted */
	uint32_t *ids;	      /* of each map */
	uint32_t stride, odd, bits, mask, chunk_bits, nchunks;
	uint64_t blocks, buckets, chunks, records, end; /* offsets; blocks: their number */
	uint8_t *out;
};

static void sort_shapes(struct layout *l)
{
	const struct map_distinct *maps = &l->state->maps;
	for (uint32_t i = 0; i < maps->n; i++) {
		struct map_distinct_map m = map_distinct_get(maps, i);
		struct shape *s = &l->shapes[i];
		*s = (struct shape){ m.frame_size, l->mask ? 0 : m.registers, 0, 0, i };
		if (m.nslots) {
			s->low = m.slots[0] / l->stride / 8;
			s->high = m.slots[m.nslots - 1] / l->stride / 8 + 1;
		}
	}
	if (maps->n)
		qsort(l->shapes, maps->n, sizeof *l->shapes, by_shape);
}

/* A chunk that begins with shape i: its maps end before the index returned; low and high are its
 * bitmaps'. */
static uint32_t chunk_of(const struct layout *l, uint32_t i, uint32_t *low, uint32_t *high)
{
	const struct shape *s = l->shapes;
	uint32_t first = i;
	*low = UINT32_MAX;
	*high = 0;
	for (; i < l->state->maps.n && (i - first) >> l->chunk_bits == 0; i++) {
		if (s[i].frame_size != s[first].frame_size || s[i].registers != s[first].registers)
			break;
		if (s[i].high && s[i].low < *low)
			*low = s[i].low;
		if (s[i].high > *high)
			*high = s[i].high;
	}
	*low = *high ? *low : 0;
	return i;
}

/* Numbers the maps and counts bytes; l->end: of all. */
static void lay_out(struct layout *l)
{
	const struct map_paged *s = l->state;
	uint64_t records = 0, buckets = 0, slack = 0;
	l->nchunks = 1;
	for (uint32_t i = 0, low, high; i < s->maps.n; l->nchunks++) {
		uint32_t next = chunk_of(l, i, &low, &high), first = i;
		records += (uint64_t)(high - low + l->mask) * (next - i);
		for (; i < next; i++)
			l->ids[l->shapes[i].map] = (l->nchunks << l->chunk_bits) + i - first;
	}
	uint64_t ids = (uint64_t)l->nchunks << l->chunk_bits;
	l->bits = ids <= 1 << 12	   ? 12
		  : ids <= 1 << 16	   ? 16
		  : ids <= 1 << PAGED_BITS ? PAGED_BITS
					   : 32;
	for (size_t i = 0; i < s->n;) {
		uint32_t bucket = s->entries[i].pc / 256, live = 0;
		size_t first = i;
		for (; i < s->n && s->entries[i].pc / 256 == bucket; i++)
			live += s->entries[i].map != 0;
		uint64_t size = 1 + (i - first) + paged_ids_size(live, l->bits);
		if (slack < buckets + 4 * size)
			slack = buckets + 4 * size;
		buckets += size;
	}
	l->blocks = s->entries[s->n - 1].pc / (256 * PAGED_BUCKETS) + 1;
	l->buckets = PAGED_HEAD + PAGED_BLOCK * l->blocks;
	l->chunks = l->buckets + buckets;
	l->records = l->chunks + (uint64_t)PAGED_CHUNK * l->nchunks;
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
	sort_shapes(l);
	for (l->chunk_bits = 5; l->chunk_bits >= 3; l->chunk_bits -= 2) {
		lay_out(l);
		if (l->bits <= 16)
			break;
	}
	if (l->bits > 16) {
		l->chunk_bits = 5;
		l->mask = l->state->registers ? 4 : 0;
		sort_shapes(l);
		lay_out(l);
	}
	return l->bits == 32 || l->end > UINT32_MAX ? -EFBIG : 0;
}

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
	const struct map_paged *s = l->state;
	uint32_t bucket = s->entries[i].pc / 256;
	size_t first = i, live = 0, n;
	for (; i < s->n && s->entries[i].pc / 256 == bucket; i++)
		live += s->entries[i].map != 0;
	n = i - first;
	uint8_t *p = l->out + *at, *low = p + 1, *other = low + live, *ids = low + n;
	*p = (uint8_t)live;
	for (size_t k = first, k_live = 0; k < i; k++) {
		const struct map_paged_entry *e = &s->entries[k];
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
	const struct map_paged *s = l->state;
	uint64_t at = l->buckets;
	size_t i = 0;
	for (uint64_t block = 0; block < l->blocks; block++) {
		uint8_t *b = l->out + PAGED_HEAD + PAGED_BLOCK * block;
		uint64_t base = at;
		map_store32(b, (uint32_t)base);
		for (uint64_t k = 0; k < PAGED_BUCKETS; k++) {
			put16(b + 4 + 2 * k, at - base);
			if (i < s->n && s->entries[i].pc / 256 == block * PAGED_BUCKETS + k)
				i = put_bucket(l, i, &at);
		}
		put16(b + 4 + 2 * PAGED_BUCKETS, at - base);
	}
}

static void put_record(const struct layout *l, const struct shape *s, uint32_t low, uint8_t *p)
{
	struct map_distinct_map m = map_distinct_get(&l->state->maps, s->map);
	if (l->mask)
		map_store32(p, m.registers);
	p += l->mask;
	for (uint32_t i = 0; i < m.nslots; i++) {
		uint32_t bit = m.slots[i] / l->stride - 8 * low;
		p[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

static void put_maps(const struct layout *l)
{
	uint8_t *chunk = l->out + l->chunks + PAGED_CHUNK;
	uint64_t at = l->records;
	map_store32(chunk - PAGED_CHUNK + 16, (uint32_t)at);
	for (uint32_t i = 0, low, high; i < l->state->maps.n; chunk += PAGED_CHUNK) {
		uint32_t next = chunk_of(l, i, &low, &high);
		const struct shape *s = &l->shapes[i];
		map_store32(chunk, s->frame_size);
		map_store32(chunk + 4, high ? 8 * l->stride * low + l->odd : 0);
		map_store32(chunk + 8, high - low);
		map_store32(chunk + 12, s->registers);
		map_store32(chunk + 16, (uint32_t)at);
		for (; i < next; i++, at += high - low + l->mask)
			put_record(l, &l->shapes[i], low, l->out + at);
	}
}

static int paged_write(const struct map_paged *s, struct map_bytes *out)
{
	struct layout l = { .state = s,
			    .stride = s->parities == 3 ? 1 : 2,
			    .odd = s->parities == 2 };
	int error = -ENOMEM;
	l.shapes = malloc((s->maps.n + 1) * sizeof *l.shapes);
	l.ids = malloc((s->maps.n + 1) * sizeof *l.ids);
	if (!l.shapes || !l.ids)
		goto out;
	error = choose(&l);
	if (error)
		goto out;
	size_t at;
	error = map_bytes_zeros(out, l.end, &at);
	if (error)
		goto out;
	l.out = out->data + at;
	map_store32(l.out, (uint32_t)l.buckets - PAGED_HEAD);
	map_store32(l.out + 4, (uint32_t)l.chunks);
	l.out[PAGED_BYTE_BITS] = (uint8_t)l.bits;
	l.out[PAGED_BYTE_STRIDE] = (uint8_t)l.stride;
	l.out[PAGED_BYTE_MASK] = (uint8_t)l.mask;
	l.out[PAGED_BYTE_CHUNK_BITS] = (uint8_t)l.chunk_bits;
	put_index(&l);
	put_maps(&l);
out:
	free(l.shapes);
	free(l.ids);
	return error;
}

int map_paged_finish(void *state, struct map_bytes *out)
{
	struct map_paged *s = state;
	int error = out && s->n ? paged_write(s, out) : 0;
	map_distinct_free(&s->maps);
	free(s->entries);
	return error;
}
