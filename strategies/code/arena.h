/*
 * arena.h - code packed into quanta: places of any size, opened for writing together.
 *
 *      quantum (older)                  quantum (newest)
 *      | a | b | c | (free) | d |rest|  | e | f | g |             |
 *                                                   ^ bump        ^ end
 *
 * Places start at multiples of 16 bytes. Quanta are opened when a place in them is taken and stay
 * so until arena_commit closes all that are open. Who says beforehand how much will come
 * (`expected`) gets it in one run of quanta: many places, one change of protection. Free places are
 * kept in heap memory, by size, newest first; quanta are not given back.
 *
 * Where committed code must stay as it is (code_frozen: callers run, and toggle can't write without
 * stopping them), a quantum is written once: what comes after a commit goes in new quanta, the rest
 * of the last one is lost, and a place given back is of no use until all of its quantum is free,
 * which then goes back to the code memory. So one place a commit costs a quantum a place; only what
 * comes together lies together, and it had better die together too.
 */
#ifndef STUBMAP_ARENA_H
#define STUBMAP_ARENA_H

#include "../emit/emit.h"
#include "internal.h"

/* Free places of one size, and room to free all that are taken: giving back can't fail. */
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
	size_t expected; /* bytes that will be taken before the next commit, at a guess */
	struct arena_run *open;
	uint32_t nopen, capacity;
	struct arena_size sizes[EMIT_MAX / EMIT_SLOT + 1];
	uint32_t *live; /* frozen: places that touch each quantum of the stubs' area */
};

void arena_init(struct arena *arena, struct code_memory *code);
void arena_close(struct arena *arena); /* heap memory only */

/* A place for `bytes` (1..EMIT_MAX) of code, to be written through code_writable before the next
 * arena_commit. NULL: no room. */
uint8_t *arena_take(struct arena *arena, size_t bytes);
void arena_give(struct arena *arena, uint8_t *at, size_t bytes);
/* Makes all that was taken executable. 0, or -ENOMEM: the kernel refused the change, and nothing in
 * the open quanta can run until a later commit. */
int arena_commit(struct arena *arena);
/* After all that was taken since the last commit has been given back: leaves the arena as it was
 * then, without the quanta that came since. 0 or -ENOMEM, as above. */
int arena_abort(struct arena *arena);

/* The whole way for one piece of code: its address, or NULL. */
const uint8_t *arena_add(struct arena *arena, const void *bytes, size_t n);

#endif
