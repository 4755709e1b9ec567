/* figure.h - a measured distribution, or the reason why there is none. */
#ifndef STUBMAP_MAPS_FIGURE_H
#define STUBMAP_MAPS_FIGURE_H

#include <stddef.h>

struct map_figure {
	const char *source; /* "clock", "tsc", "model"; NULL: not to be had */
	const char *why;    /* the reason, without a source */
	double mean, p50, p90, p99;
	size_t samples;
};

/* Sorts samples. Without samples the figure is missing, as not asked for. */
struct map_figure map_figure_of(const char *source, double *samples, size_t n);
struct map_figure map_figure_missing(const char *why);

#endif
