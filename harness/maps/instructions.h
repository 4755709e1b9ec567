/*
 * instructions.h - instructions per lookup of every encoder of one file, as rows: for the lookups
 * whose lines are counted (pcs.h), one by one and MAPS_BLOCK at once, and for the first MAPS_WALKED
 * lookups of recorded stack walks, one by one and a walk at once.
 *
 * Events: instructions_CLASS, instructions_batched_CLASS, instructions_walk,
 * instructions_walk_batched; the value is the mean of all lookups, whose number is in the note.
 */
#ifndef STUBMAP_MAPS_INSTRUCTIONS_H
#define STUBMAP_MAPS_INSTRUCTIONS_H

#include "maps/count.h"
#include "maps/rows.h"
#include "gc/walk.h"

enum { MAPS_WALKED = 1 << 16 };

/* An encoder that has answered these safepoints correctly. */
struct maps_instructed {
	const struct map_ops *ops;
	const struct safepoint *points; /* ascending; the pcs are those of all the others */
};

struct maps_instructions_task {
	const char *file, *corpus; /* the rows' */
	const struct maps_instructed *encoders;
	size_t nencoders, npoints;
	uint32_t text_bytes;
	uint64_t seed;
	const struct walk_log *walks;
	const char *off;			  /* why nothing should be counted; NULL: count */
	const struct maps_count_options *options; /* or NULL */
	const struct map_function *functions;
	size_t nfunctions;
};

/* Adds the rows; a missing figure has its reason. 0 or -ENOMEM. */
int maps_instructions(const struct maps_instructions_task *, struct maps_rows *);

#endif
