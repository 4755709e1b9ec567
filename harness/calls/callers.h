/*
 * callers.h - the two sides of a scenario's boundaries, as LLVM IR text: the targets that compute,
 * and the compiled code that crosses, through stubs or (the floor) by direct calls.
 *
 *   part      defines                               needs from the loader's hook
 *   targets   t<k>, the target of boundary k, and   @refs, @version
 *             h<k>, its host form (exit_js only)
 *   slots     round_slots                           @callees, @refs
 *   shared    round_slots, callees by way of state  @refs
 *   near      round_slots, by calls of s<k>         s<k>, @callees, @refs
 *   passing   round_slots, the context passed       @callees, @refs
 *   direct    round_direct                          t<k> of every boundary crossed, @refs
 *
 * Each part is a module of its own, so that a cell compiles and loads only what it runs.
 *
 *   @refs     uint32_t[SCENARIO_REFS], in code_data (reached by 32-bit displacement)
 *   @callees  struct stub_callee[nboundaries], in code_data; callee k belongs to boundary k
 *   s<k>      a call site of callee k (stub.h, struct stub_site); the kind indirect passes the
 *             callee's context, all others the callee in r10
 *   @version  absolute: the hook answers with the number version + 1 as an address (NULL means
 *             "unknown" to the loader). One object loaded twice gives two versions of the targets.
 *
 * Callers of `passing` load the code pointer as those of `slots` do, and pass the callee's context
 * to the kind indirect as those of `near` do: for stubs that only jump.
 *
 * Both round functions are `void (struct callers_state *)`, called from C; they run state->rounds
 * rounds and leave x in the state. The caller's instance, the ctx of exits, indirect calls and
 * builtins, is instances[0]. A site of a ref passes the signature in r13 (swiftself); a site of a
 * bind passes the arguments that callers_bound does not store.
 *
 * SCENARIO_STRAIGHT: a round is every event in line. The first round has the first crossing of
 * each boundary: run one round and time it. events and nevents are not read. SCENARIO_DISPATCH: a
 * round is state->events, which holds thunk numbers, not boundaries: boundaries in the order of
 * their first crossing (callers_thunks). All first crossings are therefore one round with the
 * events 0, 1, ... crossed-1.
 * SCENARIO_CHOSEN: as dispatch, but each event is chosen by the state, unless state->listed.
 */
#ifndef STUBMAP_CALLS_CALLERS_H
#define STUBMAP_CALLS_CALLERS_H

#include <stddef.h>
#include <stdint.h>

#include "workloads/workload.h"
#include "jit/host.h"

struct callers_state {
	uint32_t x;		/* in and out */
	uint32_t listed;	/* chosen only: run the events in their order, once */
	uint64_t rounds;	/* >= 1 */
	const uint32_t *events; /* not straight: thunk numbers */
	uint64_t nevents;	/* >= 1 */
	struct instance *instances[SCENARIO_INSTANCES];
	struct stub_callee *callees; /* shared: callee k belongs to boundary k */
};

typedef void callers_round(struct callers_state *);

/* Shared: code of one module for many instances, each with callees of its own. */
enum callers_part {
	CALLERS_TARGETS,
	CALLERS_SLOTS,
	CALLERS_SHARED,
	CALLERS_NEAR,
	CALLERS_PASSING,
	CALLERS_DIRECT
};

/* IR text, zero-terminated, size without the zero; free(*text). 0, -EINVAL (a signature, kind,
 * instance or event that the scenario's own bounds forbid; no event at all), -ENOMEM. */
int callers_text(const struct scenario *, enum callers_part, char **text, size_t *size);

/* Fills bound[0..nbound) with the arguments that bind's boundary k stores, for its stub_spec. */
void callers_bound(const struct boundary *, uint32_t k, const uint32_t *refs,
		   uint64_t bound[STUB_MAX_BOUND]);

/* Thunk numbers by first crossing: of_boundary[k] (nboundaries of them; UINT32_MAX: never crossed)
 * and events[i] (nevents of them; may be NULL). Returns the number of thunks: crossed. */
uint32_t callers_thunks(const struct scenario *, uint32_t *of_boundary, uint32_t *events);

#endif
