/*
 * test_stubs_running.c - upgrades, release and reuse in spaces whose callers run, one thread at a
 * time (test_stubs_threads.c has the threads): the memory kept and given back, failures, the costs
 * in system calls, and late calls of released stubs.
 */
#include <errno.h>

#include "arms.h"
#include "strategies/parts/poison.h"
#include "child_helpers.h"
#include "forbid.h"
#include "running_helpers.h"
#include "stub_set_up.h"

/* ---- Late calls ------------------------------------------------------------------------------ */

static unsigned reports;
static struct stub_owner owner;

static void note(const struct stub_owner *o)
{
	reports++;
	owner = *o;
	spoil();
}

/* As a caller does that read c's code pointer when it was `code`. */
static void call_late(struct world *w, struct stub_callee *c, const void *code)
{
	uint8_t *pad = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stub_callee late = { .code = pad };

	assert_true(pad != MAP_FAILED);
	memcpy(pad, "\x49\xba", 2); /* mov r10, c; mov rax, code; jmp rax */
	memcpy(pad + 2, &c, 8);
	memcpy(pad + 10, "\x48\xb8", 2);
	memcpy(pad + 12, &code, 8);
	memcpy(pad + 20, "\xff\xe0", 2);
	assert_int_equal(mprotect(pad, 4096, PROT_READ | PROT_EXEC), 0);
	if (w->kind == STUB_ENTRY_JS)
		assert_int_equal(call_js(w, &late, NULL, 0), tagged(STUB_VALUE_ERROR, 0));
	else
		assert_int_equal(call_raw(w, &late), 0);
	assert_int_equal(w->hits + w->raised + w->converted, 0);
	munmap(pad, 4096);
}

static void check_late(struct set_up *t, const struct stub_spec *spec, struct stub_callee *c,
		       const void *code, const void *target)
{
	unsigned before = reports;

	expect_spec(&t->w, spec, &t->seed);
	call_late(&t->w, c, code);
	assert_int_equal(reports, before + 1);
	assert_ptr_equal(owner.code, code);
	assert_ptr_equal(owner.target, target);
	assert_ptr_equal(owner.context, spec->context);
}

/* A stub that was called, one that was upgraded too, and a deferred one that never was. */
static void late_calls_of_kind(struct set_up *t, enum stub_kind kind)
{
	static const char *const signatures[] = { "il>l", "dd>d", "rrrrrrr>i", "f>" };
	const struct stub_ops *ops = t->space.ops;

	for (unsigned i = 0; i < 12; i++) {
		unsigned probe = i % 5, called = i % 3 > 0, other = i + 20;
		struct stub_spec spec = spec_of(&t->w, kind, parsed(signatures[i % 4]), probe, 1);
		struct stub_callee c = { 0 };

		assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
		if (called)
			call_one(t, &spec, &c, probe);
		const void *code = c.code;
		if (i % 3 == 2)
			assert_int_equal(ops->retarget(&t->space, &c, t->w.probes[other].entry), 0);
		if (ops->reclaim && c.code != code && called) {
			ops->reclaim(&t->space);
			check_late(t, &spec, &c, code, spec.target);
		}
		code = c.code;
		ops->release(&t->space, &c);
		assert_null(c.code);
		check_late(t, &spec, &c, code, t->w.probes[i % 3 == 2 ? other : probe].entry);
	}
}

/* The slot of a stub that was called is nobody's for as long as the quarantine lasts. */
static void quarantine(struct set_up *t, enum stub_kind kind)
{
	struct stub_spec spec = spec_of(&t->w, kind, parsed("il>l"), 2, 1);
	const struct stub_ops *ops = t->space.ops;
	const void *first = NULL;
	struct stub_callee c = { 0 }, other = { 0 };
	unsigned again = 0;

	for (unsigned i = 0; i <= 3 * POISON_QUARANTINE && !again; i++) {
		struct stub_callee *it = i ? &other : &c;

		assert_int_equal(ops->bind(&t->space, &spec, it), 0);
		call_one(t, &spec, it, 2);
		if (!i)
			first = c.code;
		else if (other.code == first)
			again = i;
		ops->release(&t->space, it);
		if (i < POISON_QUARANTINE && i % 50 == 0)
			check_late(t, &spec, it, first, spec.target);
	}
	assert_true(again > POISON_QUARANTINE);
}

static void late_calls(const struct stub_ops *ops, enum code_wx wx, enum stub_literals literals)
{
	struct stub_runtime runtime = world_runtime;

	runtime.released = note;
	for (unsigned running = 0; running < 1u + can_run(wx); running++) {
		struct stub_config stubs = { .literals = literals,
					     .markers = running,
					     .running = running,
					     .poison = true,
					     .policy = STUB_ONE };
		struct set_up *t = open_set_up_as(
		    ops, (struct code_config){ .wx = wx, .quantum = 4096 }, stubs, &runtime);

		for (int kind = 0; kind < STUB_KINDS; kind++)
			late_calls_of_kind(t, kind);
		if (!(ops->flags & STUB_DIRECT))
			quarantine(t, running ? STUB_INDIRECT : STUB_BUILTIN);
		close_set_up(t);
	}
}

/* ---- What every configuration goes through --------------------------------------------------- */

/* running: only where stubs can be upgraded while they are called. */
static void each(void (*f)(const struct stub_ops *, enum code_wx, enum stub_literals), bool running)
{
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++)
				if (takes(stub_strategies[i], literals) &&
				    (running ? can_run(wx) : can_open(wx)))
					f(stub_strategies[i], wx, literals);
}

static void late_calls_name_the_owner(void **state)
{
	(void)state;
	each(late_calls, false);
}

enum { N = 24 };

struct group {
	struct set_up *t;
	struct stub_spec specs[N];
	struct stub_callee c[N], *pointers[N];
	const void *targets[N];
	unsigned probes[N];
};

static struct stub_config as_running(enum stub_literals literals, bool poison)
{
	return (struct stub_config){ .literals = literals, .running = true, .poison = poison };
}

static void call_group(struct group *g)
{
	for (unsigned i = 0; i < N; i++)
		call_one(g->t, &g->specs[i], &g->c[i], g->probes[i]);
}

/* Binds N stubs of all kinds, near targets, and calls each. -ENOMEM: nothing is bound. */
static int bind_group(struct group *g, struct set_up *t)
{
	const struct stub_ops *ops = t->space.ops;
	int error = 0;
	unsigned n = 0;

	*g = (struct group){ .t = t };
	for (unsigned i = 0; i < N; i++) {
		g->pointers[i] = &g->c[i];
		g->probes[i] = 2 * i % WORLD_PROBES;
		g->specs[i] = spec_of(&t->w, (int)i % STUB_KINDS, parsed("il>l"), g->probes[i],
				      i % WORLD_INSTANCES);
	}
	if (ops->bind_many)
		return ops->bind_many(&t->space, g->specs, g->pointers, N);
	for (; n < N && !error; n += !error)
		error = ops->bind(&t->space, &g->specs[n], &g->c[n]);
	while (error && n-- > 0)
		ops->release(&t->space, &g->c[n]);
	return error;
}

static void release_group(struct group *g)
{
	for (unsigned i = 0; i < N; i++)
		g->t->space.ops->release(&g->t->space, &g->c[i]);
}

static void aim(struct group *g, unsigned i, unsigned probe)
{
	g->probes[i] = probe % WORLD_PROBES;
	g->targets[i] = g->t->w.probes[g->probes[i]].entry;
}

/* Upgrades all to probes of one sort: those with even numbers are near. */
static int upgrade_all(struct group *g, unsigned first, unsigned step)
{
	unsigned old[N];
	size_t done;

	memcpy(old, g->probes, sizeof(old));
	for (unsigned i = 0; i < N; i++)
		aim(g, i, first + i * step);
	int error = stub_retarget_many(&g->t->space, g->pointers, g->targets, N, &done);
	assert_int_equal(done, error ? 0 : N);
	if (error)
		memcpy(g->probes, old, sizeof(old));
	return error;
}

static void reclaim(struct group *g)
{
	if (g->t->space.ops->reclaim)
		g->t->space.ops->reclaim(&g->t->space);
}

/* Nobody calls: the second reclaim frees the stubs that the first one moved. */
static void reclaim_all(struct group *g)
{
	reclaim(g);
	reclaim(g);
}

/* ---- Nothing is lost over many upgrades ------------------------------------------------------ */

static void upgrade_some(struct group *g, unsigned upgrades)
{
	for (unsigned k = 0; k < upgrades; k++) {
		unsigned i = k % N;

		aim(g, i, (unsigned)mixed(&g->t->seed));
		assert_int_equal(g->t->space.ops->retarget(&g->t->space, &g->c[i], g->targets[i]),
				 0);
		if (k % 64 == 0)
			reclaim(g);
		if (k % 512 == 0)
			call_group(g);
	}
	assert_int_equal(upgrade_all(g, 1, 2), 0); /* all far: that form stays */
	assert_int_equal(upgrade_all(g, 0, 2), 0);
	reclaim_all(g);
	call_group(g);
}

static void upgrades_leave_nothing(const struct stub_ops *ops, enum code_wx wx,
				   enum stub_literals literals)
{
	struct stub_runtime runtime = world_runtime;
	struct code_stats first, last;
	struct group g;

	runtime.released = note;
	for (unsigned poison = 0; poison < 2; poison++) {
		struct set_up *t =
		    open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096 },
				   as_running(literals, poison), &runtime);

		assert_int_equal(bind_group(&g, t), 0);
		call_group(&g);
		upgrade_some(&g, 600);
		code_get_stats(t->code, &first);
		upgrade_some(&g, 1200);
		code_get_stats(t->code, &last);
		assert_int_equal(last.retired, 0);
		if (!poison) {
			assert_int_equal(last.used_stubs, first.used_stubs);
			assert_int_equal(last.used_literals, first.used_literals);
			assert_int_equal(last.quanta_stubs, first.quanta_stubs);
		}
		assert_true(last.quanta_stubs <= first.quanta_stubs + POISON_QUARANTINE);
		release_group(&g);
		close_set_up(t);
	}
}

static void reclaim_gives_all_back(void **state)
{
	(void)state;
	each(upgrades_leave_nothing, true);
}

/* Replaced stubs are counted, and freed by reclaim or with their callees, and not before. */
static void replaced_stubs_are_counted(const struct stub_ops *ops, enum code_wx wx,
				       enum stub_literals literals)
{
	bool moves = wx == CODE_TOGGLE && literals == STUB_LITERALS_BAKED;
	struct code_stats before, after;
	uint64_t all = 0, retired; /* bytes of the stubs that are replaced at once */
	struct group g;
	struct set_up *t = open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096 },
					  as_running(literals, false), &world_runtime);

	assert_int_equal(bind_group(&g, t), 0);
	call_group(&g);
	code_get_stats(t->code, &before);
	assert_int_equal(before.retired, 0);
	for (unsigned round = 1; round < 4; round++) {
		assert_int_equal(upgrade_all(&g, 2 * round, 2), 0);
		code_get_stats(t->code, &after);
		all = round == 1 ? after.retired : all;
		assert_int_equal(!all, !moves);
		assert_int_equal(after.retired, round * all);
		assert_int_equal(after.used_stubs, before.used_stubs);
	}
	assert_true(all <= before.used_stubs);
	retired = after.retired;
	ops->release(&t->space, &g.c[0]);
	code_get_stats(t->code, &after);
	if (moves)
		assert_int_equal(retired - after.retired,
				 3 * (before.used_stubs - after.used_stubs));
	reclaim_all(&g);
	code_get_stats(t->code, &after);
	assert_int_equal(after.retired, 0);
	for (unsigned i = 1; i < N; i++)
		call_one(t, &g.specs[i], &g.c[i], g.probes[i]);
	close_set_up(t);
}

static void replaced_stubs(void **state)
{
	(void)state;
	each(replaced_stubs_are_counted, true);
}

/* ---- Many at once ---------------------------------------------------------------------------- */

static void syscalls_of_many(const struct stub_ops *ops, enum code_wx wx,
			     enum stub_literals literals)
{
	const struct stub_ops *placement = ops->inner ? ops->inner : ops;
	bool baked = literals == STUB_LITERALS_BAKED;
	struct code_stats before, after;

	for (unsigned running = 0; running < 1u + can_run(wx); running++) {
		struct stub_config stubs = { .literals = literals, .running = running };
		struct set_up *t = open_set_up_as(
		    ops, (struct code_config){ .wx = wx, .quantum = 4096 }, stubs, &world_runtime);
		struct group g;
		/* A change of protection takes two calls; new stubs need it for new quanta. */
		unsigned allowed = !baked ? 0 : wx == CODE_TOGGLE ? 2 : running;

		if (allowed == 2 && running && !placement->bind_many)
			allowed = 2 * N;
		assert_int_equal(bind_group(&g, t), 0);
		call_group(&g);
		code_get_stats(t->code, &before);
		assert_int_equal(upgrade_all(&g, 2, 2), 0);
		code_get_stats(t->code, &after);
		assert_int_equal(after.syscalls - before.syscalls, allowed);
		call_group(&g);
		close_set_up(t);
	}
}

static void many_cost_as_one(void **state)
{
	(void)state;
	each(syscalls_of_many, false);
}

/* No room for new stubs: all callees keep their targets; the next try finds it. */
static void many_or_none(const struct stub_ops *ops, enum code_wx wx, enum stub_literals literals)
{
	unsigned failures = 0;

	for (unsigned good = 1; good < 3 * N; good++) {
		char faults[3 * N + 3] = { 0 };
		struct group g;

		memset(faults, 'a', good);
		faults[good] = faults[good + 1] = 'f'; /* all at once, then as little as goes */
		struct set_up *t = open_set_up_as(
		    ops, (struct code_config){ .wx = wx, .quantum = 4096, .faults = faults },
		    as_running(literals, false), &world_runtime);
		if (bind_group(&g, t) == 0) {
			for (unsigned i = 0; i < N; i++) {
				expect_spec(&t->w, &g.specs[i], &t->seed);
				if (!(ops->flags & STUB_DEFERRED))
					cross(&t->w, &g.c[i], &t->w.probes[g.probes[i]]);
			}
			unsigned tries = 0;
			for (; upgrade_all(&g, 1, 2); tries++) {
				assert_true(tries < 2);
				call_group(&g);
			}
			failures += tries;
			if (!(ops->flags & STUB_DEFERRED))
				call_group(&g);
		}
		close_set_up(t);
	}
	/* Packed stubs that may be written beside others find room in their quantum. */
	if (literals == STUB_LITERALS_BAKED && !(ops->flags & STUB_DEFERRED) &&
	    (wx == CODE_TOGGLE || !ops->bind_many))
		assert_true(failures > 0);
}

static void many_are_all_or_nothing(void **state)
{
	(void)state;
	each(many_or_none, true);
}

/* ---- Quanta under toggle --------------------------------------------------------------------- */

/* One at a time, a stub takes a quantum; they go back with their last stub. */
static void a_quantum_is_written_once(void **state)
{
	const struct stub_ops *ops = stub_strategy("template");
	struct set_up *t =
	    open_set_up_as(ops, (struct code_config){ .wx = CODE_TOGGLE, .quantum = 4096 },
			   as_running(STUB_LITERALS_BAKED, false), &world_runtime);
	struct code_stats stats;
	struct group g;

	(void)state;
	assert_int_equal(bind_group(&g, t), 0);
	code_get_stats(t->code, &stats);
	uint64_t together = stats.quanta_stubs;
	assert_true(together * 4096 < stats.used_stubs + 4096);
	for (unsigned i = 0; i < N; i++) {
		aim(&g, i, 2 * i + 2);
		assert_int_equal(ops->retarget(&t->space, &g.c[i], g.targets[i]), 0);
	}
	code_get_stats(t->code, &stats);
	assert_int_equal(stats.quanta_stubs, together + N);
	reclaim_all(&g);
	code_get_stats(t->code, &stats);
	assert_int_equal(stats.quanta_stubs, 1); /* moved together */
	call_group(&g);
	release_group(&g);
	code_get_stats(t->code, &stats);
	assert_int_equal(stats.quanta_stubs, 0);
	close_set_up(t);
}

/* ---- A kernel without the barrier ------------------------------------------------------------ */

static int open_without_barrier(enum code_wx wx)
{
	struct code_config config = { .wx = wx, .quantum = 4096 };
	struct stub_config stubs = { .running = true };
	struct code_memory *code;
	struct stub_space space;

	forbid(SYS_membarrier, ENOSYS);
	if (code_open(&code, &config))
		return 125;
	return -stub_space_open(&space, stub_strategies[1], code, &stubs, &world_runtime);
}

static void no_barrier_is_refused(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		if (!can_open(wx))
			continue;
		pid_t child = child_fork();

		if (child == 0)
			_exit(open_without_barrier(wx));
		assert_int_equal(child_wait(child), wx == CODE_TOGGLE ? 0 : ENOSYS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_calls_name_the_owner),
		cmocka_unit_test(reclaim_gives_all_back),
		cmocka_unit_test(replaced_stubs),
		cmocka_unit_test(many_cost_as_one),
		cmocka_unit_test(many_are_all_or_nothing),
		cmocka_unit_test(a_quantum_is_written_once),
		cmocka_unit_test(no_barrier_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
