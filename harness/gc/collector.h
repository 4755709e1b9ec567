/*
 * collector.h - a precise, moving collector whose only source of roots is the encoder under test.
 *
 * The true safepoints (the oracle) are optional: they never supply a root, they only judge the
 * encoder's answer at each frame of each collection.
 */
#ifndef STUBMAP_GC_COLLECTOR_H
#define STUBMAP_GC_COLLECTOR_H

#include <stubmap/map.h>

#include "workloads/gc.h"
#include "corpora/corpus.h"
#include "gc/heap.h"
#include "jit/jit.h"
#include "base/prng.h"
#include "gc/walk.h"

enum { COLLECTOR_ERROR = 240 };

struct collector_config {
	enum gc_mode mode;
	uint64_t seed; /* of the random budgets */
	const struct map_ops *ops;
	const uint8_t *map; /* the encoder's bytes */
	size_t map_len;
	const struct loaded *module;
	struct code_memory *code;
	/* NULL: nothing is compared, and a root that points outside the heap is skipped and
	 * counted. With an oracle such a root ends the run. */
	const struct corpus *oracle;
	struct stub_activation *activation;
	volatile uint32_t *poll_flag; /* set where a poll should collect; NULL: no polls */
	struct walk_log *log;	      /* gets each collection's walk; NULL: not wanted */
};

/* Why a collection could not be finished. */
enum collector_failure {
	COLLECTOR_FINE,
	COLLECTOR_DETECTED, /* the encoder said: no safepoint, or damaged */
	COLLECTOR_BAD_ROOT, /* a place outside its frame, or a value that is no reference */
	COLLECTOR_LOST,	    /* the walk met an unknown return address: not the encoder's fault */
	COLLECTOR_NO_MEMORY,
};

struct collector_stats {
	uint64_t collections, frames, stubs, roots; /* roots: places visited, null ones too */
	uint64_t inside;			    /* of those, pointers into objects */
	uint64_t moved_objects, moved_bytes;
	uint64_t bad_roots;		/* skipped */
	uint64_t wrong, missing, extra; /* frames whose map was wrong; places in all of those */
	uint64_t most_frames;		/* in one collection */
	/* CLOCK_MONOTONIC, summed over all collections. walk: finding the frames;
	 * total: everything, with the system calls for the spaces. Each includes
	 * reading the clock, about 20 ns. */
	uint64_t walk_ns, lookup_ns, total_ns;
};

/* A reference that the host holds: a local variable of its own, linked in while it is needed. */
struct collector_handle {
	struct collector_handle *next;
	void *ref;
};

struct collector {
	struct collector_config config;
	struct heap heap;
	struct walk walk;
	struct prng prng;
	struct collector_stats stats;
	struct collector_handle *handles;
	struct map_live *answers; /* one a frame */
	enum map_answer *kinds;
	uint8_t *scratch; /* of each frame, and of one lookup more */
	size_t scratch_each;
	size_t answers_cap;
	bool any_wrong;
	uint32_t first_wrong; /* the return address of the first wrong map, from the text's start */
	enum collector_failure failure;
	char why[COLLECTOR_ERROR]; /* one line */
};

/* 0 or -ENOMEM. */
int collector_open(struct collector *, const struct collector_config *);
void collector_close(struct collector *);

/* Call both from functions that compiled code called through a stub that left an exit frame. NULL
 * or -1: failure and why say what happened, and the program can't go on. */
void *collector_alloc(struct collector *, uint32_t nrefs, uint32_t nbytes);
int collector_collect(struct collector *);

/* "function+0x1a: NAME answered {1, 2}, should be {1}": the map of one return address. */
void collector_describe(const struct collector *, uint32_t pc, char text[COLLECTOR_ERROR]);

#endif
