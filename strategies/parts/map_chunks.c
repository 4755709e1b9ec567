/* map_chunks.c - the writing half of map_chunks.h. */
#include "map_chunks.h"

#include <errno.h>
#include <stdlib.h>

#include "bytes.h"

/* ---- Safepoints ---------------------------------------------------------------------------- */

/* The word where the safepoint's map begins among all, once. */
static int put_map(struct map_chunked *s, const struct safepoint *p, uint32_t registers,
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

int map_chunked_add(struct map_chunked *s, const struct safepoint *p)
{
	size_t n = map_nentries(s);
	uint32_t registers;
	struct map_entry entry = { p->pc, 0 };
	if (n && p->pc <= map_entry_at(s, n - 1)->pc)
		return -EINVAL;
	int error = map_check_places(p, &registers);
	if (!error)
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
	return 0;
}

void map_chunked_free(struct map_chunked *s)
{
	map_strings_free(&s->maps);
	free(s->entries.data);
	free(s->words.data);
}

/* ---- Shapes -------------------------------------------------------------------------------- */

static uint32_t word_of(const struct map_chunks *c, uint32_t at)
{
	uint32_t word;
	memcpy(&word, c->points->maps.bytes.data + 4 * (size_t)at, sizeof word);
	return word;
}

/* One of a map's slots, in bits of a bitmap. */
static uint32_t bit_of(const struct map_chunks *c, uint32_t map, uint32_t slot)
{
	return word_of(c, map + 3 + slot) / c->stride;
}

int map_chunks_begin(struct map_chunks *c, const struct map_chunked *points)
{
	const struct map_strings *maps = &points->maps;
	*c = (struct map_chunks){
		.points = points,
		.shapes = malloc((maps->used + 1) * sizeof *c->shapes),
		.stride = points->parities == 3 ? 1 : 2,
		.odd = points->parities == 2,
	};
	if (!c->shapes)
		return -ENOMEM;
	uint32_t nwords = (uint32_t)(maps->bytes.len / 4);
	for (uint32_t at = 0, nslots; at < nwords; at += 3 + nslots) {
		struct map_shape *shape = &c->shapes[c->n++];
		nslots = word_of(c, at + 2);
		*shape = (struct map_shape){ .frame_size = word_of(c, at), .map = at };
		if (nslots) {
			shape->low = bit_of(c, at, 0) / 8;
			shape->high = bit_of(c, at, nslots - 1) / 8 + 1;
		}
	}
	map_chunks_sort(c, 0, 0);
	return 0;
}

static int by_shape(const void *a, const void *b)
{
	const struct map_shape *x = a, *y = b;
	const uint32_t of_x[] = { x->frame_size, x->registers, x->low, x->high, x->map };
	const uint32_t of_y[] = { y->frame_size, y->registers, y->low, y->high, y->map };
	for (int i = 0; i < 5; i++)
		if (of_x[i] != of_y[i])
			return of_x[i] < of_y[i] ? -1 : 1;
	return 0;
}

void map_chunks_sort(struct map_chunks *c, uint32_t from, uint32_t mask)
{
	c->mask = mask;
	for (uint32_t i = 0; i < c->n; i++)
		c->shapes[i].registers = mask ? 0 : word_of(c, c->shapes[i].map + 1);
	if (c->n > from)
		qsort(c->shapes + from, c->n - from, sizeof *c->shapes, by_shape);
}

/* ---- Chunks -------------------------------------------------------------------------------- */

struct map_chunk map_chunk_from(const struct map_chunks *c, uint32_t i, unsigned bits)
{
	const struct map_shape *s = c->shapes;
	struct map_chunk k = { i, i, UINT32_MAX, 0 };
	for (; k.end < c->n && (k.end - i) >> bits == 0; k.end++) {
		const struct map_shape *e = &s[k.end];
		if (e->frame_size != s[i].frame_size || e->registers != s[i].registers)
			break;
		if (e->high && e->low < k.low)
			k.low = e->low;
		if (e->high > k.high)
			k.high = e->high;
	}
	k.low = k.high ? k.low : 0;
	return k;
}

static void put_record(const struct map_chunks *c, uint32_t map, uint32_t low, uint8_t *p)
{
	uint32_t nslots = word_of(c, map + 2);
	if (c->mask)
		map_store32(p, word_of(c, map + 1));
	p += c->mask;
	for (uint32_t i = 0; i < nslots; i++) {
		uint32_t bit = bit_of(c, map, i) - 8 * low;
		p[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

void map_chunk_put(const struct map_chunks *c, const struct map_chunk *k, uint8_t *to, uint8_t *out,
		   uint64_t at)
{
	const struct map_shape *s = &c->shapes[k->begin];
	map_store32(to, s->frame_size);
	map_store32(to + 4, k->high ? 8 * c->stride * k->low + c->odd : 0);
	map_store32(to + 8, k->high - k->low);
	map_store32(to + 12, s->registers);
	map_store32(to + 16, (uint32_t)at);
	for (uint32_t i = k->begin; i < k->end; i++, at += k->high - k->low + c->mask)
		put_record(c, c->shapes[i].map, k->low, out + at);
}
