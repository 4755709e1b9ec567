/* space.h - the memory of stubs, as the kernel counts it. */
#ifndef STUBMAP_MEASURE_SPACE_H
#define STUBMAP_MEASURE_SPACE_H

#include <jansson.h>
#include <stdint.h>
#include <stubmap/stub.h>

#include "meters/memory.h"

/*
 * Appends the figures of phase "space" whose source is the kernel: memory of `stubs` live stubs,
 * and of the process. faults_before: an earlier meters_minor_faults. A figure that the kernel does
 * not show is recorded as missing. 0, or -1 with one line in why: the view contradicts itself.
 */
int measure_space(const struct code_memory *, uint64_t stubs, uint64_t faults_before,
		  json_t *figures, char why[METERS_ERROR]);

#endif
