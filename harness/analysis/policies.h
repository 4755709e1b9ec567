/* policies.h - results of phase "cold" (measure/cold.c): policies of making stubs. */
#ifndef STUBMAP_ANALYSIS_POLICIES_H
#define STUBMAP_ANALYSIS_POLICIES_H

#include <stdio.h>

#include "analysis/rows.h"

/* The figures that policy_table shows; rows_make must have been asked for them. */
extern const struct figure_id policy_figures[];
extern const size_t policy_nfigures;

/* Prints a table of the replays whose group has a deferred arm; nothing if there is none. 0 or
 * -ENOMEM.
 */
int policy_table(FILE *out, const struct rows *rows);
/* Prints the data of scripts/policies.gp: one line for each cell, with its names, then value, low,
 * high of each figure of the phase. 0 or -errno. */
int policy_tsv(FILE *out, const struct run *run);

#endif
