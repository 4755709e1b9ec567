/*
 * layout.c - draws each page of code as a row of its 64 lines. Lines of one column share a set of
 * an L1 cache whose index lies within a page's offset, as in every cache of 32 KiB and 8 ways. The
 * rows below the pages compare the number of lines that each set must hold with its ways.
 */
#include "cli/layout.h"

#include <stdlib.h>
#include <string.h>

/* ---- What lies where ------------------------------------------------------------------------ */

static struct layout_page *page_of(struct layout *l, uint64_t number)
{
	size_t i = l->n;

	while (i && l->pages[i - 1].number > number)
		i--;
	if (i && l->pages[i - 1].number == number)
		return &l->pages[i - 1];
	if (l->n == l->capacity) {
		size_t n = l->capacity ? 2 * l->capacity : 64;
		struct layout_page *pages = realloc(l->pages, n * sizeof *pages);

		if (!pages)
			return NULL;
		l->pages = pages;
		l->capacity = n;
	}
	memmove(&l->pages[i + 1], &l->pages[i], (l->n++ - i) * sizeof *l->pages);
	l->pages[i] = (struct layout_page){ .number = number };
	return &l->pages[i];
}

void layout_add(struct layout *l, const void *at, size_t bytes, bool stub)
{
	const uint64_t from = (uintptr_t)at, to = from + bytes;

	for (uint64_t line = from / LAYOUT_LINE; line * LAYOUT_LINE < to; line++) {
		struct layout_page *page = page_of(l, line / LAYOUT_SETS);

		if (!page) {
			l->no_memory = true;
			return;
		}
		page->stubs[line % LAYOUT_SETS] += stub && line == from / LAYOUT_LINE;
		if (stub)
			page->touched[line % LAYOUT_SETS] = true;
		else
			page->shared[line % LAYOUT_SETS] = true;
	}
}

struct sums {
	unsigned lines[LAYOUT_SETS], highest, all, sets;
};

static bool used(const struct layout_page *p, unsigned set)
{
	return p->touched[set] || p->shared[set];
}

static struct sums sum(const struct layout *l)
{
	struct sums s = { 0 };

	for (unsigned set = 0; set < LAYOUT_SETS; set++) {
		for (size_t i = 0; i < l->n; i++)
			s.lines[set] += used(&l->pages[i], set);
		s.all += s.lines[set];
		s.sets += s.lines[set] > 0;
		s.highest = s.lines[set] > s.highest ? s.lines[set] : s.highest;
	}
	return s;
}

/* ---- As text -------------------------------------------------------------------------------- */

enum { TEXT_PAGES = 20, TEXT_HEIGHT = 12 };

static char mark(const struct layout_page *p, unsigned set)
{
	if (p->stubs[set])
		return p->stubs[set] < 36 ? "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[p->stubs[set]]
					  : '*';
	return p->touched[set] ? '-' : p->shared[set] ? 'b' : '.';
}

static void text_pages(FILE *f, const struct layout *l)
{
	for (size_t i = 0; i < l->n && i < TEXT_PAGES; i++) {
		fprintf(f, "  page %-6llu ",
			(unsigned long long)(l->pages[i].number - l->pages[0].number));
		for (unsigned set = 0; set < LAYOUT_SETS; set++)
			fputc(mark(&l->pages[i], set), f);
		fputc('\n', f);
	}
	if (l->n > TEXT_PAGES)
		fprintf(f, "  ... %zu more pages\n", l->n - TEXT_PAGES);
}

/* A row stands for `step` lines; the one that the ways end in is marked. */
static void text_bars(FILE *f, const struct sums *s, unsigned ways)
{
	const unsigned most = s->highest > ways ? s->highest : ways;
	const unsigned step = (most + TEXT_HEIGHT - 1) / TEXT_HEIGHT;

	for (unsigned row = (most + step - 1) / step; row > 0; row--) {
		const unsigned low = (row - 1) * step;
		const bool limit = ways > low && ways <= row * step;

		char label[24] = "";

		if (limit)
			snprintf(label, sizeof label, "%u ways", ways);
		fprintf(f, "  %-12s", label);
		for (unsigned set = 0; set < LAYOUT_SETS; set++)
			fputc(s->lines[set] > low ? low >= ways ? '!' : '#' : limit ? '_' : ' ', f);
		fprintf(f, " %u\n", row * step);
	}
}

void layout_text(FILE *f, const struct layout *l, const struct layout_title *title)
{
	const struct sums s = sum(l);

	fprintf(f, "%s\n\n%14sset 0%26s32%28s63\n", title->what, "", "", "");
	text_pages(f, l);
	fprintf(f, "\n  1-9, A (10) to Z: stubs that begin in the line; -: a stub goes on; b: "
		   "shared code\n\n"
		   "  lines that each set must hold (!: more than its ways)\n");
	text_bars(f, &s, title->ways);
	fprintf(f, "\n  %u line%s in %zu page%s and %u of %u sets; at most %u in a set of %u ways",
		s.all, s.all == 1 ? "" : "s", l->n, l->n == 1 ? "" : "s", s.sets, LAYOUT_SETS,
		s.highest, title->ways);
	if (title->cache_size)
		fprintf(f, " (L1I of %u KiB)", title->cache_size >> 10);
	fputc('\n', f);
}

/* ---- As SVG --------------------------------------------------------------------------------- */

enum { CELL = 10, LEFT = 90, TOP = 60, SVG_PAGES = 64, BARS = 160 };

static void rectangle(FILE *f, unsigned x, unsigned y, unsigned width, unsigned height,
		      const char *colour)
{
	fprintf(f, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"/>\n", x, y,
		width, height, colour);
}

static void text(FILE *f, unsigned x, unsigned y, const char *what)
{
	fprintf(f, "<text x=\"%u\" y=\"%u\">", x, y);
	for (const char *p = what; *p; p++)
		fputs(*p == '<'	  ? "&lt;"
		      : *p == '>' ? "&gt;"
		      : *p == '&' ? "&amp;"
				  : (const char[]){ *p, 0 },
		      f);
	fputs("</text>\n", f);
}

static void svg_pages(FILE *f, const struct layout *l, size_t rows)
{
	char label[40];

	for (size_t i = 0; i < rows; i++) {
		const unsigned y = TOP + (unsigned)i * CELL;

		snprintf(label, sizeof label, "page %llu",
			 (unsigned long long)(l->pages[i].number - l->pages[0].number));
		text(f, 10, y + CELL - 1, label);
		for (unsigned set = 0; set < LAYOUT_SETS; set++) {
			const struct layout_page *p = &l->pages[i];

			rectangle(f, LEFT + set * CELL, y, CELL - 1, CELL - 1,
				  p->touched[set]  ? "#1f77b4"
				  : p->shared[set] ? "#ff7f0e"
						   : "#eeeeee");
		}
	}
	if (rows < l->n) {
		snprintf(label, sizeof label, "... %zu more pages", l->n - rows);
		text(f, LEFT, TOP + (unsigned)rows * CELL + CELL, label);
	}
}

void layout_svg(FILE *f, const struct layout *l, const struct layout_title *title)
{
	const struct sums s = sum(l);
	const size_t rows = l->n < SVG_PAGES ? l->n : SVG_PAGES;
	const unsigned most = s.highest > title->ways ? s.highest : title->ways;
	const unsigned bottom = TOP + (unsigned)rows * CELL + 50 + BARS;
	const unsigned limit = bottom - BARS * title->ways / most;
	char label[200];

	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"font-family=\"sans-serif\" font-size=\"10\">\n",
		LEFT + LAYOUT_SETS * CELL + 60, bottom + 40);
	rectangle(f, 0, 0, LEFT + LAYOUT_SETS * CELL + 60, bottom + 40, "white");
	text(f, 10, 20, title->what);
	text(f, 10, 38,
	     "each row a page, each column a line of it and a set of the L1 instruction "
	     "cache; blue: stubs, orange: shared code");
	svg_pages(f, l, rows);
	for (unsigned set = 0; set < LAYOUT_SETS; set++) {
		const unsigned height = BARS * s.lines[set] / most;

		rectangle(f, LEFT + set * CELL, bottom - height, CELL - 1, height,
			  s.lines[set] > title->ways ? "#d62728" : "#1f77b4");
	}
	rectangle(f, LEFT, limit, LAYOUT_SETS * CELL, 1, "black");
	snprintf(label, sizeof label, "%u ways", title->ways);
	text(f, LEFT + LAYOUT_SETS * CELL + 4, limit + 4, label);
	snprintf(
	    label, sizeof label,
	    "lines that each set must hold: %u in %zu pages and %u of %u sets, at most %u in a "
	    "set",
	    s.all, l->n, s.sets, LAYOUT_SETS, s.highest);
	text(f, LEFT, bottom + 16, label);
	fputs("</svg>\n", f);
}
