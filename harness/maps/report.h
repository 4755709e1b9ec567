/* report.h - rows of stack maps as tables for people, or as the data of plots. */
#ifndef STUBMAP_MAPS_REPORT_H
#define STUBMAP_MAPS_REPORT_H

#include <stdio.h>

#include "base/table.h"
#include "maps/rows.h"

extern const char *const maps_report_plots[]; /* bytes, lookup, safety, NULL */

/* Prints five tables a file: sizes, costs, counts, bogus pcs, faults; with walks a sixth. Lines
 * have at most 100 columns. 0 or -ENOMEM. */
int maps_report_tables(FILE *out, const struct maps_rows *, enum table_form);
/* The last lines of a file's tables: the cost of its own format,
 * and of the smallest and the quickest exact encoder. */
void maps_answer(FILE *out, const struct maps_rows *, const char *file);
/* The data that scripts/maps_PLOT.gp plots, tab-separated, with a header line. */
void maps_report_tsv(FILE *out, const struct maps_rows *, const char *plot);

#endif
