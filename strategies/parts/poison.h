/*
 * poison.h - stub_config.poison: the code that a released slot leads to, and for how long.
 *
 *      call through a stale pointer --> slot --> entry (one a way to return zero)
 *                                                  |  report: the owner, from what the slot kept
 *                                                  '-> runtime.released(owner); return zero
 *
 *      release -> | 256 slots, first in first out | -> used again
 *
 * Poisoning is a store of data, never of code: it works for code that must not be written, and
 * while callers run. It costs live stubs a jump through memory. A slot that has left the quarantine
 * belongs to another stub, or is unmapped: a later call is not caught.
 */
#ifndef STUBMAP_POISON_H
#define STUBMAP_POISON_H

#include "../code/arena.h"

enum { POISON_QUARANTINE = 256 };

struct poison {
	struct arena arena;
	const uint8_t *entries[EMIT_ZEROES]; /* NULL: the space is not poisoned */
	uint64_t ring[POISON_QUARANTINE];
	uint32_t next;
};

/* report finds the slot's owner from r11 and r10 as the poisoned slot left them. It runs in the
 * caller's thread, without a lock. 0, or -ENOMEM: there is nothing to close. */
int poison_open(struct poison *poison, struct stub_space *space,
		void (*report)(void *space, uint8_t *r11, struct stub_callee *r10));
void poison_close(struct poison *poison);
static inline bool poisoned(const struct poison *poison)
{
	return poison->entries[0] != NULL;
}
/* Puts a slot's name (not 0) into the quarantine; returns the name that leaves it, or 0. */
uint64_t poison_pass(struct poison *poison, uint64_t name);

#endif
