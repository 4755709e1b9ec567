/*
 * loops.h - code whose counts are known: a counter is believed only after it has counted one of
 * these, with a result within bounds that were written down beforehand (events.h).
 */
#ifndef STUBMAP_METERS_LOOPS_H
#define STUBMAP_METERS_LOOPS_H

#include <stddef.h>
#include <stdint.h>

/* Each loop, and the occasions that it gives an event. */
enum loop_kind {
	LOOP_NONE,	  /* no loop can provoke the event: only "starts and reads" can be shown */
	LOOP_COUNTED,	  /* iterations of two instructions, one of them a branch */
	LOOP_PAGE_STARTS, /* jumps between 64 page starts: one set of any 32 KiB, 8-way L1I */
	LOOP_PAGES,	  /* jumps between 512 pages: more than a first-level ITLB holds */
	LOOP_MANY_PAGES,  /* jumps between 3072 pages: more than a second-level TLB holds */
	LOOP_FLUSHED,	  /* jumps between 64 lines that were just flushed from all caches */
	LOOP_FRESH,	  /* jumps that were never taken before */
	LOOP_RANDOM,	  /* conditional branches, taken at random */
	LOOP_INDIRECT,	  /* indirect calls of 16 targets, chosen at random */
	LOOP_TOUCH,	  /* pages of memory touched for the first time */
	LOOP_SLEEP,	  /* sleeps of the shortest length */
	LOOP_KINDS
};

struct loop {
	enum loop_kind kind;
	uint64_t occasions; /* in one loop_run */
	uint8_t *memory;    /* code or data that the loop maps; NULL: none */
	size_t size, stride;
	unsigned steps, rounds;
};

/* Maps and writes what the loop needs. 0, -ENOMEM or -EACCES (no executable memory), -ENOTSUP (no
 * machine code for this architecture). */
int loop_open(struct loop *, enum loop_kind kind);
/* LOOP_FRESH and LOOP_TOUCH give their occasions only once after loop_open. */
void loop_run(const struct loop *);
void loop_close(struct loop *);

#endif
