/*
 * table.h - a table as text: aligned columns, headings between rows, footnotes under it.
 *
 * On a terminal a cell may have a colour, unless $NO_COLOR is set (no-color.org).
 *
 * No line has more than TABLE_WIDTH columns, one for each character: a longer cell
 * continues on the line below. A missing value is "-" with a letter; the note of that
 * letter says why. Equal notes share one.
 */
#ifndef STUBMAP_BASE_TABLE_H
#define STUBMAP_BASE_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 12, TABLE_CELL = 96, TABLE_WIDTH = 100 };

enum table_tint { TINT_NONE, TINT_GOOD, TINT_BAD, TINT_OPEN, TABLE_TINTS };

struct table_row {
	char *heading; /* across all columns; NULL: a row of cells */
	unsigned char tints[TABLE_COLUMNS];
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
	int failed; /* -ENOMEM once memory has run out */
};

/* One column for each letter of align. */
void table_begin(struct table *, const char *const *headers, const char *align);
/* Adds a heading on a line of its own; text is copied. */
void table_heading(struct table *, const char *text);
/* table_row begins a row; then its cells follow from left to right; cells not given are empty. */
void table_row(struct table *);
void __attribute__((format(printf, 2, 3))) table_cell(struct table *, const char *form, ...);
/* A number with three significant digits, whole from 100 on. */
void table_number(struct table *, double value);
/* Gives the last cell a colour. */
void table_tint(struct table *, enum table_tint);
/* A cell "-a", and note a: why. */
void table_missing(struct table *, const char *why);
/* Prints, unless out is NULL, and frees. 0, or -ENOMEM: nothing was printed. */
int table_end(struct table *, FILE *out);
/* The same in another form: a table for each heading, notes below. */
enum table_form { TABLE_TEXT, TABLE_MARKDOWN, TABLE_HTML };
int table_end_as(struct table *, FILE *out, enum table_form);

/* Prints text in lines of at most TABLE_WIDTH; the first stands behind `used` columns, the others
 * are indented as far. A word that is longer than a line gets broken. */
void table_wrap(const char *text, size_t used, FILE *out);
/* Prints the prefix, and behind it the text as table_wrap does. */
void __attribute__((format(printf, 3, 4))) table_wrapf(FILE *out, const char *prefix,
						       const char *form, ...);
/* How many bytes of text, 1 or more, go in a line of `width` columns: up to a blank; of a longer
 * word up to a colon, dot, comma or slash, else as many as fit. *next: the offset of the rest. */
size_t table_break(const char *text, size_t width, size_t *next);
/* Formats value as table_number does. */
void table_format(double value, char *out, size_t size);

#endif
