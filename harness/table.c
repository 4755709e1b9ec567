/* table.c - keeps all cells, then measures and prints them. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

void table_begin(struct table *t, const char *const *headers, const char *align)
{
	*t = (struct table){ .headers = headers, .align = align, .ncolumns = strlen(align) };
}

static struct table_row *add(struct table *t)
{
	struct table_row *rows = realloc(t->rows, (t->n + 1) * sizeof *rows);

	if (!rows) {
		t->failed = -ENOMEM;
		return NULL;
	}
	t->rows = rows;
	t->column = 0;
	memset(&rows[t->n], 0, sizeof *rows);
	return &rows[t->n++];
}

void table_heading(struct table *t, const char *text)
{
	struct table_row *row = add(t);

	if (row && !(row->heading = strdup(text)))
		t->failed = -ENOMEM;
}

void table_row(struct table *t)
{
	add(t);
}

void table_cell(struct table *t, const char *form, ...)
{
	va_list ap;

	if (t->failed || t->column >= t->ncolumns)
		return;
	va_start(ap, form);
	vsnprintf(t->rows[t->n - 1].cells[t->column++], TABLE_CELL, form, ap);
	va_end(ap);
}

void table_format(double v, char *out, size_t size)
{
	double a = fabs(v);
	int digits = a >= 99.95 || a <= 0 ? 0 : a >= 9.995 ? 1 : a >= 0.9995 ? 2 : 3;

	if (a > 0 && a < 0.0995)
		snprintf(out, size, "%.2g", v);
	else
		snprintf(out, size, "%.*f", digits, v);
}

void table_number(struct table *t, double value)
{
	char text[32];

	table_format(value, text, sizeof text);
	table_cell(t, "%s", text);
}

void table_missing(struct table *t, const char *why)
{
	size_t i = 0;

	while (i < t->nnotes && strcmp(t->notes[i], why))
		i++;
	if (i == t->nnotes) {
		char **notes = realloc(t->notes, (i + 1) * sizeof *notes);
		if (!notes || !(notes[i] = strdup(why))) {
			t->failed = -ENOMEM;
			t->notes = notes ? notes : t->notes;
			return;
		}
		t->notes = notes;
		t->nnotes++;
	}
	if (i < 26)
		table_cell(t, "-%c", (char)('a' + i));
	else
		table_cell(t, "-%zu", i + 1);
}

void table_wrap(const char *text, size_t used, FILE *out)
{
	const size_t indent = used;

	for (const char *word = text; *word;) {
		const size_t blanks = strspn(word, " "), n = strcspn(word + blanks, " ");

		if (used > indent && used + blanks + n > TABLE_WIDTH) {
			fprintf(out, "\n%*s%.*s", (int)indent, "", (int)n, word + blanks);
			used = indent + n;
		} else {
			fprintf(out, "%.*s", (int)(blanks + n), word);
			used += blanks + n;
		}
		word += blanks + n;
	}
	fputc('\n', out);
}

/* With blanks between columns as the width allows. */
static void print_rows(const struct table *t, const size_t *width, const char *between, FILE *out)
{
	for (size_t i = 0; i <= t->n; i++) {
		const struct table_row *row = i ? &t->rows[i - 1] : NULL;
		if (row && row->heading) {
			fputs(i > 1 ? "\n" : "", out);
			table_wrap(row->heading, 0, out);
			continue;
		}
		size_t last = t->ncolumns; /* no blanks at a line's end */
		while (row && last > 1 && !*row->cells[last - 1])
			last--;
		for (size_t k = 0; k < last; k++)
			fprintf(out, "%s%*s", k ? between : "",
				t->align[k] == 'r' ? (int)width[k]
				: k + 1 < last	   ? -(int)width[k]
						   : 0,
				row ? row->cells[k] : t->headers[k]);
		fputc('\n', out);
	}
}

static void print_note(size_t i, const char *text, FILE *out)
{
	int used =
	    i < 26 ? fprintf(out, "  %c: ", (char)('a' + i)) : fprintf(out, "  %zu: ", i + 1);

	table_wrap(text, used > 0 ? (size_t)used : 0, out);
}

int table_end(struct table *t, FILE *out)
{
	size_t width[TABLE_COLUMNS] = { 0 }, total = 0;
	int r = t->failed;

	for (size_t k = 0; k < t->ncolumns; k++) {
		width[k] = strlen(t->headers[k]);
		for (size_t i = 0; i < t->n; i++)
			if (!t->rows[i].heading && strlen(t->rows[i].cells[k]) > width[k])
				width[k] = strlen(t->rows[i].cells[k]);
		total += width[k] + 2;
	}
	if (!r && out) {
		print_rows(t, width, total - 2 > TABLE_WIDTH ? " " : "  ", out);
		for (size_t i = 0; i < t->nnotes; i++)
			print_note(i, t->notes[i], out);
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->rows[i].heading);
	for (size_t i = 0; i < t->nnotes; i++)
		free(t->notes[i]);
	free(t->rows);
	free(t->notes);
	*t = (struct table){ 0 };
	return r;
}
