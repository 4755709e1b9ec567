/*
 * world.h - all that a cell needs before its first stub is bound: the scenario, the code memory
 * with an open space, the host, and the compiled targets and callers.
 */
#ifndef STUBMAP_CALLS_WORLD_H
#define STUBMAP_CALLS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "calls/callers.h"
#include "jit/host.h"
#include "jit/jit.h"
#include "runs/job.h"
#include "runs/setup.h"
#include "base/prng.h"

struct world {
	const struct job *job;
	const struct setup *setup; /* of job's cell */
	const struct stub_ops *ops;
	struct scenario scenario;
	struct code_memory *code;
	struct stub_space space;
	struct host *host;
	struct host_instance *instances; /* SCENARIO_INSTANCES of them */
	struct stub_callee *callees;	 /* in reach of all code; callee k is boundary k's */
	struct stub_callee **pointers;	 /* to callees, for bulk binding */
	struct stub_spec *specs;	 /* of each boundary, its target in targets[0] */
	uint64_t *bound; /* STUB_MAX_BOUND words a boundary; NULL: no boundary binds */
	/* The same object, loaded as version 0 and version 1; of a life only version 0. */
	struct loaded targets[2];
	struct loaded callers;
	/* The compiled caller, through stubs or directly; of a life (workload.h) always through the
	 * stubs of state->callees. */
	callers_round *round;
	struct callers_state state;
	uint32_t *thunks;  /* dispatch: nevents thunk numbers, then 0..crossed-1; else NULL */
	uint32_t *crossed; /* dispatch: the boundary of each thunk */
	uint64_t compile_ns;
	uint32_t copied; /* functions that were copied, not compiled */
	bool cached;	 /* an object came from the cache: compile_ns is not the compiler's time */
	/* private */
	bool space_open;
	uint32_t *refs;
	uintptr_t version; /* the loader's hook answers with it */
	char *why;
};

/* The first compiles the targets of a tier, in any thread; cache: see jit.h. The second loads the
 * object as a version. 0, or one line in why. */
int world_compile_targets(const struct world *, unsigned tier, const char *cache,
			  struct jit_object *out, char why[CELL_ERROR]);
int world_load_targets(struct world *, const struct jit_object *, unsigned version,
		       uint32_t offset);
/* The address of boundary k's target of a version; NULL: none. */
const void *world_target(const struct world *, unsigned version, uint32_t k);
/* rng decides what the seed moves. On any status but MEASURE_OK, why has one line; close the world
 * in every case. */
enum measure_status world_open(struct world *, const struct job *, const struct setup *,
			       struct prng *rng, char why[CELL_ERROR]);
void world_close(struct world *);
/* What calls a cell's stubs. Cells of one program and one sort of callers have the same code. */
enum callers_part world_callers(const struct setup *);
/* Compiles the module that the job prepares, of a cell of FAMILY_CALLS, into the job's cache;
 * nothing is loaded. 0, or -1: the cell's own world_open will say why. */
int world_prepare(const struct job *, const struct setup *, char why[CELL_ERROR]);
/* Writes one line for an error of the strategy's; returns -1. */
int world_fail(struct world *, const char *what, int error);

#endif
