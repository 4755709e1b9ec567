/*
 * pending.h - the callees that wait for their stubs.
 *
 * They form two rings, each with an anchor; a word (2..) names a callee for as long as it waits.
 * They wait in the first in the order in which they were bound; rent (policy.c) moves those that
 * were called into the second, where it finds them without a look at the others:
 *
 *      at[0] <-> a <-> b <-> d <-> e <-> at[0]          (c has its stub)
 *      at[1] <-> f <-> at[1]
 */
#ifndef STUBMAP_PENDING_H
#define STUBMAP_PENDING_H

#include "../stub.h"

/* Programs bind many stubs that nobody calls, so a callee that waits takes little memory. */
struct pending {
	struct stub_callee *callee; /* holds the target and the context; NULL: free */
	stub_signature signature;
	const uint64_t *bound;
	uint32_t module, table;
	uint32_t before, behind;
	uint32_t calls; /* interpreted so far */
	union {
		uint16_t window;    /* adaptive: size of the batch that was made beside; 0: none */
		uint16_t retargets; /* rent: so far */
	};
	uint8_t kind, nbound;
};

enum { PENDING_WAITING, PENDING_CALLED, PENDING_RINGS };

struct pending_ring {
	struct pending *at;
	uint32_t capacity, used, count; /* places of at; ever taken; callees that wait */
	uint32_t free;			/* the first one given back, chained by behind; 0: none */
};

/* Adds a callee at the end of the first ring; its word, or 0: no memory.
 * Pointers into `at` become invalid. */
uint32_t pending_add(struct pending_ring *ring, const struct stub_spec *spec,
		     struct stub_callee *c);
void pending_remove(struct pending_ring *ring, uint32_t word);
/* Moves it to the end of the second ring. */
void pending_called(struct pending_ring *ring, uint32_t word);
/* The spec of its stub, as of now. */
struct stub_spec pending_spec(const struct pending_ring *ring, uint32_t word);

#endif
