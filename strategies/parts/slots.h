/*
 * slots.h - slots of one size in quanta of their own: how quanta come, which slots are free, whose
 * the taken ones are, and how quanta are given back.
 *
 *      low addresses         | a b c d | e . f g | . h . . |         .: free
 *                                          ^         |
 *                                          '---------'  slots_compact
 *
 * The lowest free slot is taken first, so that the highest quanta empty. An empty quantum goes back
 * as soon as more are held than the bound: 1.15 times the taken slots, or, up to eight quanta, one
 * more than 1.3 times. So a strategy that has an arena or a second struct slots beside it holds 1.3
 * times what it uses. That alone is no bound, as one stub keeps its quantum. So slots_compact moves
 * the stubs of the highest quantum to the lowest free slots until the bound holds. It can, because
 * a callee's code pointer may be replaced at any time. As 1 / 1.3 of a quantum's slots must be
 * released before the next quantum has to go, that is at most 1.3 moves a release.
 *
 * A moved stub leaves its old slot as it is, for callers that have read the old code pointer: where
 * callers run, the old quantum is given back by the next slots_compact (stub.h: reclaim).
 *
 * To move a stub, its callee must be found: the callees of SLOTS_LIST neighbours are linked through
 * their words, which takes a byte a slot.
 *
 *      callee's word    63: set | link to the next callee | 2..0: the strategy's own
 *
 * A strategy has all of this if it calls slots_provide, slots_take and slots_account in bind,
 * slots_leave and slots_free in release, and slots_compact in reclaim, with a function that copies
 * one stub (pool.c). STUB_COMPACT then is one of its flags.
 *
 * A slot counts as its part of the quantum, with the bytes that no slot has.
 */
#ifndef STUBMAP_SLOTS_H
#define STUBMAP_SLOTS_H

#include "../code/internal.h"
#include "../stub.h"

enum { SLOTS_LIST = 8 };

struct slots_quantum;

struct slots {
	/* The strategy's. Writes the code of n new quanta, before their commit. */
	void (*write)(struct slots *, uint8_t *at, uint32_t n);
	const char *by;	   /* the strategy's name, for a watch */
	uint32_t literals; /* bytes of one slot's, as code_account counts them */

	struct code_memory *code;
	uint32_t per;		   /* slots a quantum */
	unsigned bits;		   /* a slot's number: its quantum's << bits | its index there */
	unsigned size;		   /* a quantum is 1 << size bytes */
	uintptr_t from;		   /* of the stubs' area */
	uint64_t part;		   /* bytes << 16 of a quantum that one slot takes */
	bool same;		   /* all quanta show the first one's bytes: it stays */
	uint8_t *first;		   /* the first one added; NULL: none yet */
	struct slots_quantum **at; /* by number in the stubs' area; NULL: none of these */
	uint32_t end, top;	   /* of at; of what is in it */
	uint32_t low;		   /* no slot is free in the quanta below */
	uint32_t held, empty;	   /* quanta; those of them without a taken slot */
	uint32_t taken, counted;   /* slots; those that code_account knows */
	struct slots_quantum *leaving; /* quanta whose stubs were moved; not counted above */
};

/* Sets the fields that do not change, except the first three, which the caller sets. */
void slots_open(struct slots *slots, struct code_memory *code, uint32_t per);
/* Frees heap memory only; looks at no callee. */
void slots_close(struct slots *slots);
/* Makes sure that n slots are free: adds missing ones in one run of quanta, and tells the watch.
 * Shared ones: only the first of all is written, the others show it. 0, or an error of
 * code_commit's or -ENOMEM: none was added. */
int slots_provide(struct slots *slots, size_t n);
/* Takes the lowest free slot for c, whose word keeps `own` (0..7);
 * returns its number. One must be free. */
uint32_t slots_take(struct slots *slots, struct stub_callee *c, unsigned own);
/* Counts the slots that were taken since the last call. */
void slots_account(struct slots *slots);
/* Gives c's slot back: the callee leaves; then, under poison later, the slot is free. */
void slots_leave(struct slots *slots, struct stub_callee *c, uint32_t slot);
void slots_free(struct slots *slots, uint32_t slot);
/* Gives empty quanta back while more are held than the bound, also quanta of a slots_provide
 * without a slots_take after it. */
void slots_trim(struct slots *slots);
/* Gives back the quanta that the last call left, then moves stubs until the bound holds. `move`
 * makes a copy of c's stub in the slot `to`, and stores its address to c->code last. `running`: the
 * old quanta stay until the next call. */
void slots_compact(struct slots *slots, bool running,
		   void (*move)(void *arg, struct stub_callee *c, uint32_t to), void *arg);

static inline uint32_t slots_free_now(const struct slots *slots)
{
	return slots->held * slots->per - slots->taken;
}

/* Whether c's stub has a slot: without one, its word must be below 1 << 63. */
static inline bool slots_holds(const struct stub_callee *c)
{
	return c->word >> 63;
}

static inline unsigned slots_own(const struct stub_callee *c)
{
	return c->word & 7;
}

/* Where a quantum lies; which one lies at an address; the quantum of a slot, its index there. */
static inline uint8_t *slots_address(const struct slots *slots, uint32_t quantum)
{
	return (uint8_t *)(slots->from + ((uintptr_t)quantum << slots->size));
}
static inline uint32_t slots_quantum_at(const struct slots *slots, const void *at)
{
	return (uint32_t)(((uintptr_t)at - slots->from) >> slots->size);
}
static inline uint32_t slots_quantum(const struct slots *slots, uint32_t slot)
{
	return slot >> slots->bits;
}
static inline uint32_t slots_index(const struct slots *slots, uint32_t slot)
{
	return slot & ((1u << slots->bits) - 1);
}

#endif
