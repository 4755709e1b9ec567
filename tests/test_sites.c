/*
 * test_sites.c - strategies that take call sites: compiled code reaches the right target through
 * them in every state of a callee, and they are direct where they can be.
 */
#include <errno.h>

#include "running_helpers.h"
#include "site_helpers.h"
#include "stub_set_up.h"

enum { CALLEES = 56 };

/* Each callee has two sites; an indirect one's pass the context, but for every third callee. */
struct sites_test {
	struct set_up *t;
	struct stub_spec specs[CALLEES];
	struct stub_callee c[CALLEES];
	struct thunks thunks[2];
};

static struct stub_callee *callee_of(void *arg, unsigned i, bool *context)
{
	struct sites_test *s = arg;

	*context = s->specs[i].kind == STUB_INDIRECT && i % 3;
	return &s->c[i];
}

/* NULL: under these parameters no site is taken. */
static struct sites_test *open_sites_test(const struct stub_ops *ops, enum code_wx wx,
					  struct stub_config config, const char *faults)
{
	struct sites_test *s = calloc(1, sizeof(*s));
	struct stub_runtime runtime = world_runtime;

	assert_non_null(s);
	runtime.released = (void (*)(const struct stub_owner *))(uintptr_t)spoil;
	s->t =
	    open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096, .faults = faults },
			   config, &runtime);
	assert_int_equal(stub_takes_sites(&s->t->space),
			 ops->attach && !(config.running && wx == CODE_TOGGLE));
	if (!stub_takes_sites(&s->t->space)) {
		close_set_up(s->t);
		free(s);
		return NULL;
	}
	for (unsigned i = 0; i < CALLEES; i++)
		s->specs[i] = spec_of(&s->t->w, i % 2 ? i / 2 % STUB_KINDS : STUB_INDIRECT,
				      some_signature(i), i % WORLD_PROBES, i % 4);
	return s;
}

static void close_sites_test(struct sites_test *s)
{
	close_set_up(s->t);
	free(s);
}

static void check_calls(struct sites_test *s, struct thunks *thunks, unsigned i, unsigned probe)
{
	struct stub_site *site = &thunks->sites[i];

	call_one(s->t, &s->specs[i], &s->c[i], probe);
	call_one(s->t, &s->specs[i], &thunks->via[i], probe);
	if (s->t->space.config.running && (uintptr_t)site->field % 8 > 4)
		assert_ptr_equal(leads_to(site), site->pad);
	else if (!site->context)
		assert_ptr_equal(leads_to(site), s->c[i].code);
	else if (probe % 2 == 0)
		assert_ptr_equal(leads_to(site), s->t->w.probes[probe].entry);
	else
		assert_ptr_equal(leads_to(site), site->pad); /* out of reach */
}

static void check_all(struct sites_test *s, unsigned n, const unsigned probes[CALLEES])
{
	for (unsigned m = 0; m < n; m++)
		for (unsigned i = 0; i < CALLEES; i++)
			check_calls(s, &s->thunks[m], i, probes[i]);
}

static void retarget_all(struct sites_test *s, unsigned probes[CALLEES], bool many)
{
	const struct stub_ops *ops = s->t->space.ops;
	struct stub_callee *c[CALLEES];
	const void *targets[CALLEES];
	size_t done;

	for (unsigned i = 0; i < CALLEES; i++) {
		probes[i] = (probes[i] * 5 + 3) % WORLD_PROBES;
		c[i] = &s->c[i];
		targets[i] = s->t->w.probes[probes[i]].entry;
		if (!many)
			assert_int_equal(ops->retarget(&s->t->space, c[i], targets[i]), 0);
	}
	if (many) {
		assert_int_equal(stub_retarget_many(&s->t->space, c, targets, CALLEES, &done), 0);
		assert_int_equal(done, CALLEES);
	}
}

static void bind_all(struct sites_test *s, unsigned probes[CALLEES], bool many)
{
	const struct stub_ops *ops = s->t->space.ops;
	struct stub_callee *c[CALLEES];

	for (unsigned i = 0; i < CALLEES; i++) {
		probes[i] = i % WORLD_PROBES;
		c[i] = &s->c[i];
		if (!many)
			assert_int_equal(ops->bind(&s->t->space, &s->specs[i], c[i]), 0);
	}
	if (many)
		assert_int_equal(ops->bind_many(&s->t->space, s->specs, c, CALLEES), 0);
}

static void release_all(struct sites_test *s, unsigned n)
{
	for (unsigned i = 0; i < CALLEES; i++) {
		s->t->space.ops->release(&s->t->space, &s->c[i]);
		for (unsigned m = 0; m < n; m++)
			assert_ptr_equal(leads_to(&s->thunks[m].sites[i]),
					 s->thunks[m].sites[i].pad);
	}
}

/* One module is there before the callees are bound, one comes after. */
static void live_through(struct sites_test *s)
{
	struct stub_space *space = &s->t->space;
	unsigned probes[CALLEES];

	open_thunks(&s->thunks[0], space, CALLEES, callee_of, s);
	for (unsigned many = 0; many < 2; many++) {
		bind_all(s, probes, many && space->ops->bind_many);
		if (!many)
			check_all(s, 1, probes);
		open_thunks(&s->thunks[1], space, CALLEES, callee_of, s);
		if (many) /* deferred ones are pending then */
			retarget_all(s, probes, many);
		check_all(s, 2, probes);
		for (unsigned k = 0; k < 3; k++) {
			retarget_all(s, probes, k % 2);
			check_all(s, 2, probes);
		}
		if (space->ops->reclaim)
			space->ops->reclaim(space);
		check_all(s, 2, probes);
		close_thunks(&s->thunks[1]);
		retarget_all(s, probes, many);
		check_all(s, 1, probes);
		release_all(s, 1);
	}
	bind_all(s, probes, false);
	close_thunks(&s->thunks[0]);
	retarget_all(s, probes, true);
	for (unsigned i = 0; i < CALLEES; i++)
		call_one(s->t, &s->specs[i], &s->c[i], probes[i]);
	release_all(s, 0);
}

static void each_policy(const struct stub_ops *ops, struct stub_config config)
{
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct sites_test *s = NULL;

		if (config.running ? can_run(wx) : can_open(wx))
			s = open_sites_test(ops, wx, config, NULL);
		if (!s)
			continue;
		live_through(s);
		close_sites_test(s);
	}
}

static void sites_reach_their_callees(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (unsigned k = 0; k < 16; k++) {
			struct stub_config config = { .literals = k & 1 ? STUB_LITERALS_TABLE
									: STUB_LITERALS_BAKED,
						      .running = k & 2,
						      .markers = k & 4,
						      .poison = k & 8 };

			if (takes(stub_strategies[i], config.literals))
				each_policy(stub_strategies[i], config);
		}
}

/* The kernel refuses commit number `at`: one bind fails and leaves nothing half-bound, and is good
 * when it is tried again. */
static void refuse(const struct stub_ops *ops, unsigned at)
{
	unsigned probes[CALLEES], refused = 0;
	char faults[32];

	memset(faults, 'o', sizeof(faults));
	faults[at] = 'c';
	faults[at + 1] = 0;
	struct sites_test *s = open_sites_test(ops, CODE_TOGGLE, (struct stub_config){ 0 }, faults);
	struct stub_space *space = &s->t->space;
	open_thunks(&s->thunks[0], space, CALLEES, callee_of, s);
	for (unsigned i = 0; i < CALLEES; i++) {
		const struct stub_site *site = &s->thunks[0].sites[i];
		int e = ops->bind(space, &s->specs[i], &s->c[i]);

		probes[i] = i % WORLD_PROBES;
		if (!e)
			continue;
		assert_int_equal(e, -ENOMEM);
		refused++;
		assert_null(s->c[i].code);
		assert_ptr_equal(leads_to(site), site->pad);
		assert_int_equal(ops->bind(space, &s->specs[i], &s->c[i]), 0);
	}
	assert_int_equal(refused, 1);
	check_all(s, 1, probes);
	release_all(s, 1);
	close_thunks(&s->thunks[0]);
	close_sites_test(s);
}

/* The first two commits are the world's and the thunks'. A deferred bind makes none. */
static void refused_binds_change_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (unsigned at = 2; stub_strategies[i]->attach && at < 20; at++)
			if (!(stub_strategies[i]->flags & STUB_DEFERRED))
				refuse(stub_strategies[i], at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sites_reach_their_callees),
		cmocka_unit_test(refused_binds_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
