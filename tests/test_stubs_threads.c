/*
 * test_stubs_threads.c - strategies under threads: four callers run through stubs of all
 * kinds while one thread replaces their targets, one or many at a time, releases stubs and
 * binds others there. Built under TSan too, which sees the C side; stubs and what they
 * load are machine code to it.
 *
 * STUBMAP_TEST_UPGRADES is the number of upgrades for each configuration.
 */
enum { STUBS = 40, UPGRADES = 3000 };

#include "arms.h"
#include "stress_stubs.h"

static void release(struct stress *stress, unsigned i)
{
	struct stressed *p = &stress->stubs[i];

	if (!atomic_exchange(&p->enabled, false))
		return;
	all_pass(stress);
	stub_space_lock(&stress->t->space);
	stress->ops->release(&stress->t->space, &p->c);
	stub_space_unlock(&stress->t->space);
}

static void change(struct stress *stress)
{
	uint64_t r = mixed(&stress->seed);
	unsigned i = (unsigned)(r >> 32) % STUBS;

	switch (r % 32) {
	case 0:
		release(stress, i);
		bind(stress, i);
		break;
	case 1:
		reclaim(stress);
		break;
	case 2:
	case 3:
		upgrade(stress, i, 2 + (unsigned)(r >> 8) % (STUBS - 2));
		break;
	default:
		upgrade(stress, i, 1);
	}
}

/* ---- One configuration ---------------------------------------------------------------------- */

static unsigned long upgrades_wanted(void)
{
	const char *text = getenv("STUBMAP_TEST_UPGRADES");

	return text ? strtoul(text, NULL, 10) : UPGRADES;
}

static void upgrade_all(struct stress *stress)
{
	while (stress->upgrades < upgrades_wanted())
		change(stress);
}

static void upgrade_under_callers(const struct stub_ops *ops, enum code_wx wx,
				  enum stub_literals literals, bool poison)
{
	struct stub_config stubs = { .literals = literals,
				     .markers = poison,
				     .poison = poison,
				     .policy = (2 * wx + literals) % STUB_POLICIES,
				     .generic = poison ? 2 : 0 };
	struct stress *stress = open_stress(ops, wx, stubs);

	for (unsigned i = 0; i < STUBS; i++)
		bind(stress, i);
	change_under_callers(stress, upgrade_all);
	close_stress(stress);
}

static void targets_change_under_callers(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int poison = 0; poison < 2; poison++)
				for (int literals = STUB_LITERALS_BAKED; literals < FORMS;
				     literals++)
					if (takes(stub_strategies[i], literals) && can_run(wx))
						upgrade_under_callers(stub_strategies[i], wx,
								      literals, poison);
}

/* ---- Two spaces of one code memory ----------------------------------------------------------- */

enum { FIRSTS = 400 };

struct firsts {
	struct stub_space space;
	struct caller caller;
	struct stressed stubs[FIRSTS];
	bool good;
};

static void *call_each(void *arg)
{
	struct firsts *f = arg;
	uint32_t got;

	f->good = true;
	for (unsigned i = 0; i < FIRSTS; i++)
		f->good &= call(&f->caller, &f->stubs[i], &f->stubs[i].c, &got) &&
			   got == f->stubs[i].argument + (i % TARGETS << 16);
	return NULL;
}

/* First calls in both at once make stubs in places of their own. */
static void first_calls_of_two_spaces(const struct stub_ops *ops, enum code_wx wx)
{
	struct stub_config stubs = { .running = true, .policy = STUB_ONE };
	struct stress *stress = calloc(1, sizeof(*stress));
	struct firsts *both = calloc(2, sizeof(*both));
	pthread_t threads[2];

	assert_true(stress && both);
	stress->t = open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, stubs,
				   &world_runtime);
	make_targets(stress);
	for (unsigned n = 0; n < 2; n++) {
		struct firsts *f = &both[n];

		f->caller.context.activation = &f->caller.activation;
		assert_int_equal(
		    stub_space_open(&f->space, ops, stress->t->code, &stubs, &world_runtime), 0);
		for (unsigned i = 0; i < FIRSTS; i++) {
			struct stressed *p = &f->stubs[i];

			p->argument = 1000 * n + i;
			p->spec = (struct stub_spec){ .kind = STUB_INDIRECT,
						      .signature = parsed("i>i"),
						      .target = target(stress, p, i),
						      .context = &f->caller.context };
			assert_int_equal(ops->bind(&f->space, &p->spec, &p->c), 0);
		}
	}
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, call_each, &both[n]), 0);
	for (unsigned n = 0; n < 2; n++)
		pthread_join(threads[n], NULL);
	assert_true(both[0].good && both[1].good);
	for (unsigned i = 0; i < FIRSTS; i++)
		for (unsigned j = 0; j < FIRSTS; j++)
			assert_ptr_not_equal(both[0].stubs[i].c.code, both[1].stubs[j].c.code);
	for (unsigned n = 0; n < 2; n++) {
		for (unsigned i = 0; i < FIRSTS; i++)
			ops->release(&both[n].space, &both[n].stubs[i].c);
		stub_space_close(&both[n].space);
	}
	munmap(stress->far[0], (size_t)2 * TARGETS * TARGET_BYTES);
	close_set_up(stress->t);
	free(both);
	free(stress);
}

static void spaces_share_one_lock(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			if ((stub_strategies[i]->flags & STUB_DEFERRED) && can_run(wx))
				first_calls_of_two_spaces(stub_strategies[i], wx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spaces_share_one_lock),
		cmocka_unit_test(targets_change_under_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
