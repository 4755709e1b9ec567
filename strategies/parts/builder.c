/* builder.c - the writing half of table.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* ---- Bytes --------------------------------------------------------------------------------- */

/* Makes room for n more bytes and returns where they go, or NULL. len does not change. */
static uint8_t *bytes_reserve(struct map_bytes *b, size_t n)
{
	if (n > b->cap - b->len) {
		size_t cap = b->cap ? b->cap : 256;
		while (n > cap - b->len) {
			if (cap > SIZE_MAX / 2)
				return NULL;
			cap *= 2;
		}
		uint8_t *data = realloc(b->data, cap);
		if (!data)
			return NULL;
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;
}

/* Where there is room. */
static void bytes_append32(struct map_bytes *b, uint32_t v)
{
	map_store32(b->data + b->len, v);
	b->len += 4;
}

/* ---- The builder --------------------------------------------------------------------------- */

int map_builder_begin(const struct map_builder *b, const struct safepoint *p)
{
	if (b->begun && p->pc <= b->pc)
		return -EINVAL;
	uint32_t registers;
	int error = map_check_places(p, &registers);
	return error ? error : registers ? -ENOTSUP : 0;
}

int map_builder_end(struct map_builder *b, const struct safepoint *p, int error)
{
	if (error)
		return error;
	b->pc = p->pc;
	b->begun = true;
	return 0;
}

/* Room for one entry: what comes later then can't fail half-way. */
static int reserve_entry(struct map_builder *b)
{
	if (b->start.len / 4 == UINT32_MAX)
		return -EFBIG;
	return bytes_reserve(&b->start, 4) && bytes_reserve(&b->end, 4) &&
		       bytes_reserve(&b->offset, 4)
		   ? 0
		   : -ENOMEM;
}

int map_builder_record(struct map_builder *b, const struct safepoint *p, uint32_t *offset)
{
	size_t first = b->trimmed && p->nlive ? p->live[0] / 32 : 0;
	size_t nwords = p->nlive ? p->live[p->nlive - 1] / 32 + 1 - first : 0;
	size_t at = b->records.len / 4;
	if (at + 2 + nwords >= MAP_EMPTY || (b->trimmed && first + nwords > MAP_WORDS))
		return -EFBIG;
	int error = reserve_entry(b);
	if (error)
		return error;
	uint8_t *out = bytes_reserve(&b->records, 8 + 4 * nwords);
	if (!out)
		return -ENOMEM;
	map_store32(out, p->frame_size);
	map_store32(out + 4, (uint32_t)(first << 16 | nwords));
	memset(out + 8, 0, 4 * nwords);
	/* A bitmap of little-endian words is a bitmap of bytes, too. */
	for (uint32_t i = 0; i < p->nlive; i++)
		out[8 + p->live[i] / 8 - 4 * first] |= (uint8_t)(1u << p->live[i] % 8);
	b->records.len += 8 + 4 * nwords;
	*offset = (uint32_t)at;
	return 0;
}

/* Bytes of the record at an offset. */
static size_t record_size(const struct map_builder *b, uint32_t offset)
{
	uint32_t nwords = map_load32(b->records.data + 4 * (size_t)offset + 4);
	return 8 + 4 * (size_t)(b->trimmed ? nwords & MAP_WORDS : nwords);
}

/* Drops the record just written if it equals the one at `other`. */
static bool record_same(struct map_builder *b, uint32_t offset, uint32_t other)
{
	size_t size = record_size(b, offset);
	const uint8_t *data = b->records.data;
	if (size != record_size(b, other) ||
	    memcmp(data + 4 * (size_t)offset, data + 4 * (size_t)other, size))
		return false;
	b->records.len = 4 * (size_t)offset;
	return true;
}

/* A multiplication mixes a word upwards, the shift folds it back; records are a few words. */
static uint32_t record_hash(const struct map_builder *b, uint32_t offset)
{
	const uint8_t *p = b->records.data + 4 * (size_t)offset;
	uint64_t h = 0x9e3779b97f4a7c15u;
	for (size_t n = record_size(b, offset); n; n -= 4, p += 4) {
		h = (h ^ map_load32(p)) * 0xd6e8feb86659fd93u;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static int cons_grow(struct map_cons *c)
{
	uint32_t capacity = c->capacity ? 2 * c->capacity : 256;
	if (capacity < c->capacity)
		return -EFBIG;
	struct map_cons_slot *slots = calloc(capacity, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->capacity; i++) {
		uint32_t h = c->slots[i].hash;
		if (!c->slots[i].at)
			continue;
		while (slots[h & (capacity - 1)].at)
			h++;
		slots[h & (capacity - 1)] = c->slots[i];
	}
	free(c->slots);
	c->slots = slots;
	c->capacity = capacity;
	return 0;
}

int map_builder_cons(struct map_builder *b, uint32_t *offset)
{
	struct map_cons *c = &b->cons;
	if (c->used >= c->capacity / 2) {
		int error = cons_grow(c);
		if (error) {
			b->records.len = 4 * (size_t)*offset;
			return error;
		}
	}
	uint32_t hash = record_hash(b, *offset);
	struct map_cons_slot *slot;
	for (uint32_t h = hash;; h++) {
		slot = &c->slots[h & (c->capacity - 1)];
		if (!slot->at)
			break;
		if (slot->hash == hash && record_same(b, *offset, slot->at - 1)) {
			*offset = slot->at - 1;
			return 0;
		}
	}
	*slot = (struct map_cons_slot){ hash, *offset + 1 };
	c->used++;
	return 0;
}

void map_builder_entry(struct map_builder *b, uint32_t pc, uint32_t offset)
{
	bytes_append32(&b->start, pc);
	bytes_append32(&b->offset, offset);
}

int map_builder_run(struct map_builder *b, const struct safepoint *p, bool consed, bool with_end)
{
	bool first = !b->start.len, again = false;
	uint32_t offset = MAP_EMPTY;
	uint32_t last = first ? MAP_EMPTY : map_load32(b->offset.data + b->offset.len - 4);
	int error;
	if (!p->nlive) {
		error = reserve_entry(b);
		again = !first && last == MAP_EMPTY;
	} else {
		error = map_builder_record(b, p, &offset);
		again = !error && last != MAP_EMPTY && record_same(b, offset, last);
		if (!error && !again && consed)
			error = map_builder_cons(b, &offset);
	}
	if (error)
		return error;
	if (!again)
		map_builder_entry(b, p->pc, offset);
	if (again && with_end)
		b->end.len -= 4;
	if (with_end)
		bytes_append32(&b->end, p->pc);
	return 0;
}

int map_builder_finish(void *state, struct map_bytes *out)
{
	struct map_builder *b = state;
	const struct map_bytes *parts[] = { &b->start, &b->end, &b->offset, &b->records };
	uint32_t count = (uint32_t)(b->start.len / 4);
	size_t total = 4;
	int error = 0;
	for (size_t i = 0; i < 4; i++)
		total += parts[i]->len;
	if (out && count) {
		if (bytes_reserve(out, total)) {
			bytes_append32(out, count);
			for (size_t i = 0; i < 4; i++) {
				if (parts[i]->len)
					memcpy(out->data + out->len, parts[i]->data, parts[i]->len);
				out->len += parts[i]->len;
			}
		} else {
			error = -ENOMEM;
		}
	}
	for (size_t i = 0; i < 4; i++)
		free(parts[i]->data);
	free(b->cons.slots);
	return error;
}
