/* estimate.h - an estimate in print: in a table for people, in a line of a figure's data. */
#ifndef STUBMAP_ANALYSIS_ESTIMATE_H
#define STUBMAP_ANALYSIS_ESTIMATE_H

#include <stdio.h>

#include "analysis/stats.h"
#include "base/table.h"

/* One cell, "low..high", both times scale and in the given printf form (NULL: as table_number
 * writes); where there is no interval, missing with the reason. */
void estimate_interval(struct table *, const struct estimate *, double scale, const char *form);
/* Three columns behind a tab each: value, low, high; NaN for what is not known. */
void estimate_print(FILE *, const struct estimate *);

#endif
