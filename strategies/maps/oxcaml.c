/*
 * oxcaml.c - OxCaml's short frame descriptors of 2026, and the index that
 * its runtime makes of them.
 *
 *      u32 count | u8 unit | u8 slot | descriptors, unaligned
 *
 *      short    uleb step of the pc | u8 size * 4 + flags | u16 registers, if flag 2 |
 *               bitmap of the frame's slots
 *      long     0 | u32 pc | u16 size | u16 nlive | u16 live[nlive], or with size 0x7fff
 *               u32 size | u32 nlive | u32 live[nlive]; live as OCaml's
 *
 * and after the load:
 *
 *      base | shift | buckets | segments | count | scratch |
 *      bucket[buckets]                   the last segment that begins at or before the bucket
 *      {pc, start, first}[segments + 1]  up to 16 descriptors
 *      u32 side[count]                   of a descriptor: pc in 16 bits, start in 16 bits, counted
 *                                        from the segment's
 *      the frame table as above
 *
 * From the pull requests oxcaml/oxcaml#6399 (July to September 2026; its description and the
 * review of short_encoding in backend/emitaux.ml) and #6304, and for the long form from
 * runtime/caml/ frame_descriptors.h before them (commit f7a82b9c). Taken: no alignment, steps
 * that cross functions, 0 as the escape, one byte of size and flags, sizes up to 63 units, a
 * bitmap of ceil(words / 8) bytes; 4 KiB buckets, segments of 16, entries of 16 + 16 bits. The
 * new runtime's own source was not at hand, so the order of fields and the index' rows are ours;
 * it makes the index of a unit when it first needs it, here the load makes all of it, and copies
 * the frame table behind it.
 *
 * OxCaml's unit is 16 bytes and its slot 8: here both are the largest that all frames and slots
 * allow, so that other producers' frames are short as well. Left out: debug information, lengths
 * of allocations, more than one unit, the cache of 4,096 descriptors per domain. Registers have
 * DWARF's numbers; those above 15 take the long form, as do frames without a byte. Its compiler
 * stops at frames of 2^30 bytes, which the 32 bits of the long form don't.
 *
 * Each call has a descriptor, also one without live places, and any other pc is known to have none.
 *
 * A lookup's scratch is the longest bitmap of a descriptor in the long form; live slots more than 1
 * MiB apart are refused, so it is at most 32 KiB.
 */
#include "../parts/engine.h"

enum {
	HEADER = 6,
	UNITS_MOST = 63,
	REGISTERS = 2, /* flag of a short descriptor; 1 would be debug information */
	LONG = 0x7fff,
	SPAN_MOST = 1 << 18, /* slots from the first live one to the last */
	SEGMENT = 16,
	LOADED = 24,
	ROW = 12,
	BUCKET_SHIFT = 12,
};

/* ---- Writing ------------------------------------------------------------------------------- */

static int oxcaml_add(void *state, const struct safepoint *p)
{
	uint32_t used = map_slots_used(p);
	if (used && p->live[0] < used && used - p->live[0] > SPAN_MOST)
		return -EFBIG;
	return map_gather_words(state, p);
}

static int put_short(struct map_bytes *out, const struct map_gathered *g, const struct map_point *p,
		     uint32_t step, uint32_t unit, uint32_t slot)
{
	size_t at;
	uint32_t flags = p->registers ? REGISTERS : 0;
	int error = map_bytes_put_uleb(out, step);
	if (!error)
		error = map_bytes_put_low(out, p->frame_size / unit << 2 | flags, 1);
	if (!error && flags)
		error = map_bytes_put_low(out, p->registers, 2);
	if (!error)
		error = map_bytes_zeros(out, (p->frame_size / slot + 7) / 8, &at);
	for (uint32_t i = 0; i < p->nslots && !error; i++) {
		uint32_t bit = g->slots[p->slots + i] / (slot / 4);
		out->data[at + bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return error;
}

static int put_long(struct map_bytes *out, const struct map_gathered *g, const struct map_point *p)
{
	unsigned width = p->frame_size < LONG ? 2 : 4;
	int error = map_bytes_put_low(out, 0, 1);
	if (!error)
		error = map_bytes_put32(out, p->pc);
	if (!error && width == 4)
		error = map_bytes_put_low(out, LONG, 2);
	if (!error)
		error = map_bytes_put_low(out, p->frame_size, width);
	if (!error)
		error = map_bytes_put_low(out, map_point_places(p), width);
	return error ? error : map_put_offsets(out, g, p, width);
}

static int put_all(const struct map_gathered *g, struct map_bytes *out)
{
	uint32_t bits = 16, slot = 4 * map_gathered_stride(g, false), pc = 0;
	for (size_t i = 0; i < g->npoints; i++)
		bits |= g->points[i].frame_size;
	uint32_t unit = bits & -bits; /* a power of two, 4 to 16 */
	slot = slot < unit ? slot : unit;
	int error = g->npoints > UINT32_MAX ? -EFBIG : map_bytes_put32(out, (uint32_t)g->npoints);
	if (!error)
		error = map_bytes_put_low(out, unit | slot << 8, 2);
	for (size_t i = 0; i < g->npoints && !error; i++) {
		const struct map_point *p = &g->points[i];
		if (p->pc == pc || !p->frame_size || p->frame_size / unit > UNITS_MOST ||
		    p->registers > UINT16_MAX)
			error = put_long(out, g, p);
		else
			error = put_short(out, g, p, p->pc - pc, unit, slot);
		pc = p->pc;
	}
	return error;
}

static int oxcaml_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	int error = out && g->npoints ? put_all(g, out) : 0;
	map_gathered_free(g);
	return error;
}

/* ---- Descriptors --------------------------------------------------------------------------- */

struct oxcaml_units {
	uint32_t unit, slot;
};

struct descriptor {
	uint32_t pc, frame_size, registers;
	unsigned width;	     /* of a place in the long form; 0: short */
	uint32_t n;	     /* long: places; short: bytes of bitmap */
	const uint8_t *body; /* places or bitmap */
};

static bool units_of(const uint8_t *map, size_t len, struct oxcaml_units *u)
{
	if (len < HEADER)
		return false;
	*u = (struct oxcaml_units){ map_load_low(map + 4, 1), map_load_low(map + 5, 1) };
	return (u->unit == 4 || u->unit == 8 || u->unit == 16) && (u->slot == 4 || u->slot == 8) &&
	       u->slot <= u->unit;
}

static bool take(const uint8_t **p, const uint8_t *end, unsigned n, uint32_t *v)
{
	if ((size_t)(end - *p) < n)
		return false;
	*v = map_load_low(*p, n);
	*p += n;
	return true;
}

static bool read_long(const uint8_t **p, const uint8_t *end, struct descriptor *d)
{
	d->width = 2;
	if (!take(p, end, 4, &d->pc) || !take(p, end, 2, &d->frame_size))
		return false;
	if (d->frame_size == LONG) {
		d->width = 4;
		if (!take(p, end, 4, &d->frame_size))
			return false;
	}
	if (!take(p, end, d->width, &d->n) || d->n > (size_t)(end - *p) / d->width)
		return false;
	d->body = *p;
	*p += (size_t)d->n * d->width;
	return true;
}

static bool read_short(const uint8_t **p, const uint8_t *end, struct oxcaml_units u,
		       struct descriptor *d)
{
	uint32_t head;
	if (!take(p, end, 1, &head) || head & 1)
		return false;
	if (head & REGISTERS && !take(p, end, 2, &d->registers))
		return false;
	d->frame_size = (head >> 2) * u.unit;
	d->n = (d->frame_size / u.slot + 7) / 8;
	d->body = *p;
	if (d->n > (size_t)(end - *p))
		return false;
	*p += d->n;
	return true;
}

/* The descriptor at *p, which is then behind it; last: the pc of the one before. */
static bool read_descriptor(const uint8_t **p, const uint8_t *end, struct oxcaml_units u,
			    uint32_t last, struct descriptor *d)
{
	uint64_t step;
	*d = (struct descriptor){ 0 };
	if (!map_read_uleb(p, end, &step) || step > UINT32_MAX - last)
		return false;
	d->pc = last + (uint32_t)step;
	return step ? read_short(p, end, u, d) : read_long(p, end, d);
}

/* ---- The load ------------------------------------------------------------------------------ */

struct loading {
	struct map_bytes segments, sides;
	uint32_t n, in_segment, pc, start; /* pc, start: of the segment */
	uint32_t first_pc, last_pc, scratch;
};

static int open_segment(struct loading *l, uint32_t pc, uint32_t start)
{
	l->pc = pc;
	l->start = start;
	l->in_segment = 0;
	int error = map_bytes_put32(&l->segments, pc);
	if (!error)
		error = map_bytes_put32(&l->segments, start);
	return error ? error : map_bytes_put32(&l->segments, l->n);
}

static int add_side(struct loading *l, uint32_t pc, size_t start)
{
	int error = 0;
	if (start > UINT32_MAX)
		return -EINVAL;
	if (!l->n || l->in_segment == SEGMENT || pc - l->pc > UINT16_MAX ||
	    start - l->start > UINT16_MAX)
		error = open_segment(l, pc, (uint32_t)start);
	if (!error)
		error =
		    map_bytes_put32(&l->sides, (pc - l->pc) | ((uint32_t)start - l->start) << 16);
	l->n++;
	l->in_segment++;
	return error;
}

/* Room in scratch for the places of the long form. */
static bool room_for(struct loading *l, const struct descriptor *d)
{
	uint32_t low = UINT32_MAX, high = 0;
	for (uint32_t i = 0; d->width && i < d->n; i++) {
		uint32_t v = map_load_low(d->body + (size_t)i * d->width, d->width);
		if (v & 1)
			continue;
		low = v / 4 < low ? v / 4 : low;
		high = v / 4 > high ? v / 4 : high;
	}
	if (low > high)
		return true;
	if ((high - low) / 8 >= l->scratch)
		l->scratch = (high - low) / 8 + 1;
	return high - low < SPAN_MOST;
}

static int read_all(struct loading *l, const uint8_t *map, size_t len)
{
	struct oxcaml_units u;
	int error = units_of(map, len, &u) ? 0 : -EINVAL;
	const uint8_t *p = map + HEADER, *end = map + len;
	for (uint32_t n = error ? 0 : map_load32(map); n && !error; n--) {
		const uint8_t *start = p;
		struct descriptor d;
		if (!read_descriptor(&p, end, u, l->last_pc, &d) || (l->n && d.pc <= l->last_pc))
			return -EINVAL;
		l->first_pc = l->n ? l->first_pc : d.pc;
		l->last_pc = d.pc;
		if (!room_for(l, &d))
			return -EINVAL;
		error = add_side(l, d.pc, (size_t)(start - map));
	}
	if (!error && !l->n)
		error = -EINVAL;
	return error ? error : open_segment(l, UINT32_MAX, 0); /* the end */
}

static int put_index(const struct loading *l, struct map_bytes *out)
{
	uint32_t shift = BUCKET_SHIFT, segments = (uint32_t)(l->segments.len / ROW) - 1, s = 0;
	/* No more buckets than descriptors, so that few in a wide text stay small. */
	while ((l->last_pc >> shift) - (l->first_pc >> shift) > l->n)
		shift++;
	uint32_t base = l->first_pc >> shift << shift;
	uint32_t buckets = ((l->last_pc - base) >> shift) + 1;
	const uint32_t head[] = { base, shift, buckets, segments, l->n, l->scratch };
	int error = 0;
	for (size_t i = 0; i < sizeof head / sizeof *head && !error; i++)
		error = map_bytes_put32(out, head[i]);
	for (uint32_t b = 0; b < buckets && !error; b++) {
		uint32_t from = base + (b << shift);
		while (s + 1 < segments && map_load32(l->segments.data + ROW * (s + 1)) <= from)
			s++;
		error = map_bytes_put32(out, s);
	}
	if (!error)
		error = map_bytes_put(out, l->segments.data, l->segments.len);
	return error ? error : map_bytes_put(out, l->sides.data, l->sides.len);
}

static int oxcaml_load(const uint8_t *map, size_t len, struct map_bytes *out)
{
	struct loading l = { 0 };
	int error = len ? read_all(&l, map, len) : 0;
	if (!error && len)
		error = put_index(&l, out);
	if (!error)
		error = map_bytes_put(out, map, len);
	free(l.segments.data);
	free(l.sides.data);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct oxcaml_index {
	uint32_t base, shift, buckets, segments, n, scratch;
	const uint8_t *bucket, *segment, *side, *table, *end;
};

static bool oxcaml_open(struct oxcaml_index *x, const uint8_t *map, size_t len)
{
	if (len < LOADED)
		return false;
	*x = (struct oxcaml_index){
		.base = map_load32(map),
		.shift = map_load32(map + 4),
		.buckets = map_load32(map + 8),
		.segments = map_load32(map + 12),
		.n = map_load32(map + 16),
		.scratch = map_load32(map + 20),
	};
	uint64_t bytes =
	    4 * (uint64_t)x->buckets + ROW * ((uint64_t)x->segments + 1) + 4 * (uint64_t)x->n;
	if (x->shift > 31 || !x->segments || bytes > len - LOADED)
		return false;
	x->bucket = map + LOADED;
	x->segment = x->bucket + 4 * (size_t)x->buckets;
	x->side = x->segment + ROW * ((size_t)x->segments + 1);
	x->table = x->side + 4 * (size_t)x->n;
	x->end = map + len;
	return x->scratch <= SPAN_MOST / 8;
}

static enum map_answer oxcaml_map(const struct oxcaml_index *x, uint32_t start, uint32_t pc,
				  uint8_t *scratch, struct map_live *out)
{
	struct oxcaml_units u;
	struct descriptor d;
	const uint8_t *p = x->table;
	if (!units_of(p, (size_t)(x->end - p), &u) || start > (size_t)(x->end - p))
		return MAP_DAMAGED;
	p += start;
	if (!read_descriptor(&p, x->end, u, 0, &d))
		return MAP_DAMAGED;
	if (d.width) {
		struct map_list l =
		    map_list_begin(out, d.frame_size, d.frame_size / 4, scratch, x->scratch);
		return d.pc == pc && map_list_offsets(&l, d.body, d.n, d.width) ? MAP_FOUND
										: MAP_DAMAGED;
	}
	*out = (struct map_live){ .frame_size = d.frame_size,
				  .nbytes = d.n,
				  .registers = d.registers,
				  .stride = (uint8_t)(u.slot / 4),
				  .bitmap = d.body };
	return MAP_FOUND;
}

/* The segment that would hold the pc, from the bucket's on. */
static const uint8_t *oxcaml_segment(const struct oxcaml_index *x, uint32_t s, uint32_t pc)
{
	const uint8_t *row = x->segment + ROW * (size_t)s;
	for (; s + 1 < x->segments && map_load32(row + ROW) <= pc; s++)
		row += ROW;
	return row;
}

/* map: the loaded bytes. */
static enum map_answer oxcaml_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				     struct map_live *out)
{
	struct oxcaml_index x;
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!oxcaml_open(&x, map, len))
		return MAP_DAMAGED;
	uint32_t b = (pc - x.base) >> x.shift;
	if (pc < x.base || b >= x.buckets)
		return MAP_NO_SAFEPOINT;
	uint32_t s = map_load32(x.bucket + 4 * (size_t)b);
	if (s >= x.segments)
		return MAP_DAMAGED;
	const uint8_t *row = oxcaml_segment(&x, s, pc);
	uint32_t start = map_load32(row), i = map_load32(row + 8), end = map_load32(row + ROW + 8);
	if (end > x.n || i > end || end - i > SEGMENT)
		return MAP_DAMAGED;
	if (pc < start || pc - start > UINT16_MAX)
		return MAP_NO_SAFEPOINT;
	for (; i < end; i++) {
		uint32_t side = map_load32(x.side + 4 * (size_t)i);
		if ((side & UINT16_MAX) == pc - start)
			return oxcaml_map(&x, map_load32(row + 4) + (side >> 16), pc, scratch, out);
	}
	return MAP_NO_SAFEPOINT;
}

static size_t oxcaml_scratch(const uint8_t *map, size_t len)
{
	struct oxcaml_index x;
	return oxcaml_open(&x, map, len) ? x.scratch : 0;
}

/* In the frame table, the index is the steps, and a long descriptor's pc:
 * they find a descriptor. */
static void oxcaml_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	struct oxcaml_units u;
	struct descriptor d = { 0 };
	*index = len;
	if (units_of(map, len, &u)) {
		const uint8_t *p = map + HEADER, *end = map + len;
		*index = HEADER;
		for (uint32_t n = map_load32(map); n; n--) {
			uint64_t step;
			const uint8_t *start = p;
			if (!read_descriptor(&p, end, u, d.pc, &d))
				break;
			const uint8_t *behind = start;
			map_read_uleb(&behind, end, &step);
			*index += (size_t)(behind - start) + (step ? 0 : 4);
		}
	}
	*data = len - *index;
}

const struct map_ops map_oxcaml = {
	.name = "oxcaml",
	.summary = "OxCaml's short frame descriptors of 2026, and the index made of them",
	.limits =
	    "frames of whole 4-byte words, 1 MiB from the first reference of a frame to its last",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.state = sizeof(struct map_gathered),
	.add = oxcaml_add,
	.finish = oxcaml_finish,
	.load = oxcaml_load,
	.scratch = oxcaml_scratch,
	.lookup = oxcaml_lookup,
	.split = oxcaml_split,
};
