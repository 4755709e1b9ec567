/*
 * policy.c - the policies.
 *
 * adaptive, our first policy, takes a callee's first call as evidence that its neighbours will be
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
 *
 * rent, our second policy, rents before it buys: a call may be interpreted at a surcharge, or buy a
 * stub for all later ones. A buyer who rents until the rents add up to the price never pays more
 * than twice as much as one who knows the future, and no rule without chance guarantees less (ski
 * rental: Karlin et al., Algorithmica 3, 1988). There is no clock in here. Costs are counted as
 * interpreted calls, from what the placement did: stubs, system calls, quanta.
 *
 *      - The price of a batch is learned: the mean of the last ones, the newer the more. Batches
 *        with a kind and signature that had no stub yet have a price of their own, since only then
 *        pool makes a body, and changes protections for it.
 *      - Where a batch shares its system calls (template, pool), all interpreted calls pay for the
 *        next one together, whoever makes them. When they have paid the price, a callee called
 *        often enough for its own stub has stubs made for all that were called at least twice.
 *      - Where each stub pays for itself (page), its own calls must have paid its price: or a
 *        quarter of it, if at least three in four of the callees that came to a sixteenth came to
 *        a quarter. RENT_TRUST callees that never were are counted as having come to it: before
 *        there is evidence, callees are trusted. So stubs are bought early in a program that goes
 *        on calling the same callees, and not in one that calls thousands of functions a few times
 *        each, or a few dozen times (a server of short-lived instances). This is ski rental with a
 *        prediction that is trusted by a quarter (Purohit, Svitkina, Kumar, NeurIPS 2018): if it is
 *        right, buying costs 1.25 times as much as with hindsight, if it is wrong, 5 times;
 *        unavoidable calls are in both costs and lessen the ratio.
 *
 *      - The cost of a retarget of a made stub is learned likewise. A callee that was retargeted
 *        while it waited must have paid for as many retargets, too, and is not bought early: where
 *        a table changes under page, most calls stay interpreted.
 *
 * It trades a surcharge on the first calls for stubs that are not made, and for batches that are
 * not guessed: it makes none that nobody called.
 *
 * The costs are of Zen 4 and 5 guests: an interpreted call takes 13 to 15 ns longer; template makes
 * a stub in 54 ns in bulk, and by two system calls in 1,879; page takes 6,000, with its quantum.
 */
#include "policy.h"

/* ---- adaptive ----------------------------------------------------------------------------- */

static bool together(const struct pending *a, const struct pending *b)
{
	return a->table || b->table ? a->table == b->table : a->module == b->module;
}

static size_t choose_adaptive(const struct policy *policy, const struct pending_ring *ring,
			      uint32_t word, uint32_t *batch)
{
	const struct pending *p = &ring->at[word];
	uint64_t most = p->window ? 2 * (uint64_t)p->window : 2;
	size_t n = 0;

	if (most > policy->credit + 1)
		most = policy->credit + 1;
	for (uint32_t i = word; i && n < most && together(p, &ring->at[i]); i = ring->at[i].behind)
		batch[n++] = i;
	return n;
}

static void learn_adaptive(struct policy *policy, struct pending_ring *ring, const uint32_t *batch,
			   size_t n, uint64_t syscalls)
{
	struct pending *at = ring->at;
	uint16_t size = n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
	uint32_t before = at[batch[0]].before, behind = at[batch[n - 1]].behind;

	if (policy->bulk)
		policy->credit += ADAPTIVE_SYSCALL * syscalls;
	policy->credit -= n - 1 < policy->credit ? n - 1 : policy->credit;
	if (before && together(&at[before], &at[batch[0]]))
		at[before].window = size;
	if (behind && together(&at[behind], &at[batch[0]]))
		at[behind].window = size;
}

/* ---- rent ---------------------------------------------------------------------------------- */

/* A signature takes 56 bits; four are left for the kind, three for the number of bound arguments;
 * the lowest is always set. */
static uint64_t form_of(const struct pending *p)
{
	return p->signature << 8 | (uint64_t)p->nbound << 5 | (uint64_t)p->kind << 1 | 1;
}

/* Two forms in one bucket forget each other: then a known one is taken for new. */
static unsigned bucket_of(uint64_t form)
{
	return form * 0x9e3779b97f4a7c15u >> 56;
}

static bool is_new(const struct policy *policy, const struct pending *p)
{
	return policy->forms[bucket_of(form_of(p))] != form_of(p);
}

static unsigned log2_of(uint32_t n)
{
	return 31 - (unsigned)__builtin_clz(n);
}

/* Whether three in four of the callees that came to a sixteenth of the price came to a quarter. */
static bool calls_go_on(const struct policy *policy, uint32_t quarter)
{
	unsigned i = log2_of(quarter);

	return i >= 2 && 4 * (policy->reached[i] + RENT_TRUST) >= 3 * policy->reached[i - 2];
}

static bool is_paid(const struct policy *policy, const struct pending *p)
{
	uint32_t price = policy->price[is_new(policy, p)];
	uint32_t own = RENT_STUB + p->retargets * policy->retarget;

	if (policy->bulk)
		return p->calls >= own && policy->waste >= price;
	price += own;
	return p->calls >= price ||
	       (!p->retargets && p->calls >= price / 4 && calls_go_on(policy, price / 4));
}

static void count(struct policy *policy, struct pending_ring *ring, uint32_t word)
{
	struct pending *p = &ring->at[word];

	if (!p->calls)
		pending_called(ring, word);
	policy->waste++;
	p->calls++;
	if (!(p->calls & (p->calls - 1)))
		policy->reached[log2_of(p->calls)]++;
}

static size_t choose_rent(const struct policy *policy, const struct pending_ring *ring,
			  uint32_t word, uint32_t *batch)
{
	uint32_t least = policy->generic > 2 ? policy->generic : 2;
	size_t n = 1;

	if (!policy->bulk || !policy->price[is_new(policy, &ring->at[word])])
		return n;
	for (uint32_t i = ring->at[PENDING_CALLED].behind; i != PENDING_CALLED;
	     i = ring->at[i].behind)
		if (i != word && ring->at[i].calls >= least)
			batch[n++] = i;
	return n;
}

static void average(uint32_t *price, uint64_t cost)
{
	*price = (*price + (cost < UINT16_MAX ? (uint32_t)cost : UINT16_MAX)) / 2;
}

static void learn_rent(struct policy *policy, const struct pending_ring *ring,
		       const uint32_t *batch, size_t n, uint64_t syscalls, uint64_t quanta)
{
	uint64_t cost = RENT_SYSCALL * syscalls;
	bool any_new = false;

	for (size_t i = 0; i < n; i++) {
		const struct pending *p = &ring->at[batch[i]];

		any_new |= is_new(policy, p);
		policy->forms[bucket_of(form_of(p))] = form_of(p);
	}
	if (!policy->bulk) /* in bulk, a quantum serves later batches, too */
		cost = (cost + RENT_QUANTUM * quanta) / n;
	average(&policy->price[any_new], cost);
	if (cost)
		policy->waste = 0;
}

/* ---- The policies ------------------------------------------------------------------------- */

void policy_open(struct policy *policy, enum stub_policy what, bool bulk, uint32_t generic)
{
	*policy = (struct policy){ .policy = what, .bulk = bulk, .generic = generic };
	/* Until they are known: a change of protection and back. */
	policy->price[0] = policy->price[1] = policy->retarget = 2 * RENT_SYSCALL;
}

bool policy_waits(struct policy *policy, struct pending_ring *ring, uint32_t word)
{
	struct pending *p = &ring->at[word];

	if (policy->policy != STUB_RENT) {
		bool waits = p->calls < policy->generic;

		p->calls += waits;
		return waits;
	}
	if (p->calls >= policy->generic && is_paid(policy, p))
		return false;
	if (p->calls < UINT32_MAX)
		count(policy, ring, word);
	return true;
}

static bool wanted(enum stub_policy policy, const struct pending *called, const struct pending *p)
{
	switch (policy) {
	case STUB_ALL:
		return true;
	case STUB_TABLE:
		return called->table && p->table == called->table;
	case STUB_SIGNATURE:
		return form_of(p) == form_of(called);
	default:
		return p->module == called->module;
	}
}

size_t policy_choose(const struct policy *policy, const struct pending_ring *ring, uint32_t word,
		     uint32_t *batch)
{
	const struct pending *called = &ring->at[word];
	size_t n = 0;

	batch[0] = word;
	if (policy->policy == STUB_ONE || (policy->policy == STUB_TABLE && !called->table))
		return 1;
	if (policy->policy == STUB_ADAPTIVE)
		return choose_adaptive(policy, ring, word, batch);
	if (policy->policy == STUB_RENT)
		return choose_rent(policy, ring, word, batch);
	for (uint32_t i = ring->at[PENDING_WAITING].behind; i != PENDING_WAITING;
	     i = ring->at[i].behind)
		if (wanted(policy->policy, called, &ring->at[i]))
			batch[n++] = i;
	return n;
}

void policy_learn(struct policy *policy, struct pending_ring *ring, const uint32_t *batch, size_t n,
		  uint64_t syscalls, uint64_t quanta)
{
	if (policy->policy == STUB_ADAPTIVE)
		learn_adaptive(policy, ring, batch, n, syscalls);
	if (policy->policy == STUB_RENT)
		learn_rent(policy, ring, batch, n, syscalls, quanta);
}

void policy_retargeted(struct policy *policy, struct pending_ring *ring, uint32_t word)
{
	struct pending *p = &ring->at[word];

	if (policy->policy == STUB_RENT && p->retargets < UINT16_MAX)
		p->retargets++;
}

void policy_learn_retarget(struct policy *policy, uint64_t syscalls)
{
	average(&policy->retarget, RENT_SYSCALL * syscalls);
}
