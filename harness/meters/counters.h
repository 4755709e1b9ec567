/*
 * counters.h - the counter ladder: for each meter the best means that this machine really has, or
 * the reason why there is none.
 *
 * The steps, best first: PAPI, perf_event_open with the CPU's own event, perf_event_open with the
 * kernel's generic event, the kernel's software events, system calls, none. A step is taken only
 * after the event counted a known loop (loops.h) within bounds (events.h), alone and in its group.
 * Hardware events count user mode only and are never multiplexed: a meter that does not fit beside
 * the others waits for another invocation.
 */
#ifndef STUBMAP_METERS_COUNTERS_H
#define STUBMAP_METERS_COUNTERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "meters/group.h"
#include "meters/events.h"

enum { COUNTERS_ERROR = 480, COUNTER_WHY = 1000 };

/* For tests: what should fail. */
enum counters_fault {
	FAULT_ZERO = 1,	       /* the counter stays at zero */
	FAULT_REFUSED = 2,     /* the event cannot be added */
	FAULT_DISABLED = 4,    /* PAPI's component and the PMU are not there */
	FAULT_UNKNOWN_CPU = 8, /* no table for this CPU */
	FAULT_SHARED = 16,     /* the group is counted half of the time only */
	FAULT_CROWDED = 32,    /* one hardware event fits at a time */
};

struct counters_options {
	unsigned off;		   /* steps not to take: bits 1 << enum group_kind */
	unsigned faults;	   /* enum counters_fault */
	const char *fault_meter;   /* NULL: FAULT_ZERO and FAULT_REFUSED hit every meter */
	bool forced;		   /* tests only: LIBPFM_FORCE_PMU may be set */
	const struct uarch *uarch; /* tests only: the CPU to assume; NULL: the real one */
};

enum counter_proof {
	PROOF_NONE,
	PROOF_READS,   /* starts and reads; no loop provokes the event */
	PROOF_COUNTED, /* counted a known loop within bounds */
};

struct counter {
	const struct meter *meter;
	const char *source; /* "papi", "perf", "kernel"; NULL: not to be had, see why */
	bool generic;	    /* the kernel's event, which may differ between CPUs */
	enum group_kind kind;
	size_t slot;		   /* private: place in its group */
	const struct event *event; /* of this CPU; NULL: generic, software or kernel */
	char name[EVENT_NAME];	   /* libpfm's */
	char exact[GROUP_EXACT];   /* the full definition of what is counted */
	enum counter_proof proof;
	double ratio;	       /* events an occasion that the known loop gave */
	uint64_t probe;	       /* events in an empty region, median */
	bool waits;	       /* works, but not beside the others: in another invocation */
	char why[COUNTER_WHY]; /* why the better steps, or all, were not taken */
};

struct counters_step {
	bool available;
	char why[GROUP_WHY];
};

struct counters {
	size_t n;
	struct counter counter[METERS]; /* in the order of the names */
	struct counters_step step[GROUP_KINDS];
	char cpu[UARCH_CPU];
	const struct uarch *uarch; /* NULL: not known */
	bool table;		   /* this libpfm has the CPU's table */
	uint64_t probe_ns;	   /* a start and a stop, median */
	uint64_t discarded;	   /* regions that were not counted all the time */
	uint64_t too_short;	   /* regions refused by counters_stop_timed */
	struct counters_options options;
	/* private */
	struct counter_group group[GROUP_KINDS];
	struct group_reading start[GROUP_KINDS];
};

/*
 * Opens n meters by name, 1..METERS. A meter that can't be had is no error: its source is NULL. 0,
 * or -EINVAL (a name is unknown or twice; LIBPFM_FORCE_PMU is set), -ENOMEM, with one line in
 * error. options may be NULL. Counts the calling thread.
 */
int counters_open(struct counters **out, const char *const *names, size_t n,
		  const struct counters_options *options, char error[COUNTERS_ERROR]);
void counters_close(struct counters *);

/* A region. 0; -EAGAIN: no counter is free now; -EIO. */
int counters_start(struct counters *);
/* values[i] belongs to counter[i]; without a source it is not written. 0; -EAGAIN: not counted all
 * the time: no value is written, discarded goes up; -EIO. */
int counters_stop(struct counters *, uint64_t *values);
/* Whether start and stop would take more than 1 % of a region, or the
 * region is shorter than 1 ms. */
bool counters_too_short(const struct counters *, uint64_t region_ns);
/* As counters_stop, for a region that took region_ns; -ERANGE: it is too short: no value is
 * written, too_short goes up. */
int counters_stop_timed(struct counters *, uint64_t region_ns, uint64_t *values);

/* Every meter, in groups that fit: group g (from 0) needs one invocation. */
struct counters_survey {
	struct counter counter[METERS];
	unsigned group[METERS];
	unsigned groups;
	struct counters_step step[GROUP_KINDS];
	char cpu[UARCH_CPU];
	const struct uarch *uarch;
	bool table; /* as in struct counters */
	uint64_t probe_ns;
};
int counters_survey(struct counters_survey *, const struct counters_options *,
		    char error[COUNTERS_ERROR]);

/* One counter as a record holds it: {meter, source, event, exact, mode, proof, ratio, meaning,
 * note, probe} or {meter, source: null, why}. */
json_t *counter_to_json(const struct counter *, const struct uarch *);
/* The survey as an object, and as a table for people. */
json_t *counters_survey_to_json(const struct counters_survey *);
void counters_survey_print(FILE *, const struct counters_survey *);

#endif
