/*
 * figures.h - figures: one meter's value in one phase, as a record holds it (store.h has the form).
 * figures.def lists all figures; other names do not compile.
 */
#ifndef STUBMAP_RUNS_FIGURES_H
#define STUBMAP_RUNS_FIGURES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "meters/events.h"

enum figure_unit {
#define FIGURE_UNIT(id, text) UNIT_##id,
#define FIGURE(...)
#define FIGURE_COUNTED(...)
#include "runs/figures.def"
#undef FIGURE_UNIT
#undef FIGURE
#undef FIGURE_COUNTED
	FIGURE_UNITS
};

enum figure {
#define FIGURE_UNIT(...)
#define FIGURE(phase, event, units, meaning)  FIGURE_##phase##_##event,
#define FIGURE_COUNTED(phase, units, meaning) FIGURE_##phase##_counted,
#include "runs/figures.def"
#undef FIGURE
#undef FIGURE_COUNTED
	FIGURES
};

/* FIGURE_phase_event_UNITS: bits of the units that the figure may have. */
enum {
#define U(id)				      (1u << UNIT_##id)
#define FIGURE(phase, event, units, meaning)  FIGURE_##phase##_##event##_UNITS = units,
#define FIGURE_COUNTED(phase, units, meaning) FIGURE_##phase##_counted_UNITS = units,
#include "runs/figures.def"
#undef U
#undef FIGURE
#undef FIGURE_COUNTED
#undef FIGURE_UNIT
};

/* ---- Into a record -------------------------------------------------------------------------- */

/* What is measured, and the source of the number: "clock", "tsc", "kernel", "papi", "perf",
 * "model", "code" (exact counts of code memory), "count" (exact counts of the collector, of bytes
 * and of stubs). */
struct figure_name {
	enum figure figure;
	enum figure_unit unit;
	const char *source;
	const char *meter; /* of FIGURE_phase_counted; else NULL */
};

/* An initialiser: FIGURE_NAME(steady, ns, call, "clock"). A unit that the figure does not have does
 * not compile, either. */
#define FIGURE_NAME(phase, event, unit, source) FIGURE_METER(phase, event, unit, source, NULL)
#define FIGURE_METER(phase, event, unit, source, meter)                                       \
	{ FIGURE_##phase##_##event,                                                           \
	  UNIT_##unit +                                                                       \
	      0 * sizeof(char[FIGURE_##phase##_##event##_UNITS >> UNIT_##unit & 1 ? 1 : -1]), \
	  source, meter }
#define FIGURE_OF(phase, event, unit, source) \
	((struct figure_name)FIGURE_NAME(phase, event, unit, source))

/* samples[n], each for `per` units; the first `warmup` of them are warm-up. */
void figure_samples(json_t *figures, struct figure_name name, uint64_t per, size_t warmup,
		    const uint64_t *samples, size_t n);
void figure_one(json_t *figures, struct figure_name name, uint64_t per, uint64_t value);
/* A figure that can't be had; name.source is ignored. */
void figure_missing(json_t *figures, struct figure_name name, const char *why);

/* ---- Out of records ------------------------------------------------------------------------- */

/* A figure by name, as in a run file, which may hold figures that this build does not know. */
struct figure_id {
	const char *phase, *event;
};
/* Initialisers for known figures: FIGURE_ID(steady, ns), FIGURE_METER_ID(steady, l1i_fill). */
#define FIGURE_ID(phase, event) { #phase, &#event[0 * FIGURE_##phase##_##event] }
#define FIGURE_METER_ID(phase, meter) \
	{ #phase, &#meter[0 * (FIGURE_##phase##_counted + METER_##meter)] }

struct figure_row {
	struct figure_id id; /* event NULL: that of any meter */
	const char *meaning;
	unsigned units; /* bits of enum figure_unit */
};
extern const struct figure_row figure_rows[FIGURES];
extern const char *const figure_unit_names[FIGURE_UNITS];

/* The row of a figure; NULL: there is none. */
const struct figure_row *figure_find(struct figure_id);
/* Writes one line for an unknown figure, with the nearest known one. */
void figure_refuse(struct figure_id, char *error, size_t size);

#endif
