/* space.h - the memory of stubs, as the kernel counts it. */
#ifndef STUBMAP_MEASURE_SPACE_H
#define STUBMAP_MEASURE_SPACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stubmap/stub.h>

#include "meters/growth.h"
#include "meters/memory.h"

/*
 * Appends the figures of phase "space" whose source is the kernel: memory of `stubs` live stubs,
 * and of the process. faults_before: an earlier meters_minor_faults. A figure that the kernel does
 * not show is recorded as missing; so are those of the stubs where `elsewhere` says why they don't
 * lie in code memory (else NULL). 0, or -1 with one line in why: the view contradicts itself.
 */
int measure_space(const struct code_memory *, const char *elsewhere, uint64_t stubs,
		  uint64_t faults_before, json_t *figures, char why[METERS_ERROR]);

/* Appends what the process gained for n stubs since the mark, once a byte of each has been
 * read, as calls do; and the distance between stubs. direct: compiled code calls the targets,
 * so there is no distance. */
void measure_growth(const struct growth_mark *, const struct stub_callee *, size_t n, bool direct,
		    json_t *figures);

#endif
