/* coded_finish.c - the writer of coded maps: what is gathered, how it is
 * laid out, and the bytes. */
#include <errno.h>
#include <stdlib.h>

#include "bytes.h"
#include "coded_write.h"

int map_coded_add(void *state, const struct safepoint *p)
{
	/* The places ascend: the last slot is the last place below the registers. */
	for (uint32_t i = p->nlive; i--;)
		if (p->live[i] < MAP_REGISTER) {
			if (p->live[i] >= 64 * CODED_MAX_WORDS)
				return -EFBIG;
			break;
		}
	return map_gather(state, p);
}

/* ---- Layout -------------------------------------------------------------------------------- */

static bool same_map(const struct map_gathered *g, const struct map_point *a,
		     const struct map_point *b)
{
	return a->frame_size == b->frame_size && a->registers == b->registers &&
	       a->nslots == b->nslots &&
	       (!a->nslots ||
		!memcmp(g->slots + a->slots, g->slots + b->slots, a->nslots * sizeof *g->slots));
}

/* Entries and maps of the points. A map has one number as long as no two others come between. */
static void number_maps(struct coded_writer *w, const struct map_gathered *g)
{
	const struct map_point *recent[2] = { NULL, NULL };
	uint32_t numbers[2] = { 0, 0 };
	for (size_t i = 0; i < w->n; i++) {
		const struct map_point *p = &g->points[i];
		struct coded_entry *e = &w->entries[i];
		*e = (struct coded_entry){ .unit = p->pc - g->points[0].pc };
		if (!p->nslots && !p->registers)
			continue;
		if (recent[0] && same_map(g, recent[0], p)) {
			e->map = numbers[0];
			continue;
		}
		if (recent[1] && same_map(g, recent[1], p)) {
			e->map = numbers[1];
		} else {
			w->maps[w->nmaps++] = (struct coded_map){ p->frame_size, p->registers,
								  p->nslots, g->slots + p->slots };
			e->map = (uint32_t)w->nmaps;
		}
		recent[1] = recent[0];
		numbers[1] = numbers[0];
		recent[0] = p;
		numbers[0] = e->map;
	}
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t t = a % b;
		a = b;
		b = t;
	}
	return a;
}

/* Slots become bits of a bitmap, frame sizes become units. */
static void layout_maps(struct coded_writer *w, struct map_gathered *g)
{
	uint32_t least = UINT32_MAX, most = 0, differ = 0;
	for (size_t i = 0; i < g->nslots; i++) {
		least = g->slots[i] < least ? g->slots[i] : least;
		differ |= g->slots[i] ^ g->slots[0];
	}
	w->slot = g->nslots ? least : 0;
	w->stride = differ & 1 ? 1 : 2;
	for (size_t i = 0; i < g->nslots; i++) {
		g->slots[i] = (g->slots[i] - least) / w->stride;
		most = g->slots[i] > most ? g->slots[i] : most;
	}
	w->words = most / 64 + 1;
	for (size_t i = 0; i < w->nmaps; i++)
		w->unit = gcd(w->unit, w->maps[i].frame);
	w->unit = w->unit ? w->unit : 1;
	for (size_t i = 0; i < w->nmaps; i++)
		w->maps[i].frame /= w->unit;
}

static uint64_t page_of(const struct coded_writer *w, size_t entry, unsigned shift)
{
	return (uint64_t)w->entries[entry].unit >> shift;
}

/* The sum of squares of the pages' numbers of entries: what a lookup scans on the mean, times n. */
static uint64_t scanned(const struct coded_writer *w, unsigned shift)
{
	uint64_t sum = 0;
	for (size_t i = 0, j; i < w->n; i = j) {
		for (j = i; j < w->n && page_of(w, j, shift) == page_of(w, i, shift);)
			j++;
		sum += (uint64_t)(j - i) * (j - i);
	}
	return sum;
}

/* The largest pages that hold at most `entries` on the mean. Where safepoints crowd in a part of
 * the text they become smaller, until a lookup scans no more than four times that; but there are at
 * most two pages for each safepoint. */
static void layout_pages(struct coded_writer *w, unsigned entries)
{
	uint32_t differ = 0;
	for (size_t i = 0; i < w->n; i++)
		differ |= w->entries[i].unit;
	w->pc_shift = differ ? (unsigned)__builtin_ctz(differ) : 0;
	for (size_t i = 0; i < w->n; i++)
		w->entries[i].unit >>= w->pc_shift;
	uint64_t units = ((uint64_t)w->entries[w->n - 1].unit + 1) * entries / w->n;
	while (w->page_shift < 32 && (uint64_t)2 << w->page_shift <= units)
		w->page_shift++;
	while (w->page_shift && scanned(w, w->page_shift) > 4ull * entries * w->n &&
	       page_of(w, w->n - 1, w->page_shift - 1) < 2 * w->n)
		w->page_shift--;
	w->npages = (size_t)page_of(w, w->n - 1, w->page_shift) + 1;
}

/* ---- Sizes --------------------------------------------------------------------------------- */

struct page_size {
	uint64_t bits;
	bool end; /* needs CODED_END */
};

static uint64_t page_units(const struct coded_writer *w, const struct page_size *p)
{
	return (p->bits + ((uint64_t)1 << w->length_shift) - 1) >> w->length_shift;
}

/* Puts the page at bit `place` of w->out, if it has entries; returns its units. */
static uint64_t put_at(struct coded_writer *w, const struct page_size *p, size_t *entry,
		       uint64_t place)
{
	uint64_t units = page_units(w, p);
	w->forward = place;
	w->backward = place + (units << w->length_shift);
	if (units)
		*entry += coded_put_page(w, *entry, p->end);
	return units;
}

/* The unit of a page's length: the bits of pages fill units, and a page whose length is no byte
 * goes to the list of wide pages. */
static void choose_length_shift(struct coded_writer *w, const struct page_size *sizes)
{
	uint64_t best = UINT64_MAX;
	unsigned best_shift = 0;
	for (w->length_shift = 0; w->length_shift < 13; w->length_shift++) {
		uint64_t bits = 0;
		for (size_t i = 0; i < w->npages; i++) {
			uint64_t units = page_units(w, &sizes[i]);
			bits += units << w->length_shift;
			bits += units >= CODED_IS_WIDE ? 8 * CODED_WIDE_PAGE : 0;
		}
		if (bits < best)
			best_shift = w->length_shift;
		best = bits < best ? bits : best;
	}
	w->length_shift = best_shift;
}

static int size_pages(struct coded_writer *w, struct page_size *sizes)
{
	uint64_t most = 0;
	w->purpose = CODED_SIZE;
	for (size_t i = 0; i < w->n;) {
		struct page_size *p = &sizes[page_of(w, i, w->page_shift)];
		w->forward = w->backward = 0;
		i += coded_put_page(w, i, false);
		p->bits = w->forward - w->backward;
		most = p->bits > most ? p->bits : most;
	}
	choose_length_shift(w, sizes);
	/* Each page is written once to see how it ends. */
	size_t slack = ((size_t)1 << w->length_shift) / 8 + 1 + CODED_SLACK;
	w->purpose = CODED_WRITE;
	w->out = malloc((size_t)(most / 8) + slack);
	if (!w->out)
		return -ENOMEM;
	for (size_t page = 0, i = 0; page < w->npages; page++) {
		memset(w->out, 0, (size_t)(sizes[page].bits / 8) + slack);
		uint64_t units = put_at(w, &sizes[page], &i, 0);
		if (!units || coded_page_ends(w, units << w->length_shift))
			continue;
		sizes[page].end = true;
		sizes[page].bits += w->codes[w->last].length[CODED_GAP_END];
	}
	free(w->out);
	w->out = NULL;
	return 0;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

struct sections {
	size_t entries, masks, changes, directory, wide, pages, len;
	size_t nwide;
};

static int measure(const struct coded_writer *w, const struct page_size *sizes, struct sections *s)
{
	uint64_t units = 0;
	*s = (struct sections){ 0 };
	for (unsigned t = 0; t < CODED_TABLES; t++)
		s->entries += (size_t)1 << w->codes[t].bits;
	for (size_t i = 0; i < w->npages; i++) {
		uint64_t n = page_units(w, &sizes[i]);
		units += n;
		s->nwide += n >= CODED_IS_WIDE;
	}
	if (units > CODED_MAX_PLACE || units << w->length_shift > UINT32_MAX)
		return -EFBIG;
	s->masks = CODED_HEADER + 2 * s->entries;
	s->changes = s->masks + 4 * w->nmasks;
	s->directory = s->changes + CODED_CHANGE * w->nknown;
	s->wide =
	    s->directory + (w->npages + CODED_GROUP_PAGES - 1) / CODED_GROUP_PAGES * CODED_GROUP;
	s->pages = s->wide + CODED_WIDE_PAGE * s->nwide;
	s->len = s->pages + (size_t)(((units << w->length_shift) + 7) / 8) + CODED_SLACK;
	return 0;
}

static void store16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void write_table(const struct coded_writer *w, unsigned table, uint8_t *out)
{
	const struct huffman *h = &w->codes[table];
	unsigned symbols = 0;
	for (unsigned s = 0; s < HUFFMAN_SYMBOLS; s++)
		symbols += h->length[s] > 0;
	for (unsigned s = 0; s < HUFFMAN_SYMBOLS; s++) {
		/* A symbol that is alone fills the table. */
		unsigned length = symbols > 1 ? h->length[s] : 0, rest = h->bits - length;
		for (uint32_t i = 0; h->length[s] && i < 1u << rest; i++) {
			uint32_t at = coded_is_gap(table)
					  ? i << length | coded_reversed(h->code[s], length)
					  : (uint32_t)h->code[s] << rest | i;
			store16(out + 2 * (size_t)at, coded_table_entry(w, table, s));
		}
	}
}

static void write_header(const struct coded_writer *w, const struct sections *s, uint32_t origin,
			 uint8_t *out)
{
	size_t entries = 0;
	out[CODED_PAGE_SHIFT] = (uint8_t)w->page_shift;
	out[CODED_PC_SHIFT] = (uint8_t)w->pc_shift;
	out[CODED_LENGTH_SHIFT] = (uint8_t)w->length_shift;
	out[CODED_STRIDE] = (uint8_t)w->stride;
	map_store32(out + CODED_ORIGIN, origin);
	map_store32(out + CODED_PAGES, (uint32_t)w->npages);
	map_store32(out + CODED_WIDE, (uint32_t)s->nwide);
	map_store32(out + CODED_SLOT, w->slot);
	map_store32(out + CODED_UNIT, w->unit);
	store16(out + CODED_WORDS, w->words);
	store16(out + CODED_ENTRIES, s->entries);
	out[CODED_MASKS] = (uint8_t)w->nmasks;
	out[CODED_CHANGES] = (uint8_t)w->nknown;
	for (unsigned t = 0; t < CODED_TABLES; t++) {
		out[CODED_BITS + (coded_is_gap(t) ? 0 : 1 + t - CODED_HEAD)] = w->codes[t].bits;
		write_table(w, t, out + CODED_HEADER + 2 * entries);
		entries += (size_t)1 << w->codes[t].bits;
	}
	for (size_t i = 0; i < w->nmasks; i++)
		map_store32(out + s->masks + 4 * i, w->masks[i]);
	for (size_t i = 0; i < w->nknown; i++) {
		uint8_t *p = out + s->changes + CODED_CHANGE * i;
		map_store32(p, (uint32_t)w->known[i].bits);
		map_store32(p + 4, (uint32_t)(w->known[i].bits >> 32));
		map_store32(p + 8, w->known[i].registers);
		p[12] = (uint8_t)w->known[i].flags;
	}
}

/* Plain pages first, so that each begins where the one before ends; then the wide ones. */
static void write_pages(struct coded_writer *w, const struct sections *s,
			const struct page_size *sizes)
{
	uint64_t place = 0, wide_place = 0;
	uint8_t *wide = w->out + s->wide;
	size_t entry = 0;
	for (size_t i = 0; i < w->npages; i++) {
		uint64_t units = page_units(w, &sizes[i]);
		wide_place += units < CODED_IS_WIDE ? units : 0;
	}
	for (size_t i = 0; i < w->npages; i++) {
		uint8_t *group = w->out + s->directory + i / CODED_GROUP_PAGES * CODED_GROUP;
		uint64_t units = page_units(w, &sizes[i]);
		uint64_t *at = units < CODED_IS_WIDE ? &place : &wide_place;
		if (i % CODED_GROUP_PAGES == 0)
			map_store32(group, (uint32_t)place);
		group[4 + i % CODED_GROUP_PAGES] =
		    (uint8_t)(units < CODED_IS_WIDE ? units : CODED_IS_WIDE);
		put_at(w, &sizes[i], &entry, 8 * (uint64_t)s->pages + (*at << w->length_shift));
		if (units >= CODED_IS_WIDE) {
			group[3] |= 0x80;
			map_store32(wide, (uint32_t)i);
			map_store32(wide + 4, (uint32_t)*at);
			map_store32(wide + 8, (uint32_t)units);
			wide += CODED_WIDE_PAGE;
		}
		*at += units;
	}
}

static int write_all(struct coded_writer *w, const struct page_size *sizes, uint32_t origin,
		     struct map_bytes *out)
{
	struct sections s;
	size_t at;
	int error = measure(w, sizes, &s);
	if (!error)
		error = map_bytes_zeros(out, s.len, &at);
	if (error)
		return error;
	w->out = out->data + at;
	w->purpose = CODED_WRITE;
	write_header(w, &s, origin, w->out);
	write_pages(w, &s, sizes);
	return 0;
}

static int finish(struct coded_writer *w, struct map_gathered *g, unsigned entries,
		  struct map_bytes *out)
{
	uint32_t origin = g->points[0].pc;
	struct page_size *sizes = NULL;
	int error = -ENOMEM;
	w->n = g->npoints;
	w->entries = malloc(w->n * sizeof *w->entries);
	w->maps = malloc(w->n * sizeof *w->maps);
	if (w->entries && w->maps) {
		number_maps(w, g);
		layout_maps(w, g);
		layout_pages(w, entries);
		w->flips = malloc(2 * 64 * (size_t)w->words * sizeof *w->flips);
		sizes = calloc(w->npages, sizeof *sizes);
	}
	if (w->flips && sizes)
		error = coded_choose(w);
	if (!error)
		error = size_pages(w, sizes);
	if (!error)
		error = write_all(w, sizes, origin, out);
	free(sizes);
	free(w->entries);
	free(w->maps);
	free(w->flips);
	return error;
}

int map_coded_finish(void *state, unsigned entries, struct map_bytes *out)
{
	struct map_gathered *g = state;
	int error = 0;
	if (out && g->npoints) {
		struct coded_writer *w = calloc(1, sizeof *w);
		error = w ? finish(w, g, entries, out) : -ENOMEM;
		free(w);
	}
	map_gathered_free(g);
	return error;
}
