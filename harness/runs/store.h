/*
 * store.h - a run: a head and its invocations, in memory and, if it has a file, on disk.
 *
 * A run file (*.jsonl) only grows. Line 1, the head:
 *   {"schema": 1, "type": "run", "seed": n, "machine": {...}, "started": "2026-11-21T00:00:00Z",
 *    "load": n, "steal_ms": n, "plan": {...the plan as loaded...}}
 * The seed is the plan's, or another that was asked for. "shard": "2/4" stands there if the run is
 * to have every fourth block only, from the second on. If the plan asks for counters, "machine"
 * holds the survey from which the blocks take their groups, with the exact definition of each
 * event. Then follows one line for each invocation:
 *   {"schema": 1, "type": "invocation", "block": n, "order": n, "cell": {...}, "seed": n,
 *    "status": "ok" | "failed", "why": null or text, "wall_ns": n, "figures": [figure...],
 *    "environment": {"cpu": n, "load": n, "steal_ms": n, "cpu_ms": n, "wait_ms": n}}
 * cpu_ms is the time that the process ran, wait_ms the time that it was ready to run, but did not.
 * "segment": n, if it is not 0, names the part of the run that the invocation is of (segment.h).
 * "retry": true: an earlier invocation of this block and cell failed, and stays in the file.
 * "stopped": true: the process stood still for long, as a stopped process does (spawn.h).
 * A figure is one meter in one phase, with all its raw samples, warm-up included:
 *   {"phase": "steady", "event": "ns", "unit": "call", "source": "clock", "per": 6400,
 *    "warmup": 2, "samples": [51234, ...]}        each sample is for `per` units
 * or, if it can't be had,
 *   {"phase": "steady", "event": "l1i_miss", "unit": "call", "source": null, "samples": null,
 *    "why": "no PMU: guest"}
 *
 * Each invocation is one write(2) of a whole line, then fdatasync, under a lock that keeps a second
 * writer out. A last line that a power cut tore is dropped with a notice; a torn first line, and
 * with it the file, is begun anew. Anything else is refused with its line: above all a second row
 * of one block and cell, and a cell that the plan does not have.
 */
#ifndef STUBMAP_RUNS_STORE_H
#define STUBMAP_RUNS_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runs/cell.h"
#include "runs/plan.h"

struct invocation {
	uint32_t block, segment;
	struct cell cell;
	bool ok, stopped;
	const char *why;       /* in json; NULL if ok */
	const json_t *figures; /* in json */
	json_t *json;
};

struct run {
	json_t *head;
	const json_t *baseline; /* in head */
	json_t *segments;	/* a list: the head, then the lines of segments */
	struct invocation *invocations;
	size_t n;
	size_t superseded; /* failed ones that were run again: they are not in invocations */
	int fd;		   /* -1: memory only, or read only */
	char *path;	   /* the file's; NULL without a file */
	bool torn;	   /* the file's last line was cut off, and dropped */
	bool anew;	   /* the file's first line was cut off, and the file begun anew */
	json_t *resumed;   /* the line of a segment that has no invocation yet, not in the file */
	uint32_t *slots;   /* row.c */
	size_t nslots;
};

enum { SCHEMA = 1, RUN_ERROR = 2000 };

/* Words a refusal, or another error; returns the result. */
int run_refuse(char error[RUN_ERROR], int result, const char *form, ...)
    __attribute__((format(printf, 3, 4)));

/* How a run file is begun, or gone on with. */
struct run_start {
	json_t *machine;   /* the fingerprint, or NULL; a reference is taken */
	const char *shard; /* "2/4"; NULL: all blocks */
	bool mixed;	   /* go on with a run of another program or machine */
};

/* Begins a run in memory only. machine: its fingerprint or NULL;
 * a reference is taken. 0 or -ENOMEM. */
int run_begin(struct run *, const struct plan *, json_t *machine);
/* The same with a head that was made before; its reference is taken over, also on failure. 0, or
 * -EINVAL with a line in error. */
int run_begin_with(struct run *, json_t *head, char error[RUN_ERROR]);
/* Reads a run file. 0; -EINVAL (not a run file) or -errno with a line in error. */
int run_load(const char *path, struct run *, char error[RUN_ERROR]);
/* Begins a run file, or continues one of the same plan, whose seed (run_seed) is then to be taken.
 * Besides run_load's errors: -EBUSY (another process writes it), -EEXIST (it has another plan or
 * shard), -EXDEV (it was begun by another program or on another machine). */
int run_open(const char *path, const struct plan *, const struct run_start *, struct run *,
	     char error[RUN_ERROR]);
/* Adds one invocation to the run and to its file, if there is one. 0; -EINVAL with a
 * line in error (a record of another form, or a second one of its block and cell);
 * -errno: it is added to neither. */
int run_append(struct run *, json_t *record, char error[RUN_ERROR]);
void run_close(struct run *);

uint64_t run_seed(const struct run *);
/* Whether the run's segments are of different programs or machines, or a block's invocations ran on
 * different CPUs: then its numbers can't be compared. */
bool run_mixed(const struct run *, char why[RUN_ERROR]);
/* Adds a line behind the first to the run in memory, as run_load does; a reference is taken. */
int run_take(struct run *, json_t *line, char error[RUN_ERROR]);
/* Adds a line to a file as a writer does: whole, or not at all.
 * 0 or -errno with a line in error. */
int run_write_line(int fd, const char *path, const json_t *, char error[RUN_ERROR]);

#endif
