/*
 * figure.c - a quantile is always one of the samples, never a value between two.
 */
#include "maps/figure.h"
#include "base/sort.h"

#include <stdlib.h>

struct map_figure map_figure_of(const char *source, double *samples, size_t n)
{
	struct map_figure f = { .source = source, .samples = n };

	if (!n)
		return map_figure_missing("no samples asked for");
	for (size_t i = 0; i < n; i++)
		f.mean += samples[i] / (double)n;
	sort_doubles(samples, n);
	f.p50 = samples[(n - 1) / 2];
	f.p90 = samples[(n - 1) * 9 / 10];
	f.p99 = samples[(n - 1) * 99 / 100];
	return f;
}

struct map_figure map_figure_missing(const char *why)
{
	return (struct map_figure){ .why = why };
}
