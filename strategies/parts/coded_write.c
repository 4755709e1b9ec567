/* coded_write.c - safepoints of a page as symbols, and symbols as bits. */
#include "coded_write.h"

/* ---- Symbols ------------------------------------------------------------------------------- */

static unsigned class_of(uint32_t value, unsigned fine)
{
	if (value < 2u << fine)
		return value;
	unsigned log = 31 - (unsigned)__builtin_clz(value);
	return ((log - fine + 1) << fine) + (value >> (log - fine)) - (1u << fine);
}

/* The class of a value, or `raw` for one of class `limit` or above. */
static unsigned class_or(uint32_t value, unsigned fine, unsigned limit, unsigned raw)
{
	unsigned class = class_of(value, fine);
	return class < limit ? class : raw;
}

static unsigned value_class(uint32_t value)
{
	return class_or(value, CODED_FINE, CODED_CLASSES, CODED_RAW);
}

static bool is_raw(unsigned table, unsigned symbol)
{
	if (coded_is_gap(table))
		return symbol >> 2 == CODED_RAW_GAP && symbol != CODED_GAP_END;
	if (table == CODED_HEAD)
		return symbol < CODED_KNOWN && symbol >> 3 == CODED_RAW_COUNT;
	return symbol == CODED_RAW;
}

/* Bits that follow a symbol. */
static unsigned extra_of(unsigned table, unsigned symbol)
{
	if (is_raw(table, symbol))
		return 32;
	if (coded_is_gap(table))
		return symbol == CODED_GAP_END ? 0 : coded_extra(symbol >> 2, CODED_FINE);
	if (table == CODED_HEAD)
		return symbol < CODED_KNOWN ? coded_extra(symbol >> 3, CODED_FINE_COUNT) : 0;
	if (table == CODED_REST && symbol >= CODED_RUN)
		symbol -= CODED_RUN;
	return table == CODED_MASK ? 0 : coded_extra(symbol, CODED_FINE);
}

unsigned coded_table_entry(const struct coded_writer *w, unsigned table, unsigned symbol)
{
	unsigned extra = is_raw(table, symbol) ? 0 : extra_of(table, symbol);
	return (w->codes[table].length[symbol] + extra - 1) | symbol << CODED_TOTAL_BITS;
}

static unsigned symbol_bits(const struct coded_writer *w, unsigned table, unsigned symbol)
{
	unsigned length = w->codes[table].length[symbol];
	/* A symbol that did not occur when the codes were made. */
	return (length ? length : CODED_MAX_BITS) + extra_of(table, symbol);
}

uint32_t coded_reversed(uint32_t code, unsigned bits)
{
	uint32_t r = 0;
	for (; bits; bits--, code >>= 1)
		r = r << 1 | (code & 1);
	return r;
}

/* n <= 32. Behind the bits are eight bytes. */
static void put_bits(uint8_t *out, uint64_t at, uint64_t value, unsigned n)
{
	uint8_t *p = out + at / 8;
	value = (value & (((uint64_t)1 << n) - 1)) << at % 8;
	for (; value; value >>= 8)
		*p++ |= (uint8_t)value;
}

/* Gaps are read forward from the page's start, lowest bit first; maps backward from its end,
 * highest bit first. */
static void put(struct coded_writer *w, unsigned table, unsigned symbol, uint32_t follows)
{
	if (w->purpose == CODED_CHOOSE)
		return;
	if (w->purpose == CODED_COUNT) {
		w->counts[table][symbol]++;
		return;
	}
	unsigned extra = extra_of(table, symbol), length = w->codes[table].length[symbol];
	uint32_t code = w->codes[table].code[symbol];
	if (!coded_is_gap(table))
		w->backward -= length + extra;
	if (w->purpose == CODED_WRITE && coded_is_gap(table)) {
		put_bits(w->out, w->forward, coded_reversed(code, length), length);
		put_bits(w->out, w->forward + length, follows, extra);
	} else if (w->purpose == CODED_WRITE) {
		put_bits(w->out, w->backward + extra, code, length);
		put_bits(w->out, w->backward, follows, extra);
	}
	if (coded_is_gap(table))
		w->forward += length + extra;
}

static void put_value(struct coded_writer *w, unsigned table, uint32_t value)
{
	unsigned class = value_class(value);
	put(w, table, class, class == CODED_RAW ? value : value - coded_base(class, CODED_FINE));
}

static void put_gap(struct coded_writer *w, unsigned before, uint32_t gap, enum coded_kind kind)
{
	unsigned class = class_or(gap, CODED_FINE, CODED_RAW_GAP, CODED_RAW_GAP);
	put(w, before, class << 2 | kind,
	    class == CODED_RAW_GAP ? gap : gap - coded_base(class, CODED_FINE));
}

/* ---- A map --------------------------------------------------------------------------------- */

/* How a map is written. */
struct how {
	const uint32_t *flips;
	uint32_t nflips, steps, registers, frame;
	unsigned flags, head, follows; /* follows: the head */
	bool small;		       /* `change` says it all but for the frame */
	struct coded_change change;
};

int coded_change_compare(const void *a, const void *b)
{
	const struct coded_change *x = a, *y = b;
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	if (x->registers != y->registers)
		return x->registers < y->registers ? -1 : 1;
	return x->flags < y->flags ? -1 : x->flags > y->flags;
}

static int find_known(const struct coded_writer *w, const struct coded_change *c)
{
	size_t low = 0, n = w->nknown;
	while (n) {
		int order = coded_change_compare(&w->known[low + n / 2], c);
		if (!order)
			return (int)(low + n / 2);
		if (order < 0)
			low += n / 2 + 1;
		n = order < 0 ? n - n / 2 - 1 : n / 2;
	}
	return -1;
}

/* The step to flip i, which is not the first: a run, or one bit.
 * Returns the flips that it takes. */
static uint32_t next_step(const struct how *h, uint32_t i, unsigned *symbol, uint32_t *follows)
{
	uint32_t gap = h->flips[i] - h->flips[i - 1] - 1, run = 0;
	while (i + run < h->nflips && run < CODED_RUN_MOST &&
	       h->flips[i + run] == h->flips[i - 1] + 1 + run)
		run++;
	if (run < CODED_RUN_LEAST) {
		*symbol = value_class(gap);
		*follows = *symbol == CODED_RAW ? gap : gap - coded_base(*symbol, CODED_FINE);
		return 1;
	}
	unsigned class = class_of(run - CODED_RUN_LEAST, CODED_FINE);
	*symbol = CODED_RUN + class;
	*follows = run - CODED_RUN_LEAST - coded_base(class, CODED_FINE);
	return run;
}

static void choose_head(const struct coded_writer *w, struct how *h)
{
	h->small = !h->nflips || h->flips[h->nflips - 1] < 64;
	h->change = (struct coded_change){ 0, h->registers, h->flags };
	for (uint32_t i = 0; h->small && i < h->nflips; i++)
		h->change.bits |= (uint64_t)1 << h->flips[i];
	int known = h->small ? find_known(w, &h->change) : -1;
	if (known >= 0) {
		h->head = CODED_KNOWN + (unsigned)known;
		h->follows = 0;
		return;
	}
	unsigned symbol;
	uint32_t follows;
	h->steps = h->nflips > 0;
	for (uint32_t i = 1; i < h->nflips; i += next_step(h, i, &symbol, &follows))
		h->steps++;
	unsigned class = class_or(h->steps, CODED_FINE_COUNT, CODED_RAW_COUNT, CODED_RAW_COUNT);
	h->head = class << 3 | h->flags | (h->registers ? CODED_MASKED : 0);
	h->follows =
	    class == CODED_RAW_COUNT ? h->steps : h->steps - coded_base(class, CODED_FINE_COUNT);
}

static unsigned find_mask(const struct coded_writer *w, uint32_t mask)
{
	for (unsigned i = 0; i < w->nmasks; i++)
		if (w->masks[i] == mask)
			return i;
	return CODED_RAW;
}

static uint64_t how_bits(const struct coded_writer *w, const struct how *h)
{
	uint64_t bits = symbol_bits(w, CODED_HEAD, h->head);
	if (h->flags & CODED_RESIZED)
		bits += symbol_bits(w, CODED_FRAME, value_class(h->frame));
	if (h->head >= CODED_KNOWN)
		return bits;
	if (h->registers)
		bits += symbol_bits(w, CODED_MASK, find_mask(w, h->registers));
	if (h->nflips)
		bits += symbol_bits(w, CODED_FIRST, value_class(h->flips[0]));
	for (uint32_t i = 1; i < h->nflips;) {
		unsigned symbol;
		uint32_t follows;
		i += next_step(h, i, &symbol, &follows);
		bits += symbol_bits(w, CODED_REST, symbol);
	}
	return bits;
}

static void put_how(struct coded_writer *w, const struct how *h)
{
	if (w->purpose == CODED_CHOOSE && h->small)
		w->changes[w->nchanges++] = h->change;
	put(w, CODED_HEAD, h->head, h->follows);
	if (h->head < CODED_KNOWN && h->registers) {
		if (w->purpose == CODED_COUNT)
			w->masks_put[w->nmasks_put++] = h->registers;
		else
			put(w, CODED_MASK, find_mask(w, h->registers), h->registers);
	}
	if (h->flags & CODED_RESIZED)
		put_value(w, CODED_FRAME, h->frame);
	if (h->head < CODED_KNOWN && h->nflips)
		put_value(w, CODED_FIRST, h->flips[0]);
	for (uint32_t i = 1; h->head < CODED_KNOWN && i < h->nflips;) {
		unsigned symbol;
		uint32_t follows;
		i += next_step(h, i, &symbol, &follows);
		put(w, CODED_REST, symbol, follows);
	}
}

/* The bits that only one of the two maps has, ascending. */
static uint32_t differences(const struct coded_map *a, const struct coded_map *b, uint32_t *out)
{
	uint32_t i = 0, j = 0, n = 0;
	while (i < a->nbits && j < b->nbits) {
		if (a->bits[i] == b->bits[j])
			i++, j++;
		else
			out[n++] = a->bits[i] < b->bits[j] ? a->bits[i++] : b->bits[j++];
	}
	while (i < a->nbits)
		out[n++] = a->bits[i++];
	while (j < b->nbits)
		out[n++] = b->bits[j++];
	return n;
}

/* last: the map before in this page, or NULL. */
static void put_map(struct coded_writer *w, struct coded_entry *e, const struct coded_map *last)
{
	const struct coded_map *m = &w->maps[e->map - 1];
	bool choose = w->purpose == CODED_CHOOSE;
	unsigned resized = !last || last->frame != m->frame ? CODED_RESIZED : 0;
	struct how fresh = { .flips = m->bits,
			     .nflips = m->nbits,
			     .registers = m->registers,
			     .frame = m->frame,
			     .flags = resized | CODED_FRESH };
	struct how against = { .flips = w->flips, .frame = m->frame, .flags = resized };
	if (choose || e->fresh)
		choose_head(w, &fresh);
	if (last && (choose || !e->fresh)) {
		against.nflips = differences(m, last, w->flips);
		against.registers = m->registers ^ last->registers;
		choose_head(w, &against);
	}
	if (choose)
		e->fresh = !last || how_bits(w, &fresh) < how_bits(w, &against);
	put_how(w, e->fresh ? &fresh : &against);
}

/* ---- A page -------------------------------------------------------------------------------- */

size_t coded_put_page(struct coded_writer *w, size_t at, bool end)
{
	uint64_t page = (uint64_t)w->entries[at].unit >> w->page_shift;
	uint64_t behind = page << w->page_shift;
	uint32_t last = 0, other = 0;
	enum coded_kind before = CODED_END;
	size_t i = at;
	for (; i < w->n && (uint64_t)w->entries[i].unit >> w->page_shift == page; i++) {
		struct coded_entry *e = &w->entries[i];
		enum coded_kind kind = !e->map		? CODED_EMPTY
				       : e->map == last ? CODED_AGAIN
							: CODED_NEW;
		put_gap(w, before, (uint32_t)(e->unit - behind), kind);
		if (kind == CODED_NEW) {
			if (e->map == other)
				put(w, CODED_HEAD, 0, 0);
			else
				put_map(w, e, last ? &w->maps[last - 1] : NULL);
			other = last;
			last = e->map;
		}
		before = kind;
		behind = (uint64_t)e->unit + 1;
	}
	if (end)
		put(w, before, CODED_GAP_END, 0);
	w->ends[before]++;
	w->last = before;
	w->behind = behind;
	return i - at;
}

/*
 * A reader notices a new map or the map before, since the maps read for it reach into the gaps,
 * unless the bits read as its gap lie within the padding. It does not notice an empty map.
 */
bool coded_page_ends(const struct coded_writer *w, uint64_t to)
{
	uint64_t size = (uint64_t)1 << w->page_shift, unit = (w->behind - 1) & (size - 1);
	uint64_t at = w->forward;
	unsigned kind = w->last;
	while (at < to) {
		uint64_t word = coded_load64(w->out + at / 8) >> at % 8;
		unsigned symbol = 0, length;
		/* Rare enough for a search of all codes. */
		for (;; symbol++) {
			length = w->codes[kind].length[symbol];
			if (length && (word & ((1u << length) - 1)) ==
					  coded_reversed(w->codes[kind].code[symbol], length))
				break;
			if (symbol == CODED_GAP_END)
				break;
		}
		if (symbol == CODED_GAP_END)
			return true;
		unsigned extra = extra_of(kind, symbol);
		uint64_t gap = word >> length & (((uint64_t)1 << extra) - 1);
		unit += 1 + gap + (extra == 32 ? 0 : coded_base(symbol >> 2, CODED_FINE));
		at += length + extra;
		kind = symbol & 3;
		if (at > to || unit >= size)
			return true;
		if (kind == CODED_EMPTY || at <= w->backward)
			return false;
	}
	return true;
}
