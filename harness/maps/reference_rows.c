/* reference_rows.c - each reference with the empty safepoints and without. */
#include "maps/reference_rows.h"

#include <stdio.h>

#include "maps/reference.h"

enum { EVENT = 64, PARTS = 4 };

static int add(const struct corpus *c, const char *file, enum reference_kind kind, bool empties,
	       struct maps_rows *rows)
{
	static const char *const notes[REFERENCE_KINDS] = {
		[REFERENCE_ORDER0] = "a code that predicts from neighbours needs less",
		[REFERENCE_ADAPTIVE] = "code lengths of an adaptive coder: no random access",
		[REFERENCE_ZSTD] = "columns by zstd -19: no random access",
	};
	static const char *const names[PARTS] = { "bytes", "positions", "ids", "dictionary" };
	struct reference b;
	char event[EVENT];
	int r = reference_of(kind, c->safepoints, c->nsafepoints, c->text_bytes, empties, &b);
	const double parts[PARTS] = { b.bytes, b.positions, b.ids, b.dictionary };

	for (int i = 0; i < PARTS && !r; i++) {
		const struct maps_row row = { .file = file,
					      .corpus = c->name,
					      .event = event,
					      .unit = "bytes",
					      .source = kind == REFERENCE_ZSTD ? "count" : "model",
					      .note = i ? NULL : notes[kind] };

		snprintf(event, sizeof event, "%s%s_%s", reference_names[kind],
			 empties ? "" : "_live", names[i]);
		maps_rows_value(rows, &row, parts[i]);
	}
	return r;
}

int maps_reference_rows(const struct corpus *c, const char *file, const char *no_empties,
			struct maps_rows *rows)
{
	char event[EVENT];
	int r = 0;

	for (int kind = 0; kind < REFERENCE_KINDS && !r; kind++) {
		const struct maps_row row = { .file = file,
					      .corpus = c->name,
					      .event = event,
					      .unit = "bytes",
					      .note = no_empties };

		snprintf(event, sizeof event, "%s_bytes", reference_names[kind]);
		if (c->flags & CORPUS_EMPTIES)
			r = add(c, file, (enum reference_kind)kind, true, rows);
		else
			maps_rows_missing(rows, &row);
		if (!r)
			r = add(c, file, (enum reference_kind)kind, false, rows);
	}
	return r;
}
