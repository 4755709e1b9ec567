/*
 * pending.h - the callees that wait for their stubs, and the policies: which of them one call
 * makes.
 *
 * They form a ring in the order in which they were bound, from and to an anchor, at[0]; a word
 * (1..) names one for as long as it waits:
 *
 *      anchor <-> a <-> b <-> d <-> e <-> anchor          (c has its stub)
 */
#ifndef STUBMAP_LAZY_POLICY_H
#define STUBMAP_LAZY_POLICY_H

#include "../stub.h"

struct pending {
	struct stub_spec spec;	    /* its target and context are the callee's */
	struct stub_callee *callee; /* NULL: free */
	uint32_t before, behind;
	uint32_t calls;	 /* interpreted so far */
	uint32_t window; /* adaptive: the size of the batch that was made right beside; 0: none */
};

struct pending_ring {
	struct pending *at;
	uint32_t capacity, count; /* of at, with the anchor; of those that wait */
	uint32_t free;		  /* the first free place, chained by behind; 0: none */
};

/* The new one's word, the last in the ring; 0: no memory. Pointers into at hold until then. */
uint32_t pending_add(struct pending_ring *ring, const struct stub_spec *spec,
		     struct stub_callee *c);
void pending_remove(struct pending_ring *ring, uint32_t word);

enum { ADAPTIVE_SYSCALL = 16 }; /* stubs whose making costs as much as a system call */

struct policy {
	enum stub_policy policy;
	bool bulk;	 /* a batch costs fewer system calls than its stubs one by one */
	uint64_t credit; /* adaptive: stubs that may be made at a guess */
};

/* Which stubs a call of `word` makes: their words, in the order of binding, in batch (room for
 * all); returns how many. */
size_t policy_choose(const struct policy *policy, const struct pending_ring *ring, uint32_t word,
		     uint32_t *batch);
/* The batch is made, by that many system calls, and about to be removed from the ring. */
void policy_learn(struct policy *policy, struct pending_ring *ring, const uint32_t *batch, size_t n,
		  uint64_t syscalls);

#endif
