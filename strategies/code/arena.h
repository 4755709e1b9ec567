/*
 * arena.h - code packed into quanta: places of any size, opened for writing together.
 *
 *      quantum (older)                  quantum (newest)
 *      | a | b | c | (free) | d |rest|  | e | f | g |             |
 *                                                   ^ bump        ^ end
 *
 * Places start at multiples of 16 bytes. Quanta are opened when a place in them is taken and stay
 * open until arena_commit closes them all. A caller that announces how much it will take
 * (`expected`) gets it in one run of quanta: many places, one change of protection. Lists of free
 * places, by size, newest first, are in heap memory; quanta are not given back.
 *
 * Where committed code must stay as it is (code_frozen: callers run, and toggle can't write without
 * stopping them), a quantum is written once: places taken after a commit lie in new quanta, the
 * rest of the last quantum is lost, and a place given back is of no use until its whole quantum is
 * free and goes back to the code memory. So a commit after each place costs a quantum a place. Only
 * stubs made together lie together, so stubs made together should be released together.
 */
#ifndef STUBMAP_ARENA_H
#define STUBMAP_ARENA_H

#include "../emit/emit.h"
#include "internal.h"

/* Free places of one size. The list has room for all places taken: giving one back can't fail. */
struct arena_size {
	uint8_t **free;
	uint32_t nfree, capacity, taken;
};

/* Whole quanta that are being written. */
struct arena_run {
	uint8_t *at;
	size_t bytes;
	bool reserved; /* since the last commit */
};

struct arena {
	struct code_memory *code;
	uint8_t *bump, *end;
	uint8_t *old_bump, *old_end; /* at the last commit */
	size_t expected;	     /* a guess of the bytes taken before the next commit */
	struct arena_run *open;
	uint32_t nopen, capacity;
	struct arena_size sizes[EMIT_MAX / EMIT_SLOT + 1];
	uint32_t *live; /* frozen: number of places that touch each quantum of the stubs' area */
};

void arena_init(struct arena *arena, struct code_memory *code);
void arena_close(struct arena *arena); /* heap memory only */

/* A place for `bytes` (1..EMIT_MAX) of code, to be written through code_writable before the next
 * arena_commit. NULL: no room. */
uint8_t *arena_take(struct arena *arena, size_t bytes);
void arena_give(struct arena *arena, uint8_t *at, size_t bytes);
/* Makes all places taken since the last commit executable. 0, or -ENOMEM: the kernel refused the
 * change, and no code in the open quanta can run until a later commit. */
int arena_commit(struct arena *arena);
/* Call it when all places taken since the last commit have been given back: undoes what came since,
 * quanta included. 0, or -ENOMEM as arena_commit. */
int arena_abort(struct arena *arena);

/* Takes a place for n bytes, writes and commits them; returns the place, or NULL. */
const uint8_t *arena_add(struct arena *arena, const void *bytes, size_t n);

#endif
