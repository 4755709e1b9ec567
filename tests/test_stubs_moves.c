/*
 * test_stubs_moves.c - stubs that move under callers: floods of stubs of which few are left later;
 * reclaim empties their quanta and gives these back while four threads call the stubs. A caller
 * that has read a code pointer before the move runs the old stub to its end. Built under TSan too.
 *
 * Every STUB_COMPACT strategy, under every policy; live_stubs.h says how a call is checked.
 */
enum { STUBS = 3000, FLOODS = 3 };

#include "arms.h"
#include "live_stubs.h"

static bool is_made(struct live *live, const struct place *p)
{
	stub_space_lock(&live->t->space);
	bool made = !live->ops->made || live->ops->made(&live->t->space, &p->c);
	stub_space_unlock(&live->t->space);
	return made;
}

/* One call of a pending stub makes all of them. */
static void make_pending(struct live *live)
{
	struct caller own = { .live = live };
	uint32_t got;

	own.context.activation = &own.activation;
	for (unsigned i = 0; i < STUBS; i++) {
		struct place *p = &live->places[i];

		if (p->spec.kind > STUB_ENTRY_JS && !is_made(live, p))
			assert_true(call(&own, p, &p->c, &got));
	}
}

static void flood(struct live *live)
{
	for (unsigned i = 0; i < STUBS; i++)
		if (!live->places[i].c.code)
			bind(live, i);
	make_pending(live);
}

/* Releases all but every keep-th or so. */
static void thin(struct live *live, unsigned keep)
{
	for (unsigned i = 0; i < STUBS; i++)
		if (mixed(&live->seed) % keep)
			atomic_store(&live->places[i].enabled, false);
	all_pass(live);
	stub_space_lock(&live->t->space);
	for (unsigned i = 0; i < STUBS; i++)
		if (!atomic_load(&live->places[i].enabled) && live->places[i].c.code)
			live->ops->release(&live->t->space, &live->places[i].c);
	stub_space_unlock(&live->t->space);
}

static void upgrade_some(struct live *live)
{
	for (unsigned i = 0; i < STUBS; i += 61) {
		if (!live->places[i].c.code)
			continue;
		upgrade(live, i, 1);
		all_pass(live);
	}
}

/* Returns how many stubs a reclaim moved. A second one gives back what they left. */
static unsigned compact(struct live *live)
{
	static const void *before[STUBS];
	unsigned moves = 0;

	for (unsigned i = 0; i < STUBS; i++)
		before[i] = live->places[i].c.code;
	reclaim(live);
	for (unsigned i = 0; i < STUBS; i++)
		moves += live->places[i].c.code != before[i];
	upgrade_some(live); /* of the copies */
	reclaim(live);
	return moves;
}

static uint64_t held(const struct live *live)
{
	struct code_stats stats;

	code_get_stats(live->t->code, &stats);
	return stats.committed_stubs;
}

static void come_and_go(struct live *live)
{
	unsigned moves = 0;

	for (unsigned i = 0; i < FLOODS; i++) {
		flood(live);
		upgrade_some(live);
		uint64_t most = held(live);
		thin(live, 8);
		moves += compact(live);
		thin(live, 3);
		moves += compact(live);
		assert_true(held(live) < most);
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
				struct live *live =
				    open_live(stub_strategies[i], wx,
					      (struct stub_config){ .literals = literals });

				for (unsigned k = 0; k < STUBS;
				     k++) /* half are indirect: island moves no others */
					live->places[k].context |= k % 2 == 0;
				change_under_callers(live, come_and_go);
				close_live(live);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stubs_move_under_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
