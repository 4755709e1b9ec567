/* rounds.h - runs of a world's compiled caller, and whether they gave the right answer. */
#ifndef STUBMAP_CALLS_ROUNDS_H
#define STUBMAP_CALLS_ROUNDS_H

#include "calls/world.h"

/* Back to the answer's beginning. */
void rounds_zero(struct world *);
void rounds_run(struct world *, uint64_t rounds);
/* Compares the state with that after `rounds` rounds of s through targets of that version since
 * rounds_zero. 0; -1 with one line in the world's why. */
int rounds_check(struct world *, const struct scenario *s, uint32_t version, uint64_t rounds);

#endif
