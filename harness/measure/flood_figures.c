/*
 * flood_figures.c - see flood_figures.h. What an instance takes: the kernel's view of the stubs and
 * literals (each page once) and of page tables.
 */
#include "measure/flood_figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "meters/figures.h"
#include "meters/memory.h"

void flood_times_begin(struct flood_times *t, uint32_t instances)
{
	memset(t, 0, sizeof *t);
	t->group = (instances + FLOOD_SAMPLES - 1) / FLOOD_SAMPLES;
	t->samples = instances / t->group; /* the last ones may be too few for one */
}

void flood_times_add(struct flood_times *t, uint32_t i, uint64_t bind, uint64_t first)
{
	const uint32_t sample = i / t->group;

	if (sample >= t->samples)
		return;
	t->bind[sample] += bind;
	t->first[sample] += first;
	t->both[sample] += bind + first;
}

void flood_times_figures(const struct flood_times *t, json_t *figures)
{
	const struct {
		const char *event;
		const uint64_t *samples;
	} rows[] = { { "ns", t->bind }, { "first_call", t->first }, { "to_call", t->both } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		figure_samples(
		    figures,
		    (struct figure_name){ "instantiate", rows[i].event, "instance", "clock" },
		    t->group, 0, rows[i].samples, t->samples);
	const struct figure_name ready = { "instantiate", "ready", "process", "clock" };

	if (t->never_ready)
		figure_missing(figures, ready, t->never_ready);
	else
		figure_one(figures, ready, 1, t->ready);
}

int flood_space(const struct code_memory *code, uint64_t instances, uint64_t stubs, uint64_t faults,
		uint64_t before, json_t *figures, char *why)
{
	const uint64_t tables = meters_page_tables();
	char no_view[METERS_ERROR];
	struct memory_view v;
	struct code_stats s;

	code_get_stats(code, &s);
	const bool seen = !meters_memory(code, &v, no_view);
	const uint64_t stubs_pss = seen ? v.areas[CODE_STUBS].pss + v.alias[CODE_STUBS].pss : 0;
	const uint64_t literals_pss = seen ? v.areas[CODE_LITERALS].pss : 0;
	const struct {
		const char *event, *source;
		uint64_t bytes;
		const char *missing; /* why it is */
	} rows[] = {
		{ "held_code", "code", s.committed_stubs, NULL },
		{ "used_code", "code", s.used_stubs, NULL },
		{ "used_literals", "code", s.used_literals, NULL },
		{ "bytes", "kernel", stubs_pss + literals_pss, seen ? NULL : no_view },
		{ "bytes_code", "kernel", stubs_pss, seen ? NULL : no_view },
		{ "bytes_literals", "kernel", literals_pss, seen ? NULL : no_view },
		{ "tables", "kernel", tables - before,
		  before && tables >= before ? NULL : "/proc/self/status does not show VmPTE" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct figure_name name = { "space", rows[i].event, "instance", rows[i].source };

		if (rows[i].missing)
			figure_missing(figures, name, rows[i].missing);
		else
			figure_one(figures, name, instances, rows[i].bytes);
	}
	return meters_space(code, stubs, faults, figures, why);
}
