/*
 * job.h - what one invocation has to do: a cell, and parameters outside the cell.
 *
 * As JSON, which a child process gets as its only argument:
 *   {"cell": {...}, "seed": n, "iterations": n, "cpu": n, "cache": folder or null,
 *    "data": folder, "events": [names] or null, "snapshot": file or null, "laps": n,
 *    "prepare": 0 to 2 (enum prepare), "grown": true or false}
 * Seed, iterations, cell and data are required; the others default to -1, null, 0, false and 2
 * laps.
 */
#ifndef STUBMAP_RUNS_JOB_H
#define STUBMAP_RUNS_JOB_H

#include "runs/cell.h"
#include "meters/events.h"

enum { JOB_ITERATIONS = 100000, JOB_LAPS = 100000 }; /* at most */

/* What is compiled into the cache instead of measuring (measure/prepare.h). */
enum prepare {
	PREPARE_NOTHING, /* measure */
	PREPARE_TARGETS,
	PREPARE_CALLERS /* or a wasm program, which is built first */
};

struct job {
	struct cell cell;
	uint64_t seed;
	unsigned iterations; /* steady samples after the warm-up, 1..JOB_ITERATIONS */
	int cpu;	     /* to run on; -1: any */
	const char *cache;   /* objects by content, or NULL */
	const char *data;    /* the workloads' folder */
	/* The file for a snapshot (snapshot.h), which is written after the steady phase and ends
	 * the run; NULL: measure all phases. */
	const char *snapshot;
	bool grown; /* also what the process gains with its stubs (peers) */
	enum prepare prepare;
	unsigned laps;		    /* of the snapshot's program, 1..JOB_LAPS */
	const char *meters[METERS]; /* to count in the steady phase (events.h) */
	size_t nmeters;
};

/* NULL: out of memory, or a text is not UTF-8. The caller owns it. */
json_t *job_to_json(const struct job *);
/* 0, or -EINVAL with one line in error. The job's texts point into the JSON. */
int job_from_json(const json_t *, struct job *, char error[CELL_ERROR]);
/* The CPU and the seed of a job, and whether its cell has threads,
 * for a parent that does not read the rest. */
int job_cpu(const json_t *);
bool job_threads(const json_t *);
uint64_t job_seed(const json_t *);

/* How a job ended. */
enum measure_status {
	MEASURE_OK,
	MEASURE_FAILED, /* the cell failed: a wrong answer, no code memory, ... */
	MEASURE_REFUSED /* bad input: nothing was run */
};

#endif
