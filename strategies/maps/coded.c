/*
 * coded.c - the smallest tables: gaps and changes of maps by Huffman codes, in pages of text.
 *
 *      header | tables of codes | masks | known changes | directory | wide pages | pages | 8 * 00
 *
 * A page is a power of two of text bytes that holds at most 8 or 32 safepoints on the mean. The
 * directory finds its bits: in groups of 16 pages a place and a byte of length each. Within the
 * page codes run from both ends:
 *
 *      gap+kind  gap+kind  gap+kind ->  ... padding ...  <- map  <- map
 *
 * A gap is the distance from the return address before; its kind says that the map is empty, as
 * the last one that was not, or new. A new map is the one before the last, or what changes
 * against the last one or against nothing: registers, frame size, bits of the bitmap; changes
 * that are frequent are known by a number. So a lookup sums up gaps until it reaches or passes
 * its pc, and reads as many maps as were new: all in one page. The end of a page's gaps is not
 * marked, unless the bits behind it would be mistaken for an empty map; any other map found there
 * reaches into the gaps, and is none.
 *
 * All codes are Huffman's (1952), canonical and bounded to 11 bits (Larmore and Hirschberg,
 * 1990), so that one load decodes one; a large value is a class and the bits that follow, as in
 * deflate. The table for gaps is chosen by the kind before: code without references behind such
 * code is the rule. The design replaces an index of Elias (1974) and Fano (1971) for the return
 * addresses, in blocks of a number of entries: gaps in their context take a tenth to a third
 * less, and need no search.
 *
 * Scratch is two bitmaps, each less than 512 KiB whatever the bytes are. A lookup takes time in the
 * bits of one page, of which each step takes one at least; a map that changes bits far apart takes
 * time in the bitmap's words between them.
 */
#include "../parts/coded_page.h"

/* ---- Gaps ---------------------------------------------------------------------------------- */

struct codes {
	const uint8_t *at;
	unsigned bits;
};

/* The tables behind those for gaps. They end where the masks begin. */
static inline bool find_codes(const struct coded_page *p,
			      struct codes codes[CODED_TABLES - CODED_HEAD])
{
	const uint8_t *bits = p->map + CODED_BITS, *at = p->map + CODED_HEADER;
	unsigned wrong = 0;
	MAP_TOUCH(bits, 1 + CODED_TABLES - CODED_HEAD);
	at += (size_t)2 * CODED_HEAD << *bits;
#pragma GCC unroll 8
	for (unsigned t = 0; t < CODED_TABLES - CODED_HEAD; t++) {
		unsigned n = *++bits;
		wrong |= n - 1 >= CODED_MAX_BITS;
		n &= 15;
		codes[t] = (struct codes){ at, n };
		at += (size_t)2 << n;
	}
	return !wrong && at == p->map + p->s.masks;
}

static inline uint64_t low_bits(uint64_t v, unsigned n)
{
	return v & (((uint64_t)1 << n) - 1);
}

struct reached {
	uint64_t at;	/* behind the entry's gap */
	uint32_t fresh; /* CODED_NEW up to the entry, itself included */
	unsigned kind;
};

/* Scans the gaps up to pc. */
static inline enum map_answer scan_gaps(const struct coded_page *p, struct reached *w)
{
	uint64_t sum = ~(uint64_t)0; /* so that the first gap counts from the page's start */
	uint64_t at = p->from;
	unsigned kind = CODED_END, fresh = 0;
	MAP_TOUCH(p->map + CODED_BITS, 1);
	const unsigned index = p->map[CODED_BITS];
	const uint8_t *tables = p->map + CODED_HEADER;
	if (index - 1 >= CODED_MAX_BITS ||
	    CODED_HEADER + ((size_t)2 * CODED_HEAD << index) > p->s.masks)
		return MAP_DAMAGED;
	do {
		if (at >= p->to)
			return MAP_NO_SAFEPOINT;
		uint64_t bits = map_load64(p->map + at / 8) >> at % 8;
		/* 57 bits suffice for three gaps, unless one is raw. */
		for (int i = 0; i < 3; i++) {
			unsigned e = map_load16(
			    tables + 2 * ((size_t)kind << index | low_bits(bits, index)));
			unsigned total = CODED_TOTAL(e), class = CODED_SYMBOL(e) >> 2 & 63;
			unsigned extra = coded_extra(class, CODED_FINE);
			uint64_t gap = coded_base(class, CODED_FINE) +
				       low_bits(bits >> ((total - extra) & 63), extra);
			kind = CODED_SYMBOL(e) & 3;
			at += total;
			bits >>= total;
			fresh += kind == CODED_NEW;
			if (class == CODED_RAW_GAP) {
				if (kind == CODED_END)
					return MAP_NO_SAFEPOINT;
				if (at > p->to)
					return MAP_NO_SAFEPOINT;
				gap = (uint32_t)(map_load64(p->map + at / 8) >> at % 8);
				at += 32;
				sum += 1 + gap;
				break;
			}
			sum += 1 + gap;
			if (sum >= p->pc)
				break;
		}
	} while (sum < p->pc);
	w->at = at;
	w->fresh = fresh;
	w->kind = kind;
	return sum == p->pc && at <= p->to ? MAP_FOUND : MAP_NO_SAFEPOINT;
}

/* ---- Maps ---------------------------------------------------------------------------------- */

/* The caller's scratch holds two bitmaps; meanwhile their first words are in registers. */
struct map {
	uint64_t low;
	uint8_t *words; /* of 64 bits; the first is stored at the end only */
	uint32_t nwords, frame, registers;
};

struct decoder {
	const struct coded_page *page;
	uint64_t bits; /* what comes next, highest bit first */
	uint64_t at;   /* bits are read backward from here */
	struct codes codes[CODED_TABLES - CODED_HEAD];
	uint32_t from, to; /* the last two bitmaps are equal in all words but these and the first */
};

/* Loads 57 bits or more: enough for a head, a mask and a frame, or for two bits of a bitmap, if
 * none is raw. */
static inline void load_bits(struct decoder *d)
{
	size_t byte = (size_t)(d->at + 7) / 8;
	d->bits = map_load64(d->page->map + byte - 8) << (8 * byte - d->at);
}

static inline void skip(struct decoder *d, unsigned n)
{
	d->bits <<= n;
	d->at -= n;
}

static uint32_t next_raw(struct decoder *d)
{
	load_bits(d);
	uint32_t value = (uint32_t)(d->bits >> 32);
	d->at -= 32;
	load_bits(d);
	return value;
}

static inline unsigned next_entry(const struct decoder *d, unsigned table)
{
	const struct codes *c = &d->codes[table - CODED_HEAD];
	return map_load16(c->at + 2 * (d->bits >> (64 - c->bits)));
}

/* The value of an entry whose bits come next. */
static inline uint32_t value_of(const struct decoder *d, unsigned e, unsigned class, unsigned fine)
{
	unsigned extra = coded_extra(class, fine);
	return coded_base(class, fine) +
	       (uint32_t)low_bits(d->bits >> (64 - CODED_TOTAL(e)), extra);
}

static inline uint32_t next_value(struct decoder *d, unsigned table)
{
	unsigned e = next_entry(d, table);
	uint32_t value = value_of(d, e, CODED_SYMBOL(e) & 255, CODED_FINE);
	skip(d, CODED_TOTAL(e));
	return CODED_SYMBOL(e) == CODED_RAW ? next_raw(d) : value;
}

/* false: there is no such mask. */
static inline bool next_mask(struct decoder *d, uint32_t *mask)
{
	unsigned e = next_entry(d, CODED_MASK), n = CODED_SYMBOL(e);
	skip(d, CODED_TOTAL(e));
	if (n == CODED_RAW) {
		*mask = next_raw(d);
		return true;
	}
	if (n >= d->page->map[CODED_MASKS])
		return false;
	*mask = map_load32(d->page->map + d->page->s.masks + 4 * (size_t)n);
	return true;
}

/* Changes n bits from `from` on; low is the first word. */
static void flip_far(struct decoder *d, struct map *m, uint64_t *low, uint32_t from, uint32_t n)
{
	uint32_t least = from / 64 < m->nwords ? from / 64 : m->nwords, most = (from + n - 1) / 64;
	d->from = least < d->from ? least : d->from;
	d->to = most >= d->to ? most + 1 : d->to;
	for (uint32_t end = from + n; from < end;) {
		uint32_t word = from / 64, first = from % 64;
		uint32_t bits = end - from < 64 - first ? end - from : 64 - first;
		uint64_t mask = ~(uint64_t)0 >> (64 - bits) << first;
		from += bits;
		if (!word) {
			*low ^= mask;
			continue;
		}
		for (; m->nwords <= word; m->nwords++)
			memset(m->words + 8 * (size_t)m->nwords, 0, 8);
		uint8_t *p = m->words + 8 * (size_t)word;
		mask ^= coded_load64(p);
		map_store32(p, (uint32_t)mask);
		map_store32(p + 4, (uint32_t)(mask >> 32));
	}
}

/* Makes the words of *new behind the first those of *old, or none. */
static inline void begin_map(struct decoder *d, bool keep, const struct map *old, struct map *new)
{
	uint32_t to = d->to < old->nwords ? d->to : old->nwords;
	if (keep && d->from < to)
		memcpy(new->words + 8 * (size_t)d->from, old->words + 8 * (size_t)d->from,
		       8 * (size_t)(to - d->from));
	new->nwords = keep ? old->nwords : 1;
	d->from = keep ? UINT32_MAX : 1;
	d->to = keep ? 0 : old->nwords;
}

/* Applies a change that is known by a number. */
static inline bool next_known(struct decoder *d, unsigned number, const struct map *old,
			      struct map *new)
{
	const uint8_t *c = d->page->map + d->page->s.changes + CODED_CHANGE * (size_t)number;
	if (number >= d->page->map[CODED_CHANGES])
		return false;
	MAP_TOUCH(c + 12, 1);
	/* No branch: the next change is not foreseen. */
	uint64_t keep = (uint64_t)(c[12] & CODED_FRESH) - 1;
	new->low = (old->low & keep) ^ map_load64(c);
	new->registers = (old->registers & (uint32_t)keep) ^ map_load32(c + 8);
	begin_map(d, keep, old, new);
	new->frame = c[12] & CODED_RESIZED ? next_value(d, CODED_FRAME) : old->frame;
	return true;
}

/* Applies a change that is spelt out. end: as below. room: words of a bitmap. */
static inline enum map_answer next_spelt(struct decoder *d, unsigned head, uint32_t steps,
					 uint64_t end, uint32_t room, const struct map *old,
					 struct map *new)
{
	uint64_t keep = (uint64_t)(head & CODED_FRESH) - 1;
	uint32_t place = 0, mask = 0;
	if (head >> 3 == CODED_RAW_COUNT)
		steps = next_raw(d);
	if (head & CODED_MASKED && !next_mask(d, &mask))
		return MAP_DAMAGED;
	uint64_t low = old->low & keep;
	new->registers = (old->registers & (uint32_t)keep) ^ mask;
	begin_map(d, keep, old, new);
	new->frame = head &CODED_RESIZED ? next_value(d, CODED_FRAME) : old->frame;
	if (head & (CODED_MASKED | CODED_RESIZED))
		load_bits(d);
	for (uint32_t i = 0; i < steps; i++) {
		if (i % 2)
			load_bits(d);
		unsigned e = next_entry(d, i ? CODED_REST : CODED_FIRST), symbol = CODED_SYMBOL(e);
		uint32_t n = 1, value = value_of(d, e, symbol & (CODED_RUN - 1), CODED_FINE);
		skip(d, CODED_TOTAL(e));
		if (d->at < end)
			return MAP_NO_SAFEPOINT;
		bool raw = symbol == CODED_RAW;
		if (raw)
			value = next_raw(d);
		/* So that all sums stay far below 32 bits. */
		if (value >= 64 * CODED_MAX_WORDS)
			return MAP_DAMAGED;
		if (i && symbol >= CODED_RUN && !raw)
			n = value + CODED_RUN_LEAST;
		else
			place += value;
		if (place + n > 64 * room)
			return MAP_DAMAGED;
		if (place + n < 64)
			low ^= (((uint64_t)1 << n) - 1) << place;
		else
			flip_far(d, new, &low, place, n);
		place += n;
	}
	new->low = low;
	return MAP_FOUND;
}

/* Decodes n maps; *m becomes the last one. end: gaps lie behind it; a map that reaches further is
 * none, and neither is the gap that led to it. room: words of a bitmap. */
static inline enum map_answer next_maps(struct decoder *d, uint32_t n, uint64_t end, uint32_t room,
					struct map two[2], const struct map **m)
{
	enum map_answer answer = MAP_FOUND;
	unsigned last = 0;
	for (; n && answer == MAP_FOUND; n--) {
		if (d->at < end)
			return MAP_NO_SAFEPOINT;
		load_bits(d);
		unsigned e = next_entry(d, CODED_HEAD), head = CODED_SYMBOL(e);
		uint32_t steps = value_of(d, e, head >> 3 & 31, CODED_FINE_COUNT);
		skip(d, CODED_TOTAL(e));
		const struct map *old = &two[last];
		last ^= 1;
		if (head >= CODED_KNOWN)
			answer = next_known(d, head - CODED_KNOWN, old, &two[last]) ? MAP_FOUND
										    : MAP_DAMAGED;
		else if (head)
			answer = next_spelt(d, head, steps, end, room, old, &two[last]);
	}
	*m = &two[last];
	return answer == MAP_FOUND && d->at < end ? MAP_NO_SAFEPOINT : answer;
}

/* Describes m, whose bitmap may end with zeros. */
static inline enum map_answer describe(const uint8_t *map, const struct map *m,
				       struct map_live *out)
{
	uint64_t frame = (uint64_t)m->frame * map_load32(map + CODED_UNIT), last;
	uint32_t n = m->nwords - 1;
	map_store32(m->words, (uint32_t)m->low);
	map_store32(m->words + 4, (uint32_t)(m->low >> 32));
	while (n && !coded_load64(m->words + 8 * (size_t)n))
		n--;
	last = n ? coded_load64(m->words + 8 * (size_t)n) : m->low;
	MAP_TOUCH(map + CODED_STRIDE, 1);
	*out = (struct map_live){
		.frame_size = (uint32_t)frame,
		.first = map_load32(map + CODED_SLOT),
		.registers = m->registers,
		.stride = map[CODED_STRIDE],
		.bitmap = m->words,
	};
	if (frame > UINT32_MAX || out->stride - 1u > 1)
		return MAP_DAMAGED;
	if (!last)
		return MAP_FOUND;
	uint32_t bit = 64 * n + 63 - (uint32_t)__builtin_clzll(last);
	out->nbytes = bit / 8 + 1;
	return out->first + (uint64_t)out->stride * bit < frame / 4 ? MAP_FOUND : MAP_DAMAGED;
}

static enum map_answer coded_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				    struct map_live *out)
{
	struct coded_page p;
	struct reached w;
	struct decoder d;
	enum map_answer answer = coded_find_page(map, len, pc, &p);
	if (answer == MAP_FOUND)
		answer = scan_gaps(&p, &w);
	if (answer != MAP_FOUND)
		return answer;
	if (w.kind == CODED_EMPTY) {
		*out = (struct map_live){ .stride = 1 };
		return MAP_FOUND;
	}
	uint32_t room = map_load16(map + CODED_WORDS);
	if (room - 1 >= CODED_MAX_WORDS)
		return MAP_DAMAGED;
	if (!w.fresh)
		return MAP_NO_SAFEPOINT;
	if (!find_codes(&p, d.codes))
		return MAP_DAMAGED;
	d.page = &p;
	d.at = p.to;
	d.from = UINT32_MAX;
	d.to = 0;
	struct map two[2] = { { .nwords = 1, .words = scratch },
			      { .nwords = 1, .words = scratch + 8 * (size_t)room } };
	const struct map *m;
	answer = next_maps(&d, w.fresh, w.at, room, two, &m);
	return answer == MAP_FOUND ? describe(map, m, out) : answer;
}

static size_t coded_scratch(const uint8_t *map, size_t len)
{
	size_t words = len < CODED_HEADER ? 0 : map_load16(map + CODED_WORDS);
	return words <= CODED_MAX_WORDS ? 2 * 8 * words : 0;
}

enum { SEEN_BITS = 6 };

/*
 * A walk through recursion asks for the same few pcs again and again: their answers are
 * copied. To sort the pcs as well, so that those of a page share its scan, cost more than it
 * saved on most walks of collected programs, and each single lookup a little for the state
 * that it must leave behind.
 */
static void coded_lookup_many(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			      uint8_t *scratch, struct map_live *out, enum map_answer *answers)
{
	const size_t each = coded_scratch(map, len);
	size_t seen[1 << SEEN_BITS] = { 0 }; /* where a pc of this hash was last, or 0 */
	for (size_t i = 0; i < n; i++) {
		size_t *before = &seen[pcs[i] * 0x9e3779b1u >> (32 - SEEN_BITS)], k = *before;
		*before = i;
		if (i && pcs[k] == pcs[i]) {
			answers[i] = answers[k];
			if (answers[i] == MAP_FOUND)
				out[i] = out[k];
			continue;
		}
		answers[i] =
		    coded_lookup(map, len, pcs[i], each ? scratch + i * each : scratch, &out[i]);
	}
}

/* Gaps and maps share the pages, which count as data. */
static void coded_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	struct coded_sections s;
	*index = len;
	if (len && coded_find_sections(map, len, &s))
		*index = s.pages;
	*data = len - *index;
}

static int coded_8_finish(void *state, struct map_bytes *out)
{
	return map_coded_finish(state, 8, out);
}

static int coded_32_finish(void *state, struct map_bytes *out)
{
	return map_coded_finish(state, 32, out);
}

#define LIMITS "slots below 4,194,240 (frames of 16 MiB), tables of half a GiB"

const struct map_ops map_coded_8 = {
	.name = "coded-8",
	.summary = "pages of at most 8 safepoints on the mean: gaps and changes by Huffman codes",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.limits = LIMITS,
	.state = sizeof(struct map_gathered),
	.add = map_coded_add,
	.finish = coded_8_finish,
	.scratch = coded_scratch,
	.lookup = coded_lookup,
	.lookup_many = coded_lookup_many,
	.split = coded_split,
};

const struct map_ops map_coded_32 = {
	.name = "coded-32",
	.summary = "the same in pages of at most 32: smaller, twice as slow",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.limits = LIMITS,
	.state = sizeof(struct map_gathered),
	.add = map_coded_add,
	.finish = coded_32_finish,
	.scratch = coded_scratch,
	.lookup = coded_lookup,
	.lookup_many = coded_lookup_many,
	.split = coded_split,
};
