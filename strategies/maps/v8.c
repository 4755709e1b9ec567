/*
 * v8.c - V8's safepoint table of optimised and WebAssembly code: one table a function, searched
 * from its start.
 *
 *      functions | bytes of a slot: 4 or 8 | start[n] | end[n] | table[n] | tables, 4-aligned
 *
 *      table   stack slots | entries | config | {pc, registers}[entries] | bitmap[entries]
 *              config: bit 0 has deopt data, bits 1-3 bytes of registers, 4-6 bytes of pc,
 *              7-9 bytes of a deopt index, 10-31 bytes of a bitmap
 *
 * From src/codegen/safepoint-table.{h,cc} of V8's main branch, in the form that it has had since
 * 2023 (older ones had no stack slots, or fixed words, or merged only tables whose entries are all
 * equal): the three words of the header, entries as narrow as the table's greatest needs (a pc's
 * bytes are those of pc + 1, as there), the order, successive entries that differ in the pc alone
 * written once, empty ones too, one bitmap width a table, and the search: a linear one for the last
 * entry at or before the pc. Words are u32; pcs count from the function. Bit 0 is the slot at SP,
 * since V8 numbers slots from the frame pointer down and writes them reversed; the unused ones next
 * to the frame pointer have no bits.
 *
 * V8 finds the function in a tree of code objects by address (NativeModule::Lookup), which hold
 * size and table offset: the index here stands for these, in 12 bytes a function. Left out:
 * deoptimisation, trampolines, the cache of looked-up code, Maglev's own table. V8 knows a frame's
 * size by function: where a producer's varies it is not held, and stack slots are 0.
 *
 * Within a function, from the first entry on, each pc has a map; V8 stops at one before it, or
 * outside all functions.
 */
#include "../parts/bytes.h"
#include "../parts/gathered.h"

enum { HEADER = 8, ROW = 12, TABLE = 12, BITMAP_MOST = (1 << 22) - 1 };

/* ---- Writing ------------------------------------------------------------------------------- */

/* What all entries of one table have in common. */
struct v8_shape {
	uint32_t stack_slots, entries;
	unsigned pc_bytes, register_bytes;
	size_t bitmap_bytes;
};

static unsigned value_bytes(uint64_t v)
{
	unsigned n = 0;
	for (; v && n < 4; v >>= 8)
		n++;
	return n;
}

static bool same_map(const struct map_gathered *g, const struct map_point *a,
		     const struct map_point *b)
{
	return a->registers == b->registers && a->nslots == b->nslots &&
	       (!a->nslots ||
		!memcmp(g->slots + a->slots, g->slots + b->slots, a->nslots * sizeof *g->slots));
}

/* Whether the function's point i is an entry: the first, and each that
 * differs from its neighbour. */
static bool is_entry(const struct map_gathered *g, const struct map_point *points, uint32_t i)
{
	return !i || !same_map(g, &points[i - 1], &points[i]);
}

static struct v8_shape shape_of(const struct map_gathered *g, const struct map_owner *f,
				unsigned stride)
{
	const struct map_point *points = g->points + f->first;
	struct v8_shape s = { 0 };
	uint32_t registers = 0, frame = f->n ? points[0].frame_size : 0;
	bool held = frame % (4 * stride) == 0;
	for (uint32_t i = 0; i < f->n; i++) {
		const struct map_point *p = &points[i];
		held &= p->frame_size == frame;
		registers |= p->registers;
		if (is_entry(g, points, i)) {
			s.entries++;
			s.pc_bytes = value_bytes((uint64_t)p->pc - f->start + 1);
		}
		size_t bits = p->nslots ? g->slots[p->slots + p->nslots - 1] / stride + 1 : 0;
		if ((bits + 7) / 8 > s.bitmap_bytes)
			s.bitmap_bytes = (bits + 7) / 8;
	}
	s.stack_slots = held ? frame / (4 * stride) : 0;
	s.register_bytes = value_bytes(registers);
	return s;
}

static int put_table(struct map_bytes *out, const struct map_gathered *g, const struct map_owner *f,
		     unsigned stride)
{
	const struct map_point *points = g->points + f->first;
	const struct v8_shape s = shape_of(g, f, stride);
	size_t row = s.pc_bytes + s.register_bytes, at;
	if (s.bitmap_bytes > BITMAP_MOST || s.entries * (row + s.bitmap_bytes) > UINT32_MAX)
		return -EFBIG;
	int error = map_bytes_put32(out, s.stack_slots);
	if (!error)
		error = map_bytes_put32(out, s.entries);
	if (!error)
		error = map_bytes_put32(out, s.register_bytes << 1 | s.pc_bytes << 4 |
						 (uint32_t)s.bitmap_bytes << 10);
	if (!error)
		error = map_bytes_zeros(out, s.entries * (row + s.bitmap_bytes), &at);
	if (error)
		return error;
	uint8_t *entry = out->data + at, *bitmap = entry + s.entries * row;
	for (uint32_t i = 0; i < f->n; i++) {
		const struct map_point *p = &points[i];
		if (!is_entry(g, points, i))
			continue;
		for (unsigned b = 0; b < s.pc_bytes; b++)
			*entry++ = (uint8_t)((p->pc - f->start) >> 8 * b);
		for (unsigned b = 0; b < s.register_bytes; b++)
			*entry++ = (uint8_t)(p->registers >> 8 * b);
		for (uint32_t k = 0; k < p->nslots; k++) {
			uint32_t bit = g->slots[p->slots + k] / stride;
			bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
		}
		bitmap += s.bitmap_bytes;
	}
	return map_bytes_zeros(out, -out->len & 3, NULL);
}

/* Writes the tables to `tables`, and the index, which needs their places, to out. */
static int put_all(const struct map_gathered *g, struct map_bytes *tables, struct map_bytes *out)
{
	unsigned stride = map_gathered_stride(g, false);
	size_t n = g->nfunctions, at;
	int error = n > UINT32_MAX ? -EFBIG : map_bytes_put32(out, (uint32_t)n);
	if (!error)
		error = map_bytes_put32(out, 4 * stride);
	if (!error)
		error = map_bytes_zeros(out, ROW * n, &at);
	for (size_t i = 0; i < n && !error; i++) {
		const struct map_owner *f = &g->functions[i];
		if (tables->len > UINT32_MAX)
			return -EFBIG;
		map_store32(out->data + at + 4 * i, f->start);
		map_store32(out->data + at + 4 * (n + i), f->end);
		map_store32(out->data + at + 4 * (2 * n + i), (uint32_t)tables->len);
		error = put_table(tables, g, f, stride);
	}
	return error ? error : map_bytes_put(out, tables->data, tables->len);
}

static int v8_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	struct map_bytes tables = { 0 };
	int error = out && g->npoints ? put_all(g, &tables, out) : 0;
	free(tables.data);
	map_gathered_free(g);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct v8_index {
	const uint8_t *start, *tables;
	size_t count, room; /* functions; bytes of tables */
	unsigned stride;
};

static bool v8_open(struct v8_index *x, const uint8_t *map, size_t len)
{
	if (len < HEADER)
		return false;
	uint32_t slot = map_load32(map + 4);
	x->count = map_load32(map);
	x->stride = slot / 4;
	if ((slot != 4 && slot != 8) || !x->count || x->count > (len - HEADER) / ROW)
		return false;
	x->start = map + HEADER;
	x->tables = x->start + ROW * x->count;
	x->room = len - HEADER - ROW * x->count;
	return true;
}

/* The last entry at or before `offset`, in the table of one function. */
static enum map_answer v8_find(const uint8_t *table, size_t room, uint32_t offset, unsigned stride,
			       struct map_live *out)
{
	if (room < TABLE)
		return MAP_DAMAGED;
	uint32_t slots = map_load32(table), n = map_load32(table + 4);
	uint32_t config = map_load32(table + 8), found = 0;
	unsigned register_bytes = config >> 1 & 7, pc_bytes = config >> 4 & 7;
	size_t bitmap_bytes = config >> 10, row = pc_bytes + register_bytes;
	const uint8_t *entries = table + TABLE;
	if (!n)
		return MAP_NO_SAFEPOINT;
	if (config & 0x381 || register_bytes > 4 || !pc_bytes || pc_bytes > 4 ||
	    n > (room - TABLE) / (row + bitmap_bytes))
		return MAP_DAMAGED;
	if (slots > UINT32_MAX / (4 * stride) || (slots && bitmap_bytes > ((size_t)slots + 7) / 8))
		return MAP_DAMAGED;
	if (map_load_low(entries, pc_bytes) > offset)
		return MAP_NO_SAFEPOINT;
	while (found + 1 < n && map_load_low(entries + (found + 1) * row, pc_bytes) <= offset)
		found++;
	*out = (struct map_live){
		.frame_size = slots * 4 * stride,
		.nbytes = (uint32_t)bitmap_bytes,
		.registers = map_load_low(entries + found * row + pc_bytes, register_bytes),
		.stride = (uint8_t)stride,
		.bitmap = entries + n * row + found * bitmap_bytes,
	};
	return MAP_FOUND;
}

static enum map_answer v8_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				 struct map_live *out)
{
	struct v8_index x;
	(void)scratch;
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!v8_open(&x, map, len))
		return MAP_DAMAGED;
	/* A return address belongs to the function of the byte before it. */
	uint32_t key = pc ? pc - 1 : 0;
	const uint8_t *start = x.start + 4 * map_search(x.start, x.count, key);
	uint32_t first = map_load32(start), last = map_load32(start + 4 * x.count);
	uint32_t table = map_load32(start + 8 * x.count);
	if (key < first || pc > last)
		return MAP_NO_SAFEPOINT;
	if (table > x.room)
		return MAP_DAMAGED;
	return v8_find(x.tables + table, x.room - table, pc - first, x.stride, out);
}

static void v8_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	struct v8_index x;
	*index = len;
	if (v8_open(&x, map, len))
		*index = (size_t)(x.tables - map);
	*data = len - *index;
}

const struct map_ops map_v8 = {
	.name = "v8",
	.summary = "V8's safepoint tables: one a function, equal neighbours once, a linear search",
	.limits = "4 MiB of bitmap a safepoint, 4 GiB of tables",
	.flags = MAP_EMPTIES | MAP_REGISTERS,
	.state = sizeof(struct map_gathered),
	.function = map_gather_function,
	.add = map_gather,
	.finish = v8_finish,
	.lookup = v8_lookup,
	.split = v8_split,
};
