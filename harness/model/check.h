/*
 * check.h - checks how far the model can be trusted. Each function prints to stdout and returns the
 * command's exit status.
 */
#ifndef STUBMAP_MODEL_CHECK_H
#define STUBMAP_MODEL_CHECK_H

#include "model/simulate.h"

/* I1 and D1 misses of each cell's program, from its first instruction to its last, under three
 * geometries (virtual addresses, LRU): the model's and cachegrind's. Returns 1 if they differ by
 * more than 1 %. */
int model_check_agreement(const struct simulate_paths *, const struct simulate_task *, size_t n);

/* Accesses a second of the L1I and the ITLB alone, on one core, of the model and of cachegrind. */
int model_check_speed(const struct simulate_paths *, const struct cell *);

#endif
