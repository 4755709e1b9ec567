/*
 * sweep.h - runs what of a plan its run does not hold yet, block by block, one child after another.
 */
#ifndef STUBMAP_RUNS_SWEEP_H
#define STUBMAP_RUNS_SWEEP_H

#include <stdbool.h>

#include "runs/plan.h"
#include "runs/store.h"

struct sweep_options {
	const char *name;   /* what lines of progress begin with; NULL: stubmap */
	unsigned blocks;    /* 0: the plan's */
	unsigned timeout_s; /* of an invocation; 0: the plan's */
	int cpu;	    /* -1: not pinned */
	const char *cache;  /* objects by content; NULL: none */
	const char *data;   /* the workloads' folder */
	/* Compiles into the cache what takes long, before the first block; NULL: nothing is. */
	void (*prepare)(const struct cell *cells, size_t n, const char *cache, const char *name);
};

/* 0, failed cells or not: they are recorded. -EINTR: SIGINT or SIGTERM came, all that was finished
 * is kept. -errno with a line in error. */
int sweep_run(const struct plan *, const struct sweep_options *, struct run *,
	      char error[RUN_ERROR]);

/* Adds to a machine's fingerprint what can be counted on it, for a plan that asks for counters. 0,
 * or -EINVAL with a line in error. */
int sweep_survey(json_t *machine, char error[RUN_ERROR]);

/* What is taken where nobody chose: the last CPU that this process may use; the folder workloads
 * beside the program's own folder, or here; a cache in the user's cache folder, NULL if there
 * is none ($XDG_CACHE_HOME and $HOME are unset or not absolute). The texts are written to at most
 * size bytes. */
int sweep_default_cpu(void);
bool sweep_cpu_allowed(int cpu);
const char *sweep_default_data(char *out, size_t size);
const char *sweep_default_cache(char *out, size_t size);

#endif
