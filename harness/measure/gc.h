/* gc.h - one cell on the collected heap, run several times in this process. */
#ifndef STUBMAP_MEASURE_GC_H
#define STUBMAP_MEASURE_GC_H

#include "measure/measure.h"

/* For cells that have a program (cell_program). Appends figures (cell.h). Where it is not
 * MEASURE_OK, why has one line: of a wrong map the return address, the encoder, and the map that
 * should have been there. */
enum measure_status measure_gc(const struct job *, json_t *figures, char why[CELL_ERROR]);

#endif
