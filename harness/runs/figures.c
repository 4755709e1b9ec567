/* figures.c - the list of figures, and writing figures into a JSON array: integers stay integers,
 * nothing is scaled or dropped. */
#include "runs/figures.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

const struct figure_row figure_rows[FIGURES] = {
#define FIGURE_UNIT(...)
#define U(id)				      (1u << UNIT_##id)
#define FIGURE(phase, event, units, meaning)  { { #phase, #event }, meaning, units },
#define FIGURE_COUNTED(phase, units, meaning) { { #phase, NULL }, meaning, units },
#include "runs/figures.def"
#undef U
#undef FIGURE
#undef FIGURE_COUNTED
#undef FIGURE_UNIT
};

const char *const figure_unit_names[FIGURE_UNITS] = {
#define FIGURE_UNIT(id, text) text,
#define FIGURE(...)
#define FIGURE_COUNTED(...)
#include "runs/figures.def"
#undef FIGURE_UNIT
#undef FIGURE
#undef FIGURE_COUNTED
};

/* ---- Into a record -------------------------------------------------------------------------- */

static const char *event_of(struct figure_name name)
{
	const char *event = figure_rows[name.figure].id.event;

	return event ? event : name.meter;
}

void figure_samples(json_t *figures, struct figure_name name, uint64_t per, size_t warmup,
		    const uint64_t *samples, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)samples[i]));
	json_array_append_new(
	    figures, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "phase",
			       figure_rows[name.figure].id.phase, "event", event_of(name), "unit",
			       figure_unit_names[name.unit], "source", name.source, "per",
			       (json_int_t)per, "warmup", (json_int_t)warmup, "samples", list));
}

void figure_one(json_t *figures, struct figure_name name, uint64_t per, uint64_t value)
{
	figure_samples(figures, name, per, 0, &value, 1);
}

void figure_missing(json_t *figures, struct figure_name name, const char *why)
{
	json_array_append_new(
	    figures, json_pack("{s:s, s:s, s:s, s:n, s:n, s:s}", "phase",
			       figure_rows[name.figure].id.phase, "event", event_of(name), "unit",
			       figure_unit_names[name.unit], "source", "samples", "why", why));
}

/* ---- By name -------------------------------------------------------------------------------- */

const struct figure_row *figure_find(struct figure_id id)
{
	for (const struct figure_row *r = figure_rows; r < figure_rows + FIGURES; r++)
		if (!strcmp(r->id.phase, id.phase) &&
		    (r->id.event ? !strcmp(r->id.event, id.event) : meter_find(id.event) != NULL))
			return r;
	return NULL;
}

void figure_refuse(struct figure_id id, char *error, size_t size)
{
	enum { NAME = 64, MOST = FIGURES + 3 * METERS };
	static const char list[] = "`stubmap list figures` has them all";
	char all[MOST][NAME], word[2 * NAME];
	const char *names[MOST], *near;
	size_t n = 0;

	for (const struct figure_row *r = figure_rows; r < figure_rows + FIGURES; r++)
		for (size_t m = 0; n < MOST && m < (r->id.event ? 1 : METERS); m++, n++) {
			names[n] = all[n];
			snprintf(all[n], NAME, "%s/%s", r->id.phase,
				 r->id.event ? r->id.event : meter_names[m]);
		}
	snprintf(word, sizeof word, "%s/%s", id.phase, id.event);
	near = suggest_nearest(word, names, n);
	snprintf(error, size, "no figure '%s'; %s%s%s%s", word, near ? "did you mean '" : "",
		 near ? near : "", near ? "'? " : "", list);
}
