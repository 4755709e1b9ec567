/*
 * tsv.c - the data of the three plots, tab-separated; a missing number is "nan", which gnuplot
 * skips. Corpora are numbered from 1 so that a plot can place them.
 */
#include "maps/report.h"

#include <math.h>
#include <string.h>
#include <stubmap/map.h>

#include "maps/safety.h"
#include "base/say.h"

const char *const maps_report_plots[] = { "bytes", "lookup", "safety", NULL };

enum { PREFIX = 48, EVENT = 64 };

static double get(const struct maps_rows *rows, const char *file, const char *encoder,
		  const char *event, const char *field)
{
	const struct maps_subject of = { rows, file, encoder };
	double x;

	return maps_rows_number(&of, event, field, &x, NULL) ? x : NAN;
}

static bool has(const struct maps_rows *rows, const char *file, const char *encoder)
{
	return maps_rows_find(rows, file, encoder, "bytes") != NULL;
}

/* The floor has no bytes and no answers, so it is not plotted. */
static bool is_floor(const char *encoder)
{
	const struct map_ops *ops = map_encoder(encoder);

	return ops && ops->flags & MAP_FLOOR;
}

/* The first columns: number, corpus, encoder. */
static void names(FILE *out, const struct maps_rows *rows, size_t i, const char *file,
		  const char *encoder)
{
	fprintf(out, "%zu\t", i + 1);
	say_put(out, maps_rows_text(rows, file, "safepoints", "corpus"));
	fputc('\t', out);
	say_put(out, encoder);
}

static void bytes_line(FILE *out, const struct maps_rows *rows, size_t i, const char *file,
		       const char *encoder, double bytes)
{
	double text = get(rows, file, NULL, "text_bytes", "value");
	double n = get(rows, file, NULL, "safepoints", "value");

	names(out, rows, i, file, encoder);
	fprintf(out, "\t%.0f\t%.6g\t%.6g\n", bytes, 100 * bytes / text, 8 * bytes / n);
}

static const struct {
	const char *name, *event;
} references[] = {
	{ "order-0", "order0_bytes" },	  { "order-0-live", "order0_live_bytes" },
	{ "adaptive", "adaptive_bytes" }, { "adaptive-live", "adaptive_live_bytes" },
	{ "zstd", "zstd_bytes" },	  { "zstd-live", "zstd_live_bytes" },
};

static void bytes(FILE *out, const struct maps_rows *rows)
{
	size_t i, k;
	json_t *file, *encoder;
	double x;

	fputs("number\tcorpus\tencoder\tbytes\ttext_percent\tbits_per_safepoint\n", out);
	json_array_foreach(rows->files, i, file) {
		const char *f = json_string_value(file);
		json_array_foreach(rows->encoders, k, encoder) {
			const char *e = json_string_value(encoder);
			if (has(rows, f, e) && !is_floor(e))
				bytes_line(out, rows, i, f, e, get(rows, f, e, "bytes", "value"));
		}
		for (size_t r = 0; r < sizeof references / sizeof *references; r++)
			if (maps_rows_number(&(struct maps_subject){ rows, f, NULL },
					     references[r].event, "value", &x, NULL))
				bytes_line(out, rows, i, f, references[r].name, x);
	}
}

static void lookup(FILE *out, const struct maps_rows *rows)
{
	static const char *const events[] = { "warm_random_live",
					      "warm_alone_live",
					      "warm_batched_live",
					      "warm_random_bogus",
					      "cold_live",
					      "cold_bogus",
					      "walk",
					      "walk_batched",
					      "instructions_live",
					      "instructions_batched_live",
					      "instructions_bogus",
					      "instructions_walk",
					      "lines_with_bitmap_live",
					      "lines_read_bogus" };
	enum { EVENTS = sizeof events / sizeof *events };
	size_t i, k;
	json_t *file, *encoder;

	fputs("number\tcorpus\tencoder\tbytes\ttext_percent", out);
	for (int e = 0; e < EVENTS; e++)
		fprintf(out, "\t%s", events[e]);
	fputc('\n', out);
	json_array_foreach(rows->files, i, file) {
		const char *f = json_string_value(file);
		json_array_foreach(rows->encoders, k, encoder) {
			const char *name = json_string_value(encoder);
			if (!has(rows, f, name) || is_floor(name))
				continue;
			names(out, rows, i, f, name);
			fprintf(out, "\t%.0f\t%.6g", get(rows, f, name, "bytes", "value"),
				get(rows, f, name, "text_share", "value"));
			for (int e = 0; e < EVENTS; e++)
				fprintf(out, "\t%.6g", get(rows, f, name, events[e], "value"));
			fputc('\n', out);
		}
	}
}

/* Adds a file's four shares. false: the file has no such figure. */
static bool add_shares(const struct maps_rows *rows, const char *file, const char *encoder,
		       const char *prefix, bool fault, double share[MAP_OUTCOMES])
{
	double n[MAP_OUTCOMES], all = 0;
	char event[EVENT];

	for (int o = 0; o < MAP_OUTCOMES; o++) {
		snprintf(event, sizeof event, "%s_%s", prefix,
			 fault && !o ? "harmless" : map_outcome_names[o]);
		n[o] = get(rows, file, encoder, event, "value");
		all += n[o];
	}
	if (!(all > 0))
		return false;
	for (int o = 0; o < MAP_OUTCOMES; o++)
		share[o] += n[o] / all;
	return true;
}

/* The mean over the corpora, each with the same weight, of the shares of one sort or fault. */
static void safety_line(FILE *out, const struct maps_rows *rows, size_t number, const char *encoder,
			const char *name, const char *kind)
{
	double share[MAP_OUTCOMES] = { 0 }, corpora = 0;
	char prefix[PREFIX];
	size_t i;
	json_t *file;

	bool fault = !strcmp(kind, "fault");
	snprintf(prefix, sizeof prefix, "%s_%s", kind, name);
	json_array_foreach(rows->files, i, file)
		corpora += add_shares(rows, json_string_value(file), encoder, prefix, fault, share);
	if (!(corpora > 0))
		return;
	fprintf(out, "%s\t%s\t%zu\t%s", kind, name, number, encoder);
	for (int o = 0; o < MAP_OUTCOMES; o++)
		fprintf(out, "\t%.6g", 100 * share[o] / corpora);
	fprintf(out, "\t%.0f\n", corpora);
}

static void safety(FILE *out, const struct maps_rows *rows)
{
	size_t k;
	json_t *encoder;

	fputs("kind\tcase\tnumber\tencoder\tright\twrong\tsilent\tdetected\tcorpora\n", out);
	for (int i = 0; i < SAFETY_SORTS; i++)
		json_array_foreach(rows->encoders, k, encoder)
			safety_line(out, rows, k, json_string_value(encoder), safety_sort_names[i],
				    "bogus");
	for (int i = GC_FAULT_NONE + 1; i < GC_FAULT_KINDS; i++)
		json_array_foreach(rows->encoders, k, encoder)
			safety_line(out, rows, k, json_string_value(encoder), gc_fault_names[i],
				    "fault");
}

void maps_report_tsv(FILE *out, const struct maps_rows *rows, const char *plot)
{
	if (!strcmp(plot, "bytes"))
		bytes(out, rows);
	else if (!strcmp(plot, "lookup"))
		lookup(out, rows);
	else
		safety(out, rows);
}
