/*
 * flood_figures.c - what an instance takes: the kernel's view of stubs and literals (each page
 * once) and of page tables; and when it was ready.
 */
#include "measure/flood_figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runs/figures.h"
#include "measure/space.h"
#include "meters/memory.h"

void flood_times_begin(struct flood_times *t, uint32_t instances)
{
	memset(t, 0, sizeof *t);
	t->group = (instances + FLOOD_SAMPLES - 1) / FLOOD_SAMPLES;
	t->samples = instances / t->group; /* the last instances may be too few for a sample */
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
		struct figure_name name;
		const uint64_t *samples;
	} rows[] = { { FIGURE_NAME(instantiate, ns, instance, "clock"), t->bind },
		     { FIGURE_NAME(instantiate, first_call, instance, "clock"), t->first },
		     { FIGURE_NAME(instantiate, to_call, instance, "clock"), t->both } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		figure_samples(figures, rows[i].name, t->group, 0, rows[i].samples, t->samples);
	const struct figure_name ready = FIGURE_NAME(instantiate, ready, process, "clock");

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
		struct figure_name name;
		uint64_t bytes;
		const char *missing; /* why it is missing */
	} rows[] = {
		{ FIGURE_NAME(space, held_code, instance, "code"), s.committed_stubs, NULL },
		{ FIGURE_NAME(space, used_code, instance, "code"), s.used_stubs, NULL },
		{ FIGURE_NAME(space, used_literals, instance, "code"), s.used_literals, NULL },
		{ FIGURE_NAME(space, bytes, instance, "kernel"), stubs_pss + literals_pss,
		  seen ? NULL : no_view },
		{ FIGURE_NAME(space, bytes_code, instance, "kernel"), stubs_pss,
		  seen ? NULL : no_view },
		{ FIGURE_NAME(space, bytes_literals, instance, "kernel"), literals_pss,
		  seen ? NULL : no_view },
		{ FIGURE_NAME(space, tables, instance, "kernel"), tables - before,
		  before && tables >= before ? NULL : "/proc/self/status does not show VmPTE" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].missing)
			figure_missing(figures, rows[i].name, rows[i].missing);
		else
			figure_one(figures, rows[i].name, instances, rows[i].bytes);
	}
	return measure_space(code, NULL, stubs, faults, figures, why);
}
