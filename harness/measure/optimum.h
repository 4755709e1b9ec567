/*
 * optimum.h - the least that a trace can cost, for somebody who knows it beforehand.
 *
 * The model: making n stubs in one batch takes batch + n * make; a call through a stub `call`,
 * through the interpretive one `generic`; nothing else costs anything. At each event any stubs may
 * be made that are not, in one batch, and the call goes through its stub if that is made.
 *
 * Then no plan is better than one batch at the start: a stub that is ever made is made before its
 * first call or it is not worth being made at all, or as good, since what it saves grows with each
 * call that it gets; and batches joined save all but one `batch`. What is left is to choose for
 * each stub whether its calls pay for it, and for all whether they pay for the batch: exact in one
 * pass. (Where generic < call, nothing is made.)
 */
#ifndef STUBMAP_MEASURE_OPTIMUM_H
#define STUBMAP_MEASURE_OPTIMUM_H

#include <stddef.h>
#include <stdint.h>

/* All in ns, none below 0. */
struct policy_costs {
	double batch, make, call, generic;
};

struct policy_optimum {
	double ns;
	size_t made, interpreted; /* stubs; the others are never called */
};

/* calls[n]: how often each stub is called. */
struct policy_optimum policy_optimum(const struct policy_costs *, const uint64_t *calls, size_t n);

#endif
