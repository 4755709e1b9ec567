/* cold.h - phase "cold" of a cell: a whole trace from cold, with every creation in it. */
#ifndef STUBMAP_MEASURE_COLD_H
#define STUBMAP_MEASURE_COLD_H

#include <jansson.h>

#include "calls/world.h"

/* After all other phases, every callee released. Where the world's scenario is no replay, nothing
 * is done. 0; -1 with one line in the world's why. */
int measure_cold(struct world *, json_t *figures);

#endif
