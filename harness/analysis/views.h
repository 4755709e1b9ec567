/* views.h - the figures that a table of a run shows, by the family of its cells. */
#ifndef STUBMAP_ANALYSIS_VIEWS_H
#define STUBMAP_ANALYSIS_VIEWS_H

#include "analysis/rows.h"

/* The figures that a reader wants at a glance; ratios are those of the first column. */
enum { VIEW_COLUMNS = 6, VIEWS_MAX = 8, VIEWS_FIGURES = VIEWS_MAX * VIEW_COLUMNS + 32 };

struct view {
	const char *align, *headers[VIEW_COLUMNS + 4];
	struct column {
		struct figure_id id;
		double scale; /* to the header's unit */
	} columns[VIEW_COLUMNS];
	size_t n;
	const char *legend;
	const char *what, *when; /* whose time the first column is, in a sentence */
};

extern const struct view *const views[];	 /* NULL ends it; VIEWS_MAX at most */
const struct view *view_of(const struct cell *); /* by its family */
/* The figures that the table of policies shows, and more for its plot. */
extern const struct figure_id policy_figures[];
extern const size_t policy_nfigures;
/* The figures that the table of peers shows. */
extern const struct figure_id peer_figures[];
extern const size_t peer_nfigures;
/* The figures of all tables, those of policies as well, each once; returns how many. */
size_t views_figures(struct figure_id ids[VIEWS_FIGURES]);

#endif
