/*
 * rows.h - a run as tidy rows: one cell, one figure, its value and its ratio to the baseline.
 *
 * Tables, JSON and plots' data are all views of these rows, so that every number shown anywhere
 * is computed here, once.
 */
#ifndef STUBMAP_ANALYSIS_ROWS_H
#define STUBMAP_ANALYSIS_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/census.h"
#include "analysis/stats.h"
#include "runs/figures.h"

/* One figure of one cell, over its invocations. */
struct samples {
	struct unit *units;
	size_t n;
	size_t failed, invocations; /* of the cell */
	const char *unit, *source;  /* in the run; NULL: no invocation has it */
	const char *why;	    /* in the run: why it failed, or a meter is missing */
};

/* The samples of a cell; of a group's baseline also those of its replica, for they are one thing
 * measured twice. Failures are those of the cell itself. 0 or -ENOMEM. */
int samples_gather(const struct census *, size_t cell, struct figure_id, struct samples *);
/* Adds the samples of another run, told apart by `run`; on failure nothing is left to free. */
int samples_add(const struct census *, size_t cell, struct figure_id, uint32_t run,
		struct samples *);
/* samples_gather without the replica's samples. */
int samples_gather_own(const struct census *, size_t cell, struct figure_id, struct samples *);
void samples_free(struct samples *);

enum { ROW_NOTE = 240, ROW_FIGURES = 256 };

/* The figures that a cell's invocations have, each once; returns how many. */
size_t figures_of_cell(const struct census *, size_t cell, struct figure_id ids[ROW_FIGURES]);

struct row {
	size_t cell; /* in the census */
	struct figure_id id;
	const char *unit, *source;
	size_t failed, invocations;
	struct estimate value, ratio; /* ratio.n == 0 and !known for the baseline itself */
	bool baseline;
	/* Of the ratio, or NaN: stats_chance; the same corrected for the number of ratios that the
	 * table shows (NaN of A/A rows, too); stats_detectable. */
	double chance, holm, detectable;
	char note[ROW_NOTE]; /* "": none */
};

struct rows {
	struct census census;
	struct row *rows; /* by cell */
	size_t n;
};

/* wanted: only these figures, each with a row for each cell; NULL: all figures of the run. A cell
 * without any figure gets one row, whose id is NULL, NULL. 0 or -errno. */
int rows_make(const struct run *, const struct figure_id *wanted, size_t nwanted, struct rows *);
void rows_free(struct rows *);
const struct row *rows_find(const struct rows *, size_t cell, struct figure_id);

#endif
