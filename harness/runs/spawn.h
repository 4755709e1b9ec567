/*
 * spawn.h - one invocation: this program again, as a process of its own.
 *
 * The process is the unit of the statistics, so nothing is shared between two invocations. What
 * the strategy does not decide is varied from the job's seed: here the size of the environment,
 * which moves the stack; the rest in the child.
 */
#ifndef STUBMAP_RUNS_SPAWN_H
#define STUBMAP_RUNS_SPAWN_H

#include <jansson.h>

struct spawn_options {
	unsigned timeout_ms; /* 0: none */
	/* NULL, or called about once a second while the child works: what it is at, in a few words
	 * (watch.h; "" before it says), and for how many seconds it has worked. */
	void (*tick)(void *arg, const char *phase, unsigned seconds);
	void *arg;
};

/*
 * Runs `/proc/self/exe child JOB`, pinned to the job's "cpu" unless that is -1. *record is what
 * the child wrote, {"status", "why", "figures", "wall_ns"}; of a child that died, hung or wrote
 * no such line, a failed one whose "why" says so. At the limit the child is told to end, and has a
 * second to say where it was. 0 also for those; -EINTR where SIGINT or SIGTERM came, which is left
 * pending or, where the caller does not block it, takes its course; -errno where no child could be
 * made. The caller owns *record.
 */
int spawn_job(const json_t *job, const struct spawn_options *, json_t **record);
/* The same with a limit of that many seconds; 0: 120, and more for a cell that has many upgrades to
 * do. */
int spawn_cell(const json_t *job, const struct spawn_options *, unsigned timeout_s,
	       json_t **record);

#endif
