/* rows.c - gathers samples and makes the rows. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/map.h>

#include "analysis/rows.h"

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
		u->block = inv->block;
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

int samples_gather(const struct census *c, size_t cell, struct figure_id id, struct samples *s)
{
	const char *failure = NULL;
	int r = 0;

	*s = (struct samples){ 0 };
	for (size_t i = 0; i < c->run->n; i++)
		s->invocations += c->cell_of[i] == cell;
	if (!(s->units = calloc(s->invocations ? s->invocations : 1, sizeof *s->units)))
		return -ENOMEM;
	for (size_t i = 0; i < c->run->n && !r; i++) {
		const struct invocation *inv = &c->run->invocations[i];
		if (c->cell_of[i] != cell)
			continue;
		if (inv->ok)
			r = gather_one(inv, id, s);
		else if (!s->failed++)
			failure = inv->why;
	}
	if (failure)
		s->why = failure; /* worse than a missing meter */
	if (r)
		samples_free(s);
	return r;
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

/* The samples of the same figure in the group's baseline, and in its replica. */
struct reference {
	struct samples base, replica;
	size_t base_cell, replica_cell;
};

static int make_reference(const struct census *c, size_t cell, struct figure_id id,
			  struct reference *ref)
{
	struct cell base = c->groups[cell];
	int r = 0;

	*ref = (struct reference){ 0 };
	ref->base_cell = census_find(c, &base);
	base.replica = 1;
	ref->replica_cell = census_find(c, &base);
	if (ref->base_cell < c->n)
		r = samples_gather(c, ref->base_cell, id, &ref->base);
	if (!r && ref->replica_cell < c->n)
		r = samples_gather(c, ref->replica_cell, id, &ref->replica);
	return r;
}

static void drop_reference(struct reference *ref)
{
	samples_free(&ref->base);
	samples_free(&ref->replica);
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
	if (!row->baseline && row->ratio.known && row->floor_known &&
	    !stats_differs(&row->ratio, row->floor))
		note(row, "no difference found beyond the A/A noise of %.1f %%",
		     (row->floor - 1) * 100);
	if (row->ratio.known && !row->baseline && !row->floor_known && row->ratio.interval)
		note(row, "no A/A interval: the noise is not known");
}

static int make_row(const struct census *c, size_t cell, struct figure_id id, struct row *row)
{
	struct reference ref;
	struct samples s;
	struct estimate aa;
	int r;

	*row = (struct row){ .cell = cell, .id = id, .floor = 1 };
	if ((r = samples_gather(c, cell, id, &s)))
		return r;
	if ((r = make_reference(c, cell, id, &ref)))
		goto done;
	row->unit = s.unit;
	row->source = s.source;
	row->failed = s.failed;
	row->invocations = s.invocations;
	row->baseline = cell == ref.base_cell;
	if ((r = stats_value(s.units, s.n, &row->value)) ||
	    (r = stats_ratio(ref.replica.units, ref.replica.n, ref.base.units, ref.base.n, &aa)) ||
	    (!row->baseline &&
	     (r = stats_ratio(s.units, s.n, ref.base.units, ref.base.n, &row->ratio))))
		goto done;
	row->floor = stats_floor(&aa, &row->floor_known);
	explain(row, &c->cells[cell], &s);
done:
	samples_free(&s);
	drop_reference(&ref);
	return r;
}

/* Lists the figures of a cell's invocations, each once. */
static size_t list_figures(const struct census *c, size_t cell, struct figure_id *ids, size_t max)
{
	size_t n = 0, at, k;
	const json_t *figure;

	for (size_t i = 0; i < c->run->n; i++) {
		if (c->cell_of[i] != cell)
			continue;
		json_array_foreach(c->run->invocations[i].figures, at, figure) {
			for (k = 0; k < n && !is_figure(figure, ids[k]); k++)
				;
			if (k == n && n < max && text_of(figure, "phase") &&
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
	*row = (struct row){ .cell = cell, .floor = 1 };
	int r = samples_gather(&rows->census, cell, (struct figure_id){ "", "" }, &s);
	row->failed = s.failed;
	row->invocations = s.invocations;
	if (!r)
		explain(row, &rows->census.cells[cell], &s);
	samples_free(&s);
	return r;
}

int rows_make(const struct run *run, const struct figure_id *wanted, size_t nwanted,
	      struct rows *rows)
{
	enum { MOST = 256 };
	struct figure_id found[MOST];
	int r;

	*rows = (struct rows){ 0 };
	if ((r = census_take(run, &rows->census)))
		return r;
	for (size_t cell = 0; cell < rows->census.n && !r; cell++) {
		const struct figure_id *ids = wanted ? wanted : found;
		size_t n = wanted ? nwanted : list_figures(&rows->census, cell, found, MOST);
		if (!n)
			r = add_row(rows, cell, (struct figure_id){ NULL, NULL });
		for (size_t i = 0; i < n && !r; i++)
			r = add_row(rows, cell, ids[i]);
	}
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
