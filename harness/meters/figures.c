/* figures.c - figures into a JSON array; integers stay integers, nothing is scaled or dropped. */
#include "meters/figures.h"

void figure_samples(json_t *figures, struct figure_name name, uint64_t per, size_t warmup,
		    const uint64_t *samples, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)samples[i]));
	json_array_append_new(figures, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "phase",
						 name.phase, "event", name.event, "unit", name.unit,
						 "source", name.source, "per", (json_int_t)per,
						 "warmup", (json_int_t)warmup, "samples", list));
}

void figure_one(json_t *figures, struct figure_name name, uint64_t per, uint64_t value)
{
	figure_samples(figures, name, per, 0, &value, 1);
}

void figure_missing(json_t *figures, struct figure_name name, const char *why)
{
	json_array_append_new(figures, json_pack("{s:s, s:s, s:s, s:n, s:n, s:s}", "phase",
						 name.phase, "event", name.event, "unit", name.unit,
						 "source", "samples", "why", why));
}
