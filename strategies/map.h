/*
 * map.h - the second public header of libstubmap: stack maps.
 *
 * A safepoint is a return address and the places of the frame that hold live references there. An
 * encoder turns ascending safepoints into bytes; lookup reads those bytes alone: unaligned, with no
 * set-up, straight from a mapping.
 */
#ifndef STUBMAP_MAP_H
#define STUBMAP_MAP_H

#include <stddef.h>
#include <stdint.h>

/* A place: slot i is the 4 bytes (or the reference that starts) at SP + 4*i; a register is
 * MAP_REGISTER + its DWARF number. */
#define MAP_REGISTER 0x80000000u

struct safepoint {
	uint32_t pc;         /* return address, offset from the start of the text */
	uint32_t frame_size; /* bytes from SP to the frame's end */
	uint32_t nlive;
	const uint32_t *live; /* places, strictly ascending, nlive of them */
};

/* A growing byte string, owned by its user; free(data). */
struct bytes {
	uint8_t *data;
	size_t len, cap;
};

/* What a lookup found. The places are read one by one with map_next, from the bytes themselves. */
enum map_answer {
	MAP_FOUND,  /* a map: perhaps empty, where the format records that */
	MAP_ABSENT, /* no map for this pc: an exact format says "no references here" no differently */
	MAP_NO_SAFEPOINT, /* the format knows that this pc is no safepoint: detected */
	MAP_DAMAGED,      /* the bytes contradict themselves; nothing outside them was read */
};

struct live {
	uint32_t frame_size; /* bytes; 0 where the format does not hold it */
	uint32_t nwords;     /* bitmap words at `bitmap` */
	const uint8_t *bitmap; /* little-endian u32 words, unaligned, inside the map's bytes: bit i of
	                          word w is slot 32*w+i. NULL: see lookup's own next. */
};

enum map_flags {
	MAP_REGISTERS = 1, /* can hold registers; others refuse them with -ENOTSUP */
	MAP_EMPTIES = 2,   /* records empty maps */
	MAP_EXACT = 4,     /* answers only for return addresses that it was given */
	MAP_UNSAFE = 8,    /* kept as a negative control; marked wherever it appears */
	MAP_FLOOR = 16,    /* holds nothing */
};

struct map_ops {
	const char *name, *summary;
	unsigned flags;
	size_t state; /* private bytes, zeroed by the caller */
	/* pc strictly ascends; empty maps are given too. 0, -EINVAL (order, places), -ENOTSUP, -ENOMEM. */
	int (*add)(void *state, const struct safepoint *);
	/* Appends the table to out and frees what state points to, also on failure. */
	int (*finish)(void *state, struct bytes *out);
	enum map_answer (*lookup)(const uint8_t *map, size_t len, uint32_t pc, struct live *out);
	/* Bytes of index and of data in a table; they add up to len. */
	void (*split)(const uint8_t *map, size_t len, size_t *index, size_t *data);
};

extern const struct map_ops *const map_encoders[]; /* in the order of list.h; NULL ends it */
const struct map_ops *map_encoder(const char *name);

#endif
