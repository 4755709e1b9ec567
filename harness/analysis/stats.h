/*
 * stats.h - from samples to claims.
 *
 * The unit is the invocation (one process); its value is the median of its samples after the
 * warm-up. An interval is a hierarchical bootstrap (Kalibera and Jones 2013): it resamples
 * invocations, or blocks if two arms are compared, and the samples within each. Percentile limits
 * of few units are too narrow; they are widened by Hesterberg's rule (The American Statistician
 * 69(4), 2015): it takes the percentiles of a t distribution with n-1 degrees of freedom. No
 * resample leaves the range of the data, so fewer than STATS_FEWEST units can't give 95 %, and get
 * no interval. No sample is dropped.
 */
#ifndef STUBMAP_ANALYSIS_STATS_H
#define STUBMAP_ANALYSIS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATS_RESAMPLES = 10000, STATS_INNER = 128, STATS_FEWEST = 5 };
#define STATS_SEED 0x73747562u /* for every bootstrap: one file gives one table */

/* One invocation's samples of one figure, after the warm-up, each a value per unit. */
struct unit {
	double *samples;
	size_t n;	/* >= 1 */
	uint32_t block; /* pairs the arms of a comparison */
};

struct estimate {
	bool known;    /* value is valid */
	bool interval; /* low and high are valid: 95 % */
	double value, low, high;
	size_t n;	 /* invocations, or pairs, that it rests on */
	const char *why; /* static text, if known or interval is false */
};

/* The median over the invocations' values. 0 or -ENOMEM. */
int stats_value(const struct unit *units, size_t n, struct estimate *out);

/*
 * The ratio of arm to base: the geometric mean, over the blocks that both have, of their values'
 * ratios. Unknown if they share no block or a value is 0. 0 or -ENOMEM.
 */
int stats_ratio(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		struct estimate *out);

/* stats_ratio for two runs, whose blocks are independent. */
int stats_ratio_apart(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		      struct estimate *out);

/* The noise floor from an A/A ratio: the greatest factor, >= 1, by which one thing seemed to differ
 * from itself. Without an interval it is 1 and *known false. */
double stats_floor(const struct estimate *aa, bool *known);

/* Whether a ratio is a difference: its interval lies wholly outside the floor. */
bool stats_differs(const struct estimate *ratio, double floor);

#endif
