/*
 * store.h - a run: a head and its invocations, in memory and, if it has a file, on disk.
 *
 * A run file (*.jsonl) only grows. Line 1, the head:
 *   {"schema": 1, "type": "run", "plan": {...the plan as loaded...}, "seed": n, "machine": {...},
 *    "started": "2026-11-21T00:00:00Z"}
 * If the plan asks for counters, "machine" holds the survey from which the blocks take their
 * groups, with the exact definition of each event. Then follows one line for each invocation:
 *   {"schema": 1, "type": "invocation", "block": n, "order": n, "cell": {...}, "seed": n,
 *    "status": "ok" | "failed", "why": null or text, "wall_ns": n, "figures": [figure...],
 *    "environment": {...the machine at that time: load, steal...}}
 * A figure is one meter in one phase, with all its raw samples, warm-up included:
 *   {"phase": "steady", "event": "ns", "unit": "call", "source": "clock", "per": 6400,
 *    "warmup": 2, "samples": [51234, ...]}        each sample is for `per` units
 * or, if it can't be had,
 *   {"phase": "steady", "event": "l1i_miss", "unit": "call", "source": null, "samples": null,
 *    "why": "no PMU: guest"}
 *
 * Each invocation is one write(2) of a whole line, then fdatasync, under a lock that keeps a second
 * writer out. A last line that a power cut tore is dropped with a notice.
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
	uint32_t block;
	struct cell cell;
	bool ok;
	const char *why;       /* in json; NULL if ok */
	const json_t *figures; /* in json */
	json_t *json;
};

struct run {
	json_t *head;
	const json_t *baseline; /* in head */
	struct invocation *invocations;
	size_t n;
	int fd;	    /* -1: memory only, or read only */
	char *path; /* the file's; NULL without a file */
	bool torn;  /* the file's last line was cut off, and dropped */
};

enum { SCHEMA = 1, RUN_ERROR = 400 };

/* Begins a run in memory only. machine: its fingerprint or NULL; a reference is taken. 0 or
 * -ENOMEM. */
int run_begin(struct run *, const struct plan *, json_t *machine);
/* Reads a run file. 0; -EINVAL (not a run file) or -errno with a line in error. */
int run_load(const char *path, struct run *, char error[RUN_ERROR]);
/* Begins a run file, or continues one of the same plan. Besides run_load's errors: -EBUSY (another
 * process writes it), -EEXIST (it has another plan). */
int run_open(const char *path, const struct plan *, json_t *machine, struct run *,
	     char error[RUN_ERROR]);
/* Adds one invocation to the run and to its file, if there is one. 0; -EINVAL with a line in error
 * (a record of another form); -errno: it is added to neither. */
int run_append(struct run *, json_t *record, char error[RUN_ERROR]);
void run_close(struct run *);

#endif
