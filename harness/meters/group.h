/*
 * group.h - events that are counted together, all the time or not at all, through one of
 * the four means; counters.c chooses among them and decides what to believe.
 *
 *   papi      PAPI's low-level interface, component "perf_event"
 *   hardware  perf_event_open with libpfm's encoding
 *   software  the same for events that the kernel itself counts
 *   kernel    getrusage and the thread's clock: works where perf_event_open is forbidden
 *
 * All four run from open to close; a region is two reads and a difference. Hardware events count
 * user mode only.
 */
#ifndef STUBMAP_METERS_GROUP_H
#define STUBMAP_METERS_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum group_kind { GROUP_PAPI, GROUP_HARDWARE, GROUP_SOFTWARE, GROUP_KERNEL, GROUP_KINDS };
extern const char *const group_names[GROUP_KINDS];   /* the names above */
extern const char *const group_sources[GROUP_KINDS]; /* as a record's "source" has it */

enum { GROUP_MAX = 18, GROUP_WHY = 320, GROUP_EXACT = 200 };

struct counter_group {
	enum group_kind kind;
	size_t n;
	int fd[GROUP_MAX]; /* hardware, software: fd[0] leads; kernel: which figure */
	int set;	   /* papi */
};

struct group_reading {
	uint64_t value[GROUP_MAX];
	uint64_t enabled, running; /* ns; equal, or the group was not counted all the time */
};

/*
 * Initialises PAPI and libpfm, once in a process. foreign: events of another CPU's table will be
 * named. group_available says what is available.
 */
int group_init(bool foreign);
/* Whether this libpfm has a table of that name; after group_init. */
bool group_has_table(const char *pmu);
/* 0, or a negative errno, with the reason and a remedy in why. */
int group_available(enum group_kind, char why[GROUP_WHY]);

/* Writes why perf_event_open refused an event with that error, and a remedy. */
void group_explain(int error, const char *name, char why[GROUP_WHY]);

/* Opens and starts all n events (libpfm's names; kernel: rusage:minflt, majflt, faults, switches,
 * clock:thread) or none. exact[i], if exact is not NULL, becomes the full definition of event i.
 * 0, or a negative errno with the reason. */
int group_open(struct counter_group *, enum group_kind, const char *const *names, size_t n,
	       char exact[][GROUP_EXACT], char why[GROUP_WHY]);
/* 0, -EAGAIN (the group could not be counted: it is started again), -EIO. */
int group_read(const struct counter_group *, struct group_reading *);
void group_close(struct counter_group *);

#endif
