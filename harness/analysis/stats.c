/*
 * stats.c - medians, ratios and their intervals.
 *
 * The bootstrap is made cheap by doing the inner resampling once: each invocation gets a pool of
 * STATS_INNER medians of resampled samples, and each outer resample draws invocations, and for each
 * a median of its pool. Ratios are computed in logarithms, so that arm and baseline are symmetric.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/prng.h"
#include "analysis/stats.h"

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

static double quick_median(double *v, size_t n)
{
	double upper = nth(v, n, n / 2), lower;

	if (n % 2)
		return upper;
	lower = v[0]; /* the greatest of the lower half */
	for (size_t i = 1; i < n / 2; i++)
		lower = fmax(lower, v[i]);
	return (lower + upper) / 2;
}

/* An invocation in the bootstrap: its value and its pool of resampled values. */
struct pool {
	double value;
	uint32_t block;
	double inner[STATS_INNER];
};

static int make_pools(const struct unit *units, size_t n, struct prng *p, struct pool **out)
{
	size_t most = 1;
	double *draw;
	struct pool *pools = malloc((n ? n : 1) * sizeof *pools);

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
		for (size_t j = 0; j < m; j++)
			draw[j] = units[i].samples[j];
		pools[i].value = quick_median(draw, m);
		pools[i].block = units[i].block;
		for (size_t k = 0; k < STATS_INNER; k++) {
			for (size_t j = 0; j < m; j++)
				draw[j] = units[i].samples[prng_below(p, (uint32_t)m)];
			pools[i].inner[k] = quick_median(draw, m);
		}
	}
	free(draw);
	*out = pools;
	return 0;
}

/* The upper 2.5 % point of Student's t. */
static double student(size_t df)
{
	static const double t[] = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
				    2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
				    2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
				    2.060,  2.056, 2.052, 2.048, 2.045, 2.042 };
	size_t known = sizeof t / sizeof *t;

	return df <= known ? t[df - 1] : 1.960 + 2.46 / (double)df;
}

/* Sets low and high from the resamples' values; n: outer units. */
static void limits(double *resamples, size_t n, struct estimate *out)
{
	double spread = sqrt((double)n / (double)(n - 1)) * student(n - 1);
	double tail = 0.5 * erfc(spread / sqrt(2.0));
	size_t k = (size_t)(tail * STATS_RESAMPLES);

	out->low = nth(resamples, STATS_RESAMPLES, k);
	out->high = nth(resamples, STATS_RESAMPLES, STATS_RESAMPLES - 1 - k);
	out->interval = true;
}

/* An exact count, the same everywhere: its interval has no width, and needs no bootstrap. */
static bool constant(const struct unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < units[i].n; j++)
			if (units[i].samples[j] < units[0].samples[0] ||
			    units[i].samples[j] > units[0].samples[0])
				return false;
	return true;
}

static const char too_few[] = "fewer than 5 invocations: no interval";
_Static_assert(STATS_FEWEST == 5, "the text above");

int stats_value(const struct unit *units, size_t n, struct estimate *out)
{
	struct prng p;
	struct pool *pools = NULL;
	double *draw = NULL, *resamples = NULL;
	int r;

	*out = (struct estimate){ .n = n, .why = "no value" };
	if (!n)
		return 0;
	if (constant(units, n)) {
		*out = (struct estimate){ .known = true, .interval = n >= STATS_FEWEST, .n = n };
		out->value = out->low = out->high = units[0].samples[0];
		out->why = n < STATS_FEWEST ? too_few : NULL;
		return 0;
	}
	prng_seed(&p, STATS_SEED);
	if ((r = make_pools(units, n, &p, &pools)))
		return r;
	draw = malloc(n * sizeof *draw);
	resamples = malloc(STATS_RESAMPLES * sizeof *resamples);
	if (!draw || !resamples) {
		r = -ENOMEM;
		goto done;
	}
	for (size_t i = 0; i < n; i++)
		draw[i] = pools[i].value;
	out->value = quick_median(draw, n);
	out->known = true;
	out->why = n < STATS_FEWEST ? too_few : NULL;
	for (size_t k = 0; n >= STATS_FEWEST && k < STATS_RESAMPLES; k++) {
		for (size_t i = 0; i < n; i++)
			draw[i] =
			    pools[prng_below(&p, (uint32_t)n)].inner[prng_next(&p) % STATS_INNER];
		resamples[k] = quick_median(draw, n);
	}
	if (n >= STATS_FEWEST)
		limits(resamples, n, out);
done:
	free(pools);
	free(draw);
	free(resamples);
	return r;
}

/* Takes logarithms; false: a value is not above zero. */
static bool to_logarithms(struct pool *pools, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(pools[i].value > 0))
			return false;
		pools[i].value = log(pools[i].value);
		for (size_t k = 0; k < STATS_INNER; k++)
			/* a resampled median may be 0 although the true one is not: use the value
			 * then */
			pools[i].inner[k] =
			    pools[i].inner[k] > 0 ? log(pools[i].inner[k]) : pools[i].value;
	}
	return true;
}

static int by_block(const void *a, const void *b)
{
	uint32_t x = ((const struct pool *)a)->block, y = ((const struct pool *)b)->block;

	return (x > y) - (x < y);
}

/* Keeps the invocations of blocks that are in both, ordered by block; returns how many pairs. */
static size_t pair(struct pool *a, size_t na, struct pool *b, size_t nb)
{
	size_t n = 0;

	qsort(a, na, sizeof *a, by_block);
	qsort(b, nb, sizeof *b, by_block);
	for (size_t i = 0, j = 0; i < na && j < nb;) {
		if (a[i].block == b[j].block) {
			a[n] = a[i++];
			b[n++] = b[j++];
		} else if (a[i].block < b[j].block) {
			i++;
		} else {
			j++;
		}
	}
	return n;
}

static double mean_value(const struct pool *p, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i].value;
	return sum / (double)n;
}

static double drawn_mean(const struct pool *p, size_t n, struct prng *g)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[prng_below(g, (uint32_t)n)].inner[prng_next(g) % STATS_INNER];
	return sum / (double)n;
}

static double drawn_difference(const struct pool *a, const struct pool *b, size_t n, struct prng *g)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t at = prng_below(g, (uint32_t)n);
		uint64_t x = prng_next(g);
		sum += a[at].inner[x % STATS_INNER] - b[at].inner[(x >> 32) % STATS_INNER];
	}
	return sum / (double)n;
}

static int ratio(const struct unit *arm, size_t na, const struct unit *base, size_t nb, bool paired,
		 struct estimate *out)
{
	struct prng g;
	struct pool *a = NULL, *b = NULL;
	double *resamples = NULL;
	int r;

	*out = (struct estimate){ .why = "no block has both" };
	prng_seed(&g, STATS_SEED);
	if ((r = make_pools(arm, na, &g, &a)) || (r = make_pools(base, nb, &g, &b)))
		goto done;
	if (paired)
		na = nb = pair(a, na, b, nb);
	out->n = na < nb ? na : nb;
	if (!out->n)
		goto done;
	if (!to_logarithms(a, na) || !to_logarithms(b, nb)) {
		out->why = "a value is 0";
		goto done;
	}
	out->value = exp(mean_value(a, na) - mean_value(b, nb));
	out->known = true;
	out->why = out->n < STATS_FEWEST ? too_few : NULL;
	if (out->n < STATS_FEWEST)
		goto done;
	if (!(resamples = malloc(STATS_RESAMPLES * sizeof *resamples))) {
		r = -ENOMEM;
		goto done;
	}
	for (size_t k = 0; k < STATS_RESAMPLES; k++)
		resamples[k] = paired ? drawn_difference(a, b, na, &g)
				      : drawn_mean(a, na, &g) - drawn_mean(b, nb, &g);
	limits(resamples, out->n, out);
	out->low = exp(out->low);
	out->high = exp(out->high);
done:
	free(a);
	free(b);
	free(resamples);
	return r;
}

int stats_ratio(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		struct estimate *out)
{
	return ratio(arm, narm, base, nbase, true, out);
}

int stats_ratio_apart(const struct unit *arm, size_t narm, const struct unit *base, size_t nbase,
		      struct estimate *out)
{
	return ratio(arm, narm, base, nbase, false, out);
}

double stats_floor(const struct estimate *aa, bool *known)
{
	*known = aa->interval;
	return aa->interval ? fmax(1.0, fmax(aa->high, 1.0 / aa->low)) : 1.0;
}

bool stats_differs(const struct estimate *e, double floor)
{
	return e->interval && (e->low > floor || e->high < 1.0 / floor);
}
