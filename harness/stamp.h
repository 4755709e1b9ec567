/* stamp.h - a bracket on both clocks: CLOCK_MONOTONIC and the time-stamp counter. */
#ifndef STUBMAP_STAMP_H
#define STUBMAP_STAMP_H

#include "clock.h"
#include "meters.h"

struct stamp {
	uint64_t ns, ticks;
};

static inline struct stamp stamp_begin(void)
{
	uint64_t ns = clock_ns();

	return (struct stamp){ ns, tsc_begin() };
}

/* What has passed since t. */
static inline struct stamp stamp_end(struct stamp t)
{
	uint64_t ticks = tsc_end();

	return (struct stamp){ clock_ns() - t.ns, ticks - t.ticks };
}

#endif
