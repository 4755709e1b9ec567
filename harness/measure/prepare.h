/*
 * prepare.h - compiles large programs before anything is measured: their objects go once into the
 * cache that the cells then read.
 */
#ifndef STUBMAP_MEASURE_PREPARE_H
#define STUBMAP_MEASURE_PREPARE_H

#include "runs/cell.h"

/* Compiles each large program (fetched, or a user's own) and tier among the cells, in a process of
 * its own without a time limit; name begins the lines of progress. A failure is left for the cells
 * to report. Without a writable cache it only builds a user's module, and a line says so. */
void wasm_prepare(const struct cell *cells, size_t n, const char *cache, const char *name);
/* The work of that process. cache NULL: none. False: it failed. */
bool wasm_prepare_cell(const struct cell *, const char *cache);

#endif
