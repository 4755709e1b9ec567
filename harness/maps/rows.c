/*
 * rows.c - rows are kept in the form in which they are written, as JSON objects.
 */
#include "maps/rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tidy.h"

enum { KEY = 4352, HEAD = 9 };
static const char head[HEAD + 1] = "{\"maps\": ";

int maps_rows_begin(struct maps_rows *r)
{
	*r = (struct maps_rows){ json_array(), json_object(), json_array(), json_array(), 0 };
	return r->list && r->index && r->files && r->encoders ? 0 : -ENOMEM;
}

void maps_rows_end(struct maps_rows *r)
{
	json_decref(r->list);
	json_decref(r->index);
	json_decref(r->files);
	json_decref(r->encoders);
}

/* ---- Adding --------------------------------------------------------------------------------- */

static const char *make_key(char key[KEY], const char *file, const char *encoder, const char *event)
{
	snprintf(key, KEY, "%s\n%s\n%s", event, encoder ? encoder : "", file);
	return key;
}

static bool has(const json_t *names, const char *name)
{
	size_t i;
	json_t *other;

	json_array_foreach(names, i, other)
		if (!strcmp(json_string_value(other), name))
			return true;
	return false;
}

/* Takes the reference to row. */
static void add(struct maps_rows *r, json_t *row)
{
	const char *file = json_string_value(json_object_get(row, "file"));
	const char *encoder = json_string_value(json_object_get(row, "encoder"));
	const char *event = json_string_value(json_object_get(row, "event"));
	char key[KEY];
	int e = 0;

	if (!row || !file || !event) {
		r->failed = -ENOMEM;
		json_decref(row);
		return;
	}
	if (!has(r->files, file))
		e |= json_array_append_new(r->files, json_string(file));
	if (encoder && !has(r->encoders, encoder))
		e |= json_array_append_new(r->encoders, json_string(encoder));
	e |= json_object_set(r->index, make_key(key, file, encoder, event), row);
	e |= json_array_append_new(r->list, row);
	if (e)
		r->failed = -ENOMEM;
}

static json_t *row_of(const struct maps_row *row, const char *source)
{
	return json_pack("{s:s, s:s?, s:s?, s:s, s:s?, s:s?, s:n, s:n, s:n, s:n, s:n, s:n, s:s?}",
			 "file", row->file, "corpus", row->corpus, "encoder", row->encoder, "event",
			 row->event, "unit", row->unit, "source", source, "value", "n", "mean",
			 "p50", "p90", "p99", "note", row->note);
}

/* Whole numbers are written as integers. */
static json_t *number(double v)
{
	return fabs(v) < 1e15 && v == floor(v) ? json_integer((json_int_t)v) : json_real(v);
}

void maps_rows_value(struct maps_rows *r, const struct maps_row *row, double value)
{
	json_t *json = row_of(row, row->source);

	json_object_set_new(json, "value", number(value));
	add(r, json);
}

void maps_rows_missing(struct maps_rows *r, const struct maps_row *row)
{
	add(r, row_of(row, NULL));
}

void maps_rows_spread(struct maps_rows *r, const struct maps_row *row, const struct maps_spread *f)
{
	struct maps_row why = *row;
	json_t *json;

	if (!f->source) {
		why.note = f->why;
		maps_rows_missing(r, &why);
		return;
	}
	json = row_of(row, f->source);
	json_object_set_new(json, "value", number(f->p50));
	json_object_set_new(json, "n", json_integer((json_int_t)f->samples));
	json_object_set_new(json, "mean", number(f->mean));
	json_object_set_new(json, "p50", number(f->p50));
	json_object_set_new(json, "p90", number(f->p90));
	json_object_set_new(json, "p99", number(f->p99));
	add(r, json);
}

/* ---- Finding -------------------------------------------------------------------------------- */

const json_t *maps_rows_find(const struct maps_rows *r, const char *file, const char *encoder,
			     const char *event)
{
	char key[KEY];

	return json_object_get(r->index, make_key(key, file, encoder, event));
}

bool maps_rows_number(const struct maps_subject *of, const char *event, const char *field,
		      double *out, const char **why)
{
	const json_t *row = maps_rows_find(of->rows, of->file, of->encoder, event);
	const json_t *value = json_object_get(row, field);
	const char *note = json_string_value(json_object_get(row, "note"));

	if (why)
		*why = note ? note : "not measured";
	if (!json_is_number(value))
		return false;
	*out = json_number_value(value);
	return true;
}

const char *maps_rows_text(const struct maps_rows *r, const char *file, const char *event,
			   const char *field)
{
	const char *text =
	    json_string_value(json_object_get(maps_rows_find(r, file, NULL, event), field));

	return text ? text : "";
}

/* ---- Records -------------------------------------------------------------------------------- */

void maps_rows_write(const struct maps_rows *r, FILE *out)
{
	size_t i;
	json_t *row;

	json_array_foreach(r->list, i, row) {
		tidy_json(out, row, JSON_REAL_PRECISION(9));
	}
}

int maps_rows_save(const struct maps_rows *r, json_t *machine, const char *path)
{
	json_t *first = json_pack("{s:i, s:O?}", "maps", 1, "machine", machine);
	char temporary[4096];
	FILE *out = NULL;
	int e = -ENAMETOOLONG;

	if ((size_t)snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()) >=
	    sizeof temporary)
		goto done;
	out = fopen(temporary, "wx");
	e = out ? 0 : -errno;
	if (e)
		goto done;
	json_dumpf(first, out, 0);
	putc('\n', out);
	maps_rows_write(r, out);
	e = file_finish(out);
	e = first ? e : -ENOMEM;
	if (!e && rename(temporary, path))
		e = -errno;
	if (e)
		unlink(temporary);
done:
	json_decref(first);
	return e;
}

bool maps_rows_is_record(const char *path)
{
	char first[HEAD] = "";
	char error[MAPS_ROWS_ERROR];
	int r;
	FILE *f = file_stream(path, FILE_WHOLE, &r, error, sizeof error);
	bool is = f && fread(first, 1, HEAD, f) == HEAD && !memcmp(first, head, HEAD);

	if (f)
		fclose(f);
	return is;
}

/* Whether a line of a record is a row. */
static bool is_row(const json_t *row)
{
	return json_is_string(json_object_get(row, "file")) &&
	       json_is_string(json_object_get(row, "event"));
}

/* Records from before December 2026 call the order-0 reference a bound, which it is not. */
static void rename_old(json_t *row)
{
	const char *event = json_string_value(json_object_get(row, "event"));
	char now[64];

	if (strncmp(event, "bound_", 6))
		return;
	snprintf(now, sizeof now, "order0_%s", event + 6);
	json_object_set_new(row, "event", json_string(now));
}

int maps_rows_load(struct maps_rows *r, const char *path, char error[MAPS_ROWS_ERROR])
{
	int e;
	FILE *in = file_stream(path, FILE_WHOLE, &e, error, MAPS_ROWS_ERROR);
	char *line = NULL;
	size_t size = 0;

	if (!in)
		return e;

	for (long n = 1; !e && getline(&line, &size, in) > 0; n++) {
		json_error_t why;
		json_t *row = json_loads(line, 0, &why);
		if (n == 1 && !row) {
			e = -EINVAL;
			snprintf(error, MAPS_ROWS_ERROR, "%s: line 1: cut off, or no record: %s",
				 path, why.text);
		} else if (n == 1 && json_integer_value(json_object_get(row, "maps")) != 1) {
			e = -EINVAL;
			snprintf(error, MAPS_ROWS_ERROR,
				 "%s: line 1: a record of another version; known: \"maps\": 1",
				 path);
		} else if (n > 1 && !is_row(row)) {
			e = -EINVAL;
			snprintf(error, MAPS_ROWS_ERROR, "%s: line %ld: no row of stack maps: %s",
				 path, n, row ? "file and event are missing" : why.text);
		} else if (n > 1) {
			rename_old(row);
			add(r, json_incref(row));
		}
		json_decref(row);
	}
	fclose(in);
	free(line);
	return e ? e : r->failed;
}
