/* paged_write.c - the writing half of `paged`: maps in chunks, entries in buckets. */
#include <errno.h>
#include <stdlib.h>

#include "../parts/bytes.h"
#include "paged.h"

/* ---- Adding -------------------------------------------------------------------------------- */

static const struct map_paged_entry *entry_at(const struct map_paged *s, size_t i)
{
	return (const struct map_paged_entry *)(const void *)s->entries.data + i;
}

static size_t nentries(const struct map_paged *s)
{
	return s->entries.len / sizeof(struct map_paged_entry);
}

/* The word where the safepoint's map begins among all, once. */
static int put_map(struct map_paged *s, const struct safepoint *p, uint32_t registers,
		   uint32_t *number)
{
	uint32_t nslots = p->nlive - (uint32_t)__builtin_popcount(registers);
	const uint32_t head[] = { p->frame_size, registers, nslots };
	size_t at, len = sizeof head + nslots * sizeof *p->live;
	if (len > UINT32_MAX || s->maps.bytes.len / 4 + len / 4 >= UINT32_MAX)
		return -EFBIG;
	s->words.len = 0;
	int error = map_bytes_put(&s->words, head, sizeof head);
	if (!error)
		error = map_bytes_put(&s->words, p->live, nslots * sizeof *p->live);
	if (!error)
		error = map_strings_put(&s->maps, s->words.data, (uint32_t)len, 4, &at);
	if (!error)
		*number = (uint32_t)(at / 4);
	return error;
}

int map_paged_add(void *state, const struct safepoint *p)
{
	struct map_paged *s = state;
	const struct map_paged_entry *last = nentries(s) ? entry_at(s, nentries(s) - 1) : NULL;
	uint32_t registers;
	struct map_paged_entry entry = { p->pc, 0 };
	if (last && p->pc <= last->pc)
		return -EINVAL;
	int error = map_check_places(p, &registers);
	if (error)
		return error;
	uint32_t live = last && last->pc / 256 == p->pc / 256 ? s->bucket_live : 0;
	if (p->nlive && live == PAGED_LIVE)
		return -EFBIG;
	error = map_bytes_reserve(&s->entries, sizeof entry);
	if (!error && p->nlive) {
		error = put_map(s, p, registers, &entry.map);
		entry.map++;
	}
	if (error)
		return error;
	map_bytes_put(&s->entries, &entry, sizeof entry);
	for (uint32_t i = 0; i < p->nlive && p->live[i] < MAP_REGISTER; i++)
		s->parities |= 1u << (p->live[i] & 1);
	s->registers |= registers;
	s->bucket_live = live + !!p->nlive;
	return 0;
}

/* ---- The layout ---------------------------------------------------------------------------- */

static uint32_t word_of(const struct map_paged *s, uint32_t at)
{
	uint32_t word;
	memcpy(&word, s->maps.bytes.data + 4 * (size_t)at, sizeof word);
	return word;
}

/* One of a map's slots, in bits of a bitmap. */
static uint32_t bit_of(const struct map_paged *s, uint32_t map, uint32_t slot, uint32_t stride)
{
	return word_of(s, map + 3 + slot) / stride;
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
	uint32_t *ids;	      /* of each map, at its first word */
	uint32_t nshapes;
	uint32_t stride, odd, bits, mask, chunk_bits, nchunks;
	uint64_t blocks, buckets, chunks, records, end; /* offsets; blocks: their number */
	uint8_t *out;
};

static void sort_shapes(struct layout *l)
{
	const struct map_paged *s = l->state;
	uint32_t nwords = (uint32_t)(s->maps.bytes.len / 4), n = 0;
	for (uint32_t at = 0, nslots; at < nwords; at += 3 + nslots) {
		struct shape *shape = &l->shapes[n++];
		nslots = word_of(s, at + 2);
		*shape =
		    (struct shape){ word_of(s, at), l->mask ? 0 : word_of(s, at + 1), 0, 0, at };
		if (nslots) {
			shape->low = bit_of(s, at, 0, l->stride) / 8;
			shape->high = bit_of(s, at, nslots - 1, l->stride) / 8 + 1;
		}
	}
	l->nshapes = n;
	if (n)
		qsort(l->shapes, n, sizeof *l->shapes, by_shape);
}

/* A chunk that begins with shape i: its maps end before the index returned; low and high are its
 * bitmaps'. */
static uint32_t chunk_of(const struct layout *l, uint32_t i, uint32_t *low, uint32_t *high)
{
	const struct shape *s = l->shapes;
	uint32_t first = i;
	*low = UINT32_MAX;
	*high = 0;
	for (; i < l->nshapes && (i - first) >> l->chunk_bits == 0; i++) {
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

/* The entries from i on that are in its bucket end before the index returned; *live have a map. */
static size_t bucket_of(const struct map_paged *s, size_t i, uint32_t *live)
{
	uint32_t bucket = entry_at(s, i)->pc / 256;
	*live = 0;
	for (; i < nentries(s) && entry_at(s, i)->pc / 256 == bucket; i++)
		*live += entry_at(s, i)->map != 0;
	return i;
}

/* Numbers the maps and counts bytes; l->end: of all. */
static void lay_out(struct layout *l)
{
	const struct map_paged *s = l->state;
	uint64_t records = 0, buckets = 0, slack = 0;
	l->nchunks = 1;
	for (uint32_t i = 0, low, high; i < l->nshapes; l->nchunks++) {
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
	for (size_t i = 0, n = nentries(s); i < n;) {
		uint32_t live;
		size_t first = i;
		i = bucket_of(s, i, &live);
		uint64_t size = 1 + (i - first) + paged_ids_size(live, l->bits);
		if (slack < buckets + 4 * size)
			slack = buckets + 4 * size;
		buckets += size;
	}
	l->blocks = entry_at(s, nentries(s) - 1)->pc / (256 * PAGED_BUCKETS) + 1;
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
	const struct map_paged *s = l->state;
	uint32_t live;
	size_t first = i, n;
	i = bucket_of(s, i, &live);
	n = i - first;
	uint8_t *p = l->out + *at, *low = p + 1, *other = low + live, *ids = low + n;
	*p = (uint8_t)live;
	for (size_t k = first, k_live = 0; k < i; k++) {
		const struct map_paged_entry *e = entry_at(s, k);
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
			if (i < nentries(s) &&
			    entry_at(s, i)->pc / 256 == block * PAGED_BUCKETS + k)
				i = put_bucket(l, i, &at);
		}
		put16(b + 4 + 2 * PAGED_BUCKETS, at - base);
	}
}

static void put_record(const struct layout *l, const struct shape *s, uint32_t low, uint8_t *p)
{
	uint32_t nslots = word_of(l->state, s->map + 2);
	if (l->mask)
		map_store32(p, word_of(l->state, s->map + 1));
	p += l->mask;
	for (uint32_t i = 0; i < nslots; i++) {
		uint32_t bit = bit_of(l->state, s->map, i, l->stride) - 8 * low;
		p[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

static void put_maps(const struct layout *l)
{
	uint8_t *chunk = l->out + l->chunks + PAGED_CHUNK;
	uint64_t at = l->records;
	map_store32(chunk - PAGED_CHUNK + 16, (uint32_t)at);
	for (uint32_t i = 0, low, high; i < l->nshapes; chunk += PAGED_CHUNK) {
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
	size_t at;
	l.shapes = malloc((s->maps.used + 1) * sizeof *l.shapes);
	l.ids = malloc(s->maps.bytes.len + 4);
	if (!l.shapes || !l.ids)
		goto out;
	error = choose(&l);
	if (error)
		goto out;
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
	int error = out && nentries(s) ? paged_write(s, out) : 0;
	map_strings_free(&s->maps);
	free(s->entries.data);
	free(s->words.data);
	return error;
}
