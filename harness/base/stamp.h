/* stamp.h - a bracket on both clocks: CLOCK_MONOTONIC and the time-stamp counter. */
#ifndef STUBMAP_BASE_STAMP_H
#define STUBMAP_BASE_STAMP_H

#include <x86intrin.h>

#include "base/clock.h"

/*
 * A bracket, in ticks of the time-stamp counter (its own constant rate, not the core's cycles).
 * begin: the first fence waits until all earlier instructions have finished, the second holds back
 * all later ones. end: rdtscp itself waits for the earlier ones; the fence holds back the later
 * ones. Stores may still be on their way to the cache.
 */
static inline uint64_t tsc_begin(void)
{
	_mm_lfence();
	uint64_t t = __rdtsc();
	_mm_lfence();
	return t;
}

static inline uint64_t tsc_end(void)
{
	unsigned cpu;
	uint64_t t = __rdtscp(&cpu);

	_mm_lfence();
	return t;
}

struct stamp {
	uint64_t ns, ticks;
};

static inline struct stamp stamp_begin(void)
{
	uint64_t ns = clock_ns();

	return (struct stamp){ ns, tsc_begin() };
}

/* The time that has passed since t. */
static inline struct stamp stamp_end(struct stamp t)
{
	uint64_t ticks = tsc_end();

	return (struct stamp){ clock_ns() - t.ns, ticks - t.ticks };
}

#endif
