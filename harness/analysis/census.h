/* census.h - the distinct cells of a run in the order in which they are shown, and their labels. */
#ifndef STUBMAP_ANALYSIS_CENSUS_H
#define STUBMAP_ANALYSIS_CENSUS_H

#include <stddef.h>

#include "runs/store.h"

/* The distinct cells of a run: groups together, arms in the order of list.h,
 * replica after its baseline. */
struct census {
	const struct run *run;
	struct cell *cells;
	struct cell *groups; /* each cell's group's baseline (plan_baseline_of) */
	size_t n;
	/* The invocations by cell: those of cell i are of[first[i]] to of[first[i + 1] - 1]. */
	size_t *of, *first;
};

int census_take(const struct run *, struct census *); /* 0, -ENOMEM, -EINVAL (baseline) */
void census_free(struct census *);
/* The index of a cell, or n. */
size_t census_find(const struct census *, const struct cell *);

/* The arm of a cell: the values of the baseline's keys, "page" or "page/ranged"; a replica has
 * " (A/A)" after it. Writes at most size bytes; returns out. */
char *arm_label(const struct run *, const struct cell *, char *out, size_t size);
/* What a group has in common: "ring, 64 live, indirect i>i, wx dual"; usual values are left out. */
char *group_label(const struct run *, const struct cell *, char *out, size_t size);

#endif
