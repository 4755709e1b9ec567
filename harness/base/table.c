/* table.c - keeps all cells, then measures and prints them. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/html.h"
#include "base/table.h"
#include "base/say.h"

/* TABLE_INDENT: the indent of a text that starts too far right to wrap, and so gets its own line.
 * TABLE_NARROW: texts narrower than this yield no more width to numbers. */
enum { TABLE_INDENT = 4, TABLE_NARROW = 16 };

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

/* Foreign text, from a file or its name, is escaped: a terminal must show it,
 * not obey it (say.h). */
static char *plain_copy(const char *text)
{
	const size_t size = strlen(text) * 4 + 1;
	char *copy = malloc(size);

	return copy ? say_plain(copy, size, text) : NULL;
}

void table_heading(struct table *t, const char *text)
{
	struct table_row *row = add(t);

	if (row && !(row->heading = plain_copy(text)))
		t->failed = -ENOMEM;
}

void table_row(struct table *t)
{
	add(t);
}

void table_cell(struct table *t, const char *form, ...)
{
	char text[TABLE_CELL];
	va_list ap;

	if (t->failed || t->column >= t->ncolumns)
		return;
	va_start(ap, form);
	vsnprintf(text, sizeof text, form, ap);
	va_end(ap);
	say_plain(t->rows[t->n - 1].cells[t->column++], TABLE_CELL, text);
}

void table_tint(struct table *t, enum table_tint tint)
{
	if (!t->failed && t->column)
		t->rows[t->n - 1].tints[t->column - 1] = (unsigned char)tint;
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
	char *note = plain_copy(why);
	size_t i = 0;

	while (note && i < t->nnotes && strcmp(t->notes[i], note))
		i++;
	if (note && i < t->nnotes) {
		free(note);
	} else {
		char **notes = realloc(t->notes, (i + 1) * sizeof *notes);
		if (!note || !notes) {
			t->failed = -ENOMEM;
			t->notes = notes ? notes : t->notes;
			free(note);
			return;
		}
		notes[t->nnotes++] = note;
		t->notes = notes;
	}
	if (i < 26)
		table_cell(t, "-%c", (char)('a' + i));
	else
		table_cell(t, "-%zu", i + 1);
}

/* The bytes of a character after its first take no column. */
static bool starts_column(char byte)
{
	return (byte & 0xc0) != 0x80;
}

static size_t columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += starts_column(*text);
	return n;
}

size_t table_break(const char *text, size_t width, size_t *next)
{
	size_t end = 0, blank = 0, joint = 0, from = strspn(text, " ");

	for (size_t used = 0; text[end]; end++) {
		used += starts_column(text[end]);
		if (end > from && text[end] == ' ' && text[end - 1] != ' ')
			blank = end;
		if (used > width && end)
			break;
		if (text[end + 1] && text[end + 1] != ' ' && strchr(":.,/", text[end]))
			joint = end + 1;
	}
	if (text[end])
		end = blank ? blank : joint ? joint : end;
	*next = end + strspn(text + end, " ");
	return end;
}

void table_wrap(const char *text, size_t used, FILE *out)
{
	size_t indent = used, n, next;

	if (used > TABLE_WIDTH / 2) {
		indent = TABLE_INDENT;
		fprintf(out, "\n%*s", TABLE_INDENT, "");
	}
	for (;; text += next) {
		n = table_break(text, TABLE_WIDTH - indent, &next);
		fprintf(out, "%.*s\n", (int)n, text);
		if (!text[next])
			return;
		fprintf(out, "%*s", (int)indent, "");
	}
}

void table_wrapf(FILE *out, const char *prefix, const char *form, ...)
{
	char *text = NULL, *plain;
	va_list ap;

	fputs(prefix, out);
	va_start(ap, form);
	if (vasprintf(&text, form, ap) < 0)
		text = NULL;
	va_end(ap);
	plain = text ? plain_copy(text) : NULL;
	if (plain)
		table_wrap(plain, columns(prefix), out);
	else
		fputs("out of memory\n", out);
	free(plain);
	free(text);
}

/* Makes columns narrower until a line holds them all: the widest first, texts before numbers.
 * Returns the number of blanks between two columns. */
static size_t fit(const struct table *t, size_t width[TABLE_COLUMNS])
{
	size_t total = 0, between = 2;

	for (size_t k = 0; k < t->ncolumns; k++)
		total += width[k];
	if (total + between * (t->ncolumns - 1) > TABLE_WIDTH)
		between = 1;
	for (; total + between * (t->ncolumns - 1) > TABLE_WIDTH; total--) {
		size_t text = 0, any = 0;

		for (size_t k = 1; k < t->ncolumns; k++) {
			if (width[k] > width[any])
				any = k;
			if (t->align[text] != 'l' || (t->align[k] == 'l' && width[k] > width[text]))
				text = k;
		}
		width[t->align[text] == 'l' && width[text] > TABLE_NARROW ? text : any]--;
	}
	return between;
}

/* no-color.org; a file, a pipe and a page get none. */
static bool has_colours(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

/* Prints a cell's next line; *at moves to the rest of the cell. */
static size_t put_cell(const struct table *t, size_t k, enum table_tint tint, size_t width,
		       const char **at, bool last, FILE *out)
{
	/* Green, red, yellow, as the terminal has them. */
	static const char *const on[TABLE_TINTS] = { "", "\033[32m", "\033[31m", "\033[33m" };
	size_t next, n = table_break(*at, width, &next), pad = 0;

	for (size_t i = 0; i < n; i++)
		pad += starts_column((*at)[i]);
	pad = width - pad;
	fprintf(out, "%*s%s%.*s%s", t->align[k] == 'r' ? (int)pad : 0, "", on[tint], (int)n, *at,
		tint ? "\033[0m" : "");
	*at += next;
	return last || t->align[k] == 'r' ? 0 : pad;
}

/* A row takes as many lines as its longest cell; no line ends in blanks.
 * tints: NULL, or one for each cell. */
static void print_row(const struct table *t, const char *const *cells, const unsigned char *tints,
		      const size_t *width, size_t between, FILE *out)
{
	const char *at[TABLE_COLUMNS];
	size_t end;

	memcpy(at, cells, t->ncolumns * sizeof *at);
	do {
		size_t blanks = 0;

		for (end = t->ncolumns; end && !*at[end - 1];)
			end--;
		for (size_t k = 0; k < end; k++) {
			fprintf(out, "%*s", (int)(blanks + (k ? between : 0)), "");
			blanks = put_cell(t, k, tints ? tints[k] : TINT_NONE, width[k], &at[k],
					  k + 1 == end, out);
		}
		fputc('\n', out);
		for (end = t->ncolumns; end && !*at[end - 1];)
			end--;
	} while (end);
}

static void print_rows(const struct table *t, const size_t *width, size_t between, FILE *out)
{
	const bool colours = has_colours(out);

	print_row(t, t->headers, NULL, width, between, out);
	for (size_t i = 0; i < t->n; i++) {
		const struct table_row *row = &t->rows[i];
		const char *cells[TABLE_COLUMNS];

		if (row->heading) {
			fputs(i ? "\n" : "", out);
			table_wrap(row->heading, 0, out);
			continue;
		}
		for (size_t k = 0; k < t->ncolumns; k++)
			cells[k] = row->cells[k];
		print_row(t, cells, colours ? row->tints : NULL, width, between, out);
	}
}

static void print_note(size_t i, const char *text, FILE *out)
{
	int used =
	    i < 26 ? fprintf(out, "  %c: ", (char)('a' + i)) : fprintf(out, "  %zu: ", i + 1);

	table_wrap(text, used > 0 ? (size_t)used : 0, out);
}

static void drop(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->rows[i].heading);
	for (size_t i = 0; i < t->nnotes; i++)
		free(t->notes[i]);
	free(t->rows);
	free(t->notes);
	*t = (struct table){ 0 };
}

static void put_markdown_cell(const char *text, FILE *out)
{
	fputs("| ", out);
	for (; *text; text++)
		fprintf(out, strchr("|*_<\\`", *text) ? "\\%c" : "%c", *text);
	fputc(' ', out);
}

static void put_markdown_head(const struct table *t, FILE *out)
{
	for (size_t k = 0; k < t->ncolumns; k++)
		put_markdown_cell(t->headers[k], out);
	fputs("|\n", out);
	for (size_t k = 0; k < t->ncolumns; k++)
		fputs(t->align[k] == 'r' ? "|---:" : "|---", out);
	fputs("|\n", out);
}

static void print_markdown(const struct table *t, FILE *out)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].heading) {
			fprintf(out, "%s**%s**\n\n", i ? "\n" : "", t->rows[i].heading);
			put_markdown_head(t, out);
			continue;
		}
		if (!i)
			put_markdown_head(t, out);
		for (size_t k = 0; k < t->ncolumns; k++)
			put_markdown_cell(t->rows[i].cells[k], out);
		fputs("|\n", out);
	}
	if (t->nnotes)
		fputc('\n', out);
}

static void put_html_row(const struct table *t, const char *const *cells, const char *tag,
			 FILE *out)
{
	fputs("<tr>", out);
	for (size_t k = 0; k < t->ncolumns; k++) {
		fprintf(out, t->align[k] == 'r' ? "<%s class=\"r\">" : "<%s>", tag);
		html_text(out, cells[k]);
		fprintf(out, "</%s>", tag);
	}
	fputs("</tr>\n", out);
}

static void print_html(const struct table *t, FILE *out)
{
	bool open = false;

	for (size_t i = 0; i < t->n; i++) {
		const struct table_row *row = &t->rows[i];
		const char *cells[TABLE_COLUMNS];

		if (row->heading || !open) {
			fputs(open ? "</tbody></table></div>\n" : "", out);
			if (row->heading) {
				fputs("<h4>", out);
				html_text(out, row->heading);
				fputs("</h4>\n", out);
			}
			fputs("<div class=\"wide\"><table><thead>", out);
			put_html_row(t, t->headers, "th", out);
			fputs("</thead><tbody>\n", out);
			open = true;
		}
		for (size_t k = 0; k < t->ncolumns; k++)
			cells[k] = row->cells[k];
		if (!row->heading)
			put_html_row(t, cells, "td", out);
	}
	fputs(open ? "</tbody></table></div>\n" : "", out);
}

static void print_text(const struct table *t, FILE *out)
{
	size_t width[TABLE_COLUMNS] = { 0 }, between;

	for (size_t k = 0; k < t->ncolumns; k++) {
		width[k] = columns(t->headers[k]);
		for (size_t i = 0; i < t->n; i++)
			if (!t->rows[i].heading && columns(t->rows[i].cells[k]) > width[k])
				width[k] = columns(t->rows[i].cells[k]);
	}
	between = fit(t, width);
	print_rows(t, width, between, out);
}

int table_end_as(struct table *t, FILE *out, enum table_form form)
{
	static void (*const print[])(const struct table *, FILE *) = {
		[TABLE_TEXT] = print_text,
		[TABLE_MARKDOWN] = print_markdown,
		[TABLE_HTML] = print_html,
	};
	int r = t->failed;

	if (!r && out) {
		print[form](t, out);
		for (size_t i = 0; i < t->nnotes && form != TABLE_HTML; i++)
			print_note(i, t->notes[i], out);
		for (size_t i = 0; i < t->nnotes && form == TABLE_HTML; i++) {
			fprintf(out, i < 26 ? "<p class=\"note\">-%c: " : "<p class=\"note\">-%d: ",
				i < 26 ? 'a' + (int)i : (int)i + 1);
			html_text(out, t->notes[i]);
			fputs("</p>\n", out);
		}
	}
	drop(t);
	return r;
}

int table_end(struct table *t, FILE *out)
{
	return table_end_as(t, out, TABLE_TEXT);
}
