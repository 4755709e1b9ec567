/*
 * stats.c - medians and their intervals.
 *
 * The bootstrap is made cheap by doing the inner resampling once: each invocation gets a pool of
 * STATS_INNER medians of resampled samples, and each outer resample draws blocks, and for each
 * invocation of a block a median of its pool.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stats.h"
#include "analysis/student.h"
#include "base/prng.h"

/* The k-th smallest (0-based); reorders v. Hoare's selection. */
static double nth(double *v, size_t n, size_t k)
{
	size_t lo = 0, hi = n - 1;

	while (lo < hi) {
		double pivot = v[lo + (hi - lo) / 2];
		size_t i = lo, j = hi;
		for (;;) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			double t = v[i];
			v[i++] = v[j];
			v[j--] = t;
		}
		/* [lo, j] <= pivot <= [j+1, hi]; j < hi, or the loop would not have stopped */
		if (k <= j)
			hi = j;
		else
			lo = j + 1;
	}
	return v[k];
}

double stats_median(double *v, size_t n)
{
	double upper = nth(v, n, n / 2), lower;

	if (n % 2)
		return upper;
	lower = v[0]; /* the greatest of the lower half */
	for (size_t i = 1; i < n / 2; i++)
		lower = fmax(lower, v[i]);
	return (lower + upper) / 2;
}

double stats_unit(const struct unit *u, double *scratch)
{
	for (size_t j = 0; j < u->n; j++)
		scratch[j] = u->samples[j];
	return stats_median(scratch, u->n);
}

double stats_middle(const struct unit *units, size_t n)
{
	size_t most = 1;
	double *values, middle = NAN;

	for (size_t i = 0; i < n; i++)
		most = units[i].n > most ? units[i].n : most;
	if (!n || !(values = malloc((n + most) * sizeof *values)))
		return NAN;
	for (size_t i = 0; i < n; i++)
		values[i] = stats_unit(&units[i], values + n);
	middle = stats_median(values, n);
	free(values);
	return middle;
}

/* An invocation in the bootstrap: its value and its pool of resampled values. */
struct pool {
	struct stats_block of;
	double value;
	double inner[STATS_INNER];
};

int stats_by_block(const void *x, const void *y)
{
	const struct stats_block *a = x, *b = y;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	return (a->block > b->block) - (a->block < b->block);
}

static int make_pools(const struct unit *units, size_t n, struct prng *p, struct pool **out)
{
	size_t most = 1;
	double *draw;
	struct pool *pools = malloc(n * sizeof *pools);

	for (size_t i = 0; i < n; i++)
		most = units[i].n > most ? units[i].n : most;
	draw = malloc(most * sizeof *draw);
	if (!pools || !draw) {
		free(pools);
		free(draw);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		size_t m = units[i].n;
		pools[i].value = stats_unit(&units[i], draw);
		pools[i].of = (struct stats_block){ units[i].run, units[i].block };
		for (size_t k = 0; k < STATS_INNER; k++) {
			for (size_t j = 0; j < m; j++)
				draw[j] = units[i].samples[prng_below(p, (uint32_t)m)];
			pools[i].inner[k] = stats_median(draw, m);
		}
	}
	free(draw);
	qsort(pools, n, sizeof *pools, stats_by_block);
	*out = pools;
	return 0;
}

/* The tail of the percentiles that Hesterberg's rule takes; n: blocks. */
static double tail_of(size_t n)
{
	double spread = sqrt((double)n / (double)(n - 1)) * student_point(0.025, (double)(n - 1));

	return 0.5 * erfc(spread / sqrt(2.0));
}

/* Takes the limits of n values whose tails are to be cut off. */
static void limits(double *values, size_t n, double tail, struct estimate *out)
{
	size_t k = (size_t)(tail * (double)n);

	out->low = nth(values, n, k);
	out->high = nth(values, n, n - 1 - k);
}

/*
 * The limits if each block has one invocation: the draws of a resample are independent then, so
 * that all resamples' medians have a closed form. They are the pooled values at a point of a beta
 * distribution; of an even number of blocks nearly (Harrell and Davis 1982).
 */
static int limits_of_singles(const struct pool *pools, size_t n, struct estimate *out)
{
	double *all = malloc(n * STATS_INNER * sizeof *all);

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * STATS_INNER, pools[i].inner, sizeof pools[i].inner);
	limits(all, n * STATS_INNER, beta_point(tail_of(n), ((double)n + 1) / 2), out);
	free(all);
	return 0;
}

bool stats_constant(const struct unit *units, size_t n, double value)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < units[i].n; j++)
			if (units[i].samples[j] < value || units[i].samples[j] > value)
				return false;
	return true;
}

const char stats_too_few[] = "fewer than 5 blocks: no interval";
_Static_assert(STATS_FEWEST == 5, "the text above");

/* One run's invocations, which stand by blocks: their median, and, unless resamples is NULL, that
 * of each resample of the blocks. */
static int resample(const struct pool *pools, size_t n, struct prng *p, double *resamples,
		    double *median)
{
	size_t *first = malloc((n + 1) * sizeof *first), blocks = 0, most = 1;
	double *draw = NULL;
	int r = -ENOMEM;

	if (!first)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!i || pools[i].of.block != pools[i - 1].of.block)
			first[blocks++] = i;
	first[blocks] = n;
	for (size_t b = 0; b < blocks; b++)
		most = first[b + 1] - first[b] > most ? first[b + 1] - first[b] : most;
	if (!(draw = malloc(blocks * most * sizeof *draw)))
		goto done;
	for (size_t i = 0; i < n; i++)
		draw[i] = pools[i].value;
	*median = stats_median(draw, n);
	for (size_t k = 0; resamples && k < STATS_RESAMPLES; k++) {
		size_t drawn = 0;
		for (size_t b = 0; b < blocks; b++) {
			size_t at = prng_below(p, (uint32_t)blocks);
			for (size_t i = first[at]; i < first[at + 1]; i++)
				draw[drawn++] = pools[i].inner[prng_next(p) % STATS_INNER];
		}
		resamples[k] = stats_median(draw, drawn);
	}
	r = 0;
done:
	free(draw);
	free(first);
	return r;
}

static double variance(const double *v, size_t n)
{
	double mean = 0, sum = 0;

	for (size_t i = 0; i < n; i++)
		mean += v[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		sum += (v[i] - mean) * (v[i] - mean);
	return sum / (double)(n - 1);
}

/* The mean of several runs' medians, with the variance between them and that of each: in
 * logarithms, if all are above zero. out: with n, runs and interval. */
static int of_runs(const struct pool *pools, size_t n, struct prng *p, double *resamples,
		   struct estimate *out)
{
	double *medians = malloc(n * sizeof *medians), within = 0, mean = 0;
	bool logs = true;
	size_t runs = 0, end;
	int r = medians ? 0 : -ENOMEM;

	for (size_t i = 0; i < n; i++)
		logs = logs && pools[i].value > 0;
	for (size_t i = 0; i < n && !r; i = end, runs++) {
		for (end = i; end < n && pools[end].of.run == pools[i].of.run; end++)
			;
		r = resample(&pools[i], end - i, p, resamples, &medians[runs]);
		for (size_t k = 0; logs && !r && k < STATS_RESAMPLES; k++)
			/* a resampled median may be 0 although none of the values is */
			resamples[k] = log(resamples[k] > 0 ? resamples[k] : medians[runs]);
		medians[runs] = logs ? log(medians[runs]) : medians[runs];
		within += variance(resamples, STATS_RESAMPLES);
		mean += medians[runs];
	}
	if (r)
		goto done;
	mean /= (double)runs;
	double half = spread_half(
	    (struct spread){ sqrt(within) / (double)runs, (double)(out->n - runs) },
	    (struct spread){ sqrt(variance(medians, runs) / (double)runs), (double)runs - 1 });
	out->value = logs ? exp(mean) : mean;
	out->low = logs ? exp(mean - half) : mean - half;
	out->high = logs ? exp(mean + half) : mean + half;
done:
	free(medians);
	return r;
}

/* How many blocks, and runs, the invocations are of. */
static size_t count_blocks(const struct unit *units, size_t n, size_t *runs)
{
	size_t blocks = 0;

	*runs = 0;
	for (size_t i = 0; i < n; i++) {
		bool run = true, block = true;
		for (size_t j = 0; j < i; j++)
			if (units[j].run == units[i].run) {
				run = false;
				block = block && units[j].block != units[i].block;
			}
		*runs += run;
		blocks += block;
	}
	return blocks;
}

int stats_value(const struct unit *units, size_t n, struct estimate *out)
{
	struct prng p;
	struct pool *pools = NULL;
	double *resamples = NULL;
	size_t blocks, runs;
	int r;

	*out = (struct estimate){ .why = "no value" };
	if (!n)
		return 0;
	blocks = count_blocks(units, n, &runs);
	*out = (struct estimate){ .known = true, .n = blocks, .runs = runs };
	out->interval = blocks >= STATS_FEWEST;
	out->why = out->interval ? NULL : stats_too_few;
	out->value = out->low = out->high = units[0].samples[0];
	if (stats_constant(units, n, units[0].samples[0]))
		return 0;
	prng_seed(&p, STATS_SEED);
	if ((r = make_pools(units, n, &p, &pools)))
		return r;
	if ((out->interval || runs > 1) &&
	    !(resamples = malloc(STATS_RESAMPLES * sizeof *resamples)))
		r = -ENOMEM;
	else if (runs > 1)
		r = of_runs(pools, n, &p, resamples, out);
	else if (!out->interval || blocks == n)
		r = resample(pools, n, &p, NULL, &out->value);
	else if (!(r = resample(pools, n, &p, resamples, &out->value)))
		limits(resamples, STATS_RESAMPLES, tail_of(blocks), out);
	if (!r && out->interval && runs == 1 && blocks == n)
		r = limits_of_singles(pools, n, out);
	free(pools);
	free(resamples);
	return r;
}
