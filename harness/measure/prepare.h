/*
 * prepare.h - compiles large programs before anything is measured: each object goes once into the
 * cache that the cells then read, outside the time limit of an invocation.
 */
#ifndef STUBMAP_MEASURE_PREPARE_H
#define STUBMAP_MEASURE_PREPARE_H

#include "runs/job.h"
#include "runs/sweep.h"

/* Compiles for each tier among the cells each large program (fetched, or a user's own) and each
 * recorded one, in a process of its own. Of the options it reads the name, the cache, the folder of
 * the workloads, and the time limit, if one is given. A failure is left for the cells to report.
 * Without a writable cache it only builds a user's module, and a line says so. */
void prepare_cells(const struct cell *cells, size_t n, const struct sweep_options *);
/* The work of that process. False: it failed. */
bool prepare_job(const struct job *);

#endif
