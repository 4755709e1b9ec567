/*
 * row.h - what an invocation's line in a run file must be, so that nothing is counted that the
 * plan did not ask for, or counted twice.
 */
#ifndef STUBMAP_RUNS_ROW_H
#define STUBMAP_RUNS_ROW_H

#include "runs/store.h"

/* Reads a line and checks it: its keys, block, figures, and that the run's plan has its cell. No
 * reference is taken. 0, or -EINVAL with a line in error. */
int row_read(const struct run *, json_t *json, struct invocation *, char error[RUN_ERROR]);

/* The invocation of a cell in a block: its index in run->invocations, or run->n. */
size_t row_find(const struct run *, uint32_t block, const struct cell *);
/* Adds the last of run->invocations to what row_find finds. It needs
 * row_room before, which makes room for one more: 0 or -ENOMEM. */
int row_room(struct run *);
void row_add(struct run *);

#endif
