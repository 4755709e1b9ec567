/* policies.h - what phase "cold" measured (measure/cold.c): policies of making stubs. */
#ifndef STUBMAP_ANALYSIS_POLICIES_H
#define STUBMAP_ANALYSIS_POLICIES_H

#include <stdio.h>

#include "analysis/rows.h"

/* The figures that the table below shows; rows that it is given must have been asked for them. */
extern const struct figure_id policy_figures[];
extern const size_t policy_nfigures;

/* A table of the replays whose group has a deferred arm; nothing where there is none. 0 or -ENOMEM.
 */
int policy_table(FILE *out, const struct rows *rows);
/* The data of scripts/policies.gp: a line a cell, with its names, then value, low, high of each
 * figure of the phase. 0 or -errno. */
int policy_tsv(FILE *out, const struct run *run);

#endif
