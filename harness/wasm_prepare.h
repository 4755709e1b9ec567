/*
 * wasm_prepare.h - compiles what takes long before anything is measured: a large program's objects,
 * once, into the cache that its cells then read.
 */
#ifndef STUBMAP_WASM_PREPARE_H
#define STUBMAP_WASM_PREPARE_H

#include "cell.h"

/* Each large program (fetched, or a reader's own) and tier among the cells, in a process of its
 * own, with a line on stderr where that is a terminal and it takes long. What fails is left for the
 * cells to say. Without a cache that can be written only a reader's module is built, and a line
 * says so. */
void wasm_prepare(const struct cell *cells, size_t n, const char *cache);

#endif
