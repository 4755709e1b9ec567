/* plots.c - the data of plots of cells that hold N live stubs, a line for each
 * arm and N; and of traces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/estimate.h"
#include "analysis/report.h"
#include "analysis/rows.h"
#include "base/say.h"

/* An arm's name in a plot, without blanks, followed by its cell's
 * unusual values: "pool,wx=dual". */
static void plot_arm(const struct run *run, const struct cell *cell, char *out, size_t size)
{
	char label[160];
	struct cell plain = *cell;
	const char *unusual;
	size_t n;

	arm_label(run, cell, out, size);
	plain.live = 0; /* both have columns of their own */
	*plain.kind = 0;
	unusual = strchr(group_label(run, &plain, label, sizeof label), ',');
	n = strlen(out);
	for (; unusual && *unusual && n + 1 < size; unusual++) {
		if (unusual[0] == ' ' && unusual[-1] == ',')
			continue;
		out[n++] = *unusual == ' ' ? '=' : *unusual;
	}
	out[n] = 0;
}

enum { PLOT_ARM = 200 };

static json_int_t number(const json_t *unit, const char *key)
{
	return json_integer_value(json_object_get(unit, key));
}

/* How many a unit of the machine has; 0: the run does not know. */
static void put_count(FILE *out, json_int_t n)
{
	if (n)
		fprintf(out, "\t%lld", (long long)n);
	else
		fputs("\tNaN", out);
}

static void print_line(FILE *out, const struct rows *rows, size_t cell, const char *arm,
		       const struct figure_id *ids, size_t n)
{
	const struct cell *c = &rows->census.cells[cell];
	const json_t *machine = json_object_get(rows->census.run->head, "machine");
	const json_t *l1i = json_object_get(machine, "l1i");
	const json_int_t line = number(l1i, "line");

	fprintf(out, "%s\t", arm);
	say_put(out, c->workload);
	fprintf(out, "\t%s\t%u", c->kind, c->live);
	put_count(out, number(l1i, "ways"));
	for (size_t k = 0; k < n; k++)
		estimate_print(out, &rows_find(rows, cell, ids[k])->value);
	put_count(out, line ? number(l1i, "size") / line : 0);
	put_count(out, number(json_object_get(machine, "itlb"), "entries"));
	fputc('\n', out);
}

/* Whether a cell is in a plot: it holds N live stubs, or is a program whose run was counted; for
 * traces, its workload is one. */
static bool has_line(const struct rows *rows, size_t cell, enum report_form form,
		     const struct figure_id *ids, size_t n)
{
	const struct cell *c = &rows->census.cells[cell];

	if (c->replica)
		return false;
	if (form == REPORT_TSV_TRACES)
		return !c->live && rows_find(rows, cell, ids[0])->value.known;
	for (size_t k = 0; k < n; k++)
		if (!strcmp(ids[k].phase, "run") && rows_find(rows, cell, ids[k])->value.known)
			return true;
	return c->live;
}

/* Prints the lines of one arm together, by live stubs, so that a plot can join them. */
static void print_lines(FILE *out, const struct rows *rows, char (*arms)[PLOT_ARM],
			enum report_form form, const struct figure_id *ids, size_t n)
{
	const struct census *c = &rows->census;

	for (size_t i = 0; i < c->n; i++)
		plot_arm(c->run, &c->cells[i], arms[i], PLOT_ARM);
	for (size_t first = 0; first < c->n; first++) {
		size_t before = 0;
		while (before < first && strcmp(arms[before], arms[first]))
			before++;
		for (size_t i = first; before == first && i < c->n; i++)
			if (has_line(rows, i, form, ids, n) && !strcmp(arms[i], arms[first]))
				print_line(out, rows, i, arms[i], ids, n);
	}
}

int plot_tsv(FILE *out, const struct run *run, enum report_form form)
{
	static const struct {
		struct figure_id ids[7];
		size_t n;
	} plots[] = {
		[REPORT_TSV_RING - REPORT_TSV_RING] = { { FIGURE_ID(steady, ns) }, 1 },
		[REPORT_TSV_MAKE -
		    REPORT_TSV_RING] = { { FIGURE_ID(space, pss), FIGURE_ID(bind, ns),
					   FIGURE_ID(first_call, ns) },
					 3 },
		[REPORT_TSV_PAGES -
		    REPORT_TSV_RING] = { { FIGURE_ID(space, pss_code), FIGURE_ID(space, pss),
					   FIGURE_ID(space, minor_faults),
					   FIGURE_ID(space, process_mappings),
					   FIGURE_ID(space, mappings_limit),
					   FIGURE_ID(space, code_pages),
					   FIGURE_ID(space, itlb_reach) },
					 7 },
		[REPORT_TSV_FILLS - REPORT_TSV_RING] = { { FIGURE_METER_ID(steady, l1i_fill),
							   FIGURE_METER_ID(steady, itlb_miss),
							   FIGURE_METER_ID(steady, itlb_walk),
							   FIGURE_METER_ID(steady, branch_miss),
							   FIGURE_METER_ID(run, l1i_fill),
							   FIGURE_METER_ID(run, itlb_miss),
							   FIGURE_METER_ID(run, cycles) },
							 7 },
		[REPORT_TSV_PEERS -
		    REPORT_TSV_RING] = { { FIGURE_ID(steady, ns), FIGURE_ID(bind, ns),
					   FIGURE_ID(space, grown), FIGURE_ID(space, grown_code),
					   FIGURE_ID(space, stride),
					   FIGURE_ID(space, grown_mappings) },
					 6 },
		[REPORT_TSV_TRACES - REPORT_TSV_RING] = { { FIGURE_ID(steady, ns) }, 1 },
	};
	const struct figure_id *ids = plots[form - REPORT_TSV_RING].ids;
	size_t n = plots[form - REPORT_TSV_RING].n;
	char(*arms)[PLOT_ARM];
	struct rows rows;
	int r = rows_make(run, ids, n, &rows);

	if (r)
		return r;
	if (!(arms = calloc(rows.census.n + 1, sizeof *arms))) {
		rows_free(&rows);
		return -ENOMEM;
	}
	fputs("arm\tworkload\tkind\tlive\tl1i_ways", out);
	for (size_t k = 0; k < n; k++)
		fprintf(out, "\t%s_%s\tlow\thigh", ids[k].phase, ids[k].event);
	fputs("\tl1i_lines\titlb_entries\n", out);
	print_lines(out, &rows, arms, form, ids, n);
	free(arms);
	rows_free(&rows);
	return 0;
}
