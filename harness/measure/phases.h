/*
 * phases.h - measures one cell once, in this process: a hook for each family of workloads
 * (families.c has the table).
 *
 *   measure.c     calls: compile, bind, first_call, steady, space, retarget, release
 *   cold.c        the same for a replay from cold, where every stub is made: cold
 *   tierup.c      upgrades under callers: compile, background, upgrade, floor, release
 *   flood.c       many instances at once: instantiate, first_call, space, steady, release
 *   churn.c       instances come and go: bind, release, churn
 *   gc.c          a program on the collected heap, run several times: compile,
 *                 encode, load, run, collect
 *   wasm.c        a live wasm program: compile, instantiate, bind, first_call, run, release, cold
 *   wasm_flood.c  the same program instantiated many times
 */
#ifndef STUBMAP_MEASURE_PHASES_H
#define STUBMAP_MEASURE_PHASES_H

#include <jansson.h>

#include "base/prng.h"
#include "calls/world.h"
#include "meters/counters.h"
#include "runs/job.h"
#include "runs/setup.h"

/* Appends figures (store.h has their form). If the status is not MEASURE_OK, why has one line; for
 * a wrong map it names the return address, the encoder, and the right map. */
typedef enum measure_status measure_hook(const struct job *, const struct setup *, json_t *figures,
					 char why[CELL_ERROR]);

measure_hook measure_calls, measure_tierup, measure_flood, measure_churn, measure_gc, measure_wasm,
    measure_wasm_flood;

/* The phases that run in an open world, with the counters of the job (NULL: none). 0, or -1 with
 * one line in the world's why. */
typedef int world_phases(struct world *, struct counters *, json_t *figures, struct prng *);
/* Opens the world and the counters, and runs the phases at a stack depth that the seed decides. */
enum measure_status measure_in_world(const struct job *, const struct setup *, json_t *figures,
				     char why[CELL_ERROR], world_phases *);

/* Phase "cold": comes after all others, with every callee released. If the world's scenario is not
 * a replay, it does nothing. 0; -1 with one line in the world's why. */
int measure_cold(struct world *, json_t *figures);

#endif
