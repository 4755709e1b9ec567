/*
 * arena.h - code packed into quanta: places of any size, opened for writing together.
 *
 *      quantum (older)                  quantum (newest)
 *      | a | b | c | (free) | d |rest|  | e | f | g |             |
 *                                                   ^ bump        ^ end
 *
 * Places start at multiples of 16 bytes. Quanta are opened when a place in them is taken and stay
 * open until arena_commit closes them all. A caller that announces how much it will take
 * (`expected`) gets it in one run of quanta: many places, one change of protection. Free places are
 * used again for places of their size, the lowest first, so that the highest quanta empty; the
 * heaps of free places are in heap memory. Empty quanta go back if more are held than the bound:
 * 1.3 times the bytes of the places taken, and up to eight quanta one more. They go back only once
 * they are an eighth of all, since this looks at each free place.
 *
 * One place keeps its quantum. The owner of the places may move them out of the sparsest quanta:
 *
 *      if (arena_mark(arena))            marks quanta, if that is needed to keep the bound
 *              arena->fresh = true       take places in new quanta only,
 *              ...                       for each place that is arena_marked, and commit
 *              arena->fresh = false
 *              ...                       give the old places back; then, or when that was not now:
 *      arena_settle(arena)
 *
 * Where committed code must stay as it is (code_frozen: callers run, and toggle can't write without
 * stopping them), a quantum is written once: places taken after a commit lie in new quanta, the
 * rest of the last quantum is lost, and a place given back is of no use until its whole quantum is
 * free and goes back to the code memory. So a commit after each place costs a quantum a place,
 * until the owner moves them together.
 */
#ifndef STUBMAP_ARENA_H
#define STUBMAP_ARENA_H

#include "../emit/emit.h"
#include "internal.h"

/* Free places of one size, a heap with the lowest first. It has room for all places taken: giving
 * one back can't fail. */
struct arena_size {
	uint8_t **free;
	uint32_t nfree, capacity, taken;
};

/* Whole quanta that are being written. */
struct arena_extent {
	uint8_t *at;
	size_t bytes;
	bool reserved; /* since the last commit */
};

struct arena {
	struct code_memory *code;
	uint8_t *bump, *end;
	uint8_t *old_bump, *old_end; /* at the last commit */
	size_t expected;	     /* a guess of the bytes taken before the next commit */
	struct arena_extent *open;
	uint32_t nopen, capacity;
	struct arena_size sizes[EMIT_MAX / EMIT_SLOT + 1];
	uint32_t *quanta;     /* by number in the stubs' area: bytes taken, flags (arena.c) */
	uint32_t nquanta;     /* of that array */
	uint32_t held, empty; /* quanta; those of them without a place taken */
	size_t used;	      /* bytes of the places taken */
	bool fresh;	      /* take no free place */
};

void arena_init(struct arena *arena, struct code_memory *code);
void arena_close(struct arena *arena); /* heap memory only */

/* A place for `bytes` (1..EMIT_MAX) of code, to be written through code_writable before the next
 * arena_commit. NULL, and errno: ENOMEM, EACCES (code.h). */
uint8_t *arena_take(struct arena *arena, size_t bytes);
void arena_give(struct arena *arena, uint8_t *at, size_t bytes);
/* Makes all places taken since the last commit executable. 0, or -ENOMEM, -EACCES: the kernel
 * refused the change for some of them, but older ones can run. -ENOTRECOVERABLE: it refused twice
 * in a row; under CODE_TOGGLE no code in the open quanta can run until a later commit. */
int arena_commit(struct arena *arena);
/* Call it when all places taken since the last commit have been given back: undoes everything since
 * that commit, quanta included. Errors as arena_commit's. */
int arena_abort(struct arena *arena);

/* Whether more quanta are held than the bound. If so, marks the sparsest: with their places in new
 * quanta, the bound would hold. */
bool arena_mark(struct arena *arena);
bool arena_marked(const struct arena *arena, const uint8_t *at, size_t bytes);
/* Forgets the marks, and gives empty quanta back at once. */
void arena_settle(struct arena *arena);

/* Takes a place for n bytes, writes and commits them; returns the place, or NULL, and errno. */
const uint8_t *arena_add(struct arena *arena, const void *bytes, size_t n);

#endif
