/* estimate.h - prints an estimate, in a table for people or in a line of a figure's data. */
#ifndef STUBMAP_ANALYSIS_ESTIMATE_H
#define STUBMAP_ANALYSIS_ESTIMATE_H

#include <stdio.h>

#include "analysis/stats.h"
#include "base/table.h"

/* Adds one cell, "low..high", both times scale and in the given printf form (NULL: as table_number
 * writes); without an interval, a missing value with the reason. */
void estimate_interval(struct table *, const struct estimate *, double scale, const char *form);
/* Prints three columns, each behind a tab: value, low, high; NaN for an unknown one. */
void estimate_print(FILE *, const struct estimate *);

#endif
