/*
 * prepare.h - compiles before anything is measured: each object goes once into the cache that the
 * cells then read, outside the time limit of an invocation.
 */
#ifndef STUBMAP_MEASURE_PREPARE_H
#define STUBMAP_MEASURE_PREPARE_H

#include "runs/job.h"
#include "runs/sweep.h"

/* Reads the file of each user's module or trace among the cells. 0; -errno, with one line in error
 * that names it: it is none that can be taken, or a module that exports nothing to call. A module
 * that can't be read is left for its cells. */
int prepare_check(const struct cell *cells, size_t n, char error[CELL_ERROR]);
/* Compiles, each object once and in a process of its own, as many at a time as there are CPUs: the
 * large programs among the cells (fetched, or a user's own), the recorded ones, and rings, whose
 * order the block's seed decides. again: only the objects that this seed changes. Of the options it
 * reads the name, the cache, the folder of the workloads, and the time limit of each process; if
 * none is given it is half an hour. What did not end is named in a line; any failure is left for
 * the cells to report. Without a writable cache it only builds a user's module,
 * and a line says so. The caller has SIGINT and SIGTERM blocked: when one comes, no process is
 * left, and it is still pending. */
void prepare_cells(const struct cell *cells, size_t n, uint64_t seed, bool again,
		   const struct sweep_options *);
/* The work of that process. False: it failed. */
bool prepare_job(const struct job *);

#endif
