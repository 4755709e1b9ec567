/*
 * art.c - ART's CodeInfo: per method packed tables of stack maps, register masks and stack masks,
 * each column as wide as its largest value.
 *
 *      methods | slot | {start, place}[methods] | CodeInfos, each at a byte
 *
 *      CodeInfo   seven numbers: flags, code size, frame, core spills, float spills, dex
 *                 registers, has; then for each table that bit k of `has` names the table, or, if
 *                 bit 8 + k names it as well, how many bits before here an equal one begins
 *
 *      table      rows, width of each column | rows * widths bits
 *         0       kind, pc, dex pc, register mask, stack mask, inlining, 2 of dex registers
 *         1       value, shift: a register mask
 *         2       a stack mask
 *
 *      numbers    of a list 4 bits each: 0 to 11 itself, 12 to 15 for 1 to 4 bytes,
 *                 which follow the list
 *
 * From LineageOS/android_art, Android 12 on: runtime/stack_map.{h,cc} (commits 0bd23289, 20025048),
 * libartbase/base/{bit_table,bit_memory_region}.h (25f0b0ec, 024ea4b9) and
 * compiler/optimizing/stack_map_stream.cc (02f7141e): the header, numbers, values stored plus one
 * so that "none" is 0, masks once a method, a register mask as value and shift, whole tables once
 * in all code if they have more than 32 bits, and the search: a binary one over the packed pcs.
 *
 * Here all kinds are the default one and no dex pc, inlining or dex register is known, so these
 * five columns have width 0; spills are 0. frame is in slots (ART: 16 bytes), 0 where a producer's
 * varies within a method. A frame on ART's stack holds its method, which leads to the CodeInfo: the
 * index here, 8 bytes a method, stands for that. The pc 2^32 - 1 takes 33 bits.
 *
 * Each call has a row, also one without live places. For another pc ART finds no row, which it
 * checks (DCHECK) in a debug build alone.
 *
 * A mask is not at a byte, so a lookup copies it: its scratch is 65,535 bits, the widest row of a
 * table, in 8 KiB.
 */
#include "../parts/bits.h"
#include "../parts/engine.h"
#include "../parts/numbered.h"

enum { STACK_MAPS, REGISTER_MASKS, STACK_MASKS, TABLES };
enum { FLAGS, CODE_SIZE, FRAME, CORE, FLOATS, DEX, HAS, HEADERS };
enum { PC = 1, REGISTER_MASK = 3, STACK_MASK = 4, COLUMNS = 8 };
enum {
	HEADER = 8,
	ROW = 8,
	DEDUPED = 8, /* bit k + this of `tables` */
	SMALL = 32,  /* bits of a table that is not worth a reference */
	INLINE_MOST = 11,
	WIDE_MOST = 65535, /* bits of a row */
	SCRATCH = 8192,
};

static const unsigned columns[TABLES] = { COLUMNS, 2, 1 };

/* ---- Writing ------------------------------------------------------------------------------- */

struct art_writer {
	const struct map_gathered *g;
	unsigned stride;
	struct map_numbered registers, stacks; /* masks of one method */
	uint32_t widest;		       /* bits of its widest stack mask */
	uint64_t *rows;			       /* of one method: pc, register mask, stack mask */
	struct map_bytes one;
	struct map_bits tables[TABLES];
	struct map_numbered seen; /* tables of all methods */
	uint64_t *where;	  /* bits before each of these */
	size_t where_cap;
	struct map_bits out;
};

static int put_numbers(struct map_bits *b, const uint32_t *v, unsigned n)
{
	int error = 0;
	for (unsigned i = 0; i < n && !error; i++)
		error = map_bits_put(
		    b, v[i] > INLINE_MOST ? INLINE_MOST + (map_bits_of(v[i]) + 7) / 8 : v[i], 4);
	for (unsigned i = 0; i < n && !error; i++)
		if (v[i] > INLINE_MOST)
			error = map_bits_put(b, v[i], (map_bits_of(v[i]) + 7) / 8 * 8);
	return error;
}

/* The number of a point's stack mask, plus 1; 0: no slot is live. */
static int number_stack(struct art_writer *w, const struct map_point *p, uint64_t *number)
{
	size_t n;
	*number = 0;
	if (!p->nslots)
		return 0;
	uint32_t bits = w->g->slots[p->slots + p->nslots - 1] / w->stride + 1;
	w->one.len = 0;
	int error = map_bytes_zeros(&w->one, ((size_t)bits + 7) / 8, NULL);
	for (uint32_t k = 0; k < p->nslots && !error; k++) {
		uint32_t bit = w->g->slots[p->slots + k] / w->stride;
		w->one.data[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	if (!error)
		error = map_number(&w->stacks, w->one.data, (uint32_t)w->one.len, &n);
	w->widest = bits > w->widest ? bits : w->widest;
	*number = error ? 0 : n + 1;
	return error;
}

static int number_registers(struct art_writer *w, uint32_t mask, uint64_t *number)
{
	uint8_t bytes[4];
	size_t n;
	*number = 0;
	if (!mask)
		return 0;
	map_store32(bytes, mask);
	int error = map_number(&w->registers, bytes, sizeof bytes, &n);
	*number = error ? 0 : n + 1;
	return error;
}

static int put_stack_maps(struct art_writer *w, const struct map_owner *f)
{
	uint32_t head[1 + COLUMNS] = { f->n };
	uint64_t all[3] = { 0 };
	int error = 0;
	for (uint32_t i = 0; i < f->n && !error; i++) {
		const struct map_point *p = &w->g->points[f->first + i];
		uint64_t *row = w->rows + 3 * (size_t)i;
		row[0] = (uint64_t)p->pc - f->start + 1;
		error = number_registers(w, p->registers, &row[1]);
		if (!error)
			error = number_stack(w, p, &row[2]);
		for (int c = 0; c < 3; c++)
			all[c] |= row[c];
	}
	head[1 + PC] = map_bits_of(all[0]);
	head[1 + REGISTER_MASK] = map_bits_of(all[1]);
	head[1 + STACK_MASK] = map_bits_of(all[2]);
	if (!error)
		error = put_numbers(&w->tables[STACK_MAPS], head, 1 + COLUMNS);
	for (size_t i = 0; i < 3 * (size_t)f->n && !error; i++) {
		static const int column[] = { PC, REGISTER_MASK, STACK_MASK };
		error = map_bits_put(&w->tables[STACK_MAPS], w->rows[i], head[1 + column[i % 3]]);
	}
	return error;
}

static int put_register_masks(struct art_writer *w)
{
	struct map_bits *t = &w->tables[REGISTER_MASKS];
	uint32_t head[3] = { (uint32_t)w->registers.n };
	uint64_t values = 0, shifts = 0;
	int error = 0;
	for (int pass = 0; pass < 2 && !error; pass++) {
		for (size_t i = 0; i < w->registers.n && !error; i++) {
			uint32_t mask = map_load32(w->registers.strings.bytes.data + 4 * i);
			uint64_t shift = (uint64_t)__builtin_ctz(mask);
			uint64_t value = ((uint64_t)mask >> shift) + 1;
			values |= value;
			shifts |= shift + 1;
			if (pass)
				error = map_bits_put(t, value, head[1]);
			if (pass && !error)
				error = map_bits_put(t, shift + 1, head[2]);
		}
		head[1] = map_bits_of(values);
		head[2] = map_bits_of(shifts);
		if (!pass && head[0])
			error = put_numbers(t, head, 3);
	}
	return error;
}

static int put_stack_masks(struct art_writer *w)
{
	struct map_bits *t = &w->tables[STACK_MASKS];
	const uint32_t head[2] = { (uint32_t)w->stacks.n, w->widest };
	int error = head[0] ? put_numbers(t, head, 2) : 0;
	for (size_t i = 0; i < w->stacks.n && !error; i++) {
		size_t at = w->stacks.at[i];
		uint64_t n = 8 * (uint64_t)(map_numbered_end(&w->stacks, i) - at);
		n = n < w->widest ? n : w->widest;
		error = map_bits_copy(t, w->stacks.strings.bytes.data + at, n);
		for (uint64_t k = n; k < w->widest && !error; k += 32)
			error =
			    map_bits_put(t, 0, w->widest - k < 32 ? (unsigned)(w->widest - k) : 32);
	}
	return error;
}

/* The number of a table among all; it is new if `seen` grew. */
static int number_table(struct art_writer *w, int k, size_t *number)
{
	const struct map_bits *t = &w->tables[k];
	w->one.len = 0;
	int error = map_bytes_put(&w->one, t->bytes.data, t->bytes.len);
	if (!error) /* of two kinds the same bytes may be two tables */
		error = map_bytes_put_low(&w->one, (uint64_t)k, 1);
	if (!error && w->one.len > UINT32_MAX)
		error = -EFBIG;
	if (!error)
		error = map_number(&w->seen, w->one.data, (uint32_t)w->one.len, number);
	if (error || *number < w->where_cap)
		return error;
	size_t cap = w->where_cap ? 2 * w->where_cap : 256;
	uint64_t *p = realloc(w->where, cap * sizeof *p);
	if (!p)
		return -ENOMEM;
	memset(p + w->where_cap, 0, (cap - w->where_cap) * sizeof *p);
	w->where = p;
	w->where_cap = cap;
	return 0;
}

static int put_code_info(struct art_writer *w, const struct map_owner *f)
{
	uint32_t head[HEADERS] = { [CODE_SIZE] = f->end - f->start };
	size_t number[TABLES] = { 0 };
	int error = 0;
	head[FRAME] = map_owner_frame(w->g, f, 4 * w->stride) / (4 * w->stride);
	map_bits_align(&w->out);
	for (int k = 0; k < TABLES && !error; k++) {
		if (!w->tables[k].n)
			continue;
		error = number_table(w, k, &number[k]);
		head[HAS] |= 1u << k;
		if (!error && w->where[number[k]] && w->tables[k].n > SMALL)
			head[HAS] |= 1u << (DEDUPED + k);
	}
	if (!error)
		error = put_numbers(&w->out, head, HEADERS);
	for (int k = 0; k < TABLES && !error; k++) {
		if (head[HAS] >> (DEDUPED + k) & 1) {
			uint64_t back = w->out.n - w->where[number[k]];
			uint32_t v = (uint32_t)back;
			error = back > UINT32_MAX ? -EFBIG : put_numbers(&w->out, &v, 1);
		} else if (w->tables[k].n) {
			w->where[number[k]] = w->out.n;
			error = map_bits_copy(&w->out, w->tables[k].bytes.data, w->tables[k].n);
		}
	}
	return error;
}

static int put_method(struct art_writer *w, const struct map_owner *f)
{
	int error;
	for (int k = 0; k < TABLES; k++)
		map_bits_clear(&w->tables[k]);
	map_numbered_clear(&w->registers);
	map_numbered_clear(&w->stacks);
	w->widest = 0;
	if ((error = put_stack_maps(w, f)) || (error = put_register_masks(w)) ||
	    (error = put_stack_masks(w)))
		return error;
	return put_code_info(w, f);
}

static int put_all(struct art_writer *w, struct map_bytes *out)
{
	const struct map_gathered *g = w->g;
	int error = map_bytes_put32(out, (uint32_t)g->nfunctions);
	if (!error)
		error = map_bytes_put32(out, 4 * w->stride);
	for (size_t i = 0; i < g->nfunctions && !error; i++) {
		const struct map_owner *f = &g->functions[i];
		uint64_t place = (w->out.n + 7) / 8;
		if (place > UINT32_MAX)
			return -EFBIG;
		error = map_bytes_put32(out, f->start);
		if (!error)
			error = map_bytes_put32(out, (uint32_t)place);
		if (!error)
			error = put_method(w, f);
	}
	return error ? error : map_bytes_put(out, w->out.bytes.data, w->out.bytes.len);
}

static int art_add(void *state, const struct safepoint *p)
{
	/* A stack mask may have a bit for each slot, whatever the stride becomes. */
	if (map_slots_used(p) > WIDE_MOST)
		return -EFBIG;
	return map_gather(state, p);
}

static int art_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	struct art_writer w = { .g = g, .stride = map_gathered_stride(g, false) };
	int error = 0;
	if (out && g->npoints) {
		w.rows = calloc(3 * g->npoints, sizeof *w.rows);
		error = w.rows ? put_all(&w, out) : -ENOMEM;
	}
	for (int k = 0; k < TABLES; k++)
		free(w.tables[k].bytes.data);
	map_numbered_free(&w.registers);
	map_numbered_free(&w.stacks);
	map_numbered_free(&w.seen);
	free(w.where);
	free(w.rows);
	free(w.one.data);
	free(w.out.bytes.data);
	map_gathered_free(g);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct art_table {
	uint64_t data;			     /* bits before its rows */
	uint32_t rows, offsets[COLUMNS + 1]; /* of columns in a row; the last: bits of a row */
	unsigned columns;
};

static void read_numbers(struct map_bit_reader *r, uint32_t *v, unsigned n)
{
	uint64_t small = map_bits_read(r, 4 * n);
	for (unsigned i = 0; i < n; i++)
		v[i] = (uint32_t)(small >> 4 * i) & 15;
	for (unsigned i = 0; i < n; i++)
		if (v[i] > INLINE_MOST)
			v[i] = (uint32_t)map_bits_read(r, 8 * (v[i] - INLINE_MOST));
}

static bool read_table(struct map_bit_reader *r, unsigned n, struct art_table *t)
{
	uint32_t head[1 + COLUMNS];
	read_numbers(r, head, 1 + n);
	if (r->over)
		return false;
	*t = (struct art_table){ .data = r->at, .rows = head[0], .columns = n };
	for (unsigned c = 0; c < n; c++) {
		if (head[1 + c] > (n == 1 ? WIDE_MOST : 33))
			return false;
		t->offsets[c + 1] = t->offsets[c] + head[1 + c];
	}
	uint64_t bits = (uint64_t)t->rows * t->offsets[n];
	if (bits > 8 * (uint64_t)r->len - r->at)
		return false;
	r->at += bits;
	return true;
}

/* The tables of one method. */
struct art_info {
	const uint8_t *p;
	size_t len;
	uint32_t head[HEADERS];
	struct art_table tables[TABLES];
};

static bool read_info(struct art_info *info, const uint8_t *p, size_t len, uint32_t place)
{
	struct map_bit_reader r = { p, len, 8 * (uint64_t)place, false };
	*info = (struct art_info){ p, len, { 0 }, { { 0 } } };
	read_numbers(&r, info->head, HEADERS);
	for (int k = 0; k < TABLES && !r.over; k++) {
		if (!(info->head[HAS] >> k & 1))
			continue;
		if (info->head[HAS] >> (DEDUPED + k) & 1) {
			struct map_bit_reader other = r;
			uint32_t back;
			read_numbers(&r, &back, 1);
			if (r.over || back > other.at)
				return false;
			other.at -= back;
			if (!read_table(&other, columns[k], &info->tables[k]))
				return false;
		} else if (!read_table(&r, columns[k], &info->tables[k])) {
			return false;
		}
	}
	return !r.over;
}

/* row is below rows. */
static uint64_t cell(const struct art_info *info, int table, uint32_t row, unsigned column)
{
	const struct art_table *t = &info->tables[table];
	uint64_t at = t->data + (uint64_t)row * t->offsets[t->columns] + t->offsets[column];
	return map_bits_load(info->p, info->len, at, t->offsets[column + 1] - t->offsets[column]);
}

/* The row of stack maps at a pc; false: there is none. */
static bool find_row(const struct art_info *info, uint64_t pc, uint32_t *row)
{
	uint32_t low = 0, high = info->tables[STACK_MAPS].rows;
	const uint32_t n = high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (cell(info, STACK_MAPS, middle, PC) < pc + 1)
			low = middle + 1;
		else
			high = middle;
	}
	*row = low;
	return low < n && cell(info, STACK_MAPS, low, PC) == pc + 1;
}

static bool copy_mask(const struct art_info *info, uint64_t number, uint32_t slots, unsigned stride,
		      uint8_t *scratch, struct map_live *out)
{
	const struct art_table *t = &info->tables[STACK_MASKS];
	uint32_t width = t->offsets[1];
	if (number > t->rows || (width && stride * (width - 1) >= slots + 32))
		return false;
	uint64_t at = t->data + (number - 1) * width;
	for (uint32_t bit = 0; bit < width; bit += 32)
		map_store32(scratch + bit / 8,
			    (uint32_t)map_bits_load(info->p, info->len, at + bit,
						    width - bit < 32 ? width - bit : 32));
	out->bitmap = scratch;
	out->nbytes = (width + 7) / 8;
	return true;
}

static enum map_answer art_map(const struct art_info *info, uint32_t row, unsigned stride,
			       uint8_t *scratch, struct map_live *out)
{
	uint64_t registers = cell(info, STACK_MAPS, row, REGISTER_MASK);
	uint64_t stack = cell(info, STACK_MAPS, row, STACK_MASK);
	uint64_t frame = 4 * stride * (uint64_t)info->head[FRAME];
	if (frame > UINT32_MAX || registers > info->tables[REGISTER_MASKS].rows)
		return MAP_DAMAGED;
	*out = (struct map_live){ .frame_size = (uint32_t)frame, .stride = (uint8_t)stride };
	if (registers) {
		uint64_t value = cell(info, REGISTER_MASKS, (uint32_t)registers - 1, 0) - 1;
		uint64_t shift = cell(info, REGISTER_MASKS, (uint32_t)registers - 1, 1) - 1;
		if (shift > 31)
			return MAP_DAMAGED;
		out->registers = (uint32_t)(value << shift);
	}
	uint32_t slots = frame ? (uint32_t)(frame / 4) : MAP_REGISTER - 32;
	if (stack && !copy_mask(info, stack, slots, stride, scratch, out))
		return MAP_DAMAGED;
	return MAP_FOUND;
}

static bool art_open(const uint8_t *map, size_t len, size_t *methods, unsigned *stride)
{
	if (len < HEADER)
		return false;
	uint32_t slot = map_load32(map + 4);
	*methods = map_load32(map);
	*stride = slot / 4;
	return (slot == 4 || slot == 8) && *methods && *methods <= (len - HEADER) / ROW;
}

static enum map_answer art_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				  struct map_live *out)
{
	struct art_info info;
	size_t methods;
	unsigned stride;
	uint32_t row;
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!art_open(map, len, &methods, &stride))
		return MAP_DAMAGED;
	const uint8_t *method = map_function_row(map + HEADER, methods, ROW, pc);
	if (!method)
		return MAP_NO_SAFEPOINT;
	const uint8_t *infos = map + HEADER + ROW * methods;
	size_t room = len - HEADER - ROW * methods;
	uint32_t place = map_load32(method + 4);
	if (place > room || !read_info(&info, infos, room, place))
		return MAP_DAMAGED;
	if (!find_row(&info, pc - map_load32(method), &row))
		return MAP_NO_SAFEPOINT;
	return art_map(&info, row, stride, scratch, out);
}

static size_t art_scratch(const uint8_t *map, size_t len)
{
	(void)map, (void)len;
	return SCRATCH;
}

/* The index finds a method. Within a method, pcs and maps are rows of one table. */
static void art_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	size_t methods;
	unsigned stride;
	*index = len;
	if (art_open(map, len, &methods, &stride))
		*index = HEADER + ROW * methods;
	*data = len - *index;
}

const struct map_ops map_art = {
	.name = "art",
	.summary = "ART's bit tables: packed columns by method, masks and whole tables once",
	.limits = "65,535 slots with references, 512 MiB of tables",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.state = sizeof(struct map_gathered),
	.function = map_gather_function,
	.add = art_add,
	.finish = art_finish,
	.scratch = art_scratch,
	.lookup = art_lookup,
	.split = art_split,
};
