/* job.h - what one invocation is asked to do: a cell, and what does not belong to the cell. */
#ifndef STUBMAP_RUNS_JOB_H
#define STUBMAP_RUNS_JOB_H

#include "runs/cell.h"
#include "meters/events.h"

struct job {
	struct cell cell;
	uint64_t seed;
	unsigned iterations; /* steady samples after the warm-up */
	const char *cache;   /* objects by content, or NULL */
	const char *data;    /* the workloads' folder */
	/* A file for a snapshot (snapshot.h), which is written after the steady phase and ends the
	 * run; NULL: measure all. */
	const char *snapshot;
	bool prepare;		    /* only build and compile into the cache (measure/prepare.h) */
	unsigned laps;		    /* of the snapshot's program, >= 1 */
	const char *meters[METERS]; /* to count in the steady phase (events.h) */
	size_t nmeters;
};

/* How a job ended. */
enum measure_status {
	MEASURE_OK,
	MEASURE_FAILED, /* the cell failed: a wrong answer, no code memory, ... */
	MEASURE_REFUSED /* bad input: nothing was run */
};

#endif
