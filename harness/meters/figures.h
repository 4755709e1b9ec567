/* figures.h - one meter's value in one phase, as it goes into a record (store.h has the form). */
#ifndef STUBMAP_METERS_FIGURES_H
#define STUBMAP_METERS_FIGURES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured, and where the number comes from: "clock", "tsc", "kernel", "papi", "perf",
 * "model", "code" for code memory's own exact counts, "count" for the collector's, of bytes and of
 * stubs. */
struct figure_name {
	const char *phase, *event, *unit, *source;
};

/* samples[n], each for `per` units; the first `warmup` of them are warm-up. */
void figure_samples(json_t *figures, struct figure_name name, uint64_t per, size_t warmup,
		    const uint64_t *samples, size_t n);
void figure_one(json_t *figures, struct figure_name name, uint64_t per, uint64_t value);
/* Not to be had; name.source is ignored. */
void figure_missing(json_t *figures, struct figure_name name, const char *why);

#endif
