/*
 * hotspot.c - HotSpot's sets of oop maps: of each method a list of pcs, searched from its start,
 * and for each a list of the places with references.
 *
 *      methods | {start, set, frame}[methods] | sets, each at a multiple of 8
 *
 *      set      count | size | {pc, map}[count] | maps, each at a multiple of 8
 *      map      count | references | u8 derived, 3 unused | values ...
 *      value    place << 2 | type, as UNSIGNED5: a byte of 1 to 191 is v + 1 and ends the number; a
 *               larger one adds 6 bits and goes on
 *
 * From openjdk/jdk, src/hotspot: share/compiler/oopMap.cpp (commit 02bde087 of 2024), oopMap.hpp
 * (0265c07f), share/utilities/unsigned5.hpp (055c8ca6), cpu/x86/register_x86.hpp (0037dd29): the
 * three words of an ImmutableOopMap and the two of a set and of a pair, all i32, the order of
 * values (registers, then slots ascending), one empty map a set, a map that equals the last one but
 * empty ones not written again, and find_map_at_offset as it is in a product build. A register is
 * VMReg 2 * number (general) or 16 apart from 48 on (vector), slot i is VMReg 584 + i, as on x86-64
 * with AVX-512; 14 bits of a value are the place.
 *
 * HotSpot finds the method of a pc by the code heap's segment map, and its frame's size in the
 * method: the index here, 12 bytes a method, stands for both. Where a producer's frame varies
 * within a function its size is not held. Left out: callee-saved and derived values, PcDescs (debug
 * information, which the collector does not read), and the post-call NOP of JDK 19 on, which keeps
 * a map's number in the code itself, 8 bytes a call.
 *
 * A product build takes the first pc at or behind the one asked for, and only asserts that they are
 * equal: a pc in a method gets the map of the call behind it. Behind the last one it stops
 * (guarantee). It asserts the method, too; here a pc outside of all, before the first, is refused.
 *
 * A lookup's scratch is a bitmap of the 15,800 slots that 14 bits leave: 2 KiB.
 */
#include "../parts/engine.h"

enum {
	HEADER = 4,
	ROW = 12,
	SET = 8,
	PAIR = 8,
	MAP = 12,
	VECTORS = 48,	  /* VMReg of the first vector register */
	SLOTS = 584,	  /* of slot 0 */
	PLACES = 1 << 14, /* of all */
	TYPE_BITS = 2,
	OOP = 0,
	NARROW = 1,
	LOW = 191, /* a byte's values that end a number */
	SCRATCH = 2048,
};

/* ---- Writing ------------------------------------------------------------------------------- */

static int hotspot_add(void *state, const struct safepoint *p)
{
	if (map_slots_used(p) > PLACES - SLOTS)
		return -EFBIG;
	return map_gather(state, p);
}

static int put_value(struct map_bytes *out, uint32_t place)
{
	uint32_t v = place << TYPE_BITS | OOP;
	int error = 0;
	while (v >= LOW && !error) {
		v -= LOW;
		error = map_bytes_put_low(out, 1 + LOW + v % 64, 1);
		v /= 64;
	}
	return error ? error : map_bytes_put_low(out, 1 + v, 1);
}

static uint32_t register_place(uint32_t number)
{
	return number < 16 ? 2 * number : VECTORS + 16 * (number - 16);
}

static int put_map(struct map_bytes *out, const struct map_gathered *g, const struct map_point *p)
{
	int error = map_bytes_put32(out, map_point_places(p));
	if (!error)
		error = map_bytes_put32(out, map_point_places(p));
	if (!error)
		error = map_bytes_put32(out, 0);
	for (uint32_t r = p->registers; r && !error; r &= r - 1)
		error = put_value(out, register_place((uint32_t)__builtin_ctz(r)));
	for (uint32_t i = 0; i < p->nslots && !error; i++)
		error = put_value(out, SLOTS + g->slots[p->slots + i]);
	return error ? error : map_bytes_zeros(out, -out->len & 7, NULL);
}

static bool same_map(const struct map_gathered *g, const struct map_point *a,
		     const struct map_point *b)
{
	return a->registers == b->registers && a->nslots == b->nslots &&
	       (!a->nslots ||
		!memcmp(g->slots + a->slots, g->slots + b->slots, a->nslots * sizeof *g->slots));
}

/* The pairs go to sets, the maps to `maps`, which then follow. */
static int put_set(struct map_bytes *sets, struct map_bytes *maps, const struct map_gathered *g,
		   const struct map_owner *f)
{
	const struct map_point *points = g->points + f->first, *last = NULL;
	size_t empty = SIZE_MAX, of_last = 0, at, start = sets->len;
	maps->len = 0;
	int error = map_bytes_zeros(sets, SET + PAIR * (size_t)f->n, NULL);
	for (uint32_t i = 0; i < f->n && !error; i++) {
		const struct map_point *p = &points[i];
		uint8_t *pair = sets->data + start + SET + PAIR * (size_t)i;
		if (!map_point_places(p) && empty != SIZE_MAX) {
			at = empty;
		} else if (map_point_places(p) && last && same_map(g, last, p)) {
			at = of_last;
		} else {
			at = maps->len;
			error = put_map(maps, g, p);
			if (map_point_places(p)) {
				last = p;
				of_last = at;
			} else {
				empty = at;
			}
		}
		map_store32(pair, p->pc - f->start);
		map_store32(pair + 4, (uint32_t)at);
	}
	if (error || maps->len > INT32_MAX - SET - PAIR * (size_t)f->n)
		return error ? error : -EFBIG;
	map_store32(sets->data + start, f->n);
	map_store32(sets->data + start + 4, (uint32_t)(SET + PAIR * (size_t)f->n + maps->len));
	return map_bytes_put(sets, maps->data, maps->len);
}

static int put_all(const struct map_gathered *g, struct map_bytes *sets, struct map_bytes *maps,
		   struct map_bytes *out)
{
	int error = map_bytes_put32(out, (uint32_t)g->nfunctions);
	for (size_t i = 0; i < g->nfunctions && !error; i++) {
		const struct map_owner *f = &g->functions[i];
		if (sets->len > UINT32_MAX)
			return -EFBIG;
		error = map_bytes_put32(out, f->start);
		if (!error)
			error = map_bytes_put32(out, (uint32_t)sets->len);
		if (!error)
			error = map_bytes_put32(out, map_owner_frame(g, f, 4));
		if (!error)
			error = put_set(sets, maps, g, f);
	}
	return error ? error : map_bytes_put(out, sets->data, sets->len);
}

static int hotspot_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	struct map_bytes sets = { 0 }, maps = { 0 };
	int error = out && g->npoints ? put_all(g, &sets, &maps, out) : 0;
	free(sets.data);
	free(maps.data);
	map_gathered_free(g);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool read_value(const uint8_t **p, const uint8_t *end, uint32_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < 5 && *p < end; i++) {
		MAP_TOUCH(*p, 1);
		uint32_t byte = *(*p)++;
		if (!byte)
			return false;
		*v += (byte - 1) << 6 * i;
		if (byte <= LOW || i == 4)
			return true;
	}
	return false;
}

static bool take_place(struct map_list *l, uint32_t place)
{
	if (place >= SLOTS)
		return map_list_slot(l, place - SLOTS);
	return map_list_register(l, place < VECTORS ? place / 2 : 16 + (place - VECTORS) / 16);
}

static enum map_answer hotspot_map(const uint8_t *map, size_t room, uint32_t frame,
				   uint8_t *scratch, struct map_live *out)
{
	if (room < MAP)
		return MAP_DAMAGED;
	const uint8_t *p = map + MAP, *end = map + room;
	uint32_t v, slots = frame ? frame / 4 : PLACES;
	struct map_list l = map_list_begin(out, frame, slots, scratch, SCRATCH);
	for (uint32_t n = map_load32(map); n; n--)
		if (!read_value(&p, end, &v) || (v & 3) > NARROW || v >> TYPE_BITS >= PLACES ||
		    !take_place(&l, v >> TYPE_BITS))
			return MAP_DAMAGED;
	return MAP_FOUND;
}

/* The first pair at or behind the pc. */
static enum map_answer hotspot_find(const uint8_t *set, size_t room, uint32_t pc, uint32_t frame,
				    uint8_t *scratch, struct map_live *out)
{
	if (room < SET)
		return MAP_DAMAGED;
	uint32_t n = map_load32(set), i = 0;
	if (n > (room - SET) / PAIR)
		return MAP_DAMAGED;
	const uint8_t *pairs = set + SET, *maps = pairs + PAIR * (size_t)n;
	while (i < n && map_load32(pairs + PAIR * (size_t)i) < pc)
		i++;
	if (i == n)
		return MAP_NO_SAFEPOINT;
	uint32_t at = map_load32(pairs + PAIR * (size_t)i + 4);
	room -= SET + PAIR * (size_t)n;
	if (at > room)
		return MAP_DAMAGED;
	return hotspot_map(maps + at, room - at, frame, scratch, out);
}

static bool hotspot_open(const uint8_t *map, size_t len, size_t *methods)
{
	*methods = len >= HEADER ? map_load32(map) : 0;
	return *methods && *methods <= (len - HEADER) / ROW;
}

static enum map_answer hotspot_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				      struct map_live *out)
{
	size_t methods;
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!hotspot_open(map, len, &methods))
		return MAP_DAMAGED;
	const uint8_t *row = map_function_row(map + HEADER, methods, ROW, pc);
	if (!row)
		return MAP_NO_SAFEPOINT;
	const uint8_t *sets = map + HEADER + ROW * methods;
	size_t room = len - HEADER - ROW * methods;
	uint32_t set = map_load32(row + 4);
	if (set > room)
		return MAP_DAMAGED;
	return hotspot_find(sets + set, room - set, pc - map_load32(row), map_load32(row + 8),
			    scratch, out);
}

static size_t hotspot_scratch(const uint8_t *map, size_t len)
{
	(void)map, (void)len;
	return SCRATCH;
}

/* The index: methods, and the sets' words and pairs. */
static void hotspot_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	size_t methods, room, n;
	*index = len;
	if (hotspot_open(map, len, &methods)) {
		*index = HEADER + ROW * methods;
		room = len - *index;
		for (size_t i = 0; i < methods; i++) {
			size_t set = map_load32(map + HEADER + ROW * i + 4);
			if (set > room || room - set < SET)
				break;
			n = map_load32(map + len - room + set);
			*index += n > (room - set - SET) / PAIR ? 0 : SET + PAIR * n;
		}
		if (*index > len)
			*index = len;
	}
	*data = len - *index;
}

const struct map_ops map_hotspot = {
	.name = "hotspot",
	.summary = "HotSpot's oop maps: pcs by method, a linear search, lists of places",
	.limits = "15,800 slots with references, 2 GiB of a method's maps, 4 GiB in all",
	.flags = MAP_EMPTIES | MAP_NEAR | MAP_REGISTERS,
	.state = sizeof(struct map_gathered),
	.function = map_gather_function,
	.add = hotspot_add,
	.finish = hotspot_finish,
	.scratch = hotspot_scratch,
	.lookup = hotspot_lookup,
	.split = hotspot_split,
};
