/* peers.c - the table of a run that has peers: what a call through a stub does, how long it takes,
 * and by how much the process grows with a stub, whoever made the stub. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/stub.h>

#include "analysis/estimate.h"
#include "analysis/report.h"
#include "analysis/rows.h"
#include "analysis/views.h"
#include "base/html.h"
#include "base/table.h"
#include "peers/peers.h"

/* A peer's name without the prefix that all peers share; any other name as it is. */
static const char *short_name(const char *name)
{
	static const char prefix[] = "peer:";
	const size_t n = strlen(prefix);

	return strncmp(name, prefix, n) ? name : name + n;
}

/* What a call does. Ours of kind indirect all change the context and jump. */
static const char *call_of(const struct cell *c)
{
	const struct peer_row *peer = peer_named(c->stubs);
	const struct stub_ops *ops = stub_strategy(c->stubs);

	return peer ? peer->call : ops && ops->flags & STUB_DIRECT ? "direct" : "ctx+jump";
}

static void put(struct table *t, const struct row *row)
{
	if (row->value.known)
		table_number(t, row->value.value);
	else if (row->failed == row->invocations)
		table_cell(t, "failed"); /* the reason stands under the table */
	else
		table_missing(t, row->note);
}

static void put_ratio(struct table *t, const struct row *row)
{
	if (row->baseline || !row->ratio.known) {
		table_cell(t, "%s", row->baseline ? "baseline" : "");
		table_cell(t, "%s", "");
		return;
	}
	table_cell(t, "%s%.3g", stats_differs(&row->ratio) ? "" : "~", row->ratio.value);
	estimate_interval(t, &row->ratio, 1, "%.3g");
}

static void put_arm(struct table *t, const struct rows *rows, size_t cell)
{
	const struct census *c = &rows->census;
	const struct row *calls = rows_find(rows, cell, peer_figures[0]);
	char label[80];

	arm_label(c->run, &c->cells[cell], label, sizeof label);
	table_row(t);
	table_cell(t, "%s%s", short_name(label), calls->failed ? " !" : "");
	table_cell(t, "%s", call_of(&c->cells[cell]));
	put(t, calls);
	put_ratio(t, calls);
	for (size_t k = 1; k < peer_nfigures; k++)
		put(t, rows_find(rows, cell, peer_figures[k]));
}

static void put_failures(FILE *out, const struct rows *rows)
{
	const struct census *c = &rows->census;

	for (size_t cell = 0; cell < c->n; cell++) {
		const struct row *row = rows_find(rows, cell, peer_figures[0]);

		if (row->failed)
			table_wrapf(out, "  ! ", "%s, %u live: %s", c->cells[cell].stubs,
				    c->cells[cell].live, row->note);
	}
}

/* The peers of the run's machine: their versions, then one line for each that was missing. */
static void put_versions(FILE *out, const struct run *run)
{
	const json_t *machine = json_object_get(run->head, "machine"), *v;
	json_t *peers = json_object_get(machine, "peers");
	char text[600] = "";
	const char *name;
	size_t n = 0;

	json_object_foreach(peers, name, v) {
		const char *version = json_string_value(json_object_get(v, "version"));

		if (version && n < sizeof text)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s", n ? ", " : "",
					      short_name(name), version);
	}
	if (n)
		table_wrapf(out, "  versions: ", "%s", text);
	json_object_foreach(peers, name, v) {
		const char *missing = json_string_value(json_object_get(v, "missing"));

		if (missing)
			table_wrapf(out, "  missing: ", "%s", missing);
	}
}

static void put_below(FILE *out, const struct rows *rows)
{
	static const char legend[] =
	    "  call: direct; jump: callers pass the context; ctx+jump: the stub does; var+jump:\n"
	    "  by a variable and a body; handler: a function in C gets the arguments, and calls;\n"
	    "  Lua: one in Lua does\n"
	    "  ns/make: in bulk where the arm can; B/stub: what the process gains with a stub,\n"
	    "  pages (PSS) and blocks of the heap, without the libraries' own files; code: of\n"
	    "  that, executable pages; stride: bytes from one stub to the next; maps: mappings\n"
	    "  gained; ~: no difference found\n";

	fputs(legend, out);
	put_failures(out, rows);
	put_versions(out, rows->census.run);
}

/* The same as a part of a page. 0 or -ENOMEM. */
static int put_page(FILE *out, const struct rows *rows)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	put_below(f, rows);
	int r = fclose(f) ? -ENOMEM : 0;
	if (!r) {
		fputs("<pre class=\"legend\">", out);
		html_text(out, text);
		fputs("</pre>\n", out);
	}
	free(text);
	return r;
}

int peer_table(FILE *out, const struct rows *rows, enum table_form form, bool alone)
{
	static const char *const headers[] = { "arm",	  "call",   "ns/call", "ratio",	 "95 %",
					       "ns/make", "B/stub", "code",    "stride", "maps" };
	const struct census *c = &rows->census;
	const struct cell *before = NULL;
	struct table t;
	char label[160];
	int r;

	if (!json_object_get(json_object_get(c->run->head, "machine"), "peers"))
		return 0;
	table_begin(&t, headers, "llrrrrrrrr");
	for (size_t cell = 0; cell < c->n; cell++) {
		if (!before || !cell_equal(&c->groups[cell], before))
			table_heading(&t,
				      group_label(c->run, &c->groups[cell], label, sizeof label));
		before = &c->groups[cell];
		put_arm(&t, rows, cell);
	}
	fputs(alone || form == TABLE_HTML ? "" : "\n", out);
	if ((r = table_end_as(&t, out, form)))
		return r;
	if (form != TABLE_HTML) {
		fputc('\n', out);
		put_below(out, rows);
		return 0;
	}
	return put_page(out, rows);
}
