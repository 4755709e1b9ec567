/*
 * ratios.c - ratios and what can be told from them. All is computed in logarithms, so
 * that arm and baseline are symmetric, and as differences to the first value, so that
 * equal values give exactly 1.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/stats.h"
#include "analysis/student.h"

/* A side's value in a block: the mean of the logarithms. */
struct block {
	struct stats_block of;
	double value;
};

/* Makes the blocks of a side, in order; *out is to be freed. -EDOM: a value is not above zero. */
static int make_blocks(const struct unit *units, size_t n, struct block **out, size_t *nout)
{
	size_t most = 1, m = 0, end;
	struct block *blocks = malloc(n * sizeof *blocks);
	double *scratch;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		most = units[i].n > most ? units[i].n : most;
	scratch = malloc(most * sizeof *scratch);
	if (!blocks || !scratch)
		r = -ENOMEM;
	for (size_t i = 0; i < n && !r; i++) {
		double value = stats_unit(&units[i], scratch);
		blocks[i] = (struct block){ { units[i].run, units[i].block }, log(value) };
		r = value > 0 ? 0 : -EDOM;
	}
	free(scratch);
	if (r) {
		free(blocks);
		return r;
	}
	qsort(blocks, n, sizeof *blocks, stats_by_block);
	for (size_t i = 0; i < n; i = end, m++) {
		double sum = 0;
		for (end = i; end < n && !stats_by_block(&blocks[i], &blocks[end]); end++)
			sum += blocks[end].value - blocks[i].value;
		sum = blocks[i].value + sum / (double)(end - i);
		blocks[m] = blocks[i];
		blocks[m].value = sum;
	}
	*out = blocks;
	*nout = m;
	return 0;
}

/* Makes a the ratios of the blocks that both have; returns how many. */
static size_t pair(struct block *a, size_t na, const struct block *b, size_t nb)
{
	size_t n = 0;

	for (size_t i = 0, j = 0; i < na && j < nb;) {
		int order = stats_by_block(&a[i], &b[j]);
		if (!order) {
			a[n] = a[i++];
			a[n++].value -= b[j++].value;
		} else if (order < 0) {
			i++;
		} else {
			j++;
		}
	}
	return n;
}

/* A side's mean; each run counts the same. */
struct mean {
	double value;
	double within, within_df;   /* its variance, by blocks */
	double between, between_df; /* a run's variance, by the runs' means; df 0: of one run */
	size_t n, runs;
};

/* The mean of one run's blocks. */
static struct mean run_mean(const struct block *b, size_t n)
{
	struct mean m = { .n = n, .runs = 1, .within_df = (double)(n - 1) };
	double sum = 0, square = 0;

	for (size_t i = 0; i < n; i++)
		sum += b[i].value - b[0].value;
	sum /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double d = b[i].value - b[0].value - sum;
		square += d * d;
	}
	m.value = b[0].value + sum;
	if (n > 1)
		m.within = square / m.within_df / m.within_df; /* stats.h has the reason */
	return m;
}

static size_t run_end(const struct block *b, size_t n, size_t i)
{
	size_t end = i;

	while (end < n && b[end].of.run == b[i].of.run)
		end++;
	return end;
}

/* The mean over the blocks, which stand in order. n >= 1. */
static struct mean grand_mean(const struct block *b, size_t n)
{
	struct mean all = run_mean(b, run_end(b, n, 0));
	double first = all.value, sum = 0, square = 0, runs;

	if (all.n == n)
		return all;
	all = (struct mean){ .n = n };
	for (size_t i = 0; i < n; i = run_end(b, n, i)) {
		struct mean m = run_mean(&b[i], run_end(b, n, i) - i);
		sum += m.value - first;
		square += (m.value - first) * (m.value - first);
		all.within += m.within;
		all.within_df += m.within_df;
		all.runs++;
	}
	runs = (double)all.runs;
	all.value = first + sum / runs;
	all.within /= runs * runs;
	all.between_df = runs - 1;
	all.between = fmax(0, square - sum * sum / runs) / all.between_df;
	return all;
}

/* By the blocks of one side, or of both (Welch). */
static struct spread spread_of_blocks(const struct mean *a, const struct mean *b)
{
	double variance = a->within + (b ? b->within : 0), parts = 0;

	if (!b || !(variance > 0))
		return (struct spread){ sqrt(variance), a->within_df };
	if (a->within > 0)
		parts += a->within * a->within / a->within_df;
	if (b->within > 0)
		parts += b->within * b->within / b->within_df;
	return (struct spread){ sqrt(variance), variance * variance / parts };
}

/* By the runs. The runs of both sides are taken to vary alike, so that a
 * side may have one run only. */
static struct spread spread_of_runs(const struct mean *a, const struct mean *b)
{
	double df = a->between_df + (b ? b->between_df : 0), square = a->between * a->between_df;

	if (!(df > 0))
		return (struct spread){ 0 };
	if (b)
		square += b->between * b->between_df;
	return (struct spread){
		sqrt(square / df * (1 / (double)a->runs + (b ? 1 / (double)b->runs : 0))), df
	};
}

static void estimate_ratio(const struct block *a, size_t na, const struct block *b, size_t nb,
			   struct estimate *out)
{
	struct mean ma = grand_mean(a, na), mb = { 0 };

	out->runs = ma.runs;
	if (b) {
		mb = grand_mean(b, nb);
		out->runs = mb.runs < ma.runs ? mb.runs : ma.runs;
	}
	out->known = true;
	out->value = exp(ma.value - mb.value);
	out->interval = out->n >= STATS_FEWEST;
	out->why = out->interval ? NULL : stats_too_few;
	if (!out->interval)
		return;
	out->of_blocks = spread_of_blocks(&ma, b ? &mb : NULL);
	out->of_runs = spread_of_runs(&ma, b ? &mb : NULL);
	double half = spread_half(out->of_blocks, out->of_runs);
	out->low = exp(ma.value - mb.value - half);
	out->high = exp(ma.value - mb.value + half);
}

static int ratio(const struct unit *arm, size_t na, const struct unit *base, size_t nb, bool paired,
		 struct estimate *out)
{
	struct block *a = NULL, *b = NULL;
	size_t blocks_a = 0, blocks_b = 0;
	int r;

	*out = (struct estimate){ .why = "no block has both" };
	if (!na || !nb)
		return 0;
	if (!(r = make_blocks(arm, na, &a, &blocks_a)))
		r = make_blocks(base, nb, &b, &blocks_b);
	if (r == -EDOM) {
		out->n = na < nb ? na : nb;
		out->why = "a value is 0";
		r = 0;
	}
	if (paired && a && b)
		blocks_a = blocks_b = pair(a, blocks_a, b, blocks_b);
	if (a && b && blocks_a) {
		out->n = blocks_a < blocks_b ? blocks_a : blocks_b;
		estimate_ratio(a, blocks_a, paired ? NULL : b, blocks_b, out);
		double of = arm[0].samples[0], to = base[0].samples[0];
		if (stats_constant(arm, na, of) && stats_constant(base, nb, to))
			out->value = out->low = out->high = of / to; /* no rounding of logarithms */
	}
	free(a);
	free(b);
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

bool stats_differs(const struct estimate *e)
{
	return e->interval && (e->low > 1 || e->high < 1);
}

static double chance_of(double log_ratio, struct spread s)
{
	return s.df > 0 && s.error > 0 ? student_tails(log_ratio / s.error, s.df) : 0;
}

double stats_chance_by_blocks(const struct estimate *e)
{
	if (!e->interval)
		return NAN;
	if (e->low <= 1 && e->high >= 1 && e->low >= e->high)
		return 1; /* exactly equal */
	return chance_of(log(e->value), e->of_blocks);
}

double stats_chance(const struct estimate *e)
{
	double by_blocks = stats_chance_by_blocks(e);

	return e->interval ? fmax(by_blocks, chance_of(log(e->value), e->of_runs)) : by_blocks;
}

/* How far off a difference must be to be found with STATS_POWER. */
static double reach(struct spread s, double level)
{
	return spread_reach(s, level / 2) + spread_reach(s, 1 - STATS_POWER);
}

double stats_detectable(const struct estimate *e, double level)
{
	return e->interval ? expm1(fmax(reach(e->of_blocks, level), reach(e->of_runs, 0.05))) : NAN;
}

/* Whether n blocks find a difference, if one block's logarithm varies by `one`. */
static bool finds(double one, size_t n, double difference)
{
	double df = (double)n - 1;

	return reach((struct spread){ one / sqrt(df), df }, 0.05) <= log1p(difference);
}

size_t stats_blocks(const struct estimate *e, double difference)
{
	double one = e->of_blocks.error * sqrt((double)e->n - 1);
	size_t low = STATS_FEWEST - 1, high = STATS_FEWEST;

	if (!e->interval)
		return 0;
	while (!finds(one, high, difference)) {
		if (high > SIZE_MAX / 4)
			return SIZE_MAX;
		low = high;
		high *= 2;
	}
	while (high - low > 1) { /* low are too few, high are enough */
		size_t middle = low + (high - low) / 2;
		if (finds(one, middle, difference))
			high = middle;
		else
			low = middle;
	}
	return high;
}

static int by_chance(const void *x, const void *y)
{
	double a = **(const double *const *)x, b = **(const double *const *)y;

	return (a > b) - (a < b);
}

int stats_holm(const double *chances, size_t n, double *corrected)
{
	const double **order = malloc((n ? n : 1) * sizeof *order);
	double least = 0;
	size_t m = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		corrected[i] = NAN;
		if (!isnan(chances[i]))
			order[m++] = &chances[i];
	}
	qsort(order, m, sizeof *order, by_chance);
	for (size_t i = 0; i < m; i++) {
		least = fmax(least, fmin(1, *order[i] * (double)(m - i)));
		corrected[order[i] - chances] = least;
	}
	free(order);
	return 0;
}

double stats_floor(const struct estimate *aa, bool *known)
{
	*known = aa->interval;
	return aa->interval ? fmax(1.0, fmax(aa->high, 1.0 / aa->low)) : 1.0;
}
