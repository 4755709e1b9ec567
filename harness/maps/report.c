/*
 * report.c - the tables of `stubmap maps`. The rows (--json) have what a table can't hold.
 */
#include "maps/report.h"

#include <errno.h>
#include <string.h>
#include <stubmap/map.h>

#include "maps/legend.h"
#include "maps/safety.h"
#include "base/table.h"

struct sheet {
	struct maps_subject of;
	struct table table;
	enum table_form form;
};

enum { PREFIX = 48, EVENT = 64, LABEL = 64 };

/* An encoder's name, marked if it is unsafe. */
static const char *label(const char *encoder, char out[LABEL])
{
	const struct map_ops *ops = map_encoder(encoder);

	snprintf(out, LABEL, "%s%s", encoder, ops && ops->flags & MAP_UNSAFE ? " (!)" : "");
	return out;
}

static bool get(const struct sheet *s, const char *event, const char *field, double *out,
		const char **why)
{
	return maps_rows_number(&s->of, event, field, out, why);
}

static void whole(struct sheet *s, const char *event)
{
	const char *why;
	double x;

	if (get(s, event, "value", &x, &why))
		table_cell(&s->table, "%.0f", x);
	else
		table_missing(&s->table, why);
}

static void number(struct sheet *s, const char *event)
{
	const char *why;
	double x;

	if (get(s, event, "value", &x, &why))
		table_number(&s->table, x);
	else
		table_missing(&s->table, why);
}

/* Writes a cell "p50/p99". */
static void spread(struct sheet *s, const char *event)
{
	char p50[32], p99[32];
	const char *why;
	double a, b;

	if (!get(s, event, "p50", &a, &why) || !get(s, event, "p99", &b, NULL)) {
		table_missing(&s->table, why);
		return;
	}
	table_format(a, p50, sizeof p50);
	table_format(b, p99, sizeof p99);
	table_cell(&s->table, "%s/%s", p50, p99);
}

/* Calls row for each encoder of the file, in a row of its own. */
static void each_encoder(struct sheet *s, void (*row)(struct sheet *))
{
	char text[LABEL];
	size_t i;
	json_t *encoder;

	json_array_foreach(s->of.rows->encoders, i, encoder) {
		s->of.encoder = json_string_value(encoder);
		if (!maps_rows_find(s->of.rows, s->of.file, s->of.encoder, "bytes"))
			continue;
		table_row(&s->table);
		table_cell(&s->table, "%s", label(s->of.encoder, text));
		row(s);
	}
	s->of.encoder = NULL;
}

/* ---- Sizes ---------------------------------------------------------------------------------- */

/* Bytes saved against another encoder, in %. */
static void saving(struct sheet *s, const char *other)
{
	const struct maps_subject than = { s->of.rows, s->of.file, other };
	const char *why;
	double own, base;

	if (!get(s, "bytes", "value", &own, NULL))
		table_cell(&s->table, "%s", "");
	else if (!maps_rows_find(s->of.rows, s->of.file, other, "bytes"))
		table_missing(&s->table, "the encoder compared with is not among those measured");
	else if (!maps_rows_number(&than, "bytes", "value", &base, &why))
		table_missing(&s->table, why);
	else if (!base)
		table_missing(&s->table, "the encoder compared with writes no bytes");
	else
		table_cell(&s->table, "%+.1f%%", 100 * (own / base - 1));
}

static void right(struct sheet *s)
{
	static const char *const classes[] = { "live", "empty" };
	double n, all = 0, correct = 0;
	char event[EVENT];

	for (int i = 0; i < 2; i++)
		for (int o = 0; o < MAP_OUTCOMES; o++) {
			snprintf(event, sizeof event, "true_%s_%s", classes[i],
				 map_outcome_names[o]);
			if (!get(s, event, "value", &n, NULL))
				return;
			all += n;
			correct += o == MAP_CORRECT ? n : 0;
		}
	if (correct == all)
		table_cell(&s->table, "all");
	else
		table_cell(&s->table, "%.1f%%", 100 * correct / all);
}

/* A figure that only formats with a set-up pass have. */
static void made_at_load(struct sheet *s, const char *event)
{
	double x;

	if (get(s, event, "value", &x, NULL))
		table_number(&s->table, x);
	else
		table_cell(&s->table, "%s", "");
}

static void size_row(struct sheet *s)
{
	whole(s, "bytes");
	whole(s, "index_bytes");
	whole(s, "data_bytes");
	number(s, "text_share");
	number(s, "bits");
	saving(s, "exact");
	saving(s, "exact-consed");
	right(s);
	made_at_load(s, "loaded_bytes");
}

static void reference_row(struct sheet *s, const char *what, const char *kind)
{
	double part[4], text = 0, n = 0;
	static const char *const parts[] = { "bytes", "positions", "ids", "dictionary" };
	char event[EVENT];

	for (int i = 0; i < 4; i++) {
		snprintf(event, sizeof event, "%s_%s", kind, parts[i]);
		if (!get(s, event, "value", &part[i], NULL))
			return;
	}
	table_row(&s->table);
	table_cell(&s->table, "%s", what);
	for (int i = 0; i < 2; i++)
		table_cell(&s->table, "%.0f", part[i]);
	table_cell(&s->table, "%.0f", part[2] + part[3]);
	if (get(s, "text_bytes", "value", &text, NULL) && text > 0)
		table_number(&s->table, 100 * part[0] / text);
	else
		table_missing(&s->table, "the text has no bytes");
	if (get(s, "safepoints", "value", &n, NULL) && n > 0)
		table_number(&s->table, 8 * part[0] / n);
}

static int sizes(struct sheet *s, FILE *out)
{
	static const char *const references[][2] = {
		{ "order-0", "order0" },    { "order-0, live", "order0_live" },
		{ "adaptive", "adaptive" }, { "adaptive, live", "adaptive_live" },
		{ "zstd", "zstd" },	    { "zstd, live", "zstd_live" },
	};
	static const char *const headers[] = { "encoder", "bytes",   "index",	 "data",
					       "% text",  "bits/pc", "vs exact", "vs consed",
					       "right",	  "at load" };

	table_begin(&s->table, headers, "lrrrrrrrrr");
	each_encoder(s, size_row);
	for (size_t i = 0; i < sizeof references / sizeof *references; i++)
		reference_row(s, references[i][0], references[i][1]);
	return table_end_as(&s->table, out, s->form);
}

/* ---- Costs ---------------------------------------------------------------------------------- */

static void cost_row(struct sheet *s)
{
	if (!maps_rows_find(s->of.rows, s->of.file, s->of.encoder, "encode"))
		return;
	number(s, "encode");
	made_at_load(s, "load");
	spread(s, "warm_random_live");
	number(s, "warm_alone_live");
	number(s, "warm_batched_live");
	spread(s, "warm_random_bogus");
	spread(s, "cold_live");
	number(s, "cold_bogus");
}

static int costs(struct sheet *s, FILE *out)
{
	static const char *const headers[] = { "encoder",   "encode",	"load",
					       "warm hit",  "alone",	"batched",
					       "warm miss", "cold hit", "cold miss" };

	table_begin(&s->table, headers, "lrrrrrrrr");
	each_encoder(s, cost_row);
	return table_end_as(&s->table, out, s->form);
}

/* ---- Counts --------------------------------------------------------------------------------- */

static void count_row(struct sheet *s)
{
	if (!maps_rows_find(s->of.rows, s->of.file, s->of.encoder, "instructions_live"))
		return;
	number(s, "instructions_live");
	number(s, "instructions_batched_live");
	number(s, "instructions_empty");
	number(s, "instructions_bogus");
	number(s, "lines_read_live");
	number(s, "lines_with_bitmap_live");
	number(s, "lines_read_empty");
	number(s, "lines_read_bogus");
}

static int counts(struct sheet *s, FILE *out)
{
	static const char *const headers[] = { "encoder", "instr. hit", "batched",
					       "empty",	  "miss",	"lines hit",
					       "+bitmap", "empty",	"miss" };
	size_t i;
	json_t *encoder;

	table_begin(&s->table, headers, "lrrrrrrrr");
	each_encoder(s, count_row);
	int r = table_end_as(&s->table, out, s->form);
	json_array_foreach(s->of.rows->encoders, i, encoder) {
		const json_t *row = maps_rows_find(s->of.rows, s->of.file,
						   json_string_value(encoder), "instructions_live");
		const char *source = json_string_value(json_object_get(row, "source"));
		if (!source)
			continue;
		table_wrapf(out, "  instructions: ", "%s", source);
		break;
	}
	return r;
}

/* ---- Walks ---------------------------------------------------------------------------------- */

static void walk_row(struct sheet *s)
{
	double single, batched;
	const char *why;

	spread(s, "walk");
	spread(s, "walk_batched");
	if (get(s, "walk", "value", &single, &why) &&
	    get(s, "walk_batched", "value", &batched, &why))
		table_cell(&s->table, "%+.0f%%", 100 * (batched / single - 1));
	else
		table_missing(&s->table, why);
	number(s, "warm_random_live");
	number(s, "warm_random_empty");
	number(s, "instructions_walk");
	number(s, "instructions_walk_batched");
}

static int walks(struct sheet *s, FILE *out)
{
	static const char *const headers[] = { "encoder", "in walks",	"a walk at once",
					       "change",  "random hit", "random empty",
					       "instr.",  "at once" };
	double n, lookups = 0, empties = 0, pcs = 0, deepest = 0;

	if (!get(s, "walks", "value", &n, NULL))
		return 0;
	get(s, "walk_lookups", "value", &lookups, NULL);
	get(s, "walk_empties", "value", &empties, NULL);
	get(s, "walk_pcs", "value", &pcs, NULL);
	get(s, "walk_deepest", "value", &deepest, NULL);
	fprintf(out,
		"\nstack walks: %.0f with %.0f lookups of %.0f pcs, %.0f of them of an empty map; "
		"the longest: %.0f\n",
		n, lookups, pcs, empties, deepest);
	table_begin(&s->table, headers, "lrrrrrrr");
	each_encoder(s, walk_row);
	return table_end_as(&s->table, out, s->form);
}

/* ---- Safety --------------------------------------------------------------------------------- */

/* A share that is neither 0 nor 1 is never printed as 0 % or 100 %. */
static void percent(char *out, size_t size, double share)
{
	double p = 100 * share;

	if (p > 0 && p < 0.5)
		snprintf(out, size, "<1");
	else if (p < 100 && p > 99.5)
		snprintf(out, size, ">99");
	else
		snprintf(out, size, "%.0f", p);
}

/* Writes "w12 s88": the shares of the four rows prefix_OUTCOME that are not 0. */
static void shares(struct sheet *s, const char *prefix, const char *right_name)
{
	static const char letters[MAP_OUTCOMES] = { 'r', 'w', 's', 'd' };
	double n[MAP_OUTCOMES], all = 0;
	char text[48] = "", event[EVENT], p[16];
	const char *why;

	for (int o = 0; o < MAP_OUTCOMES; o++) {
		snprintf(event, sizeof event, "%s_%s", prefix,
			 o ? map_outcome_names[o] : right_name);
		if (!get(s, event, "value", &n[o], &why)) {
			table_missing(&s->table, why);
			return;
		}
		all += n[o];
	}
	for (int o = 0; o < MAP_OUTCOMES; o++) {
		if (!(n[o] > 0))
			continue;
		size_t len = strlen(text);
		percent(p, sizeof p, n[o] / all);
		snprintf(text + len, sizeof text - len, "%s%c%s", len ? " " : "", letters[o], p);
	}
	table_cell(&s->table, "%s", text);
}

static void bogus_row(struct sheet *s)
{
	char prefix[PREFIX];

	for (int sort = 0; sort < SAFETY_SORTS; sort++) {
		snprintf(prefix, sizeof prefix, "bogus_%s", safety_sort_names[sort]);
		shares(s, prefix, map_outcome_names[MAP_CORRECT]);
	}
}

static int bogus(struct sheet *s, FILE *out)
{
	const char *headers[1 + SAFETY_SORTS] = { "encoder" };

	for (int i = 0; i < SAFETY_SORTS; i++)
		headers[1 + i] = safety_sort_names[i];
	table_begin(&s->table, headers, "lrrrrrr");
	each_encoder(s, bogus_row);
	int r = table_end_as(&s->table, out, s->form);
	table_wrapf(out, "  mid-instruction: ", "%s",
		    maps_rows_text(s->of.rows, s->of.file, "bogus_mid-instruction", "note"));
	return r;
}

/* The mean number of lookups that one fault spoils. */
static void spoilt(struct sheet *s, const char *fault)
{
	double n, lookups = 0, faults = 0;
	char event[EVENT];

	for (int o = 0; o < MAP_OUTCOMES; o++) {
		snprintf(event, sizeof event, "fault_%s_%s", fault,
			 o ? map_outcome_names[o] : "harmless");
		faults += get(s, event, "value", &n, NULL) ? n : 0;
		snprintf(event, sizeof event, "fault_lookups_%s_%s", fault, map_outcome_names[o]);
		lookups += get(s, event, "value", &n, NULL) ? n : 0;
	}
	if (faults > 0)
		table_cell(&s->table, "%.2f", lookups / faults);
	else
		table_cell(&s->table, "%s", "");
}

static void fault_row(struct sheet *s)
{
	char prefix[PREFIX];

	for (int fault = GC_FAULT_NONE + 1; fault < GC_FAULT_KINDS; fault++) {
		snprintf(prefix, sizeof prefix, "fault_%s", gc_fault_names[fault]);
		shares(s, prefix, "harmless");
		spoilt(s, gc_fault_names[fault]);
	}
}

static int faults(struct sheet *s, FILE *out)
{
	const char *headers[2 * GC_FAULT_KINDS - 1] = { "encoder" };

	for (int i = GC_FAULT_NONE + 1; i < GC_FAULT_KINDS; i++) {
		headers[2 * i - 1] = gc_fault_names[i];
		headers[2 * i] = "each";
	}
	table_begin(&s->table, headers, "lrrrrrrrr");
	each_encoder(s, fault_row);
	return table_end_as(&s->table, out, s->form);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static void heading(const struct sheet *s, FILE *out)
{
	double n = 0, empties = 0, maps = 0, functions = 0, text = 0, spilled = 0;
	const char *corpus = maps_rows_text(s->of.rows, s->of.file, "safepoints", "corpus");
	const char *note = maps_rows_text(s->of.rows, s->of.file, "safepoints", "note");
	const char *producer = maps_rows_text(s->of.rows, s->of.file, "maps", "note");

	get(s, "safepoints", "value", &n, NULL);
	bool recorded = get(s, "empties", "value", &empties, NULL);
	get(s, "maps", "value", &maps, NULL);
	get(s, "functions", "value", &functions, NULL);
	get(s, "text_bytes", "value", &text, NULL);
	get(s, "spilled", "value", &spilled, NULL);
	table_wrapf(out, "", "%s: %s%s%s", s->of.file, corpus, *producer ? ", " : "", producer);
	fprintf(out, "%.0f safepoints, ", n);
	if (recorded)
		fprintf(out, "%.0f of them empty", empties);
	else
		fputs("empty ones not recorded", out);
	fprintf(out, "; %.0f maps; %.0f functions; %.0f bytes of text\n", maps, functions, text);
	if (!recorded)
		fputs(
		    "formats that record empty safepoints (ranged...) would be larger than shown: "
		    "the file has none\n",
		    out);
	if (spilled > 0)
		fprintf(
		    out,
		    "%.0f safepoints have live registers: slots of a save area in every frame\n",
		    spilled);
	if (*note)
		table_wrapf(out, "", "%s", note);
}

int maps_report_tables(FILE *out, const struct maps_rows *rows, enum table_form form)
{
	size_t i;
	json_t *file;

	json_array_foreach(rows->files, i, file) {
		struct sheet s = { .of = { .rows = rows, .file = json_string_value(file) },
				   .form = form };
		int r;
		fputs(i ? "\n\n" : "", out);
		heading(&s, out);
		fputs("\nsizes\n", out);
		if ((r = sizes(&s, out)))
			return r;
		fputs("\ncosts\n", out);
		if ((r = costs(&s, out)))
			return r;
		fputs("\ncounts\n", out);
		if ((r = counts(&s, out)))
			return r;
		if ((r = walks(&s, out)))
			return r;
		fputs("\nbogus return addresses\n", out);
		if ((r = bogus(&s, out)))
			return r;
		fputs("\nfaults of the producer\n", out);
		if ((r = faults(&s, out)))
			return r;
	}
	fputs(maps_legend, out);
	json_array_foreach(rows->files, i, file) {
		fputc('\n', out);
		if (json_array_size(rows->files) > 1)
			table_wrapf(out, "", "%s:", json_string_value(file));
		maps_answer(out, rows, json_string_value(file));
	}
	return 0;
}
