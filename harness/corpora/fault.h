/*
 * fault.h - faults of a producer of stack maps, inserted between the true safepoints and the
 * encoder: they imitate a back end that forgets something.
 */
#ifndef STUBMAP_CORPORA_FAULT_H
#define STUBMAP_CORPORA_FAULT_H

#include "corpora/corpus.h"

enum gc_fault_kind {
	GC_FAULT_NONE,
	GC_FAULT_EMPTY, /* the n-th empty map is not recorded */
	GC_FAULT_MAP,	/* the n-th map that is not empty is not recorded */
	GC_FAULT_SLOT,	/* the n-th live place of all maps is left out */
	GC_FAULT_PC,	/* the n-th safepoint is recorded one byte further on */
	GC_FAULT_KINDS
};
extern const char *const gc_fault_names[GC_FAULT_KINDS];

struct gc_fault {
	enum gc_fault_kind kind;
	uint64_t n; /* from 0 */
};

/* How many faults of this kind a program's maps can have: n is below that. */
uint64_t gc_fault_room(const struct corpus *, enum gc_fault_kind);
/* Stores the safepoints with the fault in *points, *n; they share the corpus's places, and the
 * caller calls free(*points). 0, -ENOMEM, -ERANGE (no such map). */
int gc_fault_apply(const struct corpus *, const struct gc_fault *, struct safepoint **points,
		   size_t *n);

#endif
