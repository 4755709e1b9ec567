/*
 * variance.c - an analysis of variance of nested random effects. From the innermost level to the
 * outermost: the variance between the means of a level is the level's own variance and the part of
 * the lower levels' variance that a mean keeps.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/variance.h"

/* A mean at some level, and the two levels above that it belongs to. */
struct node {
	struct stats_block of;
	double mean;
};

static int by_run(const void *x, const void *y)
{
	const struct node *a = x, *b = y;

	return (a->of.run > b->of.run) - (a->of.run < b->of.run);
}

static int all_alike(const void *x, const void *y)
{
	(void)x;
	(void)y;
	return 0;
}

/* What a level's groups say: the variance within them, pooled, and how much of it a mean keeps. */
struct pooled {
	double square, df, kept;
	size_t groups;
};

static double pooled_variance(const struct pooled *p)
{
	return p->df > 0 ? p->square / p->df : 0;
}

/* Replaces the nodes, in order, by the means of each group; returns how many there are. */
static size_t fold(struct node *nodes, size_t n, int (*order)(const void *, const void *),
		   struct pooled *out)
{
	size_t m = 0, end;

	*out = (struct pooled){ 0 };
	for (size_t i = 0; i < n; i = end) {
		double mean = 0, size;
		for (end = i; end < n && !order(&nodes[i], &nodes[end]); end++)
			mean += nodes[end].mean;
		size = (double)(end - i);
		mean /= size;
		for (size_t k = i; k < end; k++)
			out->square += (nodes[k].mean - mean) * (nodes[k].mean - mean);
		out->df += size - 1;
		out->kept += 1 / size;
		nodes[m] = nodes[i];
		nodes[m++].mean = mean;
	}
	out->groups = m;
	out->kept /= (double)m;
	return m;
}

/* The processes' means, in order, and the variance of their iterations. */
static int make_processes(const struct unit *units, size_t n, struct node *nodes,
			  struct pooled *out)
{
	*out = (struct pooled){ .groups = n };
	for (size_t i = 0; i < n; i++) {
		double sum = 0, size = (double)units[i].n;
		for (size_t j = 0; j < units[i].n; j++) {
			if (!(units[i].samples[j] > 0))
				return -EDOM;
			sum += log(units[i].samples[j]);
		}
		for (size_t j = 0; j < units[i].n; j++) {
			double d = log(units[i].samples[j]) - sum / size;
			out->square += d * d;
		}
		out->df += size - 1;
		out->kept += 1 / size / (double)n;
		nodes[i] = (struct node){ { units[i].run, units[i].block }, sum / size };
	}
	qsort(nodes, n, sizeof *nodes, stats_by_block);
	return 0;
}

int variance_of(const struct unit *units, size_t n, struct variance *out)
{
	struct node *nodes = malloc((n ? n : 1) * sizeof *nodes);
	struct pooled p[LEVELS];
	size_t left = n;
	int r = n < 2 ? -EINVAL : 0;

	*out = (struct variance){ 0 };
	if (!nodes)
		return -ENOMEM;
	if (r || (r = make_processes(units, n, nodes, &p[LEVEL_ITERATION])))
		goto done;
	for (size_t i = 0; i < n; i++)
		out->n[LEVEL_ITERATION] += units[i].n;
	out->n[LEVEL_PROCESS] = left;
	out->n[LEVEL_SETUP] = left = fold(nodes, left, stats_by_block, &p[LEVEL_PROCESS]);
	out->n[LEVEL_RUN] = left = fold(nodes, left, by_run, &p[LEVEL_SETUP]);
	fold(nodes, left, all_alike, &p[LEVEL_RUN]);
	for (int level = LEVELS - 1; level >= 0; level--) {
		double of_mean = 1 / (double)out->n[level], below = 0;
		if (level < LEVEL_ITERATION)
			below = pooled_variance(&p[level + 1]) * p[level + 1].kept;
		out->known[level] = p[level].df > 0;
		if (out->known[level])
			out->part[level] = fmax(0, pooled_variance(&p[level]) - below);
		out->error[level] = out->part[level] * of_mean;
	}
done:
	free(nodes);
	return r;
}
