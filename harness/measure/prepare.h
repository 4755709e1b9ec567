/*
 * prepare.h - compiles what is large before anything is measured: each object goes once into the
 * cache that the cells then read, outside the time limit of an invocation.
 */
#ifndef STUBMAP_MEASURE_PREPARE_H
#define STUBMAP_MEASURE_PREPARE_H

#include "runs/job.h"

/* Compiles for each tier among the cells each large program (fetched, or a user's own) and each
 * recorded one, in a process of its own without a time limit; name begins the lines of progress,
 * data is the workloads' folder. A failure is left for the cells to report. Without a writable
 * cache it only builds a user's module, and a line says so. */
void prepare_cells(const struct cell *cells, size_t n, const char *cache, const char *data,
		   const char *name);
/* The work of that process. False: it failed. */
bool prepare_job(const struct job *);

#endif
