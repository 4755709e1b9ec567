/* instructions.c - makes a list of regions and counts them together, because starting callgrind
 * takes a second. */
#include "maps/instructions.h"

#include <errno.h>
#include <stdlib.h>

#include "maps/times.h"

enum { MODES = 2, ROWS = MODES * (MAPS_CLASSES + 1), EVENT = 64, MOST = 64 };

struct list {
	const struct maps_instructions_task *task;
	struct maps_pcs pcs;
	size_t blocks[MAPS_COUNTED / MAPS_BLOCK]; /* ends */
	size_t walked, nwalks;			  /* lookups and walks that are counted */
	struct map_bytes tables[MOST];
	struct maps_region regions[MOST * ROWS];
	const struct map_ops *ops[MOST * ROWS];
	char events[MOST * ROWS][EVENT];
	const char *why[MOST * ROWS]; /* NULL: it has a region */
	size_t n;
};

/* Adds a row; all rows of an encoder follow each other, so that its table is written once. */
static void add(struct list *l, const struct map_ops *ops, const char *event, const char *why,
		struct maps_region region)
{
	l->ops[l->n] = ops;
	l->why[l->n] = why;
	snprintf(l->events[l->n], EVENT, "%s", event);
	l->regions[l->n++] = region;
}

static const char one_by_one[] = "the encoder looks up one by one only";

static void add_encoder(struct list *l, size_t e)
{
	static const char no_walks[] =
	    "a file holds no stack walks; the JIT's programs do: gc:NAME";
	const struct map_ops *ops = l->task->encoders[e].ops;
	const struct maps_region table = { .ops = ops,
					   .table = l->tables[e].data,
					   .len = l->tables[e].len };
	char event[EVENT];

	for (int batched = 0; batched < MODES; batched++) {
		const char *mode = batched ? "batched_" : "";
		const char *no_batch = batched && !ops->lookup_many ? one_by_one : NULL;

		for (int c = 0; c < MAPS_CLASSES; c++) {
			struct maps_region r = table;

			r.pcs = l->pcs.of[c];
			r.n = MAPS_COUNTED;
			r.ends = batched ? l->blocks : NULL;
			r.nends = batched ? MAPS_COUNTED / MAPS_BLOCK : 0;
			snprintf(event, sizeof event, "instructions_%s%s", mode,
				 maps_class_names[c]);
			add(l, ops, event, r.pcs ? no_batch : l->pcs.why[c], r);
		}
		struct maps_region r = table;
		r.pcs = l->task->walks->pcs;
		r.n = l->walked;
		r.ends = batched ? l->task->walks->ends : NULL;
		r.nends = batched ? l->nwalks : 0;
		add(l, ops, batched ? "instructions_walk_batched" : "instructions_walk",
		    l->walked ? no_batch : no_walks, r);
	}
}

/* Takes as many whole walks as fit. */
static void cut_walks(struct list *l)
{
	const struct walk_log *w = l->task->walks;

	while (l->nwalks < w->nwalks && w->ends[l->nwalks] <= MAPS_WALKED)
		l->walked = w->ends[l->nwalks++];
}

static int fill(struct list *l)
{
	const struct maps_instructions_task *task = l->task;
	const struct safepoint *points = task->encoders[0].points;
	int rc = maps_pcs_draw(points, task->npoints, task->text_bytes, task->seed, &l->pcs);

	for (size_t i = 0; i < MAPS_COUNTED / MAPS_BLOCK; i++)
		l->blocks[i] = (i + 1) * MAPS_BLOCK;
	cut_walks(l);
	for (size_t e = 0; e < task->nencoders && !rc; e++) {
		const struct map_ops *ops = task->encoders[e].ops;
		rc = map_encode_functions(ops, task->encoders[e].points, task->npoints,
					  task->functions, task->nfunctions, &l->tables[e], NULL);
		if (!rc)
			rc = map_load(ops, &l->tables[e]);
		if (!rc)
			add_encoder(l, e);
	}
	return rc;
}

static void add_rows(const struct list *l, const double *counts, const char *source,
		     const char *note, struct maps_rows *rows)
{
	char text[MAPS_COUNT_NOTE + 64];

	for (size_t i = 0, counted = 0; i < l->n; i++) {
		struct maps_row row = { .file = l->task->file,
					.corpus = l->task->corpus,
					.encoder = l->ops[i]->name,
					.event = l->events[i],
					.unit = "instructions/lookup",
					.source = source,
					.note = l->why[i] ? l->why[i] : note };

		if (l->why[i] || !source) {
			maps_rows_missing(rows, &row);
		} else {
			snprintf(text, sizeof text, "mean of %zu lookups; %s", l->regions[i].n,
				 note);
			row.note = text;
			maps_rows_value(rows, &row, counts[counted]);
		}
		counted += !l->why[i];
	}
}

static int count(const struct list *l, struct maps_rows *rows)
{
	struct maps_region *regions = malloc((l->n + 1) * sizeof *regions);
	double *counts = malloc((l->n + 1) * sizeof *counts);
	char note[MAPS_COUNT_NOTE] = "";
	const char *source = NULL;
	size_t n = 0;
	int rc = regions && counts ? 0 : -ENOMEM;

	for (size_t i = 0; i < l->n && !rc; i++)
		if (!l->why[i])
			regions[n++] = l->regions[i];
	if (!rc && l->task->off)
		snprintf(note, sizeof note, "%s", l->task->off);
	else if (!rc && n)
		rc = maps_count(regions, n, l->task->options, counts, &source, note);
	if (rc == -ENOTSUP) /* the note says why */
		rc = 0;
	if (!rc)
		add_rows(l, counts, source, note, rows);
	free(counts);
	free(regions);
	return rc;
}

int maps_instructions(const struct maps_instructions_task *task, struct maps_rows *rows)
{
	struct list *l;
	int rc;

	if (!task->nencoders || task->nencoders > MOST)
		return 0;
	l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->task = task;
	rc = fill(l);
	if (!rc)
		rc = count(l, rows);
	for (size_t e = 0; e < task->nencoders; e++)
		free(l->tables[e].data);
	maps_pcs_free(&l->pcs);
	free(l);
	return rc;
}
