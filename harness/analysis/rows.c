/* rows.c - gathers samples and makes the rows. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/map.h>

#include "analysis/rows.h"
#include "analysis/views.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_figure(const json_t *figure, struct figure_id id)
{
	const char *phase = text_of(figure, "phase"), *event = text_of(figure, "event");

	return phase && event && !strcmp(phase, id.phase) && !strcmp(event, id.event);
}

/* The samples after the warm-up as values per unit. 0, -ENOENT (none), -ENOMEM. */
static int read_unit(const json_t *figure, struct unit *u)
{
	const json_t *samples = json_object_get(figure, "samples"), *v;
	double per = json_number_value(json_object_get(figure, "per"));
	json_int_t warmup = json_integer_value(json_object_get(figure, "warmup"));
	size_t n = json_array_size(samples), first = warmup > 0 ? (size_t)warmup : 0;

	if (n <= first || !(per > 0))
		return -ENOENT;
	u->n = n - first;
	if (!(u->samples = malloc(u->n * sizeof *u->samples)))
		return -ENOMEM;
	for (size_t i = first; i < n; i++) {
		v = json_array_get(samples, i);
		if (!json_is_number(v)) {
			free(u->samples);
			return -ENOENT;
		}
		u->samples[i - first] = json_number_value(v) / per;
	}
	return 0;
}

/* Adds one invocation's samples of the figure. */
static int gather_one(const struct invocation *inv, struct figure_id id, struct samples *s)
{
	const json_t *figure;
	size_t i;
	int r;

	json_array_foreach(inv->figures, i, figure) {
		if (!is_figure(figure, id))
			continue;
		struct unit *u = &s->units[s->n];
		s->unit = s->unit ? s->unit : text_of(figure, "unit");
		if ((r = read_unit(figure, u)) == -ENOMEM)
			return r;
		if (r)
			s->why = text_of(figure, "why") ? text_of(figure, "why")
							: "no sample after the warm-up";
		else
			s->n++;
		if (!r && !s->source)
			s->source = text_of(figure, "source");
		return 0;
	}
	return 0;
}

/* Adds the invocations of a cell; own: those whose failures count. */
static int gather_cell(const struct census *c, size_t cell, struct figure_id id, uint32_t run,
		       bool own, struct samples *s)
{
	const size_t more = c->first[cell + 1] - c->first[cell];
	const char *failure = NULL;
	int r = 0;

	struct unit *units = realloc(s->units, (s->n + more + 1) * sizeof *units);
	if (!units)
		return -ENOMEM;
	s->units = units;
	for (size_t i = c->first[cell]; i < c->first[cell + 1] && !r; i++) {
		const struct invocation *inv = &c->run->invocations[c->of[i]];
		s->units[s->n] = (struct unit){ .block = inv->block, .run = run };
		if (inv->ok)
			r = gather_one(inv, id, s);
		else if (own && !s->failed++)
			failure = inv->why;
	}
	s->invocations += own ? more : 0;
	if (failure)
		s->why = failure; /* worse than a missing meter */
	return r;
}

int samples_gather_own(const struct census *c, size_t cell, struct figure_id id, struct samples *s)
{
	*s = (struct samples){ 0 };
	int r = gather_cell(c, cell, id, 0, true, s);

	if (r)
		samples_free(s);
	return r;
}

int samples_add(const struct census *c, size_t cell, struct figure_id id, uint32_t run,
		struct samples *s)
{
	struct cell other = c->cells[cell];
	size_t replica = c->n;
	int r = gather_cell(c, cell, id, run, true, s);

	other.replica = 1;
	if (cell_equal(&c->cells[cell], &c->groups[cell]))
		replica = census_find(c, &other);
	if (!r && replica < c->n)
		r = gather_cell(c, replica, id, run, false, s);
	if (r)
		samples_free(s);
	return r;
}

int samples_gather(const struct census *c, size_t cell, struct figure_id id, struct samples *s)
{
	*s = (struct samples){ 0 };
	return samples_add(c, cell, id, 0, s);
}

void samples_free(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->units[i].samples);
	free(s->units);
	*s = (struct samples){ 0 };
}

static void __attribute__((format(printf, 2, 3))) note(struct row *row, const char *form, ...)
{
	size_t len = strlen(row->note);
	va_list ap;

	if (len && len + 2 < ROW_NOTE) {
		strcpy(row->note + len, "; ");
		len += 2;
	}
	va_start(ap, form);
	vsnprintf(row->note + len, ROW_NOTE - len, form, ap);
	va_end(ap);
}

static void explain(struct row *row, const struct cell *cell, const struct samples *s)
{
	const struct map_ops *maps = map_encoder(cell->maps);

	if (maps && maps->flags & MAP_UNSAFE)
		note(row, "an unsafe encoder");
	if (s->failed)
		note(row, "%zu of %zu invocations failed: %s", s->failed, s->invocations,
		     s->why ? s->why : "no reason given");
	else if (!s->n)
		note(row, "%s", s->why ? s->why : "not measured");
	else if (!row->value.interval)
		note(row, "%s", row->value.why);
	if (!row->baseline && row->value.known && !row->ratio.known)
		note(row, "no ratio: %s", row->ratio.why);
	if (!row->baseline && row->ratio.interval && !stats_differs(&row->ratio)) {
		if (row->detectable > 0)
			note(row, "no difference found; one of %.2g %% would have been",
			     row->detectable * 100);
		else
			note(row, "no difference found: all samples are equal");
	}
}

/* The ratio to the group's baseline: to all its invocations, or of the replica to the others. */
static int make_ratio(const struct census *c, size_t cell, struct figure_id id,
		      const struct samples *s, struct row *row)
{
	size_t to = census_find(c, &c->groups[cell]);
	struct samples base = { 0 };
	int r = 0;

	row->baseline = cell == to;
	row->ratio.why = "no block has both";
	if (row->baseline || to == c->n)
		return 0;
	r = c->cells[cell].replica ? samples_gather_own(c, to, id, &base)
				   : samples_gather(c, to, id, &base);
	if (!r)
		r = stats_ratio(s->units, s->n, base.units, base.n, &row->ratio);
	samples_free(&base);
	return r;
}

static int make_row(const struct census *c, size_t cell, struct figure_id id, struct row *row)
{
	struct samples s;
	int r;

	*row = (struct row){ .cell = cell, .id = id };
	if ((r = samples_gather(c, cell, id, &s)))
		return r;
	row->unit = s.unit;
	row->source = s.source;
	row->failed = s.failed;
	row->invocations = s.invocations;
	if (!(r = stats_value(s.units, s.n, &row->value)) &&
	    !(r = make_ratio(c, cell, id, &s, row))) {
		row->chance = stats_chance(&row->ratio);
		row->detectable = stats_detectable(&row->ratio, 0.05);
		explain(row, &c->cells[cell], &s);
	}
	samples_free(&s);
	return r;
}

size_t figures_of_cell(const struct census *c, size_t cell, struct figure_id ids[ROW_FIGURES])
{
	size_t n = 0, at, k;
	const json_t *figure;

	for (size_t i = c->first[cell]; i < c->first[cell + 1]; i++) {
		json_array_foreach(c->run->invocations[c->of[i]].figures, at, figure) {
			for (k = 0; k < n && !is_figure(figure, ids[k]); k++)
				;
			if (k == n && n < ROW_FIGURES && text_of(figure, "phase") &&
			    text_of(figure, "event"))
				ids[n++] = (struct figure_id){ text_of(figure, "phase"),
							       text_of(figure, "event") };
		}
	}
	return n;
}

static int add_row(struct rows *rows, size_t cell, struct figure_id id)
{
	if (!(rows->n & (rows->n - 1))) { /* full at each power of two */
		struct row *all = realloc(rows->rows, (rows->n ? rows->n * 2 : 1) * sizeof *all);
		if (!all)
			return -ENOMEM;
		rows->rows = all;
	}
	if (id.phase)
		return make_row(&rows->census, cell, id, &rows->rows[rows->n++]);
	struct row *row = &rows->rows[rows->n++];
	struct samples s;
	*row = (struct row){ .cell = cell, .chance = NAN, .holm = NAN, .detectable = NAN };
	int r = samples_gather(&rows->census, cell, (struct figure_id){ "", "" }, &s);
	row->failed = s.failed;
	row->invocations = s.invocations;
	if (!r)
		explain(row, &rows->census.cells[cell], &s);
	samples_free(&s);
	return r;
}

/* A row and the table that shows it: rows of one figure in one view are a family of questions. */
struct shown {
	const struct view *view;
	struct row *row;
};

static int by_table(const void *x, const void *y)
{
	const struct shown *a = x, *b = y;
	int r = (a->view > b->view) - (a->view < b->view);

	r = r ? r : strcmp(a->row->id.phase, b->row->id.phase);
	return r ? r : strcmp(a->row->id.event, b->row->id.event);
}

/* Corrects the chances of each family. An A/A row asks no question: its answer is known. */
static int correct(struct rows *rows)
{
	struct shown *all = calloc(rows->n + 1, sizeof *all);
	double *chances = calloc(2 * rows->n + 1, sizeof *chances);
	size_t n = 0, end;
	int r = all && chances ? 0 : -ENOMEM;

	for (size_t i = 0; i < rows->n && !r; i++)
		if (rows->rows[i].id.phase)
			all[n++] = (struct shown){ view_of(&rows->census.cells[rows->rows[i].cell]),
						   &rows->rows[i] };
	if (n)
		qsort(all, n, sizeof *all, by_table);
	for (size_t i = 0; i < n && !r; i = end) {
		for (end = i; end < n && !by_table(&all[i], &all[end]); end++)
			chances[end] = rows->census.cells[all[end].row->cell].replica
					   ? NAN
					   : all[end].row->chance;
		r = stats_holm(&chances[i], end - i, &chances[rows->n + i]);
		for (size_t k = i; k < end && !r; k++)
			all[k].row->holm = chances[rows->n + k];
	}
	free(all);
	free(chances);
	return r;
}

int rows_make(const struct run *run, const struct figure_id *wanted, size_t nwanted,
	      struct rows *rows)
{
	struct figure_id found[ROW_FIGURES];
	int r;

	*rows = (struct rows){ 0 };
	if ((r = census_take(run, &rows->census)))
		return r;
	for (size_t cell = 0; cell < rows->census.n && !r; cell++) {
		const struct figure_id *ids = wanted ? wanted : found;
		size_t n = wanted ? nwanted : figures_of_cell(&rows->census, cell, found);
		if (!n)
			r = add_row(rows, cell, (struct figure_id){ NULL, NULL });
		for (size_t i = 0; i < n && !r; i++)
			r = add_row(rows, cell, ids[i]);
	}
	if (!r)
		r = correct(rows);
	if (r)
		rows_free(rows);
	return r;
}

void rows_free(struct rows *rows)
{
	census_free(&rows->census);
	free(rows->rows);
	*rows = (struct rows){ 0 };
}

const struct row *rows_find(const struct rows *rows, size_t cell, struct figure_id id)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->rows[i];
		if (row->cell == cell && row->id.phase && !strcmp(row->id.phase, id.phase) &&
		    !strcmp(row->id.event, id.event))
			return row;
	}
	return NULL;
}
