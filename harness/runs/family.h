/*
 * family.h - families of workloads: the cells of one family have the same keys, are measured in the
 * same way, and are shown in the same table.
 *
 * A family is one row. Its last three columns are read elsewhere, since imports run one way: names
 * of a function that measure/phases.h declares, and of a table that analysis/views.c defines.
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

#define NO_STEADY "has no steady state to take"
#define NO_CALLS  "makes no calls that a snapshot could hold"

/*
 * id, name, its stubs' life,
 * keys of its cells, and of those with a trace,
 * the function that measures a cell, why it has no snapshot (NULL: it has), the table of a run
 */
#define FAMILY_ROWS(X)                                                                          \
	X(CALLS, "calls", LIFE_CALLS, USE_STEADY | USE_RING | USE_TARGETS,                      \
	  USE_STEADY | USE_REPLAY, measure_calls, NULL, calls)                                  \
	X(TIERUP, "tierup", LIFE_TIERUP, USE_TIERUP | USE_RING, USE_TIERUP | USE_REPLAY,        \
	  measure_tierup, NO_STEADY, tierup)                                                    \
	X(FLOOD, "flood", LIFE_FLOOD, USE_FLOOD | USE_STEADY | USE_RING,                        \
	  USE_FLOOD | USE_STEADY | USE_REPLAY, measure_flood, NO_STEADY, flood)                 \
	X(CHURN, "churn", LIFE_CHURN, USE_CHURN | USE_STEADY | USE_RING,                        \
	  USE_CHURN | USE_STEADY | USE_RING, measure_churn, NO_STEADY, churn)                   \
	X(GC, "gc", LIFE_CALLS, USE_GC, USE_GC, measure_gc, NO_CALLS, gc)                       \
	X(WASM, "wasm", LIFE_CALLS, USE_WASM | USE_STEADY, USE_WASM | USE_STEADY, measure_wasm, \
	  NO_CALLS, wasm)                                                                       \
	X(WASM_FLOOD, "flood:wasm", LIFE_FLOOD, USE_WASM | USE_STEADY | USE_FLOOD,              \
	  USE_WASM | USE_STEADY | USE_FLOOD, measure_wasm_flood, NO_CALLS, flood)               \
	/* A workload that this build does not know: its record keeps all keys, and is shown;   \
	 * setup_of refuses to measure it. */                                                   \
	X(UNKNOWN, "unknown", LIFE_CALLS, USE_ANY, USE_ANY, NULL, NULL, calls)

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
