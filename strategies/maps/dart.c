/*
 * dart.c - Dart's compressed stack maps of ahead-of-time compiled programs: per function steps of
 * the pc and places in a global table of maps, the most used first.
 *
 *      global table | length | first | slot | {pc, stack map}[length] | stack maps | global table
 *
 *      stack map      flags and size | {uleb step of the pc, uleb place of the map}...
 *      global table   flags and size | {uleb spill bits, uleb other bits, bits}...
 *                     flags: bit 0 this is the global table, bit 1 maps are places in it
 *
 * From runtime/vm of dart-lang/sdk, sources of about 2.19 that are stored without a version; the
 * payloads are the same in 3.12: raw_object.h (UntaggedCompressedStackMaps and
 * UntaggedInstructionsTable: its four words and its rows), program_visitor.cc
 * (NormalizeAndDedupCompressedStackMaps: equal maps once, by falling use, so that frequent ones
 * have short places; equal stack maps of functions once, nothing aligned),
 * reverse_pc_lookup_cache.cc (the function by the byte before the return address) and raw_object.h
 * again (decode up to the pc). The word `padding` of Dart's holds the bytes of a slot here, 4 or 8;
 * `first`, its first row with code, is 0; places count from the first word. A function without
 * stack map has place 0.
 *
 * All bits are spill bits, bit 0 the slot at SP: Dart counts them down from the frame pointer, and
 * the others up from SP. It keeps no frame sizes in these tables, as it has frame pointers, and no
 * registers: those that live across a call are saved next to the frame. Left out: the rows of
 * stubs, more than one loading unit.
 *
 * Each call has an entry, also one without live places. For a pc that has none Dart takes all slots
 * of the frame for references (stack_frame.cc; a debug build asserts).
 */
#include "../parts/engine.h"
#include "../parts/numbered.h"

enum { HEADER = 16, ROW = 8, CSM = 4, GLOBAL = 1, USES = 2, SIZE_SHIFT = 2, SIZE_MOST = 1 << 30 };

struct dart_writer {
	const struct map_gathered *g;
	unsigned stride;
	struct map_numbered maps;
	uint32_t *number, *uses, *order; /* of a point's map; of a map; maps by falling use */
	uint32_t *place;		 /* of a map in the global table */
	struct map_bytes global, one;
	struct map_strings csms; /* stack maps of functions */
};

/* ---- Writing ------------------------------------------------------------------------------- */

static int put_map(struct map_bytes *out, const struct map_gathered *g, const struct map_point *p,
		   unsigned stride)
{
	uint32_t bits = p->nslots ? g->slots[p->slots + p->nslots - 1] / stride + 1 : 0;
	size_t at;
	int error = map_bytes_put_uleb(out, bits);
	if (!error)
		error = map_bytes_put_uleb(out, 0);
	if (!error)
		error = map_bytes_zeros(out, ((size_t)bits + 7) / 8, &at);
	for (uint32_t k = 0; k < p->nslots && !error; k++) {
		uint32_t bit = g->slots[p->slots + k] / stride;
		out->data[at + bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return error;
}

static int number_maps(struct dart_writer *w)
{
	int error = 0;
	for (size_t i = 0; i < w->g->npoints && !error; i++) {
		size_t number;
		w->one.len = 0;
		error = put_map(&w->one, w->g, &w->g->points[i], w->stride);
		if (!error)
			error = map_number(&w->maps, w->one.data, (uint32_t)w->one.len, &number);
		if (error)
			return error;
		w->number[i] = (uint32_t)number;
		w->uses[number]++;
	}
	return error;
}

/* A merge sort, so that equally used maps stay in the order of their first use. */
static void sort_by_use(const uint32_t *uses, uint32_t *order, uint32_t *spare, size_t n)
{
	size_t half = n / 2, i = 0, j = half;
	if (n < 2)
		return;
	sort_by_use(uses, order, spare, half);
	sort_by_use(uses, order + half, spare, n - half);
	for (size_t k = 0; k < n; k++)
		if (j == n || (i < half && uses[order[i]] >= uses[order[j]]))
			spare[k] = order[i++];
		else
			spare[k] = order[j++];
	memcpy(order, spare, n * sizeof *order);
}

static int make_global(struct dart_writer *w)
{
	size_t n = w->maps.n;
	int error = 0;
	for (size_t i = 0; i < n; i++)
		w->order[i] = (uint32_t)i;
	sort_by_use(w->uses, w->order, w->place, n);
	for (size_t i = 0; i < n && !error; i++) {
		uint32_t map = w->order[i];
		size_t at = w->maps.at[map];
		if (w->global.len >= SIZE_MOST)
			return -EFBIG;
		w->place[map] = (uint32_t)w->global.len;
		error = map_bytes_put(&w->global, w->maps.strings.bytes.data + at,
				      map_numbered_end(&w->maps, map) - at);
	}
	return error || w->global.len < SIZE_MOST ? error : -EFBIG;
}

/* The stack map of a function; *place is where it is among all. */
static int put_csm(struct dart_writer *w, const struct map_owner *f, size_t *place)
{
	uint32_t pc = f->start;
	w->one.len = 0;
	int error = map_bytes_put32(&w->one, 0);
	for (uint32_t i = 0; i < f->n && !error; i++) {
		size_t point = f->first + i;
		error = map_bytes_put_uleb(&w->one, w->g->points[point].pc - pc);
		if (!error)
			error = map_bytes_put_uleb(&w->one, w->place[w->number[point]]);
		pc = w->g->points[point].pc;
	}
	if (error || w->one.len - CSM >= SIZE_MOST)
		return error ? error : -EFBIG;
	map_store32(w->one.data, (uint32_t)(w->one.len - CSM) << SIZE_SHIFT | USES);
	return map_strings_put(&w->csms, w->one.data, (uint32_t)w->one.len, 1, place);
}

static int put_all(struct dart_writer *w, struct map_bytes *out)
{
	size_t n = w->g->nfunctions, rows, place;
	size_t base = HEADER + ROW * n;
	int error = n > UINT32_MAX / ROW ? -EFBIG : map_bytes_zeros(out, base, &rows);
	for (size_t i = 0; i < n && !error; i++) {
		const struct map_owner *f = &w->g->functions[i];
		uint8_t *row = out->data + rows + HEADER + ROW * i;
		error = f->n ? put_csm(w, f, &place) : 0;
		if (!error && base + w->csms.bytes.len > UINT32_MAX)
			error = -EFBIG;
		map_store32(row, f->start);
		map_store32(row + 4, f->n && !error ? (uint32_t)(base + place) : 0);
	}
	if (error)
		return error;
	map_store32(out->data + rows, (uint32_t)(base + w->csms.bytes.len));
	map_store32(out->data + rows + 4, (uint32_t)n);
	map_store32(out->data + rows + 12, 4 * w->stride);
	error = map_bytes_put(out, w->csms.bytes.data, w->csms.bytes.len);
	if (!error)
		error = map_bytes_put32(out, (uint32_t)w->global.len << SIZE_SHIFT | GLOBAL);
	return error ? error : map_bytes_put(out, w->global.data, w->global.len);
}

static int dart_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	struct dart_writer w = { .g = g, .stride = map_gathered_stride(g, false) };
	size_t n = g->npoints;
	uint32_t *words = NULL;
	int error = 0;
	if (out && n) {
		words = calloc(4 * n, sizeof *words);
		w.number = words;
		w.uses = words + n;
		w.order = words + 2 * n;
		w.place = words + 3 * n;
		error = words ? number_maps(&w) : -ENOMEM;
		if (!error)
			error = make_global(&w);
		if (!error)
			error = put_all(&w, out);
	}
	free(words);
	free(w.global.data);
	free(w.one.data);
	map_numbered_free(&w.maps);
	map_strings_free(&w.csms);
	map_gathered_free(g);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct dart_index {
	const uint8_t *map, *rows, *end;
	size_t count, len;
	uint32_t global;
	unsigned stride;
};

static bool dart_open(struct dart_index *x, const uint8_t *map, size_t len)
{
	if (len < HEADER)
		return false;
	uint32_t slot = map_load32(map + 12);
	*x = (struct dart_index){ .map = map,
				  .rows = map + HEADER,
				  .end = map + len,
				  .count = map_load32(map + 4),
				  .len = len,
				  .global = map_load32(map),
				  .stride = slot / 4 };
	return (slot == 4 || slot == 8) && x->count && x->count <= (len - HEADER) / ROW;
}

/* The payload of the stack map at a place, with the flags that it must have. */
static bool dart_payload(const struct dart_index *x, uint32_t place, uint32_t flags,
			 const uint8_t **p, const uint8_t **end)
{
	if (place > x->len || x->len - place < CSM)
		return false;
	uint32_t head = map_load32(x->map + place);
	*p = x->map + place + CSM;
	if ((head & (GLOBAL | USES)) != flags || head >> SIZE_SHIFT > (size_t)(x->end - *p))
		return false;
	*end = *p + (head >> SIZE_SHIFT);
	return true;
}

static enum map_answer dart_map(const struct dart_index *x, uint64_t place, struct map_live *out)
{
	const uint8_t *p, *end;
	uint64_t spill, other;
	if (!dart_payload(x, x->global, GLOBAL, &p, &end) || place > (size_t)(end - p))
		return MAP_DAMAGED;
	p += place;
	if (!map_read_uleb(&p, end, &spill) || !map_read_uleb(&p, end, &other))
		return MAP_DAMAGED;
	uint64_t bytes = (spill + other + 7) / 8;
	if (bytes > (size_t)(end - p) || bytes > MAP_REGISTER / 16)
		return MAP_DAMAGED;
	*out = (struct map_live){ .nbytes = (uint32_t)bytes,
				  .stride = (uint8_t)x->stride,
				  .bitmap = p };
	return MAP_FOUND;
}

static enum map_answer dart_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				   struct map_live *out)
{
	struct dart_index x;
	const uint8_t *p, *end, *row;
	uint64_t step, place, at;
	(void)scratch;
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!dart_open(&x, map, len))
		return MAP_DAMAGED;
	row = map_function_row(x.rows, x.count, ROW, pc);
	if (!row || !map_load32(row + 4))
		return MAP_NO_SAFEPOINT;
	at = map_load32(row);
	if (!dart_payload(&x, map_load32(row + 4), USES, &p, &end))
		return MAP_DAMAGED;
	while (p < end) {
		if (!map_read_uleb(&p, end, &step) || !map_read_uleb(&p, end, &place))
			return MAP_DAMAGED;
		at += step;
		if (at >= pc)
			return at == pc ? dart_map(&x, place, out) : MAP_NO_SAFEPOINT;
	}
	return MAP_NO_SAFEPOINT;
}

/* The index: rows and the functions' stack maps. */
static void dart_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	struct dart_index x;
	*index = len;
	if (dart_open(&x, map, len) && x.global <= len)
		*index = x.global;
	*data = len - *index;
}

const struct map_ops map_dart = {
	.name = "dart",
	.summary = "Dart's: by function steps of the pc, maps in a global table by use",
	.limits = "1 GiB of maps, 4 GiB in all",
	.flags = MAP_EXACT | MAP_EMPTIES,
	.state = sizeof(struct map_gathered),
	.function = map_gather_function,
	.add = map_gather_slots,
	.finish = dart_finish,
	.lookup = dart_lookup,
	.split = dart_split,
};
