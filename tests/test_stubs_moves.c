/*
 * test_stubs_moves.c - stubs that move under callers: floods of stubs of which few are left later;
 * reclaim empties their quanta and gives these back while four threads call the stubs. A caller
 * that has read a code pointer before the move runs the old stub to its end. Built under TSan too.
 *
 * Every STUB_COMPACT strategy, under every policy; stress_stubs.h says how a call is checked.
 */
enum { STUBS = 3000, FLOODS = 3 };

#include "arms.h"
#include "stress_stubs.h"

static bool is_made(struct stress *stress, const struct stressed *p)
{
	stub_space_lock(&stress->t->space);
	bool made = !stress->ops->made || stress->ops->made(&stress->t->space, &p->c);
	stub_space_unlock(&stress->t->space);
	return made;
}

/* One call of a pending stub makes all of them. */
static void make_pending(struct stress *stress)
{
	struct caller own = { .stress = stress };
	uint32_t got;

	own.context.activation = &own.activation;
	for (unsigned i = 0; i < STUBS; i++) {
		struct stressed *p = &stress->stubs[i];

		if (p->spec.kind > STUB_ENTRY_JS && !is_made(stress, p))
			assert_true(call(&own, p, &p->c, &got));
	}
}

static void flood(struct stress *stress)
{
	for (unsigned i = 0; i < STUBS; i++)
		if (!stress->stubs[i].c.code)
			bind(stress, i);
	make_pending(stress);
}

/* Releases all but every keep-th or so. */
static void thin(struct stress *stress, unsigned keep)
{
	for (unsigned i = 0; i < STUBS; i++)
		if (mixed(&stress->seed) % keep)
			atomic_store(&stress->stubs[i].enabled, false);
	all_pass(stress);
	stub_space_lock(&stress->t->space);
	for (unsigned i = 0; i < STUBS; i++)
		if (!atomic_load(&stress->stubs[i].enabled) && stress->stubs[i].c.code)
			stress->ops->release(&stress->t->space, &stress->stubs[i].c);
	stub_space_unlock(&stress->t->space);
}

static void upgrade_some(struct stress *stress)
{
	for (unsigned i = 0; i < STUBS; i += 61) {
		if (!stress->stubs[i].c.code)
			continue;
		upgrade(stress, i, 1);
		all_pass(stress);
	}
}

/* Returns how many stubs a reclaim moved. A second one gives back what they left. */
static unsigned compact(struct stress *stress)
{
	static const void *before[STUBS];
	unsigned moves = 0;

	for (unsigned i = 0; i < STUBS; i++)
		before[i] = stress->stubs[i].c.code;
	reclaim(stress);
	for (unsigned i = 0; i < STUBS; i++)
		moves += stress->stubs[i].c.code != before[i];
	upgrade_some(stress); /* of the copies */
	reclaim(stress);
	return moves;
}

static uint64_t held(const struct stress *stress)
{
	struct code_stats stats;

	code_get_stats(stress->t->code, &stats);
	return stats.committed_stubs;
}

static void come_and_go(struct stress *stress)
{
	unsigned moves = 0;

	for (unsigned i = 0; i < FLOODS; i++) {
		flood(stress);
		upgrade_some(stress);
		uint64_t most = held(stress);
		thin(stress, 8);
		moves += compact(stress);
		thin(stress, 3);
		moves += compact(stress);
		assert_true(held(stress) < most);
	}
	print_message("%5u moves: ", moves);
	assert_true(moves > 0);
}

static void stubs_move_under_callers(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++) {
				if (!(stub_strategies[i]->flags & STUB_COMPACT) ||
				    !takes(stub_strategies[i], literals) || !can_run(wx))
					continue;
				struct stress *stress =
				    open_stress(stub_strategies[i], wx,
						(struct stub_config){ .literals = literals });

				for (unsigned k = 0; k < STUBS;
				     k++) /* half are indirect: island moves no others */
					stress->stubs[k].context |= k % 2 == 0;
				change_under_callers(stress, come_and_go);
				close_stress(stress);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stubs_move_under_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
