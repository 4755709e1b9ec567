/*
 * engine.h - what the engines' own formats share: an index by function, frame sizes that an engine
 * knows by function, and live places that are a list.
 */
#ifndef STUBMAP_ENGINE_H
#define STUBMAP_ENGINE_H

#include "bytes.h"
#include "gathered.h"

/* The size of the frame at all safepoints of a function; 0 if they differ,
 * or if it is no multiple of unit. */
static inline uint32_t map_owner_frame(const struct map_gathered *g, const struct map_owner *f,
				       uint32_t unit)
{
	uint32_t frame = f->n ? g->points[f->first].frame_size : 0;
	for (uint32_t i = 1; i < f->n; i++)
		if (g->points[f->first + i].frame_size != frame)
			return 0;
	return frame % unit ? 0 : frame;
}

/* The number of slots up to the last live one of a safepoint. */
static inline uint32_t map_slots_used(const struct safepoint *p)
{
	for (uint32_t i = p->nlive; i; i--)
		if (p->live[i - 1] < MAP_REGISTER)
			return p->live[i - 1] + 1;
	return 0;
}

/* ---- An index by function ------------------------------------------------------------------ */

/* Of n >= 1 rows whose first words ascend, the last with a word <= key;
 * the first if there is none. */
static inline const uint8_t *map_search_rows(const uint8_t *row, size_t n, size_t size,
					     uint32_t key)
{
	for (; n > 1; n -= n / 2) {
		const uint8_t *high = row + size * (n / 2);
		row = MAP_UNPREDICTABLE(map_load32(high) <= key) ? high : row;
	}
	return row;
}

/* The row of the function of a return address: that of the byte before it. NULL: it lies before
 * the first function. */
static inline const uint8_t *map_function_row(const uint8_t *rows, size_t n, size_t size,
					      uint32_t pc)
{
	uint32_t key = pc ? pc - 1 : 0;
	const uint8_t *row = map_search_rows(rows, n, size, key);
	return map_load32(row) <= key ? row : NULL;
}

/* ---- Lists of live places ------------------------------------------------------------------ */

/* Places that are read one by one into a bitmap in scratch. */
struct map_list {
	struct map_live *out;
	uint8_t *scratch;
	size_t room;	/* bytes of scratch */
	uint32_t slots; /* of the frame */
	uint32_t next;	/* slots ascend: the least that may come */
};

static inline struct map_list map_list_begin(struct map_live *out, uint32_t frame_size,
					     uint32_t slots, uint8_t *scratch, size_t room)
{
	*out = (struct map_live){ .frame_size = frame_size, .stride = 1, .bitmap = scratch };
	return (struct map_list){ out, scratch, room, slots, 0 };
}

/* false: out of order, outside the frame, or more than scratch holds. */
static inline bool map_list_slot(struct map_list *l, uint32_t slot)
{
	struct map_live *out = l->out;
	if (slot < l->next || slot >= l->slots)
		return false;
	if (!out->nbytes)
		out->first = slot;
	uint32_t bit = slot - out->first;
	if (bit / 8 >= l->room)
		return false;
	while (out->nbytes <= bit / 8)
		l->scratch[out->nbytes++] = 0;
	l->scratch[bit / 8] |= (uint8_t)(1u << bit % 8);
	l->next = slot + 1;
	return true;
}

static inline bool map_list_register(struct map_list *l, uint32_t number)
{
	if (number >= 32)
		return false;
	l->out->registers |= 1u << number;
	return true;
}

/*
 * OCaml's lists: n little-endian numbers of `width` bytes, each a byte offset from SP, or with bit
 * 0 set twice the number of a register; ascending.
 */
static inline bool map_list_offsets(struct map_list *l, const uint8_t *p, uint32_t n,
				    unsigned width)
{
	for (uint32_t i = 0; i < n; i++, p += width) {
		uint32_t v = map_load_low(p, width);
		if (v & 1 ? !map_list_register(l, v / 2) : v % 4 || !map_list_slot(l, v / 4))
			return false;
	}
	return true;
}

/* Writes such a list. */
static inline int map_put_offsets(struct map_bytes *out, const struct map_gathered *g,
				  const struct map_point *p, unsigned width)
{
	uint32_t i = 0, registers = p->registers;
	int error = 0;
	while (!error && (i < p->nslots || registers)) {
		uint64_t slot = i < p->nslots ? 4 * (uint64_t)g->slots[p->slots + i] : UINT64_MAX;
		uint64_t number =
		    registers ? 2 * (uint64_t)__builtin_ctz(registers) + 1 : UINT64_MAX;
		error = map_bytes_put_low(out, slot < number ? slot : number, width);
		if (slot < number)
			i++;
		else
			registers &= registers - 1;
	}
	return error;
}

static inline uint32_t map_point_places(const struct map_point *p)
{
	return p->nslots + (uint32_t)__builtin_popcount(p->registers);
}

#endif
