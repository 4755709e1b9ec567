/*
 * pair.h - a reader of stack maps that others wrote, beside ours, in one process
 * (scripts/peers/readers). A program of the other's language fills pair_reader and calls pair_main.
 */
#ifndef STUBMAP_PEERS_PAIR_H
#define STUBMAP_PEERS_PAIR_H

#include <stddef.h>
#include <stdint.h>

enum { PAIR_PLACES = 1 << 16 };

/* What is live at a return address: places as in map.h, ascending. */
struct pair_answer {
	uint32_t frame_size, nplaces;
	uint32_t places[PAIR_PLACES];
};

struct pair_reader {
	/* The map at pc, an offset in the text: 1, or 0 if there is none. */
	int (*answer)(uint32_t pc, struct pair_answer *);
	/*
	 * n lookups, each of which waits for the one before, as in a stack walk: the pc is
	 * pcs[i] + (sum & 0), the 0 unknown to the compiler. To the sum each adds 1 if there is no
	 * map; else the frame's size, and with `places` each live slot's offset in bytes, and 1 for
	 * a live register. Returns the sum.
	 */
	uint64_t (*pass)(const uint32_t *pcs, size_t n, int places);
	/* 1: it tells each pc that is no safepoint, so that all pcs of the text can be asked. */
	int exact;
	/* The bytes that it reads, if our encoder `exact` reads the same ones; else NULL. */
	const uint8_t *bytes;
	size_t len;
};

/* argv, which NULL ends: NAME PCS ENCODER=FILE... (tests/table_tool.c writes these files); prints
 * rows of a TSV (pair.c). 0, 1: the answers differ, 2: a file is not what it should be. */
int pair_main(int argc, char **argv, const struct pair_reader *);

#endif
