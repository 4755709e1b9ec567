/*
 * faults.h - puts faults of the producer into running programs, and tells the outcome of each.
 *
 * Each run is a process of its own, since a wrong map may do anything. Each answer of the encoder
 * is compared with the truth at once, so that a wrong one is known even if the program's answer is
 * right all the same.
 */
#ifndef STUBMAP_GC_FAULTS_H
#define STUBMAP_GC_FAULTS_H

#include "gc/execute.h"
#include "base/progress.h"

/* In the order in which the fault is noticed, the earliest first. */
enum fault_outcome {
	FAULT_CAUGHT,	    /* the encoder's lookup refused the return address */
	FAULT_BAD_ROOT,	    /* the collector was handed something that is no reference */
	FAULT_CRASH,	    /* the program touched an old space, or faulted otherwise */
	FAULT_NO_END,	    /* out of time or memory */
	FAULT_WRONG_ANSWER, /* a wrong answer: noticed because the right one is known */
	FAULT_UNNOTICED,    /* a right answer, by luck: at least one map was wrong */
	FAULT_HARMLESS,	    /* every map looked up was right */
	FAULT_OUTCOMES
};
extern const char *const fault_outcome_names[FAULT_OUTCOMES];

struct fault_end {
	enum fault_outcome outcome;
	struct gc_result result; /* zero if the process died */
	char why[GC_ERROR];	 /* "" if harmless */
};

enum { FAULT_LIMIT_MS = 10000 };

/* Runs the task in a process of its own. 0; -EINVAL (the task is refused) or -errno (no process
 * could be made), with a line in end->why. */
int fault_run(const struct gc_task *, struct fault_end *end);

/* How many faults of each kind the program's maps can have; compiles the program, but does not run
 * it. 0, or -EINVAL with a line in why. */
int fault_rooms(const struct gc_task *, uint64_t rooms[GC_FAULT_KINDS], char why[GC_ERROR]);

struct fault_count {
	uint64_t room, runs;		   /* runs < room: a sample, evenly spread */
	uint64_t outcomes[FAULT_OUTCOMES]; /* they add up to runs */
};

/* Runs faults of the task's kind, at most `most` of the possible `room`. 0, or an error of
 * fault_run, with a line in why. */
int fault_count(const struct gc_task *, uint64_t room, uint64_t most, struct progress *,
		struct fault_count *out, char why[GC_ERROR]);

#endif
