/*
 * lives.c - data of the plots of stubs' lives: one line for each cell, with its arm, W^X
 * policy and what it varies; for churn one line for each cell and point of its stream, for
 * stalls one for each invocation.
 *
 *   stubs  wx  share  poison  workload  live  threads  instances  ...
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/estimate.h"
#include "analysis/report.h"
#include "analysis/rows.h"
#include "base/sort.h"

enum { COLUMNS = 8 };

enum lines { OF_CELLS, OF_POINTS, OF_INVOCATIONS };

static const struct life_form {
	enum workload_life life;
	enum lines lines;
	struct figure_id ids[COLUMNS];
	size_t n;
} forms[] = {
	[REPORT_TSV_TIERUP -
	 REPORT_TSV_TIERUP] = { LIFE_TIERUP,
				OF_CELLS,
				{ FIGURE_ID(upgrade, ns), FIGURE_ID(upgrade, one_ns),
				  FIGURE_ID(upgrade, stall_on_cpu), FIGURE_ID(floor, stall_on_cpu),
				  FIGURE_ID(upgrade, stall), FIGURE_ID(floor, stall),
				  FIGURE_ID(upgrade, retired), FIGURE_ID(upgrade, cpus) },
				8 },
	[REPORT_TSV_FLOODS -
	    REPORT_TSV_TIERUP] = { LIFE_FLOOD,
				   OF_CELLS,
				   { FIGURE_ID(instantiate, to_call), FIGURE_ID(instantiate, ready),
				     FIGURE_ID(space, bytes), FIGURE_ID(space, bytes_code),
				     FIGURE_ID(space, tables), FIGURE_ID(steady, ns) },
				   6 },
	/* For each point, not over all points. */
	[REPORT_TSV_CHURN - REPORT_TSV_TIERUP] = { LIFE_CHURN,
						   OF_POINTS,
						   { FIGURE_ID(churn, held), FIGURE_ID(churn, used),
						     FIGURE_ID(churn, stubs) },
						   3 },
	[REPORT_TSV_MAPPINGS -
	    REPORT_TSV_TIERUP] = { LIFE_CHURN,
				   OF_CELLS,
				   { FIGURE_ID(churn, stubs_peak), FIGURE_ID(churn, mappings),
				     FIGURE_ID(churn, mappings_limit) },
				   3 },
	[REPORT_TSV_STALLS - REPORT_TSV_TIERUP] = { LIFE_TIERUP,
						    OF_INVOCATIONS,
						    { FIGURE_ID(upgrade, stall_on_cpu),
						      FIGURE_ID(floor, stall_on_cpu) },
						    2 },
};

static void print_cell(FILE *out, const struct cell *c)
{
	fprintf(out, "%s\t%s\t%d\t%d\t%s\t%u\t%u\t%u", c->stubs, c->wx, c->share, c->poison,
		c->workload, c->live, c->threads, c->instances);
}

static void print_number(FILE *out, bool known, double v)
{
	if (known)
		fprintf(out, "\t%.6g", v);
	else
		fputs("\tNaN", out);
}

static void print_estimates(FILE *out, const struct rows *rows, size_t cell,
			    const struct life_form *form)
{
	for (size_t k = 0; k < form->n; k++)
		estimate_print(out, &rows_find(rows, cell, form->ids[k])->value);
	fputc('\n', out);
}

/* Prints the median of sample i over invocations. */
static void print_point(FILE *out, const struct samples *s, size_t i, double *scratch)
{
	size_t n = 0;

	for (size_t u = 0; u < s->n; u++)
		if (i < s->units[u].n)
			scratch[n++] = s->units[u].samples[i];
	sort_doubles(scratch, n);
	print_number(out, n > 0, n ? (scratch[(n - 1) / 2] + scratch[n / 2]) / 2 : 0);
}

/* The samples of a cell, a column each; the caller frees them, also on failure. */
static int gather(const struct census *c, size_t cell, const struct life_form *form,
		  struct samples s[COLUMNS])
{
	int r = 0;

	for (size_t k = 0; k < form->n && !r; k++)
		r = samples_gather(c, cell, form->ids[k], &s[k]);
	return r;
}

static void forget(struct samples s[COLUMNS])
{
	for (size_t k = 0; k < COLUMNS; k++)
		samples_free(&s[k]);
}

static int print_points(FILE *out, const struct census *c, size_t cell,
			const struct life_form *form)
{
	struct samples s[COLUMNS] = { 0 };
	double *scratch = NULL;
	size_t points = 0;
	int r = gather(c, cell, form, s);

	if (!r && !(scratch = malloc((s[0].n + 1) * sizeof *scratch)))
		r = -ENOMEM;
	for (size_t u = 0; u < s[0].n; u++)
		points = s[0].units[u].n > points ? s[0].units[u].n : points;
	for (size_t i = 0; i < points && !r; i++) {
		print_cell(out, &c->cells[cell]);
		fprintf(out, "\t%.6g", (double)(i + 1) / (double)points);
		for (size_t k = 0; k < form->n; k++)
			print_point(out, &s[k], i, scratch);
		fputc('\n', out);
	}
	forget(s);
	free(scratch);
	return r;
}

/* A line for each invocation; its values may be of several invocations, since the columns are
 * distributions, not pairs. */
static int print_invocations(FILE *out, const struct census *c, size_t cell,
			     const struct life_form *form)
{
	struct samples s[COLUMNS] = { 0 };
	size_t lines = 0;
	int r = gather(c, cell, form, s);

	for (size_t k = 0; k < form->n; k++)
		lines = s[k].n > lines ? s[k].n : lines;
	for (size_t i = 0; i < lines && !r; i++) {
		print_cell(out, &c->cells[cell]);
		for (size_t k = 0; k < form->n; k++)
			print_number(out, i < s[k].n, i < s[k].n ? s[k].units[i].samples[0] : 0);
		fputc('\n', out);
	}
	forget(s);
	return r;
}

static bool same_arm(const struct cell *a, const struct cell *b)
{
	return !strcmp(a->stubs, b->stubs) && !strcmp(a->wx, b->wx) && a->share == b->share &&
	       a->poison == b->poison && !strcmp(a->workload, b->workload) && a->live == b->live;
}

static int print_lines(FILE *out, const struct rows *rows, size_t cell,
		       const struct life_form *form)
{
	const struct census *c = &rows->census;

	switch (form->lines) {
	case OF_POINTS:
		return print_points(out, c, cell, form);
	case OF_INVOCATIONS:
		return print_invocations(out, c, cell, form);
	default:
		print_cell(out, &c->cells[cell]);
		print_estimates(out, rows, cell, form);
		return 0;
	}
}

/* Prints the cells of the first cell's arm together, so that a plot can join them. */
static int print_arm(FILE *out, const struct rows *rows, size_t first, const struct life_form *form)
{
	const struct census *c = &rows->census;
	int r = 0;

	for (size_t i = 0; i < first; i++)
		if (!c->cells[i].replica && same_arm(&c->cells[i], &c->cells[first]))
			return 0; /* printed with that cell */
	for (size_t i = first; i < c->n && !r; i++)
		if (!c->cells[i].replica && same_arm(&c->cells[i], &c->cells[first]))
			r = print_lines(out, rows, i, form);
	return r;
}

int life_tsv(FILE *out, const struct run *run, enum report_form which)
{
	const struct life_form *form = &forms[which - REPORT_TSV_TIERUP];
	struct rows rows;
	int r = rows_make(run, form->ids, form->n, &rows);

	if (r)
		return r;
	fputs("stubs\twx\tshare\tpoison\tworkload\tlive\tthreads\tinstances", out);
	if (form->lines == OF_POINTS)
		fputs("\tpoint", out);
	for (size_t k = 0; k < form->n; k++)
		fprintf(out, "\t%s_%s%s", form->ids[k].phase, form->ids[k].event,
			form->lines == OF_CELLS ? "\tlow\thigh" : "");
	fputc('\n', out);
	for (size_t i = 0; i < rows.census.n && !r; i++) {
		const struct cell *c = &rows.census.cells[i];

		if (family_rows[c->family].life == form->life && !c->replica)
			r = print_arm(out, &rows, i, form);
	}
	rows_free(&rows);
	return r;
}
