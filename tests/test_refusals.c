/*
 * test_refusals.c - a kernel that refuses any one system call, or it and all later ones, to each
 * strategy under each policy: the hook that needed it reports an error, its callee is as it was,
 * and all that was bound before can still be called, unless the hook says that nothing can.
 *
 * The program below is run once to count the calls, then once for each call of it that may fail.
 */
#include <errno.h>

#include "refusals.h"
#include "running_helpers.h"
#include "site_helpers.h"
#include "stub_set_up.h"

enum { SINGLES = STUB_KINDS, BATCH = 40, STUBS = SINGLES + BATCH };

struct program {
	struct set_up *t;
	const struct stub_ops *ops;
	struct stub_callee c[STUBS];
	struct stub_spec specs[STUBS];
	unsigned reached[STUBS]; /* the probe that calls must reach; ~0: unbound */
	struct thunks thunks[2]; /* n: 0 where no site is taken */
	bool gone;		 /* a release may have lost a module, and could not say so */
	bool lost;		 /* -ENOTRECOVERABLE: nothing can be called any more */
	unsigned errors;
};

static void armed(uint64_t *fail_at, bool on)
{
	if (on) {
		kernel.fail_at = *fail_at;
		return;
	}
	*fail_at = kernel.fail_at;
	kernel.fail_at = 0;
}

/* Calls with the kernel in a good mood: a first call of a deferred stub makes it. */
static void call_all(struct program *p)
{
	uint64_t left;

	armed(&left, false);
	for (unsigned i = 0; i < STUBS && !p->lost; i++)
		if (p->reached[i] != ~0u)
			call_one(p->t, &p->specs[i], &p->c[i], p->reached[i]);
	for (unsigned i = 0; i < 2 * STUBS && !p->lost && !p->gone; i++)
		if (p->thunks[i % 2].n && p->reached[i / 2] != ~0u)
			call_one(p->t, &p->specs[i / 2], &p->thunks[i % 2].via[i / 2],
				 p->reached[i / 2]);
	armed(&left, true);
}

/* What a hook answered: whether it has done its work. */
static bool good(struct program *p, int error)
{
	p->errors += error != 0;
	p->lost |= error == -ENOTRECOVERABLE;
	assert_true(!error || error == -ENOMEM || error == -EACCES || error == -ENOTRECOVERABLE);
	return !error;
}

static void bound(struct program *p, unsigned from, unsigned n, int error)
{
	static const struct stub_callee zero;

	if (good(p, error))
		for (unsigned i = from; i < from + n; i++)
			p->reached[i] = i % WORLD_PROBES;
	else
		for (unsigned i = from; i < from + n; i++)
			assert_memory_equal(&p->c[i], &zero, sizeof(zero));
	call_all(p);
}

static void bind_all(struct program *p)
{
	struct stub_callee *pointers[BATCH];
	struct stub_space *space = &p->t->space;
	bool fresh = true;

	for (unsigned i = 0; i < BATCH; i++) {
		pointers[i] = &p->c[SINGLES + i];
		fresh &= p->reached[SINGLES + i] == ~0u;
	}
	for (unsigned i = 0; i < STUBS; i++) {
		if (i == SINGLES && p->ops->bind_many && fresh)
			bound(p, SINGLES, BATCH,
			      p->ops->bind_many(space, &p->specs[SINGLES], pointers, BATCH));
		if (p->reached[i] == ~0u)
			bound(p, i, 1, p->ops->bind(space, &p->specs[i], &p->c[i]));
	}
}

static struct stub_callee *callee_of(void *arg, unsigned i, bool *context)
{
	struct program *p = arg;

	*context = p->specs[i].kind == STUB_INDIRECT && i % 3;
	return &p->c[i];
}

/* A module comes, whose memory the test takes with the kernel in a good mood. */
static void attach(struct program *p, struct thunks *t)
{
	struct stub_space *space = &p->t->space;
	uint64_t left;

	if (!stub_takes_sites(space))
		return;
	armed(&left, false);
	write_thunks(t, space, STUBS, callee_of, p);
	armed(&left, true);
	if (!good(p, p->ops->attach(space, t->sites, STUBS)))
		t->n = 0;
	call_all(p);
}

static void retarget_all(struct program *p)
{
	struct stub_callee *pointers[STUBS];
	const void *targets[STUBS];
	unsigned to[STUBS], from[STUBS], n = 0;
	size_t done = 0;

	for (unsigned i = 0; i < SINGLES; i++) {
		unsigned probe = (p->reached[i] + 3) % WORLD_PROBES; /* near becomes far */

		if (p->reached[i] == ~0u)
			continue;
		if (good(p, p->ops->retarget(&p->t->space, &p->c[i], p->t->w.probes[probe].entry)))
			p->reached[i] = probe;
		call_all(p);
	}
	for (unsigned i = SINGLES; i < STUBS; i++) {
		if (p->reached[i] == ~0u)
			continue;
		from[n] = i;
		to[n] = (p->reached[i] + 2 + i % 2) % WORLD_PROBES;
		targets[n] = p->t->w.probes[to[n]].entry;
		pointers[n++] = &p->c[i];
	}
	(void)good(p, stub_retarget_many(&p->t->space, pointers, targets, n, &done));
	for (unsigned i = 0; i < done; i++)
		p->reached[from[i]] = to[i];
	call_all(p);
}

static void release_half(struct program *p)
{
	for (unsigned i = 0; i < STUBS; i += 2) {
		if (p->reached[i] == ~0u)
			continue;
		p->ops->release(&p->t->space, &p->c[i]);
		assert_null(p->c[i].code);
		p->c[i] = (struct stub_callee){ 0 };
		p->reached[i] = ~0u;
	}
	if (p->ops->reclaim)
		p->ops->reclaim(&p->t->space);
	/* Under toggle a module may have been left not executable, until a hook can report it. */
	p->gone =
	    kernel.all && kernel.fail_at == 1 && code_get_config(p->t->code)->wx == CODE_TOGGLE;
	call_all(p);
}

/* All that was refused is done in the end, with a kernel that no longer refuses. */
static void finish(struct program *p)
{
	kernel.fail_at = 0;
	for (unsigned i = 0; i < STUBS && !p->lost; i++)
		if (p->reached[i] == ~0u) {
			assert_int_equal(p->ops->bind(&p->t->space, &p->specs[i], &p->c[i]), 0);
			p->reached[i] = i % WORLD_PROBES;
			p->gone = false;
		}
	call_all(p);
}

/* Returns how many system calls the hooks made. */
static uint64_t run_program(const struct stub_ops *ops, struct code_config config,
			    struct stub_config stubs, uint64_t fail_at, unsigned *errors)
{
	struct program *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->ops = ops;
	p->t = open_set_up_as(ops, config, stubs, &world_runtime);
	for (unsigned i = 0; i < STUBS; i++) {
		p->specs[i] = spec_of(&p->t->w, i < SINGLES ? i : STUB_INDIRECT,
				      i < SINGLES ? parsed("il>i") : some_signature(i / 8),
				      i % WORLD_PROBES, i % WORLD_INSTANCES);
		p->reached[i] = ~0u;
	}
	uint64_t before = kernel.calls;
	kernel.fail_at = fail_at;
	attach(p, &p->thunks[0]);
	bind_all(p);
	attach(p, &p->thunks[1]);
	retarget_all(p);
	release_half(p);
	bind_all(p);
	uint64_t calls = kernel.calls - before;
	*errors = p->errors;
	/* One refusal is never the end; nor is any where nothing is opened for writing. */
	assert_true(!p->lost || (kernel.all && (config.wx == CODE_TOGGLE || stubs.running)));
	finish(p);
	close_set_up(p->t);
	for (unsigned m = 0; m < 2; m++) {
		free(p->thunks[m].via);
		free(p->thunks[m].sites);
	}
	free(p);
	return calls;
}

static void refuse(const struct stub_ops *ops, struct code_config config, struct stub_config stubs,
		   bool all, int error)
{
	const bool large = config.quantum == CODE_LARGE_QUANTUM;
	const enum code_wx wx = config.wx;
	unsigned errors, some = 0;
	uint64_t calls = run_program(ops, config, stubs, 0, &errors);

	assert_int_equal(errors, 0);
	kernel.all = all;
	kernel.error = error;
	/* Every call of short programs, and of long ones as many spread over it. */
	for (uint64_t n = 1; n <= calls; n += 1 + calls / (large ? 8 : 60)) {
		run_program(ops, config, stubs, n, &errors);
		some += errors != 0;
	}
	kernel.all = false;
	kernel.error = 0;
	print_message("%-14s %-6s%s%s%s %3d calls, %u refusals reported\n", ops->name,
		      code_wx_names[wx], large ? " 2 MiB" : "", stubs.running ? " running" : "",
		      all ? " all later" : "", (int)calls, some);
	/* A call that gives memory back may fail unseen; one that a stub needs is seen. */
	assert_true(some > 0 || calls == 0 || ops->flags & (STUB_DIRECT | STUB_DEFERRED) ||
		    (wx != CODE_TOGGLE && !stubs.running));
}

static void each_form(const struct stub_ops *ops, struct code_config config, bool running, bool all)
{
	for (int literals = STUB_LITERALS_BAKED; literals < FORMS; literals++)
		if (takes(ops, literals))
			refuse(ops, config,
			       (struct stub_config){ .literals = literals, .running = running },
			       all, all ? EACCES : ENOMEM);
}

static void each(uint32_t quantum, bool running, bool all)
{
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
			const struct stub_ops *ops = stub_strategies[i];
			struct code_config config = { .wx = wx, .quantum = quantum };

			if (!(running ? can_run(wx) : can_open(wx)))
				continue;
			each_form(ops, config, running, all);
			config.share = wx == CODE_DUAL && quantum != CODE_LARGE_QUANTUM &&
				       ops->flags & STUB_CAN_SHARE;
			if (config.share)
				each_form(ops, config, running, all);
		}
}

static void one_refusal(void **state)
{
	(void)state;
	each(4096, false, false);
}

static void one_refusal_while_running(void **state)
{
	(void)state;
	each(4096, true, false);
}

static void lasting_refusal(void **state)
{
	(void)state;
	each(4096, false, true);
}

static void lasting_refusal_while_running(void **state)
{
	(void)state;
	each(4096, true, true);
}

/* Its calls for pages of 2 MiB among them. */
static void refusals_of_large_quanta(void **state)
{
	(void)state;
	for (int running = 0; running < 2; running++)
		each(CODE_LARGE_QUANTUM, running, running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_refusal),
		cmocka_unit_test(one_refusal_while_running),
		cmocka_unit_test(lasting_refusal),
		cmocka_unit_test(lasting_refusal_while_running),
		cmocka_unit_test(refusals_of_large_quanta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
