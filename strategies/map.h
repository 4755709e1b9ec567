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
 *      uint8_t *scratch = malloc(map_scratch(ops, table.data, table.len));
 *
 *      struct map_live live;
 *      struct map_cursor at = { 0 };
 *      uint32_t place;
 *      if (ops->lookup(table.data, table.len, pc, scratch, &live) == MAP_FOUND)
 *              while (map_next(&live, &at, &place))
 *                      visit(sp + 4 * place);
 *
 *      free(scratch);
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

/* The safepoint at pc among n safepoints whose pc strictly ascends; NULL: there is none. *at (at
 * may be NULL) is its index, or that of the first safepoint behind pc, or n. */
const struct safepoint *safepoint_find(const struct safepoint *points, size_t n, uint32_t pc,
				       size_t *at);

/*
 * For formats that hold no registers (MAP_REGISTERS is off), of producers whose maps do (OCaml's;
 * its runtime saves them next to the frame): every frame of such a producer gets a save area above
 * its end, and a live register becomes a live slot in that area.
 *
 *      SP                  frame_size              +8         +16        ...     +8*33
 *      | frame             | return address, if any | register 0 | register 1 | ... |
 *
 * So register r is slot (frame_size + 3) / 4 + 2 * (r + 1), and frame_size, rounded up to 4, grows
 * by MAP_SPILL_BYTES; a stack walk subtracts these again.
 */
enum { MAP_SPILL_REGISTERS = 32, MAP_SPILL_BYTES = 8 * (MAP_SPILL_REGISTERS + 1) };

/* out->live becomes `places`, which must have room for in->nlive. 0, -ENOTSUP (a register above
 * 31), -EINVAL (places out of order or outside the frame, or the frame grows past 32 bits). */
int safepoint_spill_registers(const struct safepoint *in, struct safepoint *out, uint32_t *places);

/* A function of the text, in bytes from its start. A return address belongs to the function with
 * start < pc <= end: the call before it does, and a last call that never returns ends a
 * function. (pc 0, which no call has, belongs to a function that starts at 0.) */
struct map_function {
	uint32_t start, end;
};

/* A growing byte string, initially {0}. Its user owns it and calls free(data). */
struct map_bytes {
	uint8_t *data;
	size_t len, cap;
};

/* ---- What a lookup finds ------------------------------------------------------------------ */

enum map_answer {
	MAP_FOUND,  /* a map; perhaps empty, if the format records empty maps */
	MAP_ABSENT, /* no map here, and the format can't tell whether that means "no references" */
	MAP_NO_SAFEPOINT, /* the format knows that this pc is no safepoint: detected */
	MAP_DAMAGED,	  /* the bytes contradict themselves; nothing outside them was read */
};

/*
 * The live places at a safepoint: a bitmap of slots, and a mask of registers. Bit i of the bitmap's
 * byte b is slot first + stride * (8*b + i).
 *
 *      first = 10, stride = 2:   bitmap 05 80    slots 10, 14 and 40
 *
 * Valid only after MAP_FOUND, and only as long as the map's bytes and the lookup's
 * scratch exist unchanged.
 */
struct map_live {
	uint32_t frame_size;   /* bytes; 0 if the format does not hold it */
	uint32_t first;	       /* the slot of bit 0 */
	uint32_t nbytes;       /* of the bitmap; 0: no live slot */
	uint32_t registers;    /* bit r: the register with DWARF number r */
	uint8_t stride;	       /* slots from bit to bit: 1 (4 bytes) or 2 (8 bytes) */
	const uint8_t *bitmap; /* in the map's bytes or in scratch, unaligned */
};

/* The position of an iteration, initially {0}. */
struct map_cursor {
	uint32_t word, bits; /* word: 4-byte words of the bitmap taken; MAP_CURSOR_REGISTERS */
};
#define MAP_CURSOR_REGISTERS 0xffffffffu /* bits are what is left of the registers */

/* Up to four bytes of the bitmap, at an offset below nbytes, as a number. */
static inline uint32_t map_live_word(const struct map_live *live, size_t at)
{
	const uint8_t *p = live->bitmap + at;
	uint32_t word = 0;

	if (live->nbytes - at >= 4)
		return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	for (size_t i = 0; i < live->nbytes - at; i++)
		word |= (uint32_t)p[i] << 8 * i;
	return word;
}

/* Stores the next live place in *place, in ascending order, so registers last; false at the end. */
static inline bool map_next(const struct map_live *live, struct map_cursor *at, uint32_t *place)
{
	while (!at->bits) {
		size_t next = 4 * (size_t)at->word;

		if (at->word == MAP_CURSOR_REGISTERS)
			return false;
		if (next < live->nbytes) {
			at->bits = map_live_word(live, next);
			at->word++;
		} else {
			at->bits = live->registers;
			at->word = MAP_CURSOR_REGISTERS;
		}
	}
	uint32_t bit = (uint32_t)__builtin_ctz(at->bits);
	at->bits &= at->bits - 1;
	if (at->word == MAP_CURSOR_REGISTERS)
		*place = MAP_REGISTER + bit;
	else
		*place = live->first + live->stride * (32 * (at->word - 1) + bit);
	return true;
}

/*
 * What an answer is worth, to someone who knows the truth. MAP_SILENT is the outcome that is easy
 * to miss: a collector that takes "no map" for "no references" goes on, and nobody notices.
 */
enum map_outcome {
	MAP_CORRECT, /* the safepoint's own live places; an empty safepoint may also be absent */
	MAP_WRONG,   /* another map than its own: a live reference is missed or a dead one traced */
	MAP_SILENT,  /* read as "no references": there are some, or there is no safepoint */
	MAP_DETECTED, /* refused: no safepoint, or damaged */
	MAP_OUTCOMES
};
extern const char *const map_outcome_names[MAP_OUTCOMES];

/* truth: the safepoint at the pc that was looked up; NULL: there is none. Compares the places, and
 * the frame's size where the format holds it. */
enum map_outcome map_judge(const struct safepoint *truth, enum map_answer, const struct map_live *);

/* ---- Encoders ------------------------------------------------------------------------------ */

/*
 * For each safepoint that was added a format answers with that safepoint's map (except MAP_UNSAFE
 * and MAP_FLOOR). The flags say what it answers for any other pc:
 *
 *   MAP_EXACT                 MAP_ABSENT: as for an empty safepoint, so it detects nothing
 *   MAP_EXACT | MAP_EMPTIES   MAP_NO_SAFEPOINT, always
 *   MAP_EMPTIES               MAP_NO_SAFEPOINT, or the map of the safepoint before
 *   MAP_EMPTIES | MAP_NEAR    also the map of the safepoint behind, or an empty map
 *   MAP_UNSAFE                MAP_ABSENT, or the map of any safepoint before
 */
enum map_flags {
	MAP_REGISTERS = 1, /* can hold registers; others refuse them with -ENOTSUP */
	MAP_EMPTIES = 2,   /* records empty maps */
	MAP_EXACT = 4,	   /* answers only for return addresses that it was given */
	MAP_UNSAFE = 8,	   /* kept as a negative control; marked wherever it appears */
	MAP_FLOOR = 16,	   /* holds nothing */
	MAP_NEAR = 32,	   /* answers for pcs around a safepoint, too, on both sides */
};

struct map_ops {
	const char *name, *summary;
	unsigned flags;
	const char *limits; /* for which it says -EFBIG, in words; NULL: it never does */
	size_t state;	    /* private bytes, zeroed by the caller */
	/* Opens a function, before its safepoints are added; functions ascend and do not overlap,
	 * some have no safepoint. NULL: the index is not by function. Without any call the
	 * safepoints are those of one function from 0 to the last of them. 0, -EINVAL (order),
	 * -ENOMEM, -EFBIG: state is then unchanged. */
	int (*function)(void *state, uint32_t start, uint32_t end);
	/* Adds a safepoint. pc must strictly ascend; safepoints with empty maps are added too. 0,
	 * -EINVAL (order, places), -ENOTSUP, -ENOMEM, -EFBIG (a safepoint that the format has
	 * no form for, or one too many: see limits): state is then unchanged. */
	int (*add)(void *state, const struct safepoint *);
	/* Appends the table to out (no bytes if it has no entry) and frees what state points to,
	 * also on failure. out NULL: only frees. 0, -ENOMEM, -EFBIG (out is spoilt). */
	int (*finish)(void *state, struct map_bytes *out);
	/*
	 * What an engine does once, when it takes a table into use: appends to out, which is empty,
	 * the bytes that lookup, lookup_many and scratch then take instead of the table's. NULL:
	 * they take the table itself, straight from a mapping. 0, -ENOMEM, -EINVAL (damaged: the
	 * bytes contradict themselves; nothing outside them was read).
	 */
	int (*load)(const uint8_t *map, size_t len, struct map_bytes *out);
	/* Bytes that one lookup in this table may need to decode a bitmap into; the encoder's
	 * file says what bounds them whatever the bytes are. NULL: none, in any table;
	 * scratch may then be NULL. */
	size_t (*scratch)(const uint8_t *map, size_t len);
	/*
	 * Whatever the bytes are: it reads none outside [map, map + len), it ends, and if it finds
	 * a map, then all slots are below MAP_REGISTER and, where the format holds the frame's
	 * size, less than 32 slots behind the frame's end. map may be NULL if len
	 * is 0: the empty table.
	 */
	enum map_answer (*lookup)(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				  struct map_live *out);
	/* n lookups at once, for a walk that first collects its return addresses: the same answers
	 * as one by one, with n times the scratch. NULL: the format gains nothing by it. */
	void (*lookup_many)(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			    uint8_t *scratch, struct map_live *out, enum map_answer *answers);
	/* Bytes of index and of data in a table; they add up to len. */
	void (*split)(const uint8_t *map, size_t len, size_t *index, size_t *data);
};

extern const struct map_ops *const map_encoders[];   /* in the order of list.h; NULL ends it */
const struct map_ops *map_encoder(const char *name); /* NULL: unknown */

/* Bytes of scratch for one lookup; 0: it may be NULL. */
static inline size_t map_scratch(const struct map_ops *ops, const uint8_t *map, size_t len)
{
	return ops->scratch ? ops->scratch(map, len) : 0;
}

/* Appends the table of n safepoints to out. 0, or an error of add or finish: out is unchanged, and
 * *bad (bad may be NULL) is the index of the refused safepoint, or n. */
int map_encode(const struct map_ops *, const struct safepoint *, size_t n, struct map_bytes *out,
	       size_t *bad);
/* The same, with the functions to which the safepoints belong, ascending. A safepoint outside all
 * of them belongs to a function that fills the gap between two. -EINVAL with *bad == n: the
 * functions do not ascend. */
int map_encode_functions(const struct map_ops *, const struct safepoint *, size_t n,
			 const struct map_function *, size_t nfunctions, struct map_bytes *out,
			 size_t *bad);
/* Makes a table ready for lookups: does nothing, or replaces it by what ops->load makes of it. 0,
 * or load's error: the table is unchanged. */
int map_load(const struct map_ops *, struct map_bytes *table);

#ifdef __cplusplus
}
#endif

#endif
