/*
 * faults.h - faults of the producer put into running programs, and what came of each.
 *
 * Each run is a process of its own, since a wrong map may do anything. The encoder's answers are
 * compared with the truth as they are given, so that a wrong one is known even where the program's
 * answer is right all the same.
 */
#ifndef STUBMAP_GC_FAULTS_H
#define STUBMAP_GC_FAULTS_H

#include "gc/run.h"
#include "base/progress.h"

/* From the earliest to the latest that somebody notices. */
enum fault_outcome {
	FAULT_CAUGHT,	    /* the encoder's lookup refused the return address */
	FAULT_BAD_ROOT,	    /* the collector was handed something that is no reference */
	FAULT_CRASH,	    /* the program touched an old space, or faulted otherwise */
	FAULT_NO_END,	    /* out of time or memory */
	FAULT_WRONG_ANSWER, /* nobody noticed, but whoever knows the answer */
	FAULT_UNNOTICED,    /* a right answer, by luck: at least one map was wrong */
	FAULT_HARMLESS,	    /* every map asked for was right, or the fault's was never asked for */
	FAULT_OUTCOMES
};
extern const char *const fault_outcome_names[FAULT_OUTCOMES];

struct fault_end {
	enum fault_outcome outcome;
	struct gc_result result; /* zero of a process that died */
	char why[GC_ERROR];	 /* "" where it is harmless */
};

enum { FAULT_LIMIT_MS = 10000 };

/* Runs the job in a process of its own. 0; -EINVAL where the job is refused, -errno where no
 * process could be made, with a line in end->why. */
int fault_run(const struct gc_job *, struct fault_end *end);

/* How many faults of each kind the program's maps have room for; compiles, runs nothing. 0, or
 * -EINVAL with a line in why. */
int fault_rooms(const struct gc_job *, uint64_t rooms[GC_FAULT_KINDS], char why[GC_ERROR]);

struct fault_count {
	uint64_t room, runs;		   /* runs < room: a sample, evenly spread */
	uint64_t outcomes[FAULT_OUTCOMES]; /* they add up to runs */
};

/* Faults of the job's kind, at most `most` of the `room` that there are. 0, or as fault_run with a
 * line in why. */
int fault_count(const struct gc_job *, uint64_t room, uint64_t most, struct progress *,
		struct fault_count *out, char why[GC_ERROR]);

#endif
