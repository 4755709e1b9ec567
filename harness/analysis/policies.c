/* policies.c - views of the rows of phase "cold". */
#include <errno.h>
#include <string.h>
#include <stubmap/stub.h>

#include "analysis/report.h"
#include "analysis/rows.h"
#include "analysis/views.h"
#include "base/say.h"
#include "base/table.h"
#include "analysis/estimate.h"

/* Whether a cell has the phase at all. */
static const struct figure_id cold_ns = FIGURE_ID(cold, ns);

enum { SHOWN = 7 }; /* figures shown in the table */

static bool is_deferred(const struct cell *c)
{
	const struct stub_ops *ops = stub_strategy(c->stubs);

	return ops && ops->flags & STUB_DEFERRED;
}

/* Whether to show a cell: it was measured, and its group compares policies. */
static bool has_policies(const struct rows *rows, size_t cell)
{
	const struct census *c = &rows->census;

	if (!rows_find(rows, cell, cold_ns)->value.known)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (is_deferred(&c->cells[i]) && cell_equal(&c->groups[i], &c->groups[cell]))
			return true;
	return false;
}

static void put(struct table *t, const struct row *row, double scale)
{
	if (row->value.known)
		table_number(t, row->value.value * scale);
	else
		table_missing(t, row->note);
}

static void put_cell(struct table *t, const struct rows *rows, size_t cell)
{
	const struct row *r[SHOWN];
	char label[80];

	for (size_t i = 0; i < SHOWN; i++)
		r[i] = rows_find(rows, cell, policy_figures[i]);
	table_row(t);
	table_cell(t, "%s",
		   arm_label(rows->census.run, &rows->census.cells[cell], label, sizeof label));
	put(t, r[0], 1e-6);
	estimate_interval(t, &r[0]->value, 1e-6, "%.3g");
	if (r[1]->value.known) {
		table_cell(t, "%.3f", r[1]->value.value);
		estimate_interval(t, &r[1]->value, 1, "%.3g");
	} else {
		table_missing(t, r[1]->unit ? r[1]->note : "no lazy kin to take its costs from");
		table_cell(t, "%s", "");
	}
	put(t, r[2], 1);
	put(t, r[3], 1);
	if (r[4]->value.known && r[5]->value.known)
		table_number(t, (r[4]->value.value + r[5]->value.value) / 1024);
	else
		table_missing(t, r[4]->note);
	put(t, r[6], 1);
}

/* Text beside a table; in a page as it is. */
static void put_text(FILE *out, enum table_form form, const char *text)
{
	fputs(form == TABLE_HTML ? "<pre class=\"legend\">" : "\n", out);
	fputs(text, out);
	fputs(form == TABLE_HTML ? "</pre>\n" : "", out);
}

int policy_table(FILE *out, const struct rows *rows, enum table_form form)
{
	static const char *const headers[] = { "arm",  "ms in all", "95 %", "regret",  "95 %",
					       "made", "used",	    "KiB",  "syscalls" };
	const struct census *c = &rows->census;
	const struct cell *before = NULL;
	struct table t;
	char label[160];
	int r;

	table_begin(&t, headers, "lrrrrrrrr");
	for (size_t cell = 0; cell < c->n; cell++) {
		if (!has_policies(rows, cell))
			continue;
		if (!before || !cell_equal(&c->groups[cell], before))
			table_heading(&t,
				      group_label(c->run, &c->groups[cell], label, sizeof label));
		before = &c->groups[cell];
		put_cell(&t, rows, cell);
	}
	if (before)
		put_text(
		    out, form,
		    "  From cold: all boundaries bound, then all of the trace or program, every "
		    "creation\n");
	if (before && form != TABLE_HTML)
		fputc('\n', out);
	if ((r = table_end_as(&t, before ? out : NULL, form)) || !before)
		return r;
	put_text(
	    out, form,
	    "  regret: time to the least with hindsight, a model (of a trace: harness/measure/"
	    "optimum.h;\n  of a program: all stubs there for nothing); made, used: stubs "
	    "made, and of them those\n  that are called; KiB: of code and literals at the end\n");
	return 0;
}

int policy_tsv(FILE *out, const struct run *run)
{
	struct rows rows;
	char label[80];
	int r = rows_make(run, policy_figures, policy_nfigures, &rows);

	if (r)
		return r;
	fputs("arm\tstubs\tpolicy\tgeneric\tworkload\tmax_events", out);
	for (size_t k = 0; k < policy_nfigures; k++)
		fprintf(out, "\t%s\tlow\thigh", policy_figures[k].event);
	fputs("\twx\n", out);
	for (size_t cell = 0; cell < rows.census.n; cell++) {
		const struct cell *c = &rows.census.cells[cell];

		if (c->replica || !rows_find(&rows, cell, cold_ns)->value.known)
			continue;
		fprintf(out, "%s\t%s\t%s\t%u\t", arm_label(run, c, label, sizeof label), c->stubs,
			is_deferred(c) ? c->policy : "eager", c->generic);
		say_put(out, c->workload);
		fprintf(out, "\t%llu", (unsigned long long)c->max_events);
		for (size_t k = 0; k < policy_nfigures; k++)
			estimate_print(out, &rows_find(&rows, cell, policy_figures[k])->value);
		fprintf(out, "\t%s\n", c->wx);
	}
	rows_free(&rows);
	return 0;
}
