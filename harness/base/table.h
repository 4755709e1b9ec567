/*
 * table.h - a table as text: aligned columns, headings between rows, footnotes under it.
 *
 * No line has more than TABLE_WIDTH columns, one a character: what is longer goes on below.
 * A missing value is "-" with a letter; the note of that letter says why. Equal notes share one.
 */
#ifndef STUBMAP_BASE_TABLE_H
#define STUBMAP_BASE_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 12, TABLE_CELL = 96, TABLE_WIDTH = 100 };

struct table_row {
	char *heading; /* across all columns; NULL: a row of cells */
	char cells[TABLE_COLUMNS][TABLE_CELL];
};

struct table {
	const char *const *headers;
	const char *align; /* a letter a column: l left, r right */
	size_t ncolumns, column;
	struct table_row *rows;
	size_t n;
	char **notes;
	size_t nnotes;
	int failed; /* -ENOMEM once something could not be kept */
};

/* One column for each letter of align. */
void table_begin(struct table *, const char *const *headers, const char *align);
/* A line of its own; text is copied. */
void table_heading(struct table *, const char *text);
/* Begins the next row, then its cells from left to right; what is not given is empty. */
void table_row(struct table *);
void __attribute__((format(printf, 2, 3))) table_cell(struct table *, const char *form, ...);
/* A number with three significant digits, whole from 100 on. */
void table_number(struct table *, double value);
/* A cell "-a", and note a: why. */
void table_missing(struct table *, const char *why);
/* Prints, unless out is NULL, and frees. 0, or -ENOMEM where nothing was printed. */
int table_end(struct table *, FILE *out);

/* Text as a line, or as lines of TABLE_WIDTH; the first stands behind `used` columns, and so do the
 * others. No line is longer: a word that is gets broken. */
void table_wrap(const char *text, size_t used, FILE *out);
/* The prefix, and the text behind it as table_wrap has it. */
void __attribute__((format(printf, 3, 4))) table_wrapf(FILE *out, const char *prefix,
						       const char *form, ...);
/* How many bytes of text go in a line of `width` columns, 1 or more: up to a blank; of a word that
 * is longer, up to a colon, dot, comma or slash, else as many as fit. *next: where the rest is. */
size_t table_break(const char *text, size_t width, size_t *next);
/* value as table_number has it. */
void table_format(double value, char *out, size_t size);

#endif
