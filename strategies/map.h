/*
 * map.h - a public header of libstubmap: stack maps.
 *
 * A safepoint is a return address and the places of the frame that hold live references there. An
 * encoder turns ascending safepoints into bytes; lookup reads those bytes alone: unaligned, with no
 * set-up, straight from a mapping:
 *
 *      const struct map_ops *ops = map_encoder("exact-consed");
 *      struct map_bytes table = { 0 };
 *      int error = map_encode(ops, points, npoints, &table, NULL);
 *
 *      struct map_live live;
 *      struct map_cursor at = { 0 };
 *      uint32_t place;
 *      if (ops->lookup(table.data, table.len, pc, &live) == MAP_FOUND)
 *              while (map_next(&live, &at, &place))
 *                      visit(sp + 4 * place);
 *
 *      free(table.data);
 */
#ifndef STUBMAP_MAP_H
#define STUBMAP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Safepoints -------------------------------------------------------------------------- */

/* A place: slot i is the 4 bytes (or the reference that starts) at SP + 4*i; a register is
 * MAP_REGISTER + its DWARF number. */
#define MAP_REGISTER 0x80000000u

struct safepoint {
	uint32_t pc;	     /* return address, offset from the start of the text */
	uint32_t frame_size; /* bytes from SP to the frame's end; slots are below frame_size / 4 */
	uint32_t nlive;
	const uint32_t *live; /* places, strictly ascending, nlive of them */
};

/* Of n safepoints, pc strictly ascending, the one at pc; NULL: there is none. *at (may be NULL) is
 * its index, or else that of the first behind pc; n: none is. */
const struct safepoint *safepoint_find(const struct safepoint *points, size_t n, uint32_t pc,
				       size_t *at);

/*
 * For producers whose maps hold registers (OCaml's do; its runtime saves them next to the frame):
 * every frame of such a producer, registers or not, gets a save area above its end, and a live
 * register is a live slot in there.
 *
 *      SP                  frame_size              +8         +16        ...     +8*33
 *      | frame             | return address, if any | register 0 | register 1 | ... |
 *
 * So register r is slot (frame_size + 3) / 4 + 2 * (r + 1), and frame_size grows by
 * MAP_SPILL_BYTES (rounded up to 4 first), which a walker takes off again.
 */
enum { MAP_SPILL_REGISTERS = 32, MAP_SPILL_BYTES = 8 * (MAP_SPILL_REGISTERS + 1) };

/* out->live is `places`, which has room for in->nlive. 0, -ENOTSUP (a register above 31), -EINVAL
 * (places out of order or outside the frame, or the frame grows past 32 bits). */
int safepoint_spill_registers(const struct safepoint *in, struct safepoint *out, uint32_t *places);

/* A growing byte string, owned by its user; free(data). Starts as {0}. */
struct map_bytes {
	uint8_t *data;
	size_t len, cap;
};

/* ---- What a lookup finds ------------------------------------------------------------------ */

enum map_answer {
	MAP_FOUND,  /* a map: perhaps empty, where the format records that */
	MAP_ABSENT, /* no map here, and the format can't tell whether that means "no references" */
	MAP_NO_SAFEPOINT, /* the format knows that this pc is no safepoint: detected */
	MAP_DAMAGED,	  /* the bytes contradict themselves; nothing outside them was read */
};

/* Means something after MAP_FOUND only, and as long as the map's bytes live. */
struct map_live {
	uint32_t frame_size;   /* bytes; 0 where the format does not hold it */
	uint32_t nwords;       /* bitmap words at `bitmap`; 0: no live places */
	const uint8_t *bitmap; /* little-endian u32 words, unaligned, inside the map's bytes: bit i
				  of word w is slot 32*w+i */
};

/* Where an iteration stands; starts as {0}. */
struct map_cursor {
	uint32_t word, bits;
};

/* The next live place, ascending, in *place; false at the end. */
static inline bool map_next(const struct map_live *live, struct map_cursor *at, uint32_t *place)
{
	while (!at->bits) {
		if (at->word == live->nwords)
			return false;
		const uint8_t *p = live->bitmap + 4 * (size_t)at->word++;
		at->bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	}
	*place = 32 * (at->word - 1) + (uint32_t)__builtin_ctz(at->bits);
	at->bits &= at->bits - 1;
	return true;
}

/*
 * What an answer is worth, to someone who knows the truth. MAP_SILENT is the outcome that is easy
 * to miss: a collector that takes "no map" for "no references" goes on, and nobody notices.
 */
enum map_outcome {
	MAP_CORRECT, /* the safepoint's own live places; an empty safepoint may also be absent */
	MAP_WRONG,  /* a map, and not this one's: a live reference is missed or a dead one traced */
	MAP_SILENT, /* read as "no references": there are some, or there is no safepoint */
	MAP_DETECTED, /* refused: no safepoint, or damaged */
	MAP_OUTCOMES
};
extern const char *const map_outcome_names[MAP_OUTCOMES];

/* truth: the safepoint at the pc that was looked up; NULL: there is none. Compares the places, and
 * the frame's size where the format holds it. */
enum map_outcome map_judge(const struct safepoint *truth, enum map_answer, const struct map_live *);

/* ---- Encoders ------------------------------------------------------------------------------ */

/*
 * Every format answers the safepoints that it was given with their own map (MAP_UNSAFE and
 * MAP_FLOOR excepted). The flags say what it answers for any other pc:
 *
 *   MAP_EXACT                 MAP_ABSENT: as for an empty safepoint, so it detects nothing
 *   MAP_EXACT | MAP_EMPTIES   MAP_NO_SAFEPOINT, always
 *   MAP_EMPTIES               MAP_NO_SAFEPOINT, or the map of the safepoint before
 *   MAP_UNSAFE                MAP_ABSENT, or the map of any safepoint before
 */
enum map_flags {
	MAP_REGISTERS = 1, /* can hold registers; others refuse them with -ENOTSUP */
	MAP_EMPTIES = 2,   /* records empty maps */
	MAP_EXACT = 4,	   /* answers only for return addresses that it was given */
	MAP_UNSAFE = 8,	   /* kept as a negative control; marked wherever it appears */
	MAP_FLOOR = 16,	   /* holds nothing */
};

struct map_ops {
	const char *name, *summary;
	unsigned flags;
	size_t state; /* private bytes, zeroed by the caller */
	/* pc strictly ascends; empty maps are given too. 0, -EINVAL (order, places), -ENOTSUP,
	 * -ENOMEM, -EFBIG (the format's offsets are too small for more). On failure as if not
	 * called. */
	int (*add)(void *state, const struct safepoint *);
	/* Appends the table to out (nothing at all where no entry is needed) and frees what state
	 * points to, also on failure. out NULL: only frees. 0, -ENOMEM. */
	int (*finish)(void *state, struct map_bytes *out);
	/* Whatever the bytes are, reads none outside [map, map + len) and ends. map may be NULL if
	 * len is 0: the empty table. */
	enum map_answer (*lookup)(const uint8_t *map, size_t len, uint32_t pc,
				  struct map_live *out);
	/* n lookups at once, for a walk that first collects its return addresses: the same answers
	 * as one by one. NULL: the format gains nothing by it. */
	void (*lookup_many)(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			    struct map_live *out, enum map_answer *answers);
	/* Bytes of index and of data in a table; they add up to len. */
	void (*split)(const uint8_t *map, size_t len, size_t *index, size_t *data);
};

extern const struct map_ops *const map_encoders[];   /* in the order of list.h; NULL ends it */
const struct map_ops *map_encoder(const char *name); /* NULL: unknown */

/* Appends the table of n safepoints to out. 0, or add's or finish's error, out as it was; then *bad
 * (may be NULL) is the index of the safepoint refused, or n. */
int map_encode(const struct map_ops *, const struct safepoint *, size_t n, struct map_bytes *out,
	       size_t *bad);

#ifdef __cplusplus
}
#endif

#endif
