/*
 * rows.h - what `stubmap maps` found out, as tidy rows: one file, one encoder, one figure.
 *
 * Tables, JSON and figures' data are all views of these rows, whether they were measured just now
 * or are read back from a record that was written before.
 */
#ifndef STUBMAP_MAPS_ROWS_H
#define STUBMAP_MAPS_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "maps/times.h"

/*
 * A row is an object with
 *      file, corpus, encoder   encoder null: of the corpus itself
 *      event, unit, source     as in README; source null where the figure is not to be had
 *      value                   the median where there is a distribution, null with source
 *      n, mean, p50, p90, p99  of a distribution, else null
 *      note                    why a figure is missing, or what is to be known of it; or null
 */
struct map_rows {
	json_t *list;		  /* in the order that they came */
	json_t *index;		  /* private: rows by file, encoder and event */
	json_t *files, *encoders; /* names, in the order of their first rows */
	int failed;		  /* -ENOMEM once something could not be kept */
};

/* What a row is about. Text is copied. */
struct map_row {
	const char *file, *corpus, *encoder, *event, *unit, *source, *note;
};

enum { MAP_ROWS_ERROR = 300 }; /* not below CORPUS_ERROR */

int map_rows_begin(struct map_rows *); /* 0 or -ENOMEM; map_rows_end in any case */
void map_rows_end(struct map_rows *);

void map_rows_value(struct map_rows *, const struct map_row *, double value);
void map_rows_figure(struct map_rows *, const struct map_row *, const struct map_figure *);
void map_rows_missing(struct map_rows *, const struct map_row *); /* note: why */

/* NULL: no such row. encoder NULL: of the corpus. */
const json_t *map_rows_find(const struct map_rows *, const char *file, const char *encoder,
			    const char *event);
/* field of a row as a number. false: no such row or null; then *why, if not NULL, is a reason. */
bool map_rows_number(const struct map_rows *, const char *file, const char *encoder,
		     const char *event, const char *field, double *out, const char **why);
/* The corpus' name and other text of the rows of a file; "" if there is none. */
const char *map_rows_text(const struct map_rows *, const char *file, const char *event,
			  const char *field);

/* ---- Records --------------------------------------------------------------------------------- */

/* One row a line; what could not be written, the stream knows. */
void map_rows_write(const struct map_rows *, FILE *out);
/* A record: a line {"maps": 1, "machine": {...}}, then the rows; through a temporary name, so that
 * a half-written file never has this one. machine may be NULL. 0 or -errno. */
int map_rows_save(const struct map_rows *, json_t *machine, const char *path);
/* Whether the file begins as a record does. */
bool map_rows_is_record(const char *path);
/* Adds a record's rows. 0, -ENOMEM, -EINVAL with a line in error. */
int map_rows_load(struct map_rows *, const char *path, char error[MAP_ROWS_ERROR]);

#endif
