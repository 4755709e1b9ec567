/*
 * compare_maps.c - what changed between records of stack maps. Counts are exact. A time stands in a
 * record once, so that five records a side are needed to tell whether it changed.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/trial.h"
#include "base/file.h"
#include "base/say.h"
#include "cli/compare.h"
#include "maps/rows.h"

struct records {
	struct maps_rows *rows;
	json_t **heads;
	size_t n;
};

static int say(const char *line)
{
	return say_line("stubmap compare", "%s", line);
}

static void unload(struct records *side)
{
	for (size_t i = 0; i < side->n; i++) {
		maps_rows_end(&side->rows[i]);
		json_decref(side->heads[i]);
	}
	free(side->rows);
	free(side->heads);
}

static json_t *read_head(const char *path)
{
	char error[MAPS_ROWS_ERROR];
	int r;
	FILE *f = file_stream(path, FILE_WHOLE, &r, error, sizeof error);
	json_t *head = f ? json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

	if (f)
		fclose(f);
	return head;
}

/* 0, or the exit status of a refusal. */
static int load(struct records *side, char **paths, size_t n)
{
	char error[MAPS_ROWS_ERROR];

	*side =
	    (struct records){ calloc(n, sizeof *side->rows), calloc(n, sizeof *side->heads), 0 };
	if (!side->rows || !side->heads)
		return say("out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!maps_rows_is_record(paths[i]))
			return say_line("stubmap compare",
					"%s is no record of stack maps, as the first file is",
					paths[i]);
		side->n++;
		if (maps_rows_begin(&side->rows[i]))
			return say("out of memory");
		int r = maps_rows_load(&side->rows[i], paths[i], error);
		if (r)
			return say(r == -ENOMEM ? "out of memory" : error);
		side->heads[i] = read_head(paths[i]);
	}
	return 0;
}

static const json_t *find(const struct maps_rows *rows, const json_t *like)
{
	return maps_rows_find(rows, json_string_value(json_object_get(like, "file")),
			      json_string_value(json_object_get(like, "encoder")),
			      json_string_value(json_object_get(like, "event")));
}

/* The values of a row in a side's records, each a run of its own; returns how many. */
static size_t gather(const struct records *side, const json_t *like, double *values,
		     struct unit *units)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n; i++) {
		const json_t *value = json_object_get(find(&side->rows[i], like), "value");
		if (!json_is_number(value))
			continue;
		values[n] = json_number_value(value);
		units[n] = (struct unit){ &values[n], 1, 0, (uint32_t)i };
		n++;
	}
	return n;
}

/* A figure that is counted or computed is the same each time. */
static bool is_exact(const json_t *row)
{
	const char *source = json_string_value(json_object_get(row, "source"));

	return source && (!strcmp(source, "count") || !strcmp(source, "model"));
}

static int compare_row(const struct records *a, const struct records *b, double *values,
		       struct unit *units, struct comparison *c)
{
	struct unit *of_b = units + a->n;
	size_t na = gather(a, c->row, values, units), nb = gather(b, c->row, values + a->n, of_b);
	int r = stats_ratio_apart(of_b, nb, units, na, &c->ratio);

	c->a = stats_middle(units, na);
	c->b = stats_middle(of_b, nb);
	c->chance = c->holm = c->detectable = NAN;
	c->change = CHANGE_UNKNOWN;
	if (!na || !nb) {
		c->why = "one side does not have it";
	} else if (is_exact(c->row) && stats_constant(units, na, c->a) &&
		   stats_constant(of_b, nb, c->b)) {
		c->exact = true;
		c->detectable = 0;
		c->change = c->b > c->a ? CHANGE_MORE : c->b < c->a ? CHANGE_LESS : CHANGE_NONE;
	} else if (c->ratio.interval) {
		c->change = CHANGE_NONE;
		c->chance = stats_chance(&c->ratio);
	} else {
		c->why = c->ratio.known ? "fewer than 5 records: no interval" : c->ratio.why;
	}
	return r;
}

static int compare_all(const struct records *a, const struct records *b, struct comparisons *all)
{
	double *values = calloc(a->n + b->n, sizeof *values);
	struct unit *units = calloc(a->n + b->n, sizeof *units);
	int r = values && units ? 0 : -ENOMEM;
	size_t i;
	json_t *row;

	json_array_foreach(a->rows[0].list, i, row) {
		if (r || (json_is_null(json_object_get(row, "value")) &&
			  json_is_null(json_object_get(find(&b->rows[0], row), "value"))))
			continue;
		struct comparison *c = comparisons_add(all);
		if (!c) {
			r = -ENOMEM;
			continue;
		}
		c->row = row;
		c->id.event = json_string_value(json_object_get(row, "event"));
		c->unit = json_string_value(json_object_get(row, "unit"));
		r = compare_row(a, b, values, units, c);
	}
	free(values);
	free(units);
	return r ? r : comparisons_judge(all);
}

static bool one_machine(const struct records *a, const struct records *b)
{
	const json_t *first = json_object_get(a->heads[0], "machine");

	for (size_t i = 0; i < a->n + b->n; i++)
		if (!trial_same_machine(
			first,
			json_object_get(i < a->n ? a->heads[i] : b->heads[i - a->n], "machine")))
			return false;
	return true;
}

int compare_maps(char **a, size_t na, char **b, size_t nb, struct compare_options *o)
{
	struct records sides[2] = { 0 };
	struct comparisons all = { 0 };
	int status = load(&sides[0], a, na);

	if (!status && !(status = load(&sides[1], b, nb))) {
		o->unlike = !one_machine(&sides[0], &sides[1]);
		o->runs_a = na;
		o->runs_b = nb;
		int r = compare_all(&sides[0], &sides[1], &all);
		status = r ? say(strerror(-r)) : compare_show(&all, o);
	}
	comparisons_free(&all);
	unload(&sides[0]);
	unload(&sides[1]);
	return status;
}
