/*
 * pending.h - the callees that wait for their stubs, and the policies, which choose the stubs that
 * one call makes.
 *
 * The callees form a ring in the order in which they were bound, with an anchor, at[0]; a word
 * (1..) names a callee for as long as it waits:
 *
 *      anchor <-> a <-> b <-> d <-> e <-> anchor          (c has its stub)
 */
#ifndef STUBMAP_PENDING_H
#define STUBMAP_PENDING_H

#include "../stub.h"

struct pending {
	struct stub_spec spec;	    /* but target and context: the callee's hold */
	struct stub_callee *callee; /* NULL: free */
	uint32_t before, behind;
	uint32_t calls;	 /* interpreted calls so far */
	uint32_t window; /* adaptive: the size of the batch that was made right beside; 0: none */
};

struct pending_ring {
	struct pending *at;
	uint32_t capacity, count; /* of at, with the anchor; of pending callees */
	uint32_t free;		  /* the first free place, chained by behind; 0: none */
};

/* Adds a callee at the end of the ring; its word, or 0: no memory. Pointers into `at` become
 * invalid. */
uint32_t pending_add(struct pending_ring *ring, const struct stub_spec *spec,
		     struct stub_callee *c);
void pending_remove(struct pending_ring *ring, uint32_t word);

enum { ADAPTIVE_SYSCALL = 16 }; /* stubs whose making costs as much as a system call */

struct policy {
	enum stub_policy policy;
	bool bulk;	 /* a batch costs fewer system calls than its stubs one by one */
	uint64_t credit; /* adaptive: stubs that it may guess */
};

/* Chooses the stubs that a call of `word` makes: stores their words, in the order of binding, in
 * batch (it must have room for all) and returns how many. */
size_t policy_choose(const struct policy *policy, const struct pending_ring *ring, uint32_t word,
		     uint32_t *batch);
/* Call it when the batch was made, by this many system calls, before it is removed from the
 * ring. */
void policy_learn(struct policy *policy, struct pending_ring *ring, const uint32_t *batch, size_t n,
		  uint64_t syscalls);

#endif
