/*
 * spawn.h - one invocation: this program again, as a process of its own.
 *
 * The process is the unit of the statistics, so nothing is shared between two invocations. What
 * the strategy does not decide is varied from the job's seed: here the size of the environment,
 * which moves the stack; the rest in the child.
 */
#ifndef STUBMAP_SPAWN_H
#define STUBMAP_SPAWN_H

#include <jansson.h>

enum { SPAWN_TIMEOUT_MS = 120000 };

/*
 * Runs `/proc/self/exe child JOB`, pinned to the job's "cpu" unless that is -1. *record is what
 * the child wrote, {"status", "why", "figures", "wall_ns"}; of a child that died, hung or wrote
 * no such line, a failed one whose "why" says so. 0 also for those; -EINTR where SIGINT or SIGTERM
 * came, which is left pending or, where the caller does not block it, takes its course; -errno
 * where no child could be made. The caller owns *record.
 */
int spawn_cell(const json_t *job, json_t **record);
/* The same with a time limit of its own, in milliseconds. */
int spawn_within(const json_t *job, int timeout_ms, json_t **record);

#endif
