/*
 * counting.h - a strategy that counts crossings, in front of the floor. It is not for timing.
 */
#ifndef STUBMAP_WASM_COUNTING_H
#define STUBMAP_WASM_COUNTING_H

#include <stubmap/stub.h>

struct wasm_counts {
	uint64_t made[STUB_KINDS];	/* stubs bound so far, rebinding included */
	uint64_t used[STUB_KINDS];	/* of those, crossed at least once */
	uint64_t crossings[STUB_KINDS]; /* calls through them */
};

/* For stub_space_open; code memory must be CODE_DUAL. */
extern const struct stub_ops wasm_counting;
/* The counts of a space that was opened with wasm_counting. */
void wasm_counts(const struct stub_space *, struct wasm_counts *out);
/* Whether any call went through a callee that wasm_counting bound. */
bool wasm_crossed(const struct stub_callee *);

#endif
