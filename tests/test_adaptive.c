/*
 * test_adaptive.c - the policies that learn: adaptive and rent by hand, call by call,
 * and with real placements.
 */
#include "strategies/parts/policy.h"
#include "stub_set_up.h"

/* ---- The adaptive rule, by hand -------------------------------------------------------------- */

struct hand {
	struct pending_ring ring;
	struct policy policy;
	struct stub_callee c[64];
	uint32_t batch[64];
};

/* n in table 1, then n in table 2. */
static void hand_open_as(struct hand *h, enum stub_policy policy, bool bulk, unsigned n)
{
	*h = (struct hand){ 0 };
	policy_open(&h->policy, policy, bulk, 0);
	for (unsigned i = 0; i < 2 * n; i++) {
		struct stub_spec spec = { .table = 1 + i / n };

		h->c[i].word = pending_add(&h->ring, &spec, &h->c[i]);
		assert_int_equal(h->c[i].word, PENDING_RINGS + i);
	}
}

static void hand_open(struct hand *h, bool bulk, unsigned n)
{
	hand_open_as(h, STUB_ADAPTIVE, bulk, n);
}

/* Calls number `called`; the batch must be it and the next ones that wait, up to `last`. */
static void hand_call(struct hand *h, unsigned called, unsigned last, uint64_t syscalls)
{
	size_t n = policy_choose(&h->policy, &h->ring, PENDING_RINGS + called, h->batch), i = 0;

	for (unsigned k = called; k <= last; k++) {
		if (!h->ring.at[PENDING_RINGS + k].callee)
			continue;
		assert_true(i < n);
		assert_int_equal(h->batch[i++], PENDING_RINGS + k);
	}
	assert_int_equal(n, i);
	policy_learn(&h->policy, &h->ring, h->batch, n, syscalls, 0);
	for (i = 0; i < n; i++)
		pending_remove(&h->ring, h->batch[i]);
}

static void adaptive_doubles_beside_a_batch(void **state)
{
	struct hand h;

	(void)state;
	hand_open(&h, true, 24);
	hand_call(&h, 3, 3, 2);	  /* nothing saved up yet: it alone; earns 32 */
	hand_call(&h, 10, 11, 0); /* beside none: 2; 31 left */
	hand_call(&h, 12, 15, 0); /* beside a batch of 2: 4; 28 left */
	hand_call(&h, 16, 23, 0); /* beside 4: 8, to the table's end; 21 left */
	hand_call(&h, 30, 31, 0); /* another table; 20 left */
	hand_call(&h, 29, 34, 0); /* before a batch of 2: 4, those behind it */
	assert_int_equal(h.policy.credit, 17);
	free(h.ring.at);
}

static void adaptive_spends_what_it_earned(void **state)
{
	struct hand h;

	(void)state;
	hand_open(&h, true, 24);
	hand_call(&h, 0, 0, 0); /* earns nothing */
	hand_call(&h, 1, 1, 0);
	hand_call(&h, 2, 2, 1);	  /* beside 1; earns 16 */
	hand_call(&h, 3, 4, 0);	  /* beside 1: 2; 15 left */
	hand_call(&h, 5, 8, 0);	  /* beside 2: 4; 12 left */
	hand_call(&h, 9, 16, 0);  /* beside 4: 8; 5 left */
	hand_call(&h, 17, 22, 0); /* beside 8: 16, but 5 are saved up */
	assert_int_equal(h.policy.credit, 0);
	hand_call(&h, 23, 23, 0);
	free(h.ring.at);
	hand_open(&h, false, 24); /* a batch would save nothing */
	for (unsigned i = 0; i < 24; i++)
		hand_call(&h, i, i, 2);
	free(h.ring.at);
	hand_open(&h, true, 24);
	h.policy.credit = 2;
	hand_call(&h, 3, 4, 0); /* the one called is free, whatever is left */
	assert_int_equal(h.policy.credit, 1);
	free(h.ring.at);
}

/* With a real placement, whose system calls earn; a guess stays in its table,
 * or in none in its module. */
static void adaptive_guesses_among_neighbours(void **state)
{
	enum { COUNT = 10 };
	static const struct {
		uint32_t module, table;
	} of[COUNT] = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 1 }, { 0, 1 },
			{ 0, 1 }, { 0, 0 }, { 1, 0 }, { 1, 0 }, { 1, 1 } };
	static const struct {
		unsigned called, last;
	} calls[] = { { 0, 0 }, { 2, 2 }, { 6, 6 }, { 4, 5 }, { 7, 8 }, { 9, 9 } };
	struct set_up *t =
	    open_set_up_as(stub_strategy("lazy+template"), (struct code_config){ .quantum = 4096 },
			   (struct stub_config){ .policy = STUB_ADAPTIVE }, &world_runtime);
	struct stub_spec specs[COUNT];
	struct stub_callee c[COUNT] = { 0 };
	bool made[COUNT] = { false };

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		specs[i] = spec_of(&t->w, STUB_INDIRECT, parsed("i>i"), i, 1);
		specs[i].module = of[i].module;
		specs[i].table = of[i].table;
		assert_int_equal(t->space.ops->bind(&t->space, &specs[i], &c[i]), 0);
	}
	for (unsigned k = 0; k < sizeof(calls) / sizeof(calls[0]); k++) {
		call_one(t, &specs[calls[k].called], &c[calls[k].called], calls[k].called);
		for (unsigned i = calls[k].called; i <= calls[k].last; i++)
			made[i] = true;
		for (unsigned i = 0; i < COUNT; i++)
			assert_int_equal(t->space.ops->made(&t->space, &c[i]), made[i]);
	}
	close_set_up(t);
}

/* ---- The rule of rent, by hand --------------------------------------------------------------- */

/* The next n calls are interpreted. */
static void rent(struct hand *h, unsigned called, unsigned n)
{
	while (n--)
		assert_true(policy_waits(&h->policy, &h->ring, PENDING_RINGS + called));
}

/* The next call makes `called` and the others, in this order; others ends with `called`. */
static void buy(struct hand *h, unsigned called, const unsigned *others, uint64_t syscalls,
		uint64_t quanta)
{
	assert_false(policy_waits(&h->policy, &h->ring, PENDING_RINGS + called));
	size_t n = policy_choose(&h->policy, &h->ring, PENDING_RINGS + called, h->batch), i = 1;

	assert_int_equal(h->batch[0], PENDING_RINGS + called);
	for (; *others != called; others++, i++)
		assert_int_equal(h->batch[i], PENDING_RINGS + *others);
	assert_int_equal(n, i);
	policy_learn(&h->policy, &h->ring, h->batch, n, syscalls, quanta);
	for (i = 0; i < n; i++)
		pending_remove(&h->ring, h->batch[i]);
}

#define BUY(h, called, syscalls, quanta) \
	buy(h, called, (const unsigned[]){ called }, syscalls, quanta)

/* Callees that share their batches pay for them together. */
static void rent_shares_a_batch(void **state)
{
	struct hand h;

	(void)state;
	hand_open_as(&h, STUB_RENT, true, 24);
	rent(&h, 1, 1);
	rent(&h, 3, 2);
	rent(&h, 2, 2);
	rent(&h, 0, 2 * RENT_SYSCALL - 5);		    /* in all, two system calls */
	rent(&h, 5, 4);					    /* not enough for its own stub */
	buy(&h, 0, (const unsigned[]){ 3, 2, 5, 0 }, 2, 1); /* 1 was called once */
	assert_int_equal(h.policy.price[1], 2 * RENT_SYSCALL);
	/* That form is known now; what its next batch costs is not. */
	rent(&h, 6, 2 * RENT_SYSCALL);
	BUY(&h, 6, 0, 0); /* nothing: the next need not wait as long, and in the end not at all */
	for (unsigned i = 7; i < 15; i++) {
		rent(&h, i, RENT_STUB);
		BUY(&h, i, 0, 0);
	}
	assert_int_equal(h.policy.price[0], 0);
	assert_int_equal(h.policy.price[1], 2 * RENT_SYSCALL);
	free(h.ring.at);
}

/* Where each stub pays for itself, calls of others don't; the price is what the last ones cost. */
static void rent_pays_for_itself(void **state)
{
	enum { COST = 2 * RENT_SYSCALL + RENT_QUANTUM };
	struct hand h;

	(void)state;
	hand_open_as(&h, STUB_RENT, false, 24);
	/* Of so many that come to 8 calls one comes to 32, and RENT_TRUST are taken to have:
	 * fewer than three in four, so no reason to buy early. */
	enum { CALLED = 4 * (RENT_TRUST + 2) / 3 + 1, LAST = CALLED - 1 };
	for (unsigned i = 0; i < CALLED; i++)
		rent(&h, i, 8);
	rent(&h, LAST, 2 * RENT_SYSCALL + RENT_STUB - 8);
	BUY(&h, LAST, 2, 1);
	assert_int_equal(h.policy.price[1], RENT_SYSCALL + COST / 2);
	/* Two do; three do: then a quarter is enough. */
	rent(&h, 0, 120);
	rent(&h, 1, (2 * RENT_SYSCALL + RENT_STUB) / 4 - 8);
	BUY(&h, 1, 2, 1);
	BUY(&h, 0, 2, 1);
	assert_true(h.policy.price[0] > COST / 2 && h.policy.price[0] < COST);
	free(h.ring.at);
}

static void rent_expects_more_retargets(void **state)
{
	struct hand h;

	(void)state;
	for (unsigned bulk = 0; bulk < 2; bulk++) {
		hand_open_as(&h, STUB_RENT, bulk, 24);
		h.policy.price[1] = 0;
		policy_retargeted(&h.policy, &h.ring, h.c[1].word);
		rent(&h, 0, RENT_STUB);
		BUY(&h, 0, 0, 0);
		h.policy.price[0] = 0;
		rent(&h, 1, 2 * RENT_SYSCALL / 4); /* retargets are not known to be cheap */
		for (unsigned i = 0; i < 16; i++)
			policy_learn_retarget(&h.policy, 0);
		BUY(&h, 1, 0, 0);
		free(h.ring.at);
	}
}

/*
 * Random callees and numbers of calls, in random order, each stub at one price. With hindsight, a
 * callee costs the lesser of its calls and a stub. Rent pays at most five times that, and the first
 * stubs more, as it does not know the price.
 */
static void rent_is_competitive(void **state)
{
	enum { COST = 2 * RENT_SYSCALL + RENT_QUANTUM + RENT_STUB, STUBS = 48 };
	uint64_t seed = 1;
	struct hand h;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned left[STUBS], rented = 0, made = 0, best = 0, alive = STUBS;

		hand_open_as(&h, STUB_RENT, false, STUBS / 2);
		for (unsigned i = 0; i < STUBS; i++) {
			left[i] = 1 + mixed(&seed) % (1u << mixed(&seed) % 13);
			best += left[i] < COST ? left[i] : COST;
		}
		while (alive) {
			unsigned i = mixed(&seed) % STUBS;

			if (!left[i])
				continue;
			alive -= !--left[i];
			if (!h.ring.at[PENDING_RINGS + i].callee)
				continue;
			if (policy_waits(&h.policy, &h.ring, PENDING_RINGS + i)) {
				rented++;
				continue;
			}
			BUY(&h, i, 2, 1);
			made++;
		}
		assert_true(rented + made * COST <= 5 * best + 4 * COST);
		free(h.ring.at);
	}
}

/* With real placements: callees that are called often get their stubs, no others do,
 * every call is right. */
static void rent_makes_what_is_called(void **state)
{
	enum { COUNT = 10, CALLS = 2000 };

	(void)state;
	for (unsigned k = 0; stub_strategies[k]; k++) {
		if (!(stub_strategies[k]->flags & STUB_DEFERRED))
			continue;
		struct set_up *t =
		    open_set_up_as(stub_strategies[k], (struct code_config){ .quantum = 4096 },
				   (struct stub_config){ .policy = STUB_RENT }, &world_runtime);
		struct stub_spec specs[COUNT];
		struct stub_callee c[COUNT] = { 0 };

		for (unsigned i = 0; i < COUNT; i++) {
			specs[i] = spec_of(&t->w, (int)i % STUB_KINDS, parsed("i>i"), i, 1);
			assert_int_equal(t->space.ops->bind(&t->space, &specs[i], &c[i]), 0);
		}
		for (unsigned i = 0; i < CALLS; i++) {
			call_one(t, &specs[i % 3], &c[i % 3], i % 3);
			assert_true(i > 0 || !t->space.ops->made(&t->space, &c[0]));
		}
		call_one(t, &specs[3], &c[3], 3);
		for (unsigned i = 0; i < COUNT; i++)
			assert_int_equal(t->space.ops->made(&t->space, &c[i]), i < 3);
		close_set_up(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adaptive_doubles_beside_a_batch),
		cmocka_unit_test(adaptive_spends_what_it_earned),
		cmocka_unit_test(adaptive_guesses_among_neighbours),
		cmocka_unit_test(rent_shares_a_batch),
		cmocka_unit_test(rent_pays_for_itself),
		cmocka_unit_test(rent_expects_more_retargets),
		cmocka_unit_test(rent_is_competitive),
		cmocka_unit_test(rent_makes_what_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
