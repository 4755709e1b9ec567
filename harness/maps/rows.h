/*
 * rows.h - the results of `stubmap maps` as tidy rows: one file, one encoder, one figure.
 *
 * Tables, JSON and plots' data are all views of these rows, whether these were just measured or
 * read from a record.
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
 *      event, unit, source     as in README; source null if the figure can't be had
 *      value                   of a distribution the median; null if source is
 *      n, mean, p50, p90, p99  of a distribution, else null
 *      note                    why a figure is missing, or a remark on it; or null
 */
struct maps_rows {
	json_t *list;		  /* in the order of adding */
	json_t *index;		  /* private: rows by file, encoder and event */
	json_t *files, *encoders; /* names, in the order of their first rows */
	int failed;		  /* -ENOMEM once memory has run out */
};

/* The texts of a row; they are copied. */
struct maps_row {
	const char *file, *corpus, *encoder, *event, *unit, *source, *note;
};

enum { MAPS_ROWS_ERROR = 300 }; /* not below CORPUS_ERROR */

int maps_rows_begin(struct maps_rows *); /* 0 or -ENOMEM; maps_rows_end in any case */
void maps_rows_end(struct maps_rows *);

void maps_rows_value(struct maps_rows *, const struct maps_row *, double value);
void maps_rows_spread(struct maps_rows *, const struct maps_row *, const struct maps_spread *);
void maps_rows_missing(struct maps_rows *, const struct maps_row *); /* note: why */

/* NULL: no such row. encoder NULL: a row of the corpus. */
const json_t *maps_rows_find(const struct maps_rows *, const char *file, const char *encoder,
			     const char *event);
/* The subject of figures: an encoder on a file or, if encoder is NULL, the corpus. */
struct maps_subject {
	const struct maps_rows *rows;
	const char *file, *encoder;
};
/* Reads a field of a row as a number. false: there is no such row, or it is null; then *why (why
 * may be NULL) is the reason. */
bool maps_rows_number(const struct maps_subject *, const char *event, const char *field,
		      double *out, const char **why);
/* A text field of a file's row, such as the corpus' name; "" if there is none. */
const char *maps_rows_text(const struct maps_rows *, const char *file, const char *event,
			   const char *field);

/* ---- Records --------------------------------------------------------------------------------- */

/* Writes one row a line; check the stream for errors. */
void maps_rows_write(const struct maps_rows *, FILE *out);
/* Writes a record: a line {"maps": 1, "machine": {...}}, then the rows. It is written
 * under a temporary name first, so that a file at path is never half-written. machine
 * may be NULL. 0 or -errno. */
int maps_rows_save(const struct maps_rows *, json_t *machine, const char *path);
/* Whether the file begins like a record. */
bool maps_rows_is_record(const char *path);
/* Adds a record's rows. 0, -ENOMEM, -EINVAL with a line in error. */
int maps_rows_load(struct maps_rows *, const char *path, char error[MAPS_ROWS_ERROR]);

#endif
