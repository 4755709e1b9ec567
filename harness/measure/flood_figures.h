/*
 * flood_figures.h - the figures of a flood of instances, of whatever module.
 */
#ifndef STUBMAP_MEASURE_FLOOD_FIGURES_H
#define STUBMAP_MEASURE_FLOOD_FIGURES_H

#include <jansson.h>
#include <stdint.h>
#include <stubmap/stub.h>

enum { FLOOD_SAMPLES = 100 };

/* Times in ns; each sample is the sum over `group` consecutive instances. */
struct flood_times {
	uint32_t group, samples;
	uint64_t bind[FLOOD_SAMPLES], first[FLOOD_SAMPLES], both[FLOOD_SAMPLES];
	uint64_t ready;		 /* until all stubs of all instances exist */
	const char *never_ready; /* why `ready` is not known; NULL: it is */
};

void flood_times_begin(struct flood_times *, uint32_t instances);
/* Adds instance i: the time to make it, and the time of its first call. */
void flood_times_add(struct flood_times *, uint32_t i, uint64_t bind, uint64_t first);
void flood_times_figures(const struct flood_times *, json_t *figures);

/* Adds the memory of all instances, per instance, and measure_space per stub; faults and tables are
 * the readings before the first instance. 0, or -1 with one line in why. */
int flood_space(const struct code_memory *, uint64_t instances, uint64_t stubs, uint64_t faults,
		uint64_t tables, json_t *figures, char *why);

#endif
