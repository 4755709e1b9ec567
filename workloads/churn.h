/*
 * churn.h - reads recorded lives of code in a JIT's code cache (churn/NAME.churn.zst, format and
 * origin in churn/README.md), and makes the stream of creations and releases that a replay follows.
 *
 * Objects are numbered 0, 1, ... in the order of their creation. A stream puts them into slots,
 * 0..slots-1, and takes the slot freed last first:
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
	uint32_t object; /* the one created or released */
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
 * Both return 0, or -EINVAL (not a churn log, cut off, damaged, absurd), -ENOMEM, or an error of
 * opening the file, with one line in error and *out empty.
 */
int churn_read(const char *path, struct churn *out, char error[CHURN_ERROR]);
/* churn_parse takes the uncompressed bytes; its line does not name a file. */
int churn_parse(const uint8_t *data, size_t len, struct churn *out, char error[CHURN_ERROR]);
void churn_free(struct churn *);

struct churn_step {
	bool create;   /* else a release */
	bool evicted;  /* a release that the log lacks, or has later: churn_start */
	uint32_t slot; /* free until a creation, taken until its release */
	uint32_t object, size;
	uint64_t us;
};

struct churn_stream {
	const struct churn *churn;
	uint32_t at;			     /* next event */
	uint32_t slots, top;		     /* all of them; entries of `free` */
	uint32_t oldest;		     /* no object before it is live */
	uint32_t *free, *slot_of;	     /* a stack; each object's, UINT32_MAX if not live */
	uint32_t created, released, evicted; /* steps so far; evicted counts as released, too */
};

/*
 * Starts a stream at the beginning of the log, with at most `most` live objects; 0: as many as in
 * the log (its peak). If a creation finds no room, the oldest object is released before it, as in a
 * cache too small for its program, and its release in the log is skipped. So a log without releases
 * becomes a first-in-first-out cache. 0 or -ENOMEM.
 */
int churn_start(struct churn_stream *, const struct churn *, uint32_t most);
/* The next step, or false at the end: objects live then stay live. */
bool churn_next(struct churn_stream *, struct churn_step *);
void churn_stop(struct churn_stream *);

#endif
