/*
 * ocaml.c - OCaml's frame table, and the hash of its descriptors that the
 * runtime builds when it starts.
 *
 *      u64 count | descriptors, each at a multiple of 8
 *
 *      descriptor   u64 return address | u16 frame | u16 nlive | u16 live[nlive] | padding
 *                   frame: the frame's size in bytes; live: a byte offset from SP, or twice the
 *                   number of a register plus 1; ascending
 *
 * and after the load:
 *
 *      u32 mask | u32 0 | u64 slot[mask + 1] | the frame table as above
 *                         slot: 0, or where the descriptor with hash (return address >> 3) & mask
 *                         is; the next slot if this one is taken
 *
 * From ocaml/ocaml before 5.4 (commit fd41e1ab of October 2024; the descriptors since 4.11):
 * asmcomp/emitaux.ml (emit_frame), runtime/caml/frame_descriptors.h, runtime/frame_descriptors.c:
 * the widths, the order, the hash, its capacity (the least power of two that is 4 and twice the
 * number), linear probing, the comparison of the whole address. Offsets in the loaded bytes stand
 * for its pointers. The load copies the frame table behind the slots, since lookups here read one
 * string of bytes; the runtime leaves it where it is mapped.
 *
 * Left out: debug information and lengths of allocations (frame bits 0 and 1), the descriptors
 * 0xffff of calls from C, more than one unit, and in position-independent programs the relocation
 * of each address, 24 bytes in the file. Registers have DWARF's numbers instead of OCaml's.
 *
 * Each call has a descriptor, also one without live places. For any other pc the runtime finds
 * none, which it asserts in a debug build and dereferences in others.
 *
 * The runtime reads the list as it scans a frame; a lookup here makes a bitmap of it, in a scratch
 * of the bitmap of the largest frame that 16 bits describe: 2 KiB.
 */
#include "../parts/engine.h"

enum {
	HEADER = 8, /* both of the file and of the loaded bytes */
	DESCRIPTOR = 12,
	FROM_C = 0xffff,
	FRAME_MOST = 0xfff8, /* with both flags it is not FROM_C */
	SCRATCH = 0x10000 / 4 / 8,
};

/* ---- Writing ------------------------------------------------------------------------------- */

static int ocaml_add(void *state, const struct safepoint *p)
{
	if (p->frame_size > FRAME_MOST)
		return -EFBIG;
	return map_gather_words(state, p);
}

static int put_descriptor(struct map_bytes *out, size_t base, const struct map_gathered *g,
			  const struct map_point *p)
{
	int error = map_bytes_put_low(out, p->pc, 8);
	if (!error)
		error = map_bytes_put_low(out, p->frame_size, 2);
	if (!error)
		error = map_bytes_put_low(out, map_point_places(p), 2);
	if (!error)
		error = map_put_offsets(out, g, p, 2);
	return error ? error : map_bytes_zeros(out, -(out->len - base) & 7, NULL);
}

static int ocaml_finish(void *state, struct map_bytes *out)
{
	struct map_gathered *g = state;
	size_t base = out ? out->len : 0;
	int error = 0;
	if (out && g->npoints)
		error = map_bytes_put_low(out, g->npoints, 8);
	for (size_t i = 0; out && i < g->npoints && !error; i++)
		error = put_descriptor(out, base, g, &g->points[i]);
	map_gathered_free(g);
	return error;
}

/* ---- The load ------------------------------------------------------------------------------ */

/* Puts the descriptor at byte `at` of the loaded bytes into the hash. */
static void enter(uint8_t *slots, uint32_t mask, uint64_t address, uint64_t at)
{
	uint32_t h = (uint32_t)(address >> 3) & mask;
	while (map_load64(slots + 8 * (size_t)h))
		h = (h + 1) & mask;
	map_store32(slots + 8 * (size_t)h, (uint32_t)at);
	map_store32(slots + 8 * (size_t)h + 4, (uint32_t)(at >> 32));
}

static int fill(uint8_t *slots, uint32_t mask, const uint8_t *map, size_t len, size_t base)
{
	size_t at = HEADER;
	for (uint64_t n = map_load64(map); n; n--) {
		if (at > len || len - at < DESCRIPTOR)
			return -EINVAL;
		uint32_t live = map_load16(map + at + 10);
		if (map_load16(map + at + 8) & 3 || 2 * live > len - at - DESCRIPTOR)
			return -EINVAL;
		enter(slots, mask, map_load64(map + at), base + at);
		at += (DESCRIPTOR + 2 * live + 7) & ~(size_t)7;
	}
	return 0;
}

static int ocaml_load(const uint8_t *map, size_t len, struct map_bytes *out)
{
	uint64_t capacity = 4, n;
	size_t slots;
	if (!len)
		return 0;
	if (len < HEADER || (n = map_load64(map)) > (len - HEADER) / DESCRIPTOR ||
	    n > UINT32_MAX / 4)
		return -EINVAL;
	while (capacity < 2 * n)
		capacity *= 2;
	int error = map_bytes_put32(out, (uint32_t)(capacity - 1));
	if (!error)
		error = map_bytes_put32(out, 0);
	if (!error)
		error = map_bytes_zeros(out, 8 * capacity, &slots);
	if (!error)
		error = map_bytes_put(out, map, len);
	if (!error)
		error = fill(out->data + slots, (uint32_t)(capacity - 1), map, len,
			     slots + 8 * capacity);
	return error;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static enum map_answer ocaml_map(const uint8_t *p, size_t room, uint8_t *scratch,
				 struct map_live *out)
{
	uint32_t frame = map_load16(p + 8), live = map_load16(p + 10);
	if (frame == FROM_C || 2 * live > room - DESCRIPTOR)
		return MAP_DAMAGED;
	frame &= ~3u;
	struct map_list l = map_list_begin(out, frame, frame / 4, scratch, SCRATCH);
	return map_list_offsets(&l, p + DESCRIPTOR, live, 2) ? MAP_FOUND : MAP_DAMAGED;
}

/* map: the loaded bytes. */
static enum map_answer ocaml_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				    struct map_live *out)
{
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (len < HEADER)
		return MAP_DAMAGED;
	uint32_t mask = map_load32(map);
	if (mask >= (len - HEADER) / 8)
		return MAP_DAMAGED;
	uint32_t h = (pc >> 3) & mask;
	for (uint32_t tries = 0; tries <= mask; tries++, h = (h + 1) & mask) {
		uint64_t at = map_load64(map + HEADER + 8 * (size_t)h);
		if (!at)
			return MAP_NO_SAFEPOINT;
		if (at > len || len - at < DESCRIPTOR)
			return MAP_DAMAGED;
		if (map_load64(map + at) == pc)
			return ocaml_map(map + at, len - at, scratch, out);
	}
	return MAP_DAMAGED; /* a hash without a free slot */
}

static size_t ocaml_scratch(const uint8_t *map, size_t len)
{
	(void)map, (void)len;
	return SCRATCH;
}

/* In the frame table, the index is the count and the return addresses: they find a descriptor. */
static void ocaml_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	*index = len;
	if (len >= HEADER && map_load64(map) <= (len - HEADER) / DESCRIPTOR)
		*index = HEADER + 8 * (size_t)map_load64(map);
	*data = len - *index;
}

const struct map_ops map_ocaml = {
	.name = "ocaml",
	.summary = "OCaml's frame descriptors, and the hash of them that its runtime builds",
	.limits = "frames of whole 4-byte words, 65,528 bytes of a frame",
	.flags = MAP_EXACT | MAP_EMPTIES | MAP_REGISTERS,
	.state = sizeof(struct map_gathered),
	.add = ocaml_add,
	.finish = ocaml_finish,
	.load = ocaml_load,
	.scratch = ocaml_scratch,
	.lookup = ocaml_lookup,
	.split = ocaml_split,
};
