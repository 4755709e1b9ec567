/* answer.c - two sentences: the cost of a file's own format, and the cost of the best two. */
#include "maps/report.h"

#include <string.h>
#include <stubmap/map.h>

#include "base/table.h"

enum { COSTS = 120 };

/* The encoder of a producer's own format, by the beginning of the producer's name. No encoder
 * writes LLVM's format: there the file's own bytes are told. */
static const struct own {
	const char *producer, *encoder;
} owns[] = {
	{ "ocamlopt", "ocaml" }, { "Go", "go" },	   { "Dart", "dart" },
	{ "V8", "v8" },		 { "HotSpot", "hotspot" }, { "wasmtime", "exact" },
};

static const char *own_encoder(const struct maps_rows *rows, const char *file)
{
	const char *producer = maps_rows_text(rows, file, "maps", "note");

	for (size_t i = 0; i < sizeof owns / sizeof *owns; i++)
		if (!strncmp(producer, owns[i].producer, strlen(owns[i].producer)))
			return owns[i].encoder;
	return NULL;
}

static bool get(const struct maps_rows *rows, const char *file, const char *encoder,
		const char *event, double *out)
{
	const struct maps_subject of = { rows, file, encoder };

	return maps_rows_number(&of, event, "value", out, NULL);
}

/* "5.94 % of the text, 71.8 ns a lookup"; the latter only if it was timed. */
static const char *costs(const struct maps_rows *rows, const char *file, const char *encoder,
			 char out[COSTS])
{
	char share[32], ns[32];
	double bytes = 0, text = 0, time;

	get(rows, file, encoder, "bytes", &bytes);
	get(rows, file, NULL, "text_bytes", &text);
	table_format(text > 0 ? 100 * bytes / text : 0, share, sizeof share);
	if (get(rows, file, encoder, "warm_alone_live", &time)) {
		table_format(time, ns, sizeof ns);
		snprintf(out, COSTS, "%s %% of the text, %s ns a lookup", share, ns);
	} else {
		snprintf(out, COSTS, "%s %% of the text", share);
	}
	return out;
}

/* The exact encoder with the least of a figure; NULL: none has it. */
static const char *least(const struct maps_rows *rows, const char *file, const char *event)
{
	const char *best = NULL;
	double least = 0, x;
	size_t i;
	json_t *encoder;

	json_array_foreach(rows->encoders, i, encoder) {
		const char *name = json_string_value(encoder);
		const struct map_ops *ops = map_encoder(name);

		if (!ops || !(ops->flags & MAP_EXACT) || ops->flags & (MAP_FLOOR | MAP_UNSAFE) ||
		    !get(rows, file, name, event, &x) || (best && x >= least))
			continue;
		best = name;
		least = x;
	}
	return best;
}

static void answer_own(FILE *out, const struct maps_rows *rows, const char *file)
{
	const char *own = own_encoder(rows, file), *why;
	const char *producer = maps_rows_text(rows, file, "maps", "note");
	const struct maps_subject of = { rows, file, own };
	char text[COSTS];
	double x, bytes;

	if (!own && get(rows, file, NULL, "own_bytes", &x) &&
	    get(rows, file, NULL, "text_bytes", &bytes) && bytes > 0) {
		table_format(100 * x / bytes, text, sizeof text);
		table_wrapf(out, "", "The file's own format (%s) takes %s %% of the text.",
			    *producer ? producer : "not known", text);
	} else if (own && maps_rows_number(&of, "bytes", "value", &x, &why)) {
		table_wrapf(out, "", "The file's own format (%s) takes %s.", own,
			    costs(rows, file, own, text));
	} else if (own && maps_rows_find(rows, file, own, "bytes")) {
		table_wrapf(out, "", "The file's own format (%s) can't hold these maps: %s.", own,
			    why);
	} else {
		table_wrapf(out, "", "The file's own format (%s) is none of the encoders shown.",
			    own		? own
			    : *producer ? producer
					: "not known");
	}
}

void maps_answer(FILE *out, const struct maps_rows *rows, const char *file)
{
	const char *small = least(rows, file, "bytes"),
		   *quick = least(rows, file, "warm_alone_live");
	char a[COSTS], b[COSTS];

	if (!small)
		return;
	answer_own(out, rows, file);
	if (quick && strcmp(small, quick))
		table_wrapf(out, "", "Of the exact ones, %s would take %s; %s, the quickest, %s.",
			    small, costs(rows, file, small, a), quick, costs(rows, file, quick, b));
	else
		table_wrapf(out, "", "Of the exact ones, %s, the smallest%s, would take %s.", small,
			    quick ? " and the quickest" : "", costs(rows, file, small, a));
}
