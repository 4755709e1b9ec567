/*
 * test_adaptive.c - the policy that learns its batches: the rule by hand, call by call, and with a
 * real placement.
 */
#include "strategies/parts/pending.h"
#include "stub_set_up.h"

/* ---- The adaptive rule, by hand -------------------------------------------------------------- */

struct hand {
	struct pending_ring ring;
	struct policy policy;
	struct stub_callee c[64];
	uint32_t batch[64];
};

/* n in table 1, then n in table 2. */
static void hand_open(struct hand *h, bool bulk, unsigned n)
{
	*h = (struct hand){ .policy = { STUB_ADAPTIVE, bulk, 0 } };
	for (unsigned i = 0; i < 2 * n; i++) {
		struct stub_spec spec = { .table = 1 + i / n };

		h->c[i].word = pending_add(&h->ring, &spec, &h->c[i]);
		assert_int_equal(h->c[i].word, i + 1);
	}
}

/* Calls number `called`; the batch must be it and the next ones that wait, up to `last`. */
static void hand_call(struct hand *h, unsigned called, unsigned last, uint64_t syscalls)
{
	size_t n = policy_choose(&h->policy, &h->ring, called + 1, h->batch), i = 0;

	for (unsigned k = called; k <= last; k++) {
		if (!h->ring.at[k + 1].callee)
			continue;
		assert_true(i < n);
		assert_int_equal(h->batch[i++], k + 1);
	}
	assert_int_equal(n, i);
	policy_learn(&h->policy, &h->ring, h->batch, n, syscalls);
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

/* With a real placement, whose system calls earn; a guess stays in its table, or in none in its
 * module. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adaptive_doubles_beside_a_batch),
		cmocka_unit_test(adaptive_spends_what_it_earned),
		cmocka_unit_test(adaptive_guesses_among_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
