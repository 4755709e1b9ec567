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
	bool known[LEVELS];   /* a level with one only in each above it can't be told */
	double part[LEVELS];  /* variances of the logarithm */
	double error[LEVELS]; /* what each adds to the variance of the mean */
};

/*
 * Estimates the parts by the moments of a nested design with random effects (Searle, Casella and
 * McCulloch 1992, unweighted means), each at least 0; what a level can't tell stands in the one
 * below. 0; -EDOM (a value is not above 0), -EINVAL (there are no two units), -ENOMEM.
 */
int variance_of(const struct unit *, size_t n, struct variance *out);

#endif
