/*
 * row.h - the form of an invocation's line in a run file: only invocations that the plan asked for
 * count, and each counts once.
 */
#ifndef STUBMAP_RUNS_ROW_H
#define STUBMAP_RUNS_ROW_H

#include "runs/store.h"

/* Reads a line and checks it: its keys, block, figures, and that the run's plan has its cell. No
 * reference is taken. 0, or -EINVAL with a line in error. */
int row_read(const struct run *, json_t *json, struct invocation *, char error[RUN_ERROR]);

/* The invocation of a cell in a block: its index in run->invocations, or run->n. */
size_t row_find(const struct run *, uint32_t block, const struct cell *);
/* row_add makes the last of run->invocations known to row_find. Call row_room before, which makes
 * room for one more: 0 or -ENOMEM. */
int row_room(struct run *);
void row_add(struct run *);

#endif
