/*
 * stats.h - from samples to claims.
 *
 * The unit is the invocation (one process); its value is the median of its samples after the
 * warm-up. An interval is a hierarchical bootstrap (Kalibera and Jones 2013): invocations, or
 * blocks where two arms are compared, are drawn again, and the samples within each. Percentile
 * limits of few units are too narrow; they are widened by Hesterberg's rule (The American
 * Statistician 69(4), 2015): the percentiles that a t of n-1 degrees asks for. No resample leaves
 * the range of the data, so that fewer than STATS_FEWEST units can't make 95 %; they get no
 * interval. Nothing is dropped.
 */
#ifndef STUBMAP_ANALYSIS_STATS_H
#define STUBMAP_ANALYSIS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATS_RESAMPLES = 10000, STATS_INNER = 128, STATS_FEWEST = 5 };
#define STATS_SEED 0x73747562u /* of every bootstrap: the same file gives the same table */

/* One invocation's samples of one figure, after the warm-up, each a value per unit. */
struct unit {
	double *samples;
	size_t n;	/* >= 1 */
	uint32_t block; /* pairs the arms of a comparison */
};

struct estimate {
	bool known;    /* value holds */
	bool interval; /* low and high hold: 95 % */
	double value, low, high;
	size_t n;	 /* invocations, or pairs, that it rests on */
	const char *why; /* static text where something above is false */
};

/* The median over the invocations' values. 0 or -ENOMEM. */
int stats_value(const struct unit *units, size_t n, struct estimate *out);

/*
 * How many times `arm` is `base`: the geometric mean over the blocks that both have of value by
 * value. Unknown where they share no block or a value is 0. 0 or -ENOMEM.
 */
int stats_ratio(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		struct estimate *out);

/* The same for two runs, whose blocks have nothing to do with each other. */
int stats_ratio_apart(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		      struct estimate *out);

/* The noise floor that an A/A ratio tells: the greatest factor by which one thing seemed to differ
 * from itself, >= 1. 1 with *known false where there is no interval. */
double stats_floor(const struct estimate *aa, bool *known);

/* Whether a ratio is a difference: its interval leaves out all that lies within the floor. */
bool stats_differs(const struct estimate *ratio, double floor);

#endif
