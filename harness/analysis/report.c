/* report.c - views of rows: the table, JSON, TSV. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/map.h>

#include "analysis/estimate.h"
#include "analysis/report.h"
#include "analysis/rows.h"
#include "analysis/sentence.h"
#include "base/html.h"
#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"
#include "analysis/views.h"

const char *const report_tsv_names[] = { "ring",     "make",	 "pages",  "fills",  "peers",
					 "traces",   "policies", "tierup", "floods", "churn",
					 "mappings", "stalls",	 NULL };

/* ---- The table ----------------------------------------------------------------------------- */

static const struct row *row_of(const struct rows *rows, size_t cell, const struct column *column)
{
	return rows_find(rows, cell, column->id);
}

/* The mark before a ratio. */
static const char *mark_of(const struct row *row)
{
	if (!stats_differs(&row->ratio))
		return "~";
	return row->holm > 0.05 ? "?" : "";
}

static void put_ratio(struct table *t, const struct row *row)
{
	if (row->baseline) {
		table_cell(t, "baseline");
		table_cell(t, "%s", "");
	} else if (!row->ratio.known) {
		table_missing(t, row->ratio.why ? row->ratio.why : row->note);
		table_cell(t, "%s", "");
	} else {
		table_cell(t, "%s%.3f", mark_of(row), row->ratio.value);
		if (row->ratio.interval)
			table_cell(t, "%.3f..%.3f", row->ratio.low, row->ratio.high);
		else
			table_missing(t, row->ratio.why);
	}
}

static void put_value(struct table *t, const struct row *row, double scale)
{
	if (row->value.known)
		table_number(t, row->value.value * scale);
	else if (row->failed == row->invocations)
		table_cell(t, "failed"); /* the reason stands under the table */
	else
		table_missing(t, row->note);
}

static void put_arm(struct table *t, const struct rows *rows, size_t cell)
{
	const struct run *run = rows->census.run;
	const struct view *view = view_of(&rows->census.cells[cell]);
	const struct column *columns = view->columns;
	const struct row *row = row_of(rows, cell, &columns[0]);
	const struct map_ops *maps = map_encoder(rows->census.cells[cell].maps);
	char label[80];

	table_row(t);
	arm_label(run, &rows->census.cells[cell], label, sizeof label);
	table_cell(t, "%s%s%s", label, maps && maps->flags & MAP_UNSAFE ? " (!)" : "",
		   row->failed ? " !" : "");
	put_value(t, row, columns[0].scale);
	if (row->value.known) {
		estimate_interval(t, &row->value, columns[0].scale, NULL);
		put_ratio(t, row);
	} else {
		for (int i = 0; i < 3; i++)
			table_cell(t, "%s", "");
	}
	for (size_t k = 1; k < view->n; k++)
		put_value(t, row_of(rows, cell, &columns[k]), columns[k].scale);
}

static void print_title(FILE *out, const struct run *run)
{
	const json_t *plan = json_object_get(run->head, "plan");
	const json_t *machine = json_object_get(run->head, "machine");
	const char *cpu = json_string_value(json_object_get(machine, "cpu_model"));
	const char *name = json_string_value(json_object_get(plan, "name"));
	const char *started = json_string_value(json_object_get(run->head, "started"));

	table_wrapf(out, "", "%s, seed %lld, %s, %s", name ? name : "run",
		    (long long)json_integer_value(json_object_get(run->head, "seed")),
		    cpu ? cpu : "machine not known", started ? started : "");
	fputc('\n', out);
}

/* What the marks mean, and how much they are worth in this table. */
static void print_marks(FILE *out, const struct rows *rows, const struct view *view)
{
	double least = INFINITY, most = 0;
	size_t ratios = 0, aa = 0, aa_differ = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->rows[i];
		const struct cell *cell = &rows->census.cells[row->cell];
		if (view_of(cell) != view || row != row_of(rows, row->cell, &view->columns[0]) ||
		    !row->ratio.interval)
			continue;
		if (cell->replica) {
			aa++;
			aa_differ += stats_differs(&row->ratio);
			continue;
		}
		ratios++;
		if (!stats_differs(&row->ratio)) {
			least = fmin(least, row->detectable);
			most = fmax(most, row->detectable);
		}
	}
	if (most > 0)
		table_wrapf(out, "  ~: ",
			    "no difference found; one of %.2g %% (at the best row) to %.2g %% "
			    "(at the worst) would have been, 4 times in 5",
			    least * 100, most * 100);
	else
		fputs("  ~: no difference found\n", out);
	if (ratios)
		table_wrapf(out, "  ?: ",
			    "a difference if it is the only question; not among all %zu "
			    "ratios of this table (Holm)",
			    ratios);
	if (aa)
		table_wrapf(out, "  A/A: ",
			    "the baseline against itself differs in %zu of %zu rows; 5 %% "
			    "are to be expected",
			    aa_differ, aa);
}

static void print_legend(FILE *out, const struct rows *rows, const struct view *view)
{
	fputs("\n  medians over invocations; ratio: geometric mean over blocks, 95 %; the "
	      "baseline counts\n  with its replica\n",
	      out);
	fputs(view->legend, out);
	print_marks(out, rows, view);
}

static void print_failures(FILE *out, const struct rows *rows, const struct view *view)
{
	const struct census *c = &rows->census;
	char arm[80], group[160];

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->rows[i];
		if (!row->failed || view_of(&c->cells[row->cell]) != view ||
		    row != row_of(rows, row->cell, &view->columns[0]))
			continue;
		table_wrapf(out, "  ! ", "%s (%s): %s",
			    arm_label(c->run, &c->cells[row->cell], arm, sizeof arm),
			    group_label(c->run, &c->groups[row->cell], group, sizeof group),
			    row->note);
	}
}

/* The text under a view's table; in a page without the sentence,
 * which stands above all tables there. */
static int print_below(FILE *out, const struct rows *rows, const struct view *view,
		       enum table_form form)
{
	char *text = NULL;
	size_t size;
	FILE *f = form == TABLE_HTML ? open_memstream(&text, &size) : out;

	if (!f)
		return -ENOMEM;
	print_legend(f, rows, view);
	print_failures(f, rows, view);
	if (form != TABLE_HTML)
		return sentence_print(out, rows, view);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	fputs("<pre class=\"legend\">", out);
	html_text(out, text + 1); /* it begins with an empty line */
	fputs("</pre>\n", out);
	free(text);
	return 0;
}

/* Prints the cells of one view; *printed: another view came before. */
static int print_view(FILE *out, const struct rows *rows, const struct view *view,
		      enum table_form form, bool *printed)
{
	const struct census *c = &rows->census;
	const struct cell *before = NULL;
	struct table t;
	char label[160];
	int r;

	table_begin(&t, view->headers, view->align);
	for (size_t cell = 0; cell < c->n; cell++) {
		if (view_of(&c->cells[cell]) != view)
			continue;
		if (!before || !cell_equal(&c->groups[cell], before))
			table_heading(&t,
				      group_label(c->run, &c->groups[cell], label, sizeof label));
		before = &c->groups[cell];
		put_arm(&t, rows, cell);
	}
	if (before && *printed)
		fputc('\n', out);
	if ((r = table_end_as(&t, before ? out : NULL, form)) || !before)
		return r;
	*printed = true;
	return print_below(out, rows, view, form);
}

static int print_table(FILE *out, const struct run *run, enum table_form form, bool peers)
{
	struct figure_id ids[VIEWS_FIGURES];
	struct rows rows;
	bool printed = false;
	size_t n = views_figures(ids);
	int r;

	if ((r = rows_make(run, ids, n, &rows)))
		return r;
	if (form != TABLE_HTML)
		print_title(out, run);
	for (size_t v = 0; views[v] && !r && !peers; v++)
		r = print_view(out, &rows, views[v], form, &printed);
	if (!r)
		r = policy_table(out, &rows, form);
	if (!r)
		r = peer_table(out, &rows, form, peers);
	if (!r && peers && rows.census.n)
		r = sentence_print(out, &rows, view_of(&rows.census.cells[0]));
	rows_free(&rows);
	return r;
}

int report_sentences(FILE *out, const struct run *run)
{
	struct figure_id ids[VIEWS_FIGURES];
	struct rows rows;
	int r = rows_make(run, ids, views_figures(ids), &rows);

	if (r)
		return r;
	for (size_t v = 0; views[v] && !r; v++)
		r = sentence_print(out, &rows, views[v]);
	rows_free(&rows);
	return r;
}

/* ---- Tidy rows ------------------------------------------------------------------------------ */

static json_t *real_or_null(bool known, double v)
{
	return known ? json_real(v) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

/* A cell with null for keys that do not apply. */
static json_t *whole_cell(const struct cell *cell)
{
	json_t *json = cell_to_json(cell);

	for (size_t i = 0; i < CELL_KEYS; i++)
		if (!json_object_get(json, cell_keys[i].name))
			json_object_set_new(json, cell_keys[i].name, json_null());
	return json;
}

static json_t *row_to_json(const struct rows *rows, const struct row *row)
{
	const struct census *c = &rows->census;
	json_t *json = whole_cell(&c->cells[row->cell]), *more;
	char label[80];

	arm_label(c->run, &c->groups[row->cell], label, sizeof label);
	more = json_pack(
	    "{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, "
	    "s:o}",
	    "phase", text_or_null(row->id.phase), "event", text_or_null(row->id.event), "unit",
	    text_or_null(row->unit), "source", text_or_null(row->source), "n",
	    (json_int_t)row->value.n, "median", real_or_null(row->value.known, row->value.value),
	    "low", real_or_null(row->value.interval, row->value.low), "high",
	    real_or_null(row->value.interval, row->value.high), "baseline", label, "ratio",
	    real_or_null(row->ratio.known, row->ratio.value), "ratio_low",
	    real_or_null(row->ratio.interval, row->ratio.low), "ratio_high",
	    real_or_null(row->ratio.interval, row->ratio.high), "p",
	    real_or_null(!isnan(row->chance), row->chance), "p_holm",
	    real_or_null(!isnan(row->holm), row->holm), "detectable",
	    real_or_null(!isnan(row->detectable), row->detectable), "note",
	    text_or_null(row->note));
	if (!more || json_object_update(json, more)) {
		json_decref(json);
		json = NULL;
	}
	json_decref(more);
	return json;
}

static int print_tidy(FILE *out, const struct run *run, bool csv)
{
	struct tidy tidy = { .out = out, .csv = csv };
	struct rows rows;
	int r = rows_make(run, NULL, 0, &rows);

	if (r)
		return r;
	for (size_t i = 0; i < rows.n && !r; i++)
		r = tidy_put(&tidy, row_to_json(&rows, &rows.rows[i]));
	tidy_end(&tidy);
	rows_free(&rows);
	return r;
}

int report_summary(FILE *out, const struct run *run, const struct report_options *options)
{
	int r;

	switch (options->form) {
	case REPORT_TABLE:
		r = print_table(out, run, TABLE_TEXT, options->peers);
		break;
	case REPORT_MARKDOWN:
		r = print_table(out, run, TABLE_MARKDOWN, options->peers);
		break;
	case REPORT_HTML:
		r = print_table(out, run, TABLE_HTML, options->peers);
		break;
	case REPORT_JSON:
	case REPORT_CSV:
		r = print_tidy(out, run, options->form == REPORT_CSV);
		break;
	case REPORT_TSV_POLICIES:
		r = policy_tsv(out, run);
		break;
	case REPORT_TSV_TIERUP:
	case REPORT_TSV_FLOODS:
	case REPORT_TSV_CHURN:
	case REPORT_TSV_MAPPINGS:
	case REPORT_TSV_STALLS:
		r = life_tsv(out, run, options->form);
		break;
	default:
		r = plot_tsv(out, run, options->form);
		break;
	}
	return r;
}

size_t report_failures(const struct run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n; i++)
		n += !run->invocations[i].ok;
	return n;
}
