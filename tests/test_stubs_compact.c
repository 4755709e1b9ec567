/*
 * test_stubs_compact.c - memory comes back: whatever is bound, retargeted and released in whatever
 * order, a STUB_COMPACT strategy holds no more than stub.h allows after each reclaim, and each stub
 * still reaches its target, wherever it was moved.
 */
#include "arms.h"
#include "running_helpers.h"
#include "stub_set_up.h"

enum { MOST = 1500, STEPS = 6000, QUANTUM = 4096 };

struct population {
	struct set_up *t;
	const struct stub_ops *ops;
	bool running;
	uint64_t floor; /* quanta: those that stay when all stubs are released, and one */
	unsigned n;	/* the first n of order are bound */
	unsigned order[MOST], probes[MOST];
	struct stub_callee c[MOST], before[MOST];
	struct stub_spec specs[MOST];
	uint64_t seed, moves;
	bool indirect; /* all of them */
};

static void call(struct population *p, unsigned i)
{
	call_one(p->t, &p->specs[i], &p->c[i], p->probes[i]);
}

static void bind(struct population *p, enum stub_kind kind, uint64_t signature)
{
	unsigned i = p->order[p->n++];

	p->probes[i] = mixed(&p->seed) % WORLD_PROBES;
	p->specs[i] = spec_of(&p->t->w, kind, some_signature(signature), p->probes[i],
			      mixed(&p->seed) % WORLD_INSTANCES);
	assert_int_equal(p->ops->bind(&p->t->space, &p->specs[i], &p->c[i]), 0);
	if (p->ops->flags & STUB_DEFERRED)
		call(p, i);
}

static void release(struct population *p, unsigned at)
{
	unsigned i = p->order[at];

	p->ops->release(&p->t->space, &p->c[i]);
	p->order[at] = p->order[--p->n];
	p->order[p->n] = i;
}

static void retarget(struct population *p, unsigned i)
{
	p->probes[i] = mixed(&p->seed) % WORLD_PROBES;
	assert_int_equal(
	    p->ops->retarget(&p->t->space, &p->c[i], p->t->w.probes[p->probes[i]].entry), 0);
}

/* Where callers run, one that has read the code pointer before a reclaim can still call there. */
static void reclaim(struct population *p)
{
	unsigned called = 0;

	memcpy(p->before, p->c, sizeof(p->c));
	p->ops->reclaim(&p->t->space);
	for (unsigned k = 0; k < p->n; k++) {
		unsigned i = p->order[k];

		if (p->c[i].code == p->before[i].code)
			continue;
		p->moves++;
		if (called++ > 3)
			continue;
		if (p->running)
			call_one(p->t, &p->specs[i], &p->before[i], p->probes[i]);
		call(p, i);
	}
	if (p->running)
		p->ops->reclaim(&p->t->space);
}

static void check(const struct population *p)
{
	const struct code_config *config = code_get_config(p->t->code);
	struct code_stats stats;

	code_get_stats(p->t->code, &stats);
	if (!p->running)
		assert_int_equal(stats.retired, 0);
	if (10 * stats.committed_stubs >
	    13 * (stats.used_stubs + stats.retired) + 10 * p->floor * QUANTUM)
		fail_msg("%s, %s%s%s: %llu bytes held for %llu used and %llu retired", p->ops->name,
			 code_wx_names[config->wx], config->share ? ", share" : "",
			 p->running ? ", running" : "", (unsigned long long)stats.committed_stubs,
			 (unsigned long long)stats.used_stubs, (unsigned long long)stats.retired);
}

/* How many should be alive: floods and lulls, of any stubs and of the oldest. */
static unsigned wanted(unsigned step)
{
	static const unsigned turns[] = { MOST, MOST, MOST / 10, MOST / 10, MOST / 2, 3 };

	return turns[step * (sizeof(turns) / sizeof(*turns)) / STEPS];
}

static enum stub_kind kind_wanted(struct population *p)
{
	const enum stub_kind any = (enum stub_kind)(mixed(&p->seed) % STUB_KINDS);

	return p->indirect ? STUB_INDIRECT : any;
}

static void step(struct population *p, unsigned number)
{
	unsigned some = p->n ? mixed(&p->seed) % p->n : 0;

	if (mixed(&p->seed) % 8 == 0 && p->n)
		retarget(p, p->order[some]);
	else if (p->n < wanted(number) || (p->n < MOST && mixed(&p->seed) % 4 == 0))
		bind(p, kind_wanted(p), mixed(&p->seed));
	else
		release(p, some);
	reclaim(p);
	check(p);
	if (number % 16 == 0 && p->n)
		call(p, p->order[mixed(&p->seed) % p->n]);
}

static struct population *open_population(const struct stub_ops *ops, struct code_config config,
					  struct stub_config stubs)
{
	struct population *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->t = open_set_up_as(ops, config, stubs, &world_runtime);
	p->ops = ops;
	p->running = stubs.running;
	p->seed = 11;
	for (unsigned i = 0; i < MOST; i++)
		p->order[i] = i;
	return p;
}

static void close_population(struct population *p)
{
	close_set_up(p->t);
	free(p);
}

/* Of each kind and signature, and for bind of each number of stored arguments. */
static void make_all_bodies(struct population *p)
{
	struct code_stats stats;

	for (unsigned i = 0; i < STUB_KINDS * 12 * STUB_MAX_BOUND; i++)
		bind(p, i % STUB_KINDS, i / STUB_KINDS / STUB_MAX_BOUND);
	while (p->n)
		release(p, p->n - 1);
	reclaim(p);
	code_get_stats(p->t->code, &stats);
	p->floor = stats.quanta_stubs + 1;
}

/* Whether stubs of one signature are one: then there is nothing to move. */
static bool shares_bodies(struct population *p)
{
	bind(p, STUB_BUILTIN, 1);
	bind(p, STUB_BUILTIN, 1);
	const bool same = p->c[p->order[0]].code == p->c[p->order[1]].code;

	release(p, 1);
	release(p, 0);
	return same;
}

/* Returns whether all stubs of one signature that it bound are one. */
static bool memory_comes_back_as(const struct stub_ops *ops, struct code_config config,
				 struct stub_config stubs, bool indirect)
{
	struct population *p = open_population(ops, config, stubs);
	const bool shared = shares_bodies(p);

	p->indirect = indirect;
	make_all_bodies(p);
	for (unsigned i = 0; i < STEPS; i++)
		step(p, i);
	for (unsigned i = 0; i < p->n; i++)
		call(p, p->order[i]);
	assert_true(p->moves > 0 || (shared && !indirect));
	while (p->n) {
		release(p, p->n - 1);
		reclaim(p);
		check(p);
	}
	close_population(p);
	return shared;
}

struct memory {
	enum code_wx wx;
	bool running, share;
};

static void memory_comes_back(void **state)
{
	const struct memory kinds[] = { { CODE_TOGGLE, false, false },
					{ CODE_TOGGLE, true, false },
					{ CODE_DUAL, false, true },
					{ running_wx(), true, false } };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		const struct stub_ops *ops = stub_strategies[i];

		for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++)
			for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
				const struct memory *m = &kinds[k];
				const struct code_config config = {
					m->wx,
					.quantum = QUANTUM,
					.share = m->share && ops->flags & STUB_CAN_SHARE,
				};
				const struct stub_config stubs = { .literals = literals,
								   .running = m->running };

				/* Where bodies are shared, few of the stubs can move.
				 * Also once of each arm. */
				if (takes(ops, literals) && ops->flags & STUB_COMPACT &&
				    (memory_comes_back_as(ops, config, stubs, false) || !k))
					memory_comes_back_as(ops, config, stubs, true);
			}
	}
}

/* ---- Many quanta of one sort ---------------------------------------------------------------- */

enum { MANY = 9000 };

struct many {
	struct set_up *t;
	unsigned n;
	struct stub_callee c[MANY];
};

static struct many *open_many(const struct stub_ops *ops, unsigned n)
{
	struct many *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->t = open_set_up_as(ops,
			      (struct code_config){ .wx = running_wx(),
						    .quantum = QUANTUM,
						    .share = running_wx() == CODE_DUAL },
			      (struct stub_config){ 0 }, &world_runtime);
	struct stub_spec spec = spec_of(&p->t->w, STUB_INDIRECT, parsed("l>l"), 2, 1);
	for (; p->n < n; p->n++)
		assert_int_equal(ops->bind(&p->t->space, &spec, &p->c[p->n]), 0);
	return p;
}

/* The last bound first, down to n: quanta that empty go back without a reclaim. */
static void release_down_to(struct many *p, unsigned n)
{
	while (p->n > n)
		p->t->space.ops->release(&p->t->space, &p->c[--p->n]);
}

/* Few quanta beside the bound: the bodies', and one. */
static void check_many(const struct many *p)
{
	struct code_stats stats;

	code_get_stats(p->t->code, &stats);
	if (10 * stats.committed_stubs > 13 * stats.used_stubs + 10 * 2 * QUANTUM)
		fail_msg("%s: %llu bytes held for %llu used", p->t->space.ops->name,
			 (unsigned long long)stats.committed_stubs,
			 (unsigned long long)stats.used_stubs);
}

static void the_bound_is_one_of_bytes(void **state)
{
	static const char *const names[] = { "pool", "island" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct many *p = open_many(stub_strategy(names[i]), MANY);
		struct stub_space *space = &p->t->space;
		uint64_t seed = 3;

		for (check_many(p); p->n > MANY / 2; check_many(p))
			release_down_to(p, p->n - 1);
		while (p->n) {
			unsigned at = mixed(&seed) % p->n;

			/* A callee may not move: another stub takes the last one's place. */
			space->ops->release(space, &p->c[at]);
			if (at != --p->n) {
				struct stub_spec spec =
				    spec_of(&p->t->w, STUB_INDIRECT, parsed("l>l"), 2, 1);

				space->ops->release(space, &p->c[p->n]);
				assert_int_equal(space->ops->bind(space, &spec, &p->c[at]), 0);
			}
			space->ops->reclaim(space);
			check_many(p);
		}
		close_set_up(p->t);
		free(p);
	}
}

/* Quanta that showed another's bytes are good for anything once they have come back. */
static void shared_quanta_come_back(void **state)
{
	static const char *const names[] = { "pool", "island" };
	static struct stub_callee c[STUB_KINDS * 12];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct many *p = open_many(stub_strategy(names[k]), 3000);
		struct stub_space *space = &p->t->space;

		release_down_to(p, 0);
		space->ops->reclaim(space);
		memset(c, 0, sizeof(c));
		for (unsigned i = 0; i < STUB_KINDS * 12; i++) {
			struct stub_spec spec =
			    spec_of(&p->t->w, i % STUB_KINDS, some_signature(i / STUB_KINDS),
				    i % WORLD_PROBES, 1);

			assert_int_equal(space->ops->bind(space, &spec, &c[i]), 0);
			call_one(p->t, &spec, &c[i], i % WORLD_PROBES);
		}
		close_set_up(p->t);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_back),
		cmocka_unit_test(the_bound_is_one_of_bytes),
		cmocka_unit_test(shared_quanta_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
