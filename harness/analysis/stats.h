/*
 * stats.h - from samples to claims.
 *
 * The unit is the invocation (one process); its value is the median of its samples after the
 * warm-up. Blocks are independent of each other, and so are runs (another time, seed and boot); the
 * invocations of one block are not. No sample is dropped.
 *
 * A ratio's interval is Student's t over the blocks' logarithms of the ratio, with n-1 twice in the
 * variance of the mean, once for n: where times have two modes and the baseline has two replicas, t
 * alone gives up to 6.5 % false alarms at five to ten blocks (results/simulation.txt, which has the
 * percentiles of a bootstrap beside it). Of several runs it is the wider of two: by the blocks
 * within runs, and by the runs' means as so many values. Resampling three runs could not give 95 %:
 * no resample's mean lies outside of the three.
 *
 * A median's interval is a hierarchical bootstrap, of blocks and of the samples within each
 * invocation, widened by Hesterberg's rule (The American Statistician 69(4), 2015): it
 * takes the percentiles of a t distribution with n-1 degrees of freedom. Fewer than
 * STATS_FEWEST blocks get no interval.
 */
#ifndef STUBMAP_ANALYSIS_STATS_H
#define STUBMAP_ANALYSIS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/student.h"

enum { STATS_RESAMPLES = 10000, STATS_INNER = 128, STATS_FEWEST = 5 };
#define STATS_SEED  0x73747562u /* for every bootstrap: one file gives one table */
#define STATS_POWER 0.8		/* with which a difference would have been found */

/* One invocation's samples of one figure, after the warm-up, each a value per unit. */
struct unit {
	double *samples;
	size_t n;	/* >= 1 */
	uint32_t block; /* pairs the arms of a comparison, within a run */
	uint32_t run;
};

/* Which block of which run a value is of. */
struct stats_block {
	uint32_t run, block;
};
/* Compares two structs that begin with one, by run and then by block (qsort). */
int stats_by_block(const void *, const void *);

struct estimate {
	bool known;    /* value is valid */
	bool interval; /* low and high are valid: 95 % */
	double value, low, high;
	size_t n;    /* blocks that it rests on; of stats_ratio_apart the smaller side's */
	size_t runs; /* in these blocks; of stats_ratio_apart the smaller side's */
	/* Of a ratio with an interval, the standard error of its logarithm and its degrees of
	 * freedom: by the blocks, and by the runs; df 0: they can't tell. */
	struct spread of_blocks, of_runs;
	const char *why; /* static text, if known or interval is false */
};

/* The median over the invocations' values; of several runs the geometric mean of
 * their medians. 0 or -ENOMEM. */
int stats_value(const struct unit *units, size_t n, struct estimate *out);

/*
 * The ratio of arm to base: the geometric mean, over the blocks that both have, of their values'
 * ratios; the value of a side's block is the geometric mean of its invocations'. Of several runs,
 * each counts the same. Unknown if they share no block or a value is 0. 0 or -ENOMEM.
 */
int stats_ratio(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		struct estimate *out);

/* stats_ratio for runs that have nothing in common: no block is paired, and all runs of a side are
 * independent of those of the other. */
int stats_ratio_apart(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		      struct estimate *out);

/* Whether a ratio is a difference: its interval leaves out 1.
 * This is the rule of tables, claims and comparisons. */
bool stats_differs(const struct estimate *ratio);
/* The chance of a ratio at least as far from 1 if there is no difference; NaN without an
 * interval. It counts the blocks alone, since it is to be corrected for many questions: a few
 * runs can't give so small a chance. */
double stats_chance(const struct estimate *ratio);
double stats_chance_by_blocks(const struct estimate *ratio);
/* The least difference that would have been found with a power of STATS_POWER: 0.05 is a ratio of
 * 1.05 or 1/1.05. level: 0.05, or less for one question of many, asked of the blocks. NaN
 * without an interval. */
double stats_detectable(const struct estimate *ratio, double level);
/* How many blocks of one run would find a difference (0.05: as above) with that power, if blocks
 * vary as these do; 0 without an interval, SIZE_MAX if no number does. */
size_t stats_blocks(const struct estimate *ratio, double difference);

/* The median of the invocations' values, without an interval; NaN without invocations or memory. */
double stats_middle(const struct unit *, size_t n);

/* Corrects the chances of a family of n ratios for their number (Holm 1979): where the
 * result is at most 0.05, the difference stands among all of them. NaN stays NaN and does
 * not count. 0 or -ENOMEM. */
int stats_holm(const double *chances, size_t n, double *corrected);

/* The noise of an A/A ratio: the greatest factor, >= 1, by which one thing may differ from itself.
 * Without an interval it is 1 and *known false. */
double stats_floor(const struct estimate *aa, bool *known);

/* ---- Parts of it: stats.c, ratios.c ---------------------------------------------------------- */

extern const char stats_too_few[];
double stats_median(double *v, size_t n); /* reorders v; n >= 1 */
/* The value of an invocation; scratch has room for its samples. */
double stats_unit(const struct unit *, double *scratch);
/* Whether all samples are this value: an exact count has an interval without a width. */
bool stats_constant(const struct unit *, size_t n, double value);

#endif
