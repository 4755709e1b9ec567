/* measure.h - one cell, run once in this process: compile, bind, call, retarget, release. */
#ifndef STUBMAP_MEASURE_MEASURE_H
#define STUBMAP_MEASURE_MEASURE_H

#include <jansson.h>

#include "runs/job.h"

/* Appends figures (cell.h). Where it is not MEASURE_OK, why has one line. */
enum measure_status measure_cell(const struct job *, json_t *figures, char why[CELL_ERROR]);

#endif
