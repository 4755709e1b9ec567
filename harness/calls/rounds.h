/* rounds.h - runs a world's compiled caller and checks its answer. */
#ifndef STUBMAP_CALLS_ROUNDS_H
#define STUBMAP_CALLS_ROUNDS_H

#include "calls/world.h"

/* Resets the state from which the answer is computed. */
void rounds_zero(struct world *);
void rounds_run(struct world *, uint64_t rounds);
/* Compares the state with the right one: `rounds` rounds of s since rounds_zero, with targets of
 * that version. 0; -1 with one line in the world's why. */
int rounds_check(struct world *, const struct scenario *s, uint32_t version, uint64_t rounds);

#endif
