/*
 * simulate.h - takes a cell to the model's counts: a process runs the cell and writes a snapshot,
 * lackey runs the snapshot, and every requested machine runs the trace.
 */
#ifndef STUBMAP_MODEL_SIMULATE_H
#define STUBMAP_MODEL_SIMULATE_H

#include "runs/cell.h"
#include "model/model.h"

/* The folders and limits of the work. */
struct simulate_paths {
	const char *cache, *data; /* as in a job (job.h) */
	const char *folder;	  /* for snapshots, each removed at once */
	const char *keep;	  /* folder for traces, or NULL */
	uint64_t seed;		  /* the cells' */
	unsigned timeout_s;	  /* of a cell's process; 0: the usual one (spawn.h) */
};

/* Writes a snapshot of the cell with `laps` laps to path.
 * 0; -EINTR; -EIO with one line in error. */
int simulate_snapshot(const struct simulate_paths *, const struct cell *, unsigned laps,
		      const char *path, char error[TRACE_ERROR]);
void simulate_remove(const char *path); /* a snapshot */

/* One pass of the model over a trace. */
struct simulate_pass {
	struct model_options options;
	struct model_count counts[MODEL_UNITS];
	bool has[MODEL_UNITS];
	int64_t code_pages; /* fetched from in a lap, of options.page bytes */
};

struct simulate_task {
	struct cell cell;
	const char *file; /* an existing trace; NULL: made from cell */
	struct simulate_pass *passes;
	size_t n;
	uint64_t calls, accesses; /* in a lap; in the trace */
	double seconds;		  /* to make the trace; < 0: not made here */
	int status;		  /* 0 or -errno, and then why has one line */
	char why[TRACE_ERROR];
};

/* Runs all tasks, `workers` at a time. 0, or -EINTR: SIGINT or SIGTERM came; tasks not begun then
 * have that status. */
int simulate_all(const struct simulate_paths *, struct simulate_task *, size_t n, unsigned workers);

#endif
