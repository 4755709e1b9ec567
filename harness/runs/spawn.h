/*
 * spawn.h - one invocation: runs this program again in a process of its own.
 *
 * The process is the unit of the statistics, so nothing is shared between two invocations. The
 * job's seed varies what the strategy does not decide: here the size of the environment, which
 * moves the stack; the child varies the rest.
 */
#ifndef STUBMAP_RUNS_SPAWN_H
#define STUBMAP_RUNS_SPAWN_H

#include <jansson.h>
#include <stdbool.h>

struct spawn_options {
	unsigned timeout_ms; /* from the start, and anew from where it measures; 0: none */
	/* NULL, or called about once a second while the child works, with its phase in a few words
	 * (watch.h; "" before the first) and the seconds that it has worked. */
	void (*tick)(void *arg, const char *phase, unsigned seconds);
	void *arg;
};

/*
 * Runs `/proc/self/exe child JOB`, pinned to the job's "cpu" unless that is -1. *record is the
 * line that the child wrote, {"status", "why", "figures", "wall_ns"}; for a child that died,
 * hung or wrote no such line it is a failed record whose "why" says so. These are added:
 * "cpu_ms" (the time that the child ran), "wait_ms" (the time that its first thread was ready to
 * run, but did not), and "stopped": true if spawn_stopped. At the limit the child is told to
 * end, and has a second to say where it was. 0, also for such children; -EINTR: SIGINT or
 * SIGTERM came; it stays pending, or takes effect if the caller does not block it; -errno: no
 * child could be made. The caller owns *record.
 */
int spawn_job(const json_t *job, const struct spawn_options *, json_t **record);
/* Where a child's time went. */
struct spawn_time {
	double wall_ms;	 /* from its start to its end, a suspended machine's sleep included */
	double cpu_ms;	 /* user and system, of all its threads */
	double wait_ms;	 /* its first thread was ready to run, others ran; 0 if not to be had */
	double steal_ms; /* the host's, of all CPUs meanwhile */
	long faults;	 /* pages that came from a disk */
	bool threads;	 /* it had more than one, whose waiting is not in wait_ms */
};
/*
 * Whether the process stood still, because it was stopped or the machine slept: for SPAWN_STILL_MS
 * or more, and for a twentieth of its time, it neither ran nor waited for a CPU, a disk
 * (SPAWN_FAULT_MS a page at the most) or the host. No cell waits for anything else for so long: its
 * own longest sleep takes 1 ms. With several threads the part is a quarter: they wait for each
 * other and for CPUs, unseen.
 */
enum { SPAWN_STILL_MS = 250, SPAWN_FAULT_MS = 20 };
bool spawn_stopped(const struct spawn_time *);

/* spawn_job with a limit of timeout_s seconds, before it measures and anew from there; 0: 120, and
 * more for a cell with many upgrades. */
int spawn_cell(const json_t *job, const struct spawn_options *, unsigned timeout_s,
	       json_t **record);

#endif
