/*
 * pending.c - the ring of pending callees, and the choice of a batch.
 *
 * adaptive, our own policy, takes a callee's first call as evidence that its neighbours will be
 * called, too: tables and export lists keep together what belongs together. It counts the
 * placement's work as costs: a stub costs 1, a system call ADAPTIVE_SYSCALL.
 *
 *      - A batch is the called callee and the pending ones bound right behind it, as long as they
 *        are of its table (if it is in none: of its module).
 *      - Its size is twice that of the batch beside which the callee lies, or 2 if it lies beside
 *        none. A guess that another call confirms is doubled, a guess that no call confirms is not
 *        repeated (as in a file's readahead).
 *      - It may guess as many stubs as it has saved up: each batch earns ADAPTIVE_SYSCALL stubs for
 *        each system call that it took, each stub beyond the called one costs 1. So guesses never
 *        cost more than the system calls of making stubs one by one: at worst twice the time. (If a
 *        batch saves no system calls, as with page, it never guesses.)
 *
 * It trades some stubs that nobody calls for fewer changes of protection, and knows neither how
 * often a callee is called nor what comes next: a program whose calls jump about gets about the
 * batches of `one`, a flood over a whole table gets batches that double.
 *
 * ADAPTIVE_SYSCALL is from the ring, not from a trace: on a Zen 5, template makes 4,096 indirect
 * stubs in 54 ns each in bulk and in 1,879 ns one at a time, by two system calls: 17 stubs a call.
 */
#include <stdlib.h>

#include "pending.h"

/* ---- The ring ----------------------------------------------------------------------------- */

static int grow(struct pending_ring *ring)
{
	uint32_t n = ring->capacity ? ring->capacity * 2 : 64;
	struct pending *at = realloc(ring->at, n * sizeof(*at));

	if (!at)
		return -1;
	if (!ring->capacity)
		at[0] = (struct pending){ 0 };
	for (uint32_t i = n - 1; i >= (ring->capacity ? ring->capacity : 1); i--) {
		at[i] = (struct pending){ .behind = ring->free };
		ring->free = i;
	}
	ring->at = at;
	ring->capacity = n;
	return 0;
}

uint32_t pending_add(struct pending_ring *ring, const struct stub_spec *spec, struct stub_callee *c)
{
	if (!ring->free && grow(ring))
		return 0;
	uint32_t word = ring->free, last = ring->at[0].before;
	struct pending *p = &ring->at[word];

	ring->free = p->behind;
	*p = (struct pending){ .spec = *spec, .callee = c, .before = last };
	ring->at[last].behind = ring->at[0].before = word;
	ring->count++;
	return word;
}

void pending_remove(struct pending_ring *ring, uint32_t word)
{
	struct pending *p = &ring->at[word];

	ring->at[p->before].behind = p->behind;
	ring->at[p->behind].before = p->before;
	*p = (struct pending){ .behind = ring->free };
	ring->free = word;
	ring->count--;
}

/* ---- The policies ------------------------------------------------------------------------- */

static bool together(const struct stub_spec *a, const struct stub_spec *b)
{
	return a->table || b->table ? a->table == b->table : a->module == b->module;
}

static bool wanted(enum stub_policy policy, const struct stub_spec *called,
		   const struct stub_spec *spec)
{
	switch (policy) {
	case STUB_ALL:
		return true;
	case STUB_TABLE:
		return called->table && spec->table == called->table;
	default:
		return spec->module == called->module;
	}
}

static size_t choose_adaptive(const struct policy *policy, const struct pending_ring *ring,
			      uint32_t word, uint32_t *batch)
{
	const struct pending *p = &ring->at[word];
	uint64_t most = p->window ? 2 * (uint64_t)p->window : 2;
	size_t n = 0;

	if (most > policy->credit + 1)
		most = policy->credit + 1;
	for (uint32_t i = word; i && n < most && together(&p->spec, &ring->at[i].spec);
	     i = ring->at[i].behind)
		batch[n++] = i;
	return n;
}

size_t policy_choose(const struct policy *policy, const struct pending_ring *ring, uint32_t word,
		     uint32_t *batch)
{
	const struct stub_spec *called = &ring->at[word].spec;
	size_t n = 0;

	batch[0] = word;
	if (policy->policy == STUB_ONE || (policy->policy == STUB_TABLE && !called->table))
		return 1;
	if (policy->policy == STUB_ADAPTIVE)
		return choose_adaptive(policy, ring, word, batch);
	for (uint32_t i = ring->at[0].behind; i; i = ring->at[i].behind)
		if (wanted(policy->policy, called, &ring->at[i].spec))
			batch[n++] = i;
	return n;
}

void policy_learn(struct policy *policy, struct pending_ring *ring, const uint32_t *batch, size_t n,
		  uint64_t syscalls)
{
	if (policy->policy != STUB_ADAPTIVE)
		return;
	uint32_t size = n < UINT32_MAX / 2 ? (uint32_t)n : UINT32_MAX / 2;
	uint32_t before = ring->at[batch[0]].before, behind = ring->at[batch[n - 1]].behind;

	if (policy->bulk)
		policy->credit += ADAPTIVE_SYSCALL * syscalls;
	policy->credit -= n - 1 < policy->credit ? n - 1 : policy->credit;
	if (before && together(&ring->at[before].spec, &ring->at[batch[0]].spec))
		ring->at[before].window = size;
	if (behind && together(&ring->at[behind].spec, &ring->at[batch[0]].spec))
		ring->at[behind].window = size;
}
