/*
 * sweep.h - runs the cells of a plan that its run does not hold yet, block by block,
 * one child after another.
 */
#ifndef STUBMAP_RUNS_SWEEP_H
#define STUBMAP_RUNS_SWEEP_H

#include <stdbool.h>

#include "runs/plan.h"
#include "runs/store.h"

struct sweep_options {
	const char *name; /* begins lines of progress; NULL: stubmap */
	unsigned blocks;  /* 0: the plan's */
	/* NULL, or decides after each whole block whether more blocks are to be added:
	 * `done` blocks are whole. */
	bool (*more)(void *arg, const struct run *, unsigned done);
	void *arg;
	unsigned shard,
	    shards;	    /* of the blocks each shards-th, from shard on (1..shards); 0: all */
	bool retry;	    /* run failed cells again */
	unsigned timeout_s; /* of an invocation; 0: the plan's */
	int cpu;	    /* -1: not pinned */
	const char *cache;  /* objects by content; NULL: none */
	const char *data;   /* the workloads' folder */
	/* Compiles into the cache what a block's cells run, before the block; NULL: nothing.
	 * again: an earlier block of the same cells was prepared. Called with SIGINT and SIGTERM
	 * blocked; it ends when one is pending. */
	void (*prepare)(const struct cell *cells, size_t n, uint64_t seed, bool again,
			const struct sweep_options *);
};

/* The exit status of a command whose sweep gave -EINTR, as shells have it: the caller must not take
 * half of a sweep for a whole one with failed cells. */
enum { SWEEP_STOPPED = 130 };

/* Whether the block is of the options' shard. */
bool sweep_has_block(const struct sweep_options *, unsigned block);
/* 0, also with failed cells, which are recorded. -EINTR: SIGINT or SIGTERM came; all finished
 * invocations are kept. -errno with a line in error. */
int sweep_run(const struct plan *, const struct sweep_options *, struct run *,
	      char error[RUN_ERROR]);

/* Adds the survey of counters to a machine's fingerprint, for a plan that asks for counters. 0, or
 * -EINVAL with a line in error. */
int sweep_survey(json_t *machine, char error[RUN_ERROR]);

/* Adds to a machine's fingerprint each peer's version, or why it is not there. All cells of such a
 * run also measure what the process gains (job.grown). 0 or -ENOMEM. */
int sweep_peers(json_t *machine);

/* Adds the CPU that invocations are pinned to. 0 or -ENOMEM. */
int sweep_pinned(json_t *machine, int cpu);

/* Defaults: the last CPU that this process may use; the folder workloads of the program's tree, or
 * of the working folder; a cache in the user's cache folder, or NULL if there is none
 * ($XDG_CACHE_HOME and $HOME are unset or not absolute). out has size bytes. */
int sweep_default_cpu(void);
/* The number of CPUs that this process may use. */
unsigned sweep_cpus(void);
bool sweep_cpu_allowed(int cpu);
const char *sweep_default_data(char *out, size_t size);
const char *sweep_default_cache(char *out, size_t size);

#endif
