/* wasm.h - one cell of a live wasm program (wasm:NAME), run once in this process. */
#ifndef STUBMAP_MEASURE_WASM_H
#define STUBMAP_MEASURE_WASM_H

#include "measure/measure.h"

/* As measure_cell. */
enum measure_status measure_wasm(const struct job *, json_t *figures, char why[CELL_ERROR]);

#endif
