/* report.h - the model's counts as a table, tidy rows or a figure's data. */
#ifndef STUBMAP_MODEL_REPORT_H
#define STUBMAP_MODEL_REPORT_H

#include <stdio.h>

#include "model/simulate.h"

enum model_form { MODEL_TABLE, MODEL_JSON, MODEL_TSV };

/* Tasks in order, each with its passes; failed tasks have a line in the table and null rows. 0 or
 * -ENOMEM. */
int model_report(FILE *out, enum model_form, const struct simulate_task *, size_t n);
/* Prints one line: the cost of making the traces. */
void model_report_cost(FILE *out, const struct simulate_task *, size_t n);

#endif
