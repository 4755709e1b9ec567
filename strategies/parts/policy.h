/*
 * policy.h - the policies, which choose when a call makes stubs, and which.
 */
#ifndef STUBMAP_POLICY_H
#define STUBMAP_POLICY_H

#include "pending.h"

enum { ADAPTIVE_SYSCALL = 16 }; /* stubs whose making costs as much as a system call */

/* Costs as numbers of calls: the extra time that so many calls take if they are interpreted. */
enum {
	RENT_STUB = 4,
	RENT_SYSCALL = 64,
	RENT_QUANTUM = 256, /* a quantum of code that is new */
};
enum { RENT_TRUST = 8 }; /* callees that are taken to have been called on and on, before any were */
enum { RENT_FORMS = 256, RENT_POWERS = 32 };

struct policy {
	enum stub_policy policy;
	bool bulk;	  /* a batch costs fewer system calls than its stubs one by one */
	uint32_t generic; /* the least number of interpreted calls before a stub is made */
	uint64_t credit;  /* adaptive: stubs that it may guess */
	/* rent: */
	uint32_t price[2]; /* of a batch of known forms, and with a new one; not bulk: of a stub */
	uint32_t retarget; /* the cost of one of a made stub */
	uint64_t waste;	   /* interpreted calls since the last batch that had a price */
	uint32_t reached[RENT_POWERS]; /* callees that had 2^i interpreted calls */
	uint64_t forms[RENT_FORMS];    /* kinds and signatures for which a stub was made */
};

void policy_open(struct policy *policy, enum stub_policy what, bool bulk, uint32_t generic);
/* Whether this call of `word` is to be interpreted. If so, it is counted. */
bool policy_waits(struct policy *policy, struct pending_ring *ring, uint32_t word);
/* Chooses the stubs that a call of `word` makes: stores their words in batch (it must have room
 * for all) and returns how many. rent puts `word` first; others keep the order of binding. */
size_t policy_choose(const struct policy *policy, const struct pending_ring *ring, uint32_t word,
		     uint32_t *batch);
/* Call it with a batch that was made and the cost of making it, before it leaves the ring. */
void policy_learn(struct policy *policy, struct pending_ring *ring, const uint32_t *batch, size_t n,
		  uint64_t syscalls, uint64_t quanta);
/* Tells of a retarget of a callee that waits; of a made stub, by so many system calls. */
void policy_retargeted(struct policy *policy, struct pending_ring *ring, uint32_t word);
void policy_learn_retarget(struct policy *policy, uint64_t syscalls);

#endif
