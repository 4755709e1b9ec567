/* notes.h - what a reader of a run's numbers must know of its record, a line each. */
#ifndef STUBMAP_ANALYSIS_NOTES_H
#define STUBMAP_ANALYSIS_NOTES_H

#include <stdio.h>

#include "runs/store.h"

/* Whose program it was (provenance.h), segments that can't be compared, a shard, invocations that
 * were run again, or stood still for a while. Nothing, if there is nothing to say. */
void notes_print(FILE *out, const struct run *);
/* The number of invocations that stood still. */
size_t notes_stopped(const struct run *);

#endif
