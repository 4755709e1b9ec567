/* measure.h - one cell, run once in this process: compile, bind, call, retarget, release. */
#ifndef STUBMAP_MEASURE_H
#define STUBMAP_MEASURE_H

#include <jansson.h>

#include "cell.h"
#include "events.h"

struct job {
	struct cell cell;
	uint64_t seed;
	unsigned iterations;	    /* steady samples after the warm-up */
	const char *cache;	    /* objects by content, or NULL */
	const char *data;	    /* the workloads' folder */
	const char *snapshot;	    /* file for a snapshot (snapshot.h), after the steady phase and
				       instead       of what else follows; NULL: measure all */
	unsigned laps;		    /* of the snapshot's program, >= 1 */
	const char *meters[METERS]; /* to count in the steady phase (events.h) */
	size_t nmeters;
};

enum measure_status {
	MEASURE_OK,
	MEASURE_FAILED, /* the cell failed: a wrong answer, no code memory, ... */
	MEASURE_REFUSED /* bad input: nothing was run */
};

/* Appends figures (cell.h). Where it is not MEASURE_OK, why has one line. */
enum measure_status measure_cell(const struct job *, json_t *figures, char why[CELL_ERROR]);

#endif
