/*
 * reference.h - how small a table of stack maps could be, by three references. None is a lower
 * bound: better models of code would do better still. Each has three parts: positions (which pcs
 * are safepoints), ids (which of the distinct maps each has), dictionary (each distinct map once).
 *
 * order-0. Positions: log2 of the number of ways to choose n pcs among the text's bytes. Ids: n
 * times their entropy of order 0. Dictionary: frame size, then the places as a bitmap or a list of
 * steps, whichever is shorter, in bytes. So each safepoint is coded as if no other were known; a
 * format that looks at the safepoint before does better, even with random access.
 *
 * adaptive. The bits of an adaptive arithmetic coder, which learns on the way (PPM, escapes by
 * method C, no exclusion). Ids: given the map before and the last one that was not empty, then
 * given the latter, then alone. Positions: steps from pc to pc, given whether this safepoint and
 * the one before are empty and whether the step before was below 16. Dictionary: a new map as an
 * exclusive or with the last one that was not empty, or with nothing. These are code lengths, not a
 * codec, and there is no random access.
 *
 * zstd. Columns of LEB128 numbers by zstd -19: steps; ids; new maps, each against the one before.
 * Real bytes, a practical floor without random access.
 *
 * A map is live places and frame size; all empty maps count as one, without a frame.
 */
#ifndef STUBMAP_MAPS_REFERENCE_H
#define STUBMAP_MAPS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stubmap/map.h>

enum reference_kind { REFERENCE_ORDER0, REFERENCE_ADAPTIVE, REFERENCE_ZSTD, REFERENCE_KINDS };
extern const char *const reference_names[REFERENCE_KINDS]; /* as in events: "order0", ... */

struct reference {
	size_t safepoints, maps;	   /* counted; distinct */
	double positions, ids, dictionary; /* bytes */
	double bytes;			   /* the sum of all three */
};

/* empties: also counts empty safepoints. 0 or -ENOMEM. */
int reference_of(enum reference_kind, const struct safepoint *points, size_t n, size_t text_bytes,
		 bool empties, struct reference *out);

#endif
