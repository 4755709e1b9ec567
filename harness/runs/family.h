/*
 * family.h - families of workloads: the cells of one family have the same keys and are measured in
 * the same way.
 *
 * One row for each family. Two other tables are indexed by family: measure/families.c has the
 * functions that measure its cells, analysis/views.c the tables that show them.
 */
#ifndef STUBMAP_RUNS_FAMILY_H
#define STUBMAP_RUNS_FAMILY_H

#include "workloads/workload.h"

/* Bits: which cells a key is for. */
enum use {
	USE_RING = 1,	/* a population of one kind */
	USE_REPLAY = 2, /* a trace's population */
	USE_GC = 4,
	USE_TIERUP = 8,
	USE_FLOOD = 16,
	USE_CHURN = 32,
	USE_STEADY = 64, /* one tier throughout */
	USE_WASM = 128,
	USE_TARGETS = 256,  /* a ring whose targets can be fewer than its stubs */
	USE_DEFERRED = 512, /* and only if stubs are made when called */
	USE_CALLS = USE_RING | USE_REPLAY,
	USE_ALWAYS = USE_CALLS | USE_GC | USE_WASM,
	USE_ANY = USE_DEFERRED - 1
};

/*        id          name          stubs' life  keys of its cells, and of those with a trace */
#define FAMILY_ROWS(X)                                                                   \
	X(CALLS, "calls", LIFE_CALLS, USE_STEADY | USE_RING | USE_TARGETS,               \
	  USE_STEADY | USE_REPLAY)                                                       \
	X(TIERUP, "tierup", LIFE_TIERUP, USE_TIERUP | USE_RING, USE_TIERUP | USE_REPLAY) \
	X(FLOOD, "flood", LIFE_FLOOD, USE_FLOOD | USE_STEADY | USE_RING,                 \
	  USE_FLOOD | USE_STEADY | USE_REPLAY)                                           \
	X(CHURN, "churn", LIFE_CHURN, USE_CHURN | USE_STEADY | USE_RING,                 \
	  USE_CHURN | USE_STEADY | USE_RING)                                             \
	X(GC, "gc", LIFE_CALLS, USE_GC, USE_GC)                                          \
	X(WASM, "wasm", LIFE_CALLS, USE_WASM | USE_STEADY, USE_WASM | USE_STEADY)        \
	X(WASM_FLOOD, "flood:wasm", LIFE_FLOOD, USE_WASM | USE_STEADY | USE_FLOOD,       \
	  USE_WASM | USE_STEADY | USE_FLOOD)                                             \
	/* A workload that this build does not know keeps all that its record holds. */  \
	X(UNKNOWN, "unknown", LIFE_CALLS, USE_ANY, USE_ANY)

enum family {
#define FAMILY_ID(id, ...) FAMILY_##id,
	FAMILY_ROWS(FAMILY_ID)
#undef FAMILY_ID
	    FAMILIES
};

struct family_row {
	const char *name;
	enum workload_life life;
	unsigned keys, traced; /* enum use */
};

extern const struct family_row family_rows[FAMILIES];

/* The family of a workload's name; *keys becomes the keys of its cells, without USE_DEFERRED. */
enum family family_of(const char *workload, unsigned *keys);

#endif
