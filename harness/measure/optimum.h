/*
 * optimum.h - the least cost of a trace for a policy that knows it beforehand.
 *
 * The model: making n stubs in one batch costs batch + n * make; a call costs `call` through a
 * stub, `generic` through the interpretive one; nothing else costs anything. At each event any
 * missing stubs may be made in one batch, and the call goes through its stub if that is made.
 *
 * Then no plan is better than one batch at the start: a stub that is worth making is best made
 * before its first call, since it saves more with each call; and joining batches saves all but one
 * `batch`. It remains to decide for each stub whether its calls pay for it, and for all stubs
 * whether they pay for the batch: one pass is exact. (If generic < call, nothing is made.)
 */
#ifndef STUBMAP_MEASURE_OPTIMUM_H
#define STUBMAP_MEASURE_OPTIMUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Costs in ns, none below 0. */
struct policy_costs {
	double batch, make, call, generic;
};

struct policy_optimum {
	double ns;
	size_t made, interpreted; /* numbers of stubs; the others are never called */
};

/* Whether a stub is worth making, if there is a batch at all. */
bool policy_pays(const struct policy_costs *, uint64_t calls);
/* calls[n]: how often each stub is called. */
struct policy_optimum policy_optimum(const struct policy_costs *, const uint64_t *calls, size_t n);

#endif
