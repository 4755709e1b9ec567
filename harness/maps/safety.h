/*
 * safety.h - how wrong input affects an encoder: return addresses that no safepoint has, and
 * producers that forget.
 *
 * The first half is about lookups: a stack walk that is a byte off, in the wrong function or in
 * padding asks for a pc that was never recorded. The second is about recording: a fault is put into
 * the safepoints before they are encoded (corpora/fault.h), then the true ones are looked up. Both
 * count outcomes (map.h): an encoder that refuses a pc stops the program at the error, one that
 * answers lets it go on.
 */
#ifndef STUBMAP_MAPS_SAFETY_H
#define STUBMAP_MAPS_SAFETY_H

#include <stddef.h>
#include <stdint.h>
#include <stubmap/map.h>

#include "corpora/corpus.h"
#include "corpora/fault.h"

/* ---- Return addresses that no safepoint has -------------------------------------------------- */

enum safety_sort {
	SAFETY_BEFORE,	 /* pc - 1 of a safepoint */
	SAFETY_AFTER,	 /* pc + 1 */
	SAFETY_INSIDE,	 /* in the middle of an instruction */
	SAFETY_FUNCTION, /* as far into the next function as a safepoint is into its own */
	SAFETY_PADDING,	 /* between two functions */
	SAFETY_EMPTY,	 /* not bogus: a safepoint whose map is empty; "absent" is right */
	SAFETY_SORTS
};
extern const char *const safety_sort_names[SAFETY_SORTS]; /* "pc-1", ... */

/* The pcs to look up, one for each safepoint or each gap between functions. A pc that happens to be
 * a safepoint is left out. */
struct safety_probes {
	uint32_t *pcs[SAFETY_SORTS];
	size_t n[SAFETY_SORTS];
	size_t left_out[SAFETY_SORTS];
	const char *why[SAFETY_SORTS]; /* n == 0: the reason */
	const char *how_inside;	       /* how INSIDE was chosen */
};

/*
 * Decodes the program's code. length(context, pc) is the length of the instruction at an offset in
 * the text, 0 if there is none; NULL: the code can't be had.
 */
struct safety_code {
	size_t (*length)(void *context, uint32_t pc);
	void *context;
};

/* 0 or -ENOMEM; safety_probes_free in any case. */
int safety_probes(const struct corpus *, const struct safety_code *, struct safety_probes *);
void safety_probes_free(struct safety_probes *);

/* ---- Verdicts -------------------------------------------------------------------------------- */

enum { SAFETY_HARMLESS = MAP_CORRECT }; /* a fault after which every lookup is unchanged */

struct safety_result {
	size_t sorts[SAFETY_SORTS][MAP_OUTCOMES]; /* lookups */
	/* Faults by their worst effect on the lookup of a true pc: wrong, then silent,
	 * then detected (also if the encoder itself refuses the fault);
	 * SAFETY_HARMLESS without an effect. */
	size_t faults[GC_FAULT_KINDS][MAP_OUTCOMES];
	/* Lookups of true pcs that were right before the fault and are not after it. */
	size_t lookups[GC_FAULT_KINDS][MAP_OUTCOMES];
};

struct safety_task {
	const struct map_ops *ops;
	const struct safepoint *points; /* ascending; in a form that the encoder takes */
	size_t npoints;
	const struct safety_probes *probes;
	size_t faults; /* the most of each kind, drawn from all possible ones */
	uint64_t seed;
	const struct map_function *functions;
	size_t nfunctions;
};

/*
 * A fault is judged in a table of the SAFETY_WINDOW safepoints around it, each of which
 * is looked up: the effect of one safepoint on a format's answers ends at the next entry.
 * 0, or map_encode's error.
 */
enum { SAFETY_WINDOW = 512 };
int safety_judge(const struct safety_task *, struct safety_result *);

#endif
