/*
 * go.c - the tables by which Go's runtime finds a frame's pointers, on 64-bit x86.
 *
 *      functions | first pc | last pc | bytes of a slot: 4 or 8 | gap | bytes of pctab
 *      findfunctab   {u32 first function, u8 more[16]} for every 4096 bytes from first to last pc
 *      functab       {start, _func}[functions] | end of the last
 *      _func         {start, pcsp, stack map index, locals}[functions]
 *      pctab         0 | strings of pairs: zigzag step of a value, step of the pc to where it ends;
 *                    a value step of 0 ends the string, values begin at -1
 *      locals        i32 n | i32 nbit | n bitmaps of (nbit + 7) / 8 bytes, at multiples of 4
 *
 * From src/runtime/{symtab,stkframe,traceback}.go, src/cmd/link/internal/ld/{pcln,symtab}.go and
 * src/cmd/compile/internal/liveness/plive.go, Go 1.18 to 1.24: the buckets with a byte for each 256
 * bytes of text and the walk of functab from there, varints by function that are decoded from its
 * start, the value -1 before the first call and the map 0 of the function's entry for it ("hope for
 * the best"), bitmaps that end below the frame's saved words and have one width a function, equal
 * bitmaps of a function, equal strings and equal sets of bitmaps once, frame sizes from pcsp at the
 * pc, the map at pc - 1. Words are u32, and bitmaps' sets u32-aligned, as there.
 *
 * Left out of _func: names, arguments, files, lines, inlining, id and flags (28 bytes and more),
 * tables of maps of arguments, the cache of pcvalue. Go keeps moduledata's addresses elsewhere.
 * Other than there: functab is searched at pc - 1, since other producers' last calls end a
 * function; a value begins at the last byte of a call, not its first, which nobody tells an
 * encoder; the gap above the highest pointer is a number in the header, not Go's saved rbp.
 *
 * A pc within a function is never refused: it gets the map of the call before, or an empty one.
 */
#include "../parts/bytes.h"
#include "../parts/gathered.h"
#include "../parts/strings.h"

enum { HEADER = 24, BUCKET = 4096, SUBBUCKETS = 16, BUCKET_BYTES = 4 + SUBBUCKETS, FUNC = 16 };

/* Go's compiler refuses frames of 1 GiB and a function's bitmaps of 2 GiB. Less here: a lookup
 * reads the bits that a small frame has below SP byte by byte, and a damaged file can make each
 * lookup of a table do that; and all bitmaps are written before equal ones are dropped. */
enum {
	WIDEST = 1 << 19,	/* bits of a bitmap */
	BITMAPS_MOST = 1 << 28, /* bytes of all bitmaps, equal ones too */
};

static size_t bucket_count(uint32_t text)
{
	return text ? ((size_t)text - 1) / BUCKET + 1 : 1;
}

struct go_writer {
	const struct map_gathered *g;
	unsigned stride;
	uint32_t gap; /* slots between the highest pointer and the frame's end, in all frames */
	struct map_strings pctab, sets;
	struct map_strings bitmaps;	      /* of one function */
	struct map_bytes string, set, bitmap; /* under way */
	uint64_t written;		      /* bytes of bitmaps, equal ones too */
};

/* ---- Writing ------------------------------------------------------------------------------- */

/* A string of pairs under way: `value` from pc on. */
struct go_steps {
	struct map_bytes *out;
	int64_t value, written; /* written: the value at the last pair's end */
	uint64_t pc, start;	/* start: of `value` */
};

static int steps_close(struct go_steps *s, uint64_t end)
{
	int error = 0;
	if (end == s->start)
		return 0;
	error = map_bytes_put_uleb(s->out, map_zigzag(s->value - s->written));
	if (!error)
		error = map_bytes_put_uleb(s->out, end - s->start);
	s->written = s->value;
	s->start = end;
	return error;
}

/* From pc on the value is v. */
static int steps_to(struct go_steps *s, uint64_t pc, int64_t v)
{
	int error = v == s->value ? 0 : steps_close(s, pc);
	s->value = v;
	return error;
}

static int steps_end(struct go_writer *w, struct go_steps *s, uint64_t end, uint32_t *offset)
{
	size_t at;
	*offset = 0;
	if (s->value == -1) /* it never had another: offset 0 says so */
		return 0;
	int error = steps_close(s, end);
	if (!error)
		error = map_bytes_put_low(s->out, 0, 1);
	if (!error)
		error = map_strings_put(&w->pctab, s->out->data, (uint32_t)s->out->len, 1, &at);
	if (!error && (at > UINT32_MAX || s->out->len > UINT32_MAX))
		error = -EFBIG;
	*offset = error ? 0 : (uint32_t)at;
	return error;
}

static int put_pcsp(struct go_writer *w, const struct map_owner *f, uint32_t *offset)
{
	const struct map_point *points = w->g->points + f->first;
	struct go_steps s = { .out = &w->string, .value = -1, .written = -1, .start = f->start };
	int error = 0;
	w->string.len = 0;
	for (uint32_t i = 0; i < f->n && !error; i++)
		error = steps_to(&s, i ? points[i].pc : f->start, points[i].frame_size);
	/* A return address may be the end itself. */
	return error ? error : steps_end(w, &s, (uint64_t)f->end + 1, offset);
}

/* The bit of a slot, counted down from the gap at the frame's end. */
static uint32_t bit_down(const struct go_writer *w, const struct map_point *p, uint32_t k)
{
	return (p->frame_size / 4 - w->gap - w->g->slots[p->slots + k]) / w->stride;
}

/* The index of a point's bitmap of nbit bits among the function's. */
static int put_bitmap(struct go_writer *w, const struct map_point *p, uint32_t nbit,
		      uint32_t *index)
{
	size_t bytes = ((size_t)nbit + 7) / 8, at;
	w->bitmap.len = 0;
	int error = map_bytes_zeros(&w->bitmap, bytes, NULL);
	for (uint32_t k = 0; p && k < p->nslots && !error; k++) {
		uint32_t bit = nbit - bit_down(w, p, k);
		w->bitmap.data[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	if (!error)
		error = map_strings_put(&w->bitmaps, w->bitmap.data, (uint32_t)bytes, 1, &at);
	*index = error || !bytes ? 0 : (uint32_t)(at / bytes);
	return error;
}

static int put_set(struct go_writer *w, uint32_t nbit, uint32_t *locals)
{
	size_t bytes = ((size_t)nbit + 7) / 8, n = bytes ? w->bitmaps.bytes.len / bytes : 1, at;
	w->set.len = 0;
	int error = map_bytes_put32(&w->set, (uint32_t)n);
	if (!error)
		error = map_bytes_put32(&w->set, nbit);
	if (!error)
		error = map_bytes_put(&w->set, w->bitmaps.bytes.data, w->bitmaps.bytes.len);
	if (!error && w->set.len > UINT32_MAX)
		error = -EFBIG;
	if (!error)
		error = map_strings_put(&w->sets, w->set.data, (uint32_t)w->set.len, 4, &at);
	if (!error && at > UINT32_MAX)
		error = -EFBIG;
	*locals = error ? 0 : (uint32_t)at;
	return error;
}

static int put_maps(struct go_writer *w, const struct map_owner *f, uint32_t *offset,
		    uint32_t *locals)
{
	const struct map_point *points = w->g->points + f->first;
	struct go_steps s = { .out = &w->string, .value = -1, .written = -1, .start = f->start };
	uint32_t nbit = 0, index;
	w->string.len = 0;
	map_strings_clear(&w->bitmaps);
	for (uint32_t i = 0; i < f->n; i++)
		if (points[i].nslots && bit_down(w, &points[i], 0) > nbit)
			nbit = bit_down(w, &points[i], 0);
	w->written += ((uint64_t)nbit + 7) / 8 * f->n;
	if (nbit > WIDEST || w->written > BITMAPS_MOST)
		return -EFBIG;
	/* Map 0 is the entry's, where no local is live; pc 0 is the entry of the first function. */
	bool at_entry = f->n && points[0].pc == f->start;
	int error = put_bitmap(w, at_entry ? points : NULL, nbit, &index);
	for (uint32_t i = at_entry; i < f->n && !error; i++) {
		error = put_bitmap(w, &points[i], nbit, &index);
		if (!error)
			error = steps_to(&s, points[i].pc - 1, index);
	}
	if (!error)
		error = steps_end(w, &s, f->end, offset);
	return error ? error : put_set(w, nbit, locals);
}

static int put_func(struct go_writer *w, struct map_bytes *funcs, const struct map_owner *f)
{
	uint32_t pcsp = 0, index = 0, locals = 0;
	int error = put_pcsp(w, f, &pcsp);
	if (!error)
		error = put_maps(w, f, &index, &locals);
	if (!error)
		error = map_bytes_put32(funcs, f->start);
	if (!error)
		error = map_bytes_put32(funcs, pcsp);
	if (!error)
		error = map_bytes_put32(funcs, index);
	return error ? error : map_bytes_put32(funcs, locals);
}

/* Each sixteenth of a bucket has the first function that reaches into it. */
static int put_buckets(const struct map_gathered *g, struct map_bytes *out)
{
	const uint32_t first = g->functions[0].start;
	const uint32_t text = g->functions[g->nfunctions - 1].end - first;
	size_t buckets = bucket_count(text), at, function = 0;
	int error = map_bytes_zeros(out, buckets * BUCKET_BYTES, &at);
	for (size_t i = 0; i < buckets && !error; i++) {
		uint8_t *bucket = out->data + at + i * BUCKET_BYTES;
		uint32_t base = 0;
		for (size_t j = 0; j < SUBBUCKETS; j++) {
			uint64_t from = first + (uint64_t)i * BUCKET + j * (BUCKET / SUBBUCKETS);
			while (function + 1 < g->nfunctions &&
			       g->functions[function + 1].start <= from)
				function++;
			if (!j)
				map_store32(bucket, base = (uint32_t)function);
			if (function - base > 255)
				return -EFBIG;
			bucket[4 + j] = (uint8_t)(function - base);
		}
	}
	return error;
}

/* The frame's end is where bitmaps end, less what no frame uses. */
static uint32_t gap_of(const struct map_gathered *g, unsigned stride)
{
	uint32_t gap = UINT32_MAX;
	for (size_t i = 0; i < g->npoints; i++) {
		const struct map_point *p = &g->points[i];
		if (!p->nslots)
			continue;
		uint32_t above = p->frame_size / 4 - g->slots[p->slots + p->nslots - 1];
		gap = above < gap ? above : gap;
	}
	return gap == UINT32_MAX || gap < stride ? 0 : (gap - stride) / stride * stride;
}

static int put_functab(const struct map_gathered *g, struct map_bytes *out)
{
	int error = 0;
	for (size_t i = 0; i < g->nfunctions && !error; i++) {
		error = map_bytes_put32(out, g->functions[i].start);
		if (!error)
			error = map_bytes_put32(out, (uint32_t)(FUNC * i));
	}
	return error ? error : map_bytes_put32(out, g->functions[g->nfunctions - 1].end);
}

static int put_all(struct go_writer *w, struct map_bytes *funcs, struct map_bytes *out)
{
	const struct map_gathered *g = w->g;
	const uint8_t nothing = 0;
	size_t at;
	/* Offset 0 of pctab is taken, as there: it means that there is no table. */
	int error = map_strings_put(&w->pctab, &nothing, 1, 1, &at);
	for (size_t i = 0; i < g->nfunctions && !error; i++)
		error = put_func(w, funcs, &g->functions[i]);
	if (!error && (funcs->len > UINT32_MAX || w->pctab.bytes.len > UINT32_MAX))
		error = -EFBIG;
	const uint32_t header[] = { (uint32_t)g->nfunctions,
				    g->functions[0].start,
				    g->functions[g->nfunctions - 1].end,
				    4 * w->stride,
				    4 * w->gap,
				    (uint32_t)w->pctab.bytes.len };
	for (int i = 0; i < HEADER / 4 && !error; i++)
		error = map_bytes_put32(out, header[i]);
	if (!error)
		error = put_buckets(g, out);
	if (!error)
		error = put_functab(g, out);
	if (!error)
		error = map_bytes_put(out, funcs->data, funcs->len);
	if (!error)
		error = map_bytes_put(out, w->pctab.bytes.data, w->pctab.bytes.len);
	return error ? error : map_bytes_put(out, w->sets.bytes.data, w->sets.bytes.len);
}

static int go_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	struct go_writer w = { .g = g };
	struct map_bytes funcs = { 0 };
	int error = 0;
	if (out && g->npoints) {
		w.stride = map_gathered_stride(g, true);
		w.gap = gap_of(g, w.stride);
		error = put_all(&w, &funcs, out);
	}
	map_strings_free(&w.pctab);
	map_strings_free(&w.sets);
	map_strings_free(&w.bitmaps);
	free(w.string.data);
	free(w.set.data);
	free(w.bitmap.data);
	free(funcs.data);
	map_gathered_free(g);
	return error;
}

static int go_add(void *state, const struct safepoint *p)
{
	return p->frame_size > INT32_MAX ? -EFBIG : map_gather_slots(state, p);
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct go_tables {
	const uint8_t *buckets, *functab, *funcs, *pctab, *sets, *end;
	uint32_t nfunctions, first, last, gap; /* gap in slots */
	unsigned stride;
};

static bool go_open(struct go_tables *t, const uint8_t *map, size_t len)
{
	if (len < HEADER)
		return false;
	uint32_t slot = map_load32(map + 12);
	t->nfunctions = map_load32(map);
	t->first = map_load32(map + 4);
	t->last = map_load32(map + 8);
	t->stride = slot / 4;
	t->gap = map_load32(map + 16) / 4;
	size_t pctab = map_load32(map + 20), n = t->nfunctions;
	if ((slot != 4 && slot != 8) || !n || t->last < t->first)
		return false;
	size_t buckets = BUCKET_BYTES * bucket_count(t->last - t->first);
	size_t functab = 8 * n + 4, funcs = FUNC * n;
	if (buckets + functab + funcs + pctab > len - HEADER)
		return false;
	t->buckets = map + HEADER;
	t->functab = t->buckets + buckets;
	t->funcs = t->functab + functab;
	t->pctab = t->funcs + funcs;
	t->sets = t->pctab + pctab;
	t->end = map + len;
	return true;
}

/* The _func whose start is the last at or before pc; NULL: the tables contradict themselves. */
static const uint8_t *go_findfunc(const struct go_tables *t, uint32_t pc)
{
	uint32_t x = pc - t->first;
	const uint8_t *bucket = t->buckets + BUCKET_BYTES * (size_t)(x / BUCKET);
	size_t i = map_load32(bucket);
	i += map_load_low(bucket + 4 + x % BUCKET / (BUCKET / SUBBUCKETS), 1);
	if (i >= t->nfunctions)
		return NULL;
	while (i + 1 < t->nfunctions && map_load32(t->functab + 8 * (i + 1)) <= pc)
		i++;
	uint32_t offset = map_load32(t->functab + 8 * i + 4);
	if (map_load32(t->functab + 8 * i) > pc || offset > FUNC * ((size_t)t->nfunctions - 1))
		return NULL;
	const uint8_t *func = t->funcs + offset;
	return map_load32(func) > pc ? NULL : func;
}

/* A function's value at pc, by the string at an offset of pctab. MAP_FOUND, MAP_NO_SAFEPOINT (the
 * string ends before pc; Go throws), MAP_DAMAGED. */
static enum map_answer go_value(const struct go_tables *t, uint32_t offset, uint32_t start,
				uint32_t pc, uint32_t *value)
{
	const uint8_t *p = t->pctab + offset;
	uint64_t at = start, step, width;
	*value = UINT32_MAX;
	if (!offset)
		return MAP_FOUND;
	if (offset >= (size_t)(t->sets - t->pctab))
		return MAP_DAMAGED;
	for (bool first = true;; first = false) {
		if (!map_read_uleb(&p, t->sets, &step))
			return MAP_DAMAGED;
		if (!step && !first)
			return MAP_NO_SAFEPOINT;
		if (!map_read_uleb(&p, t->sets, &width))
			return MAP_DAMAGED;
		*value += (uint32_t)map_unzigzag(step);
		at += width;
		if (pc < at)
			return MAP_FOUND;
	}
}

/* Turns a bitmap of nbit bits that end `gap` below the frame's end. Bits of slots below SP, which a
 * frame smaller than the function's others has, must be 0. */
static enum map_answer go_place(const struct go_tables *t, uint32_t nbit, struct map_live *out)
{
	int64_t low = ((int64_t)(out->frame_size / 4) - t->gap) / t->stride - nbit;
	for (; low < 0 && out->nbytes; low += 8) {
		uint8_t byte = map_load_low(out->bitmap, 1) & 255;
		if (low > -8) {
			if (byte & ((1u << -low) - 1))
				return MAP_DAMAGED;
			break;
		}
		if (byte)
			return MAP_DAMAGED;
		out->bitmap++;
		out->nbytes--;
	}
	out->first = (uint32_t)(low * t->stride);
	return MAP_FOUND;
}

static enum map_answer go_map(const struct go_tables *t, uint32_t offset, uint32_t index,
			      struct map_live *out)
{
	size_t left = (size_t)(t->end - t->sets);
	if (offset > left || left - offset < 8)
		return MAP_DAMAGED;
	const uint8_t *set = t->sets + offset;
	uint32_t n = map_load32(set), nbit = map_load32(set + 4);
	size_t bytes = ((size_t)nbit + 7) / 8;
	left -= offset + 8;
	if (index >= n || (bytes && index >= left / bytes))
		return MAP_DAMAGED;
	out->bitmap = set + 8 + index * bytes;
	out->nbytes = (uint32_t)bytes;
	return go_place(t, nbit, out);
}

static enum map_answer go_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				 struct map_live *out)
{
	struct go_tables t;
	(void)scratch;
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!go_open(&t, map, len))
		return MAP_DAMAGED;
	uint32_t call = pc ? pc - 1 : 0, frame_size, index = UINT32_MAX;
	if (call < t.first || pc > t.last)
		return MAP_NO_SAFEPOINT;
	const uint8_t *func = go_findfunc(&t, call);
	if (!func)
		return MAP_DAMAGED;
	uint32_t start = map_load32(func);
	enum map_answer answer = go_value(&t, map_load32(func + 4), start, pc, &frame_size);
	if (answer == MAP_FOUND && pc != start)
		answer = go_value(&t, map_load32(func + 8), start, call, &index);
	if (answer != MAP_FOUND)
		return answer;
	*out = (struct map_live){ .frame_size = frame_size == UINT32_MAX ? 0 : frame_size,
				  .stride = (uint8_t)t.stride };
	return go_map(&t, map_load32(func + 12), index == UINT32_MAX ? 0 : index, out);
}

static void go_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	struct go_tables t;
	*index = len;
	if (go_open(&t, map, len))
		*index = (size_t)(t.sets - map);
	*data = len - *index;
}

const struct map_ops map_go = {
	.name = "go",
	.summary =
	    "Go's tables: values by pc as varints, a set of bitmaps a function, looked up at "
	    "pc - 1",
	.limits = "256 functions in 4 KiB of text, frames of 2 GiB, bitmaps of 64 KiB, 256 MiB "
		  "of bitmaps",
	.flags = MAP_EMPTIES | MAP_NEAR,
	.state = sizeof(struct map_gathered),
	.function = map_gather_function,
	.add = go_add,
	.finish = go_finish,
	.lookup = go_lookup,
	.split = go_split,
};
