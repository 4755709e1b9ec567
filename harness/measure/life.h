/*
 * life.h - the lives of stubs (workload.h): cells that are no steady calls.
 *
 *   tierup.c   upgrades under callers      phases compile, upgrade, floor, release
 *   flood.c    many instances at once      phases instantiate, first_call, space, release
 *   churn.c    instances come and go       phases bind, release, churn
 */
#ifndef STUBMAP_MEASURE_LIFE_H
#define STUBMAP_MEASURE_LIFE_H

#include "base/prng.h"
#include "calls/world.h"

/* In an open world. 0, or -1 with one line in the world's why. */
int measure_tierup(struct world *, json_t *figures, struct prng *);
int measure_flood(struct world *, json_t *figures, struct prng *);
int measure_churn(struct world *, json_t *figures, struct prng *);

#endif
