/*
 * blocks.c - stack maps in the coding that Wasmtime gave its address map and traps in 2026: what
 * its maintainers could take for `.wasmtime.stackmap`, too.
 *
 *      entries | blocks | bytes of bodies | {first pc, body}[blocks] | bodies ... | records ...
 *
 *      body     up to 128 entries: uleb pc step << 1 | again, and unless `again` the record:
 *               the first of the block as uleb, later ones as sleb step from the one before
 *      record   uleb frame size | uleb bytes of bitmap | bitmap, bit i is slot i
 *
 * From crates/environ/src/compile/{address_map,trap_encoding}.rs and crates/environ/src/
 * {address_map,trap_encoding}.rs of Wasmtime's main branch since pull request 13628 of June 2026:
 * the two counts, the index of pairs, blocks of 128, the token with a flag in bit 0, deltas that
 * begin anew in each block, a search of the index and a decoding from the block's start; like the
 * traps, and unlike the address map, only the exact pc is an entry. Words are u32.
 * Not theirs: records, which here are written once, and the length of the bodies in front of them.
 * The flag says that the map is that of the entry before; theirs says "no position" and "not the
 * block's most frequent code". As in Wasmtime's own section empty maps are left out, slots are of
 * four bytes, and a pc that is no safepoint looks like an empty one.
 */
#include "../parts/bytes.h"
#include "../parts/strings.h"

enum { BLOCK = 128, HEADER = 12 };

struct blocks {
	struct map_builder order;
	struct map_bytes index, bodies, record;
	struct map_strings records;
	uint32_t entries, pc; /* pc: of the last entry */
	size_t at;	      /* its record */
};

static int put_record(struct blocks *b, const struct safepoint *p, size_t *at)
{
	uint32_t bytes = p->live[p->nlive - 1] / 8 + 1;
	size_t bits;
	b->record.len = 0;
	int error = map_bytes_put_uleb(&b->record, p->frame_size);
	if (!error)
		error = map_bytes_put_uleb(&b->record, bytes);
	if (!error)
		error = map_bytes_zeros(&b->record, bytes, &bits);
	if (error)
		return error;
	for (uint32_t i = 0; i < p->nlive; i++)
		b->record.data[bits + p->live[i] / 8] |= (uint8_t)(1u << p->live[i] % 8);
	if (b->records.bytes.len + b->record.len > INT32_MAX)
		return -EFBIG;
	return map_strings_put(&b->records, b->record.data, (uint32_t)b->record.len, 1, at);
}

static int put_sleb(struct map_bytes *b, int64_t v)
{
	for (;;) {
		uint8_t low = (uint8_t)(v & 127);
		v >>= 7;
		bool last = v == (low & 64 ? -1 : 0);
		int error = map_bytes_put_low(b, last ? low : low | 128u, 1);
		if (error || last)
			return error;
	}
}

static int put_entry(struct blocks *b, uint32_t pc, size_t at)
{
	bool first = b->entries % BLOCK == 0;
	bool again = !first && at == b->at;
	int error = 0;
	if (first) {
		error = map_bytes_put32(&b->index, pc);
		if (!error)
			error = map_bytes_put32(&b->index, (uint32_t)b->bodies.len);
		b->pc = pc;
	}
	if (!error)
		error = map_bytes_put_uleb(&b->bodies, (uint64_t)(pc - b->pc) << 1 | again);
	if (!error && first)
		error = map_bytes_put_uleb(&b->bodies, at);
	else if (!error && !again)
		error = put_sleb(&b->bodies, (int64_t)at - (int64_t)b->at);
	return error;
}

static int blocks_add(void *state, const struct safepoint *p)
{
	struct blocks *b = state;
	size_t index = b->index.len, bodies = b->bodies.len, at;
	uint32_t pc = b->pc;
	int error = map_builder_begin(&b->order, p);
	if (error || !p->nlive)
		return map_builder_end(&b->order, p, error);
	error = put_record(b, p, &at);
	if (!error)
		error = put_entry(b, p->pc, at);
	/* Positions are 32 bits; a record that no entry has is harmless. */
	if (!error && b->bodies.len > UINT32_MAX - 16)
		error = -EFBIG;
	if (error) {
		b->index.len = index;
		b->bodies.len = bodies;
		b->pc = pc;
		return error;
	}
	b->entries++;
	b->pc = p->pc;
	b->at = at;
	return map_builder_end(&b->order, p, 0);
}

static int blocks_finish(void *state, struct map_bytes *out)
{
	struct blocks *b = state;
	int error = 0;
	if (out && b->entries) {
		error = map_bytes_put32(out, b->entries);
		if (!error)
			error = map_bytes_put32(out, (uint32_t)(b->index.len / 8));
		if (!error)
			error = map_bytes_put32(out, (uint32_t)b->bodies.len);
		if (!error)
			error = map_bytes_put(out, b->index.data, b->index.len);
		if (!error)
			error = map_bytes_put(out, b->bodies.data, b->bodies.len);
		if (!error)
			error = map_bytes_put(out, b->records.bytes.data, b->records.bytes.len);
	}
	free(b->index.data);
	free(b->bodies.data);
	free(b->record.data);
	map_strings_free(&b->records);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct blocks_table {
	const uint8_t *index, *bodies, *records, *end;
	uint32_t entries, count; /* count: blocks */
};

static bool blocks_open(struct blocks_table *t, const uint8_t *map, size_t len)
{
	if (len < HEADER)
		return false;
	size_t bodies = map_load32(map + 8), left = len - HEADER;
	t->entries = map_load32(map);
	t->count = map_load32(map + 4);
	if (!t->count || t->count != (t->entries - 1) / BLOCK + 1 || t->count > left / 8 ||
	    bodies > left - 8 * (size_t)t->count)
		return false;
	t->index = map + HEADER;
	t->bodies = t->index + 8 * (size_t)t->count;
	t->records = t->bodies + bodies;
	t->end = map + len;
	return true;
}

static bool read_sleb(const uint8_t **p, const uint8_t *end, int64_t *v)
{
	const uint8_t *start = *p;
	uint64_t bits;
	if (!map_read_uleb(p, end, &bits))
		return false;
	unsigned n = 7 * (unsigned)(*p - start);
	*v = (int64_t)(bits << (64 - n)) >> (64 - n);
	return true;
}

static enum map_answer blocks_record(const struct blocks_table *t, int64_t at, struct map_live *out)
{
	uint64_t frame_size, bytes;
	if (at < 0 || at >= t->end - t->records)
		return MAP_DAMAGED;
	const uint8_t *p = t->records + at;
	if (!map_read_uleb(&p, t->end, &frame_size) || !map_read_uleb(&p, t->end, &bytes))
		return MAP_DAMAGED;
	if (frame_size > UINT32_MAX || bytes > (uint64_t)(t->end - p) ||
	    bytes > (frame_size + 31) / 32)
		return MAP_DAMAGED;
	*out = (struct map_live){ .frame_size = (uint32_t)frame_size,
				  .nbytes = (uint32_t)bytes,
				  .stride = 1,
				  .bitmap = p };
	return MAP_FOUND;
}

/* Decodes a block up to pc. The first entry's step is 0. */
static enum map_answer blocks_scan(const struct blocks_table *t, size_t block, uint32_t pc,
				   struct map_live *out)
{
	const uint8_t *p = t->bodies;
	uint64_t now = map_load32(t->index + 8 * block), token, at = 0;
	uint32_t body = map_load32(t->index + 8 * block + 4);
	size_t left = t->entries - block * BLOCK;
	if (body > (size_t)(t->records - p))
		return MAP_DAMAGED;
	p += body;
	left = left < BLOCK ? left : BLOCK;
	for (size_t i = 0; i < left; i++) {
		int64_t step = 0;
		if (!map_read_uleb(&p, t->records, &token))
			return MAP_DAMAGED;
		now += token >> 1;
		if (!i && !map_read_uleb(&p, t->records, &at))
			return MAP_DAMAGED;
		if (i && !(token & 1) && !read_sleb(&p, t->records, &step))
			return MAP_DAMAGED;
		at += (uint64_t)step;
		if (now >= pc)
			return now == pc ? blocks_record(t, (int64_t)at, out) : MAP_ABSENT;
	}
	return MAP_ABSENT;
}

static enum map_answer blocks_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				     struct map_live *out)
{
	struct blocks_table t;
	(void)scratch;
	if (!len)
		return MAP_ABSENT;
	if (!blocks_open(&t, map, len))
		return MAP_DAMAGED;
	/* The last block that begins at pc or before. */
	const uint8_t *low = t.index;
	for (size_t n = t.count; n > 1; n -= n / 2) {
		const uint8_t *high = low + 8 * (n / 2);
		low = MAP_UNPREDICTABLE(map_load32(high) <= pc) ? high : low;
	}
	if (map_load32(low) > pc)
		return MAP_ABSENT;
	return blocks_scan(&t, (size_t)(low - t.index) / 8, pc, out);
}

static void blocks_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	struct blocks_table t;
	*index = len;
	if (blocks_open(&t, map, len))
		*index = (size_t)(t.records - map);
	*data = len - *index;
}

const struct map_ops map_blocks = {
	.name = "blocks",
	.summary = "Wasmtime's coding of address maps: blocks of 128 entries, ULEB steps",
	.limits = "2 GiB of records",
	.flags = MAP_EXACT,
	.state = sizeof(struct blocks),
	.add = blocks_add,
	.finish = blocks_finish,
	.lookup = blocks_lookup,
	.split = blocks_split,
};
