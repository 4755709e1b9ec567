/*
 * prepare.h - compiles what takes long before anything is measured: a large program's objects,
 * once, into the cache that its cells then read.
 */
#ifndef STUBMAP_MEASURE_PREPARE_H
#define STUBMAP_MEASURE_PREPARE_H

#include "runs/cell.h"

/* Each large program (fetched, or a reader's own) and tier among the cells, in a process of its own
 * that no time limit ends; name begins the lines of progress. What fails is left for the cells to
 * say. Without a cache that can be written only a reader's module is built, and a line says so. */
void wasm_prepare(const struct cell *cells, size_t n, const char *cache, const char *name);
/* What that process does. cache: NULL for none. False: something failed. */
bool wasm_prepare_cell(const struct cell *, const char *cache);

#endif
