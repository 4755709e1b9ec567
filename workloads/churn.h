/*
 * churn.h - reader of recorded lives of code in a JIT's code cache (churn/NAME.churn.zst, format
 * and origin in churn/README.md), and the stream of creations and releases that a replay follows.
 *
 * Objects are numbered 0, 1, ... in the order of their creation. A stream puts them into slots,
 * 0..slots-1, the one freed last first:
 *
 *      churn_start(&s, &churn, 1000);
 *      while (churn_next(&s, &step))
 *              step.create ? make(step.slot, step.size) : drop(step.slot);
 *      churn_stop(&s);
 */
#ifndef STUBMAP_CHURN_H
#define STUBMAP_CHURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHURN_ERROR = 200, CHURN_MAX_KINDS = 16 };

struct churn_event {
	uint64_t us;	 /* since the log began */
	uint32_t object; /* which one is created or released */
	bool create;
};

struct churn_object {
	uint32_t size; /* bytes, 1 or more; of the whole allocation, as the engine counts it */
	uint8_t kind;  /* index into kinds */
};

struct churn {
	char name[64], program[160];	 /* engine and what it ran */
	char kinds[CHURN_MAX_KINDS][24]; /* the engine's own names: "c1-3", "wasm", "js-to-wasm" */
	uint32_t nkinds;
	struct churn_object *objects;
	uint32_t created, released;
	struct churn_event *events; /* times never go back */
	uint32_t nevents;	    /* created + released */
	uint32_t peak;		    /* most objects live at once */
	uint64_t bytes, peak_bytes; /* of all objects; of those live at once, at most */
};

/*
 * Both: 0, or -EINVAL (not a churn log, cut off, damaged, absurd), -ENOMEM, or what opening the
 * file gave; one line in error, and *out is empty.
 */
int churn_read(const char *path, struct churn *out, char error[CHURN_ERROR]);
/* From the uncompressed bytes; the line does not name a file. */
int churn_parse(const uint8_t *data, size_t len, struct churn *out, char error[CHURN_ERROR]);
void churn_free(struct churn *);

struct churn_step {
	bool create;   /* or release */
	bool evicted;  /* a release that the log has not, or has later: see churn_start */
	uint32_t slot; /* free until a creation, taken until its release */
	uint32_t object, size;
	uint64_t us;
};

struct churn_stream {
	const struct churn *churn;
	uint32_t at;			     /* next event */
	uint32_t slots, top;		     /* all; entries of free */
	uint32_t oldest;		     /* no object before it is live */
	uint32_t *free, *slot_of;	     /* a stack; of each object, UINT32_MAX if not live */
	uint32_t created, released, evicted; /* steps given so far; evicted ones are released too */
};

/*
 * A stream from the start of the log, at most so many objects live at once: 0 is as many as the log
 * had (its peak). Where a creation finds no room, the object that is oldest is released in front of
 * it, as a cache too small for its program does, and its release in the log is passed over. A log
 * without releases thereby becomes a first-in-first-out cache. 0 or -ENOMEM.
 */
int churn_start(struct churn_stream *, const struct churn *, uint32_t most);
/* The next step, or false at the end: what is live then stays so. */
bool churn_next(struct churn_stream *, struct churn_step *);
void churn_stop(struct churn_stream *);

#endif
