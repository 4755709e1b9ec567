/*
 * variance.h - where the values of one thing vary: between runs, between the set-ups of a run
 * (blocks: a seed decides order, colours, offsets), between processes of one set-up (replicas),
 * between the iterations of a process.
 */
#ifndef STUBMAP_ANALYSIS_VARIANCE_H
#define STUBMAP_ANALYSIS_VARIANCE_H

#include "analysis/stats.h"

enum level { LEVEL_RUN, LEVEL_SETUP, LEVEL_PROCESS, LEVEL_ITERATION, LEVELS };

struct variance {
	size_t n[LEVELS];     /* how many there are, in all */
	bool known[LEVELS];   /* false: the level has only one member in each group above it */
	double part[LEVELS];  /* variances of the logarithm */
	double error[LEVELS]; /* what each adds to the variance of the mean */
};

/*
 * Estimates the parts by the moments of a nested design with random effects (Searle, Casella
 * and McCulloch 1992, unweighted means), each at least 0; the variance of a level that is
 * not known counts in the level below. 0; -EDOM (a value is not above 0), -EINVAL (fewer
 * than two units), -ENOMEM.
 */
int variance_of(const struct unit *, size_t n, struct variance *out);

#endif
