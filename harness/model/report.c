/* report.c - reports misses per call; a unit that the machine's row lacks
 * is null, with the reason. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/report.h"
#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"

enum { HEADING = 200 };

static const char unknown[] = "the machine's row does not know this unit's geometry";

static double per_call(const struct simulate_task *t, uint64_t n)
{
	return (double)n / (double)t->calls;
}

/* ---- The table -------------------------------------------------------------------------- */

static void head_line(char out[HEADING], const struct simulate_task *t,
		      const struct simulate_pass *r)
{
	const struct machine *m = r->options.machine;
	const struct cell *c = &t->cell;
	char kind[100] = "";
	int at = 0;

	if (*c->kind)
		at = snprintf(kind, sizeof kind, ", %s %s", c->kind, c->signature);
	if (strcmp(c->wx, "toggle"))
		at += snprintf(kind + at, sizeof kind - (size_t)at, ", wx %s", c->wx);
	if (strcmp(c->literals, "own"))
		at += snprintf(kind + at, sizeof kind - (size_t)at, ", literals %s", c->literals);
	if (c->markers)
		snprintf(kind + at, sizeof kind - (size_t)at, ", markers");
	snprintf(out, HEADING, "%s (%s): L1I %u KiB, %u ways; pages of %u KiB; %s%s", m->name,
		 m->core, m->l1i.size / 1024, m->l1i.ways, r->options.page / 1024, c->workload,
		 kind);
}

static void miss_cell(struct table *table, const struct simulate_task *t,
		      const struct simulate_pass *r, enum model_unit u)
{
	if (r->has[u])
		table_number(table, per_call(t, r->counts[u].misses));
	else
		table_missing(table, unknown);
}

static void table_line(struct table *table, const struct simulate_task *t,
		       const struct simulate_pass *r)
{
	const struct model_count *l1i = &r->counts[MODEL_L1I];

	table_row(table);
	table_cell(table, "%s", t->cell.stubs);
	if (t->cell.live)
		table_cell(table, "%u", t->cell.live);
	else
		table_cell(table, "%s", "");
	if (t->status) {
		table_missing(table, t->why);
		return;
	}
	miss_cell(table, t, r, MODEL_L1I);
	uint64_t ours = l1i->owners[TRACE_STUB] + l1i->owners[TRACE_BODY];
	table_number(table, per_call(t, l1i->owners[TRACE_STUB]));
	table_number(table, per_call(t, l1i->owners[TRACE_BODY]));
	table_number(table, per_call(t, l1i->misses - ours));
	table_number(table, per_call(t, l1i->causes[CACHE_CONFLICT]));
	miss_cell(table, t, r, MODEL_ITLB);
	miss_cell(table, t, r, MODEL_L1D);
	miss_cell(table, t, r, MODEL_DTLB);
	miss_cell(table, t, r, MODEL_L2);
	table_cell(table, "%lld", (long long)r->code_pages);
}

/* Prints all lines of one heading, wherever their tasks stand. */
static void table_group(struct table *table, const struct simulate_task *tasks, size_t n,
			char (*headings)[HEADING], size_t first)
{
	size_t k = 0;

	table_heading(table, headings[first]);
	for (size_t i = 0; i < n; i++)
		for (size_t pass = 0; pass < tasks[i].n; pass++, k++)
			if (k >= first && !strcmp(headings[k], headings[first]))
				table_line(table, &tasks[i], &tasks[i].passes[pass]);
}

static bool is_new(char (*headings)[HEADING], size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (!strcmp(headings[i], headings[k]))
			return false;
	return true;
}

static int report_table(FILE *out, const struct simulate_task *tasks, size_t n)
{
	static const char *const headers[TABLE_COLUMNS] = { "stubs", "live", "L1I",	 "stub",
							    "body",  "rest", "conflict", "ITLB",
							    "L1D",   "DTLB", "L2",	 "pages" };
	struct table table;
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += tasks[i].n;
	char(*headings)[HEADING] = calloc(lines + 1, sizeof *headings);
	if (!headings)
		return -ENOMEM;
	lines = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t pass = 0; pass < tasks[i].n; pass++)
			head_line(headings[lines++], &tasks[i], &tasks[i].passes[pass]);
	table_begin(&table, headers, "lrrrrrrrrrrr");
	for (size_t k = 0; k < lines; k++)
		if (is_new(headings, k))
			table_group(&table, tasks, n, headings, k);
	free(headings);
	int e = table_end(&table, out);
	if (!e)
		fputs(
		    "misses a call in the steady state, by a model without prefetchers; L1I = stub "
		    "+ body +\nrest (callers, targets); conflict: those of the L1I's that a fully "
		    "associative one would\nnot have; pages: of code, in a lap\n",
		    out);
	return e;
}

/* ---- Rows ------------------------------------------------------------------------------- */

static void add_counts(json_t *row, const struct simulate_task *t, const struct model_count *c)
{
	static const char *const causes[] = { NULL, "compulsory", "capacity", "conflict" };

	for (int i = CACHE_COMPULSORY; i <= CACHE_CONFLICT; i++)
		json_object_set_new(row, causes[i], json_real(per_call(t, c->causes[i])));
	json_t *owners = json_object();
	for (int o = 0; o < TRACE_CLASSES; o++)
		json_object_set_new(owners, trace_class_names[o],
				    json_real(per_call(t, c->owners[o])));
	json_object_set_new(row, "owners", owners);
}

/* A row without its task. note: why it has no value, unless the task itself has a reason. */
struct model_row {
	const char *event, *unit, *source;
	double value;
	const char *note;
	const struct model_count *count; /* behind the value, or NULL */
};

static int print_row(FILE *out, const struct simulate_task *t, const struct simulate_pass *r,
		     const struct model_row *m)
{
	const char *note = t->status ? t->why : m->note;
	json_t *row = cell_to_json(&t->cell);

	if (!row)
		return -ENOMEM;
	json_object_set_new(row, "phase", json_string("steady"));
	json_object_set_new(row, "event", json_string(m->event));
	json_object_set_new(row, "unit", json_string(m->unit));
	json_object_set_new(row, "source", note ? json_null() : json_string(m->source));
	json_object_set_new(row, "n", json_integer(note ? 0 : 1));
	json_object_set_new(row, "median", note ? json_null() : json_real(m->value));
	json_object_set_new(row, "note", note ? json_string(note) : json_null());
	if (r) {
		json_object_set_new(row, "machine", json_string(r->options.machine->name));
		json_object_set_new(row, "page", json_integer(r->options.page));
	}
	if (m->count && !note)
		add_counts(row, t, m->count);
	int e = tidy_json(out, row, JSON_COMPACT);
	json_decref(row);
	return e;
}

static int report_json(FILE *out, const struct simulate_task *t)
{
	char event[32];
	int e = 0;

	for (size_t i = 0; i < t->n && !e; i++) {
		const struct simulate_pass *r = &t->passes[i];
		for (int u = 0; u < MODEL_UNITS && !e; u++) {
			const struct model_row row = {
				event,
				"call",
				"model",
				t->status ? 0 : per_call(t, r->counts[u].misses),
				r->has[u] ? NULL : unknown,
				&r->counts[u],
			};
			snprintf(event, sizeof event, "%s_miss", model_unit_names[u]);
			e = print_row(out, t, r, &row);
		}
		if (!e)
			e = print_row(out, t, r,
				      &(struct model_row){ "code_pages", "process", "model",
							   (double)r->code_pages, NULL, NULL });
	}
	if (!e && t->seconds >= 0)
		e = print_row(out, t, NULL,
			      &(struct model_row){ "trace_seconds", "process", "clock", t->seconds,
						   NULL, NULL });
	return e;
}

/* ---- A figure's data -------------------------------------------------------------------- */

static void tsv_line(FILE *out, const struct simulate_task *t, const struct simulate_pass *r)
{
	const struct machine *m = r->options.machine;

	fprintf(out, "%s\t%u\t%u\t%u\t%s\t", m->name, r->options.page / 1024, m->l1i.size / 1024,
		m->l1i.ways, t->cell.stubs);
	say_put(out, t->cell.workload);
	fprintf(out, "\t%s\t%u", t->cell.kind, t->cell.live);
	for (int u = 0; u < MODEL_UNITS; u++)
		if (t->status || !r->has[u])
			fputs("\tnan", out);
		else
			fprintf(out, "\t%.6g", per_call(t, r->counts[u].misses));
	if (t->status)
		fputs("\tnan\n", out);
	else
		fprintf(out, "\t%lld\n", (long long)r->code_pages);
}

static void report_tsv(FILE *out, const struct simulate_task *tasks, size_t n)
{
	fputs("machine\tpage_kib\tl1i_kib\tl1i_ways\tarm\tworkload\tkind\tlive", out);
	for (int u = 0; u < MODEL_UNITS; u++)
		fprintf(out, "\t%s", model_unit_names[u]);
	fputs("\tcode_pages\n", out);
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < tasks[i].n; r++)
			tsv_line(out, &tasks[i], &tasks[i].passes[r]);
}

int model_report(FILE *out, enum model_form form, const struct simulate_task *tasks, size_t n)
{
	int e = 0;

	if (form == MODEL_TABLE)
		return report_table(out, tasks, n);
	if (form == MODEL_TSV)
		report_tsv(out, tasks, n);
	for (size_t i = 0; form == MODEL_JSON && i < n && !e; i++)
		e = report_json(out, &tasks[i]);
	return e;
}

void model_report_cost(FILE *out, const struct simulate_task *tasks, size_t n)
{
	double seconds = 0;
	uint64_t accesses = 0;
	size_t made = 0;

	for (size_t i = 0; i < n; i++)
		if (tasks[i].seconds >= 0 && !tasks[i].status) {
			seconds += tasks[i].seconds;
			accesses += tasks[i].accesses;
			made++;
		}
	if (made)
		fprintf(out,
			"stubmap model: made %zu traces of %.3g accesses in all, %.3g s each; "
			"every access of two laps, no sampling\n",
			made, (double)accesses, seconds / (double)made);
}
