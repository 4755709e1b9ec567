/*
 * coded_write.h - the writer of coded maps: what its parts share. Pages go to put_page
 * once for each purpose, so that what is counted, what is measured and what is written is
 * the same by construction.
 */
#ifndef STUBMAP_CODED_WRITE_H
#define STUBMAP_CODED_WRITE_H

#include "coded.h"
#include "huffman.h"

_Static_assert((int)HUFFMAN_BITS == (int)CODED_MAX_BITS, "no code is longer than a reader takes");

struct coded_entry {
	uint32_t unit; /* of pc, from the first safepoint's */
	uint32_t map;  /* 1 + the number of its map, or 0 */
	bool fresh;    /* the map is written against nothing, not against the last one */
};

struct coded_map {
	uint32_t frame, registers; /* frame: in units */
	uint32_t nbits;
	const uint32_t *bits; /* that are set in its bitmap, ascending */
};

/* A change of the map that is small enough to be known by number:
 * it touches the first word only. */
struct coded_change {
	uint64_t bits;
	uint32_t registers, flags;
};

enum coded_purpose {
	CODED_CHOOSE, /* sets entry.fresh, collects changes */
	CODED_COUNT,  /* counts symbols, collects masks */
	CODED_SIZE,
	CODED_WRITE,
};

struct coded_writer {
	enum coded_purpose purpose;
	struct coded_entry *entries;
	struct coded_map *maps;
	size_t n, nmaps, npages;
	unsigned page_shift, pc_shift, length_shift, stride;
	uint32_t slot, unit, words;
	uint32_t *flips; /* room for the bits of two maps */

	struct coded_change *changes; /* that were put, in no order */
	uint32_t *masks_put;
	size_t nchanges, nmasks_put;
	struct coded_change known[CODED_MAX_KNOWN]; /* sorted by coded_change_compare */
	uint32_t masks[CODED_MAX_MASKS];
	size_t nknown, nmasks;
	uint64_t counts[CODED_TABLES][HUFFMAN_SYMBOLS];
	uint64_t ends[CODED_KINDS]; /* pages by their last entry */
	struct huffman codes[CODED_TABLES];

	uint8_t *out;
	uint64_t forward, backward; /* where the next bits go in a page, gaps and maps */
	/* Of the page last put: its last entry, and the unit behind that. */
	enum coded_kind last;
	uint64_t behind;
};

int coded_change_compare(const void *a, const void *b);
/* Puts the entries from `at` on that lie in one page, and CODED_END behind their gaps if `end`;
 * returns how many. */
size_t coded_put_page(struct coded_writer *, size_t at, bool end);
/* Whether a reader notices the end of the page last put, if it takes the bits behind the last gap,
 * from bit w->forward to bit `to` of w->out, for gaps. If not, the page needs CODED_END. */
bool coded_page_ends(const struct coded_writer *, uint64_t to);
/* The entry of a table for a symbol. */
unsigned coded_table_entry(const struct coded_writer *, unsigned table, unsigned symbol);
uint32_t coded_reversed(uint32_t code, unsigned bits);
static inline bool coded_is_gap(unsigned table)
{
	return table < CODED_HEAD;
}

/* Makes every choice: what is written against nothing, the known changes, the masks,
 * the codes. 0, -ENOMEM. */
int coded_choose(struct coded_writer *);

#endif
