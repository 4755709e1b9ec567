/*
 * check.h - how far the model can be believed. Each prints to stdout and returns the
 * command's exit status.
 */
#ifndef STUBMAP_MODEL_CHECK_H
#define STUBMAP_MODEL_CHECK_H

#include "model/simulate.h"

/* I1 and D1 misses of each cell's program, from its first instruction to its last, under three
 * geometries (virtual addresses, LRU): ours, cachegrind's. 1 where they differ by more than 1 %. */
int model_check_agreement(const struct simulate_place *, const struct simulate_task *, size_t n);

/* Accesses a second of the L1I and the ITLB alone, one core; and what cachegrind takes for it. */
int model_check_speed(const struct simulate_place *, const struct cell *);

#endif
