/*
 * test_silent_refusals.c - the kernel refuses a system call, or it and all later ones, of hooks
 * that can't report it: release and reclaim, with so many stubs that quanta go back. All that is
 * bound still runs, and later hooks set right what was refused. Hooks that can: test_refusals.c.
 */
#include "refusals.h"
#include "running_helpers.h"
#include "site_helpers.h"
#include "stub_set_up.h"

enum { STUBS = 1200, LATE = 60 };

struct crowd {
	struct set_up *t;
	const struct stub_ops *ops;
	struct stub_callee c[STUBS];
	struct stub_spec specs[STUBS];
	struct thunks thunks; /* n: 0 where no site is taken */
};

static struct stub_callee *callee_of(void *arg, unsigned i, bool *context)
{
	struct crowd *p = arg;

	*context = p->specs[i].kind == STUB_INDIRECT && i % 6 != 1;
	return &p->c[i];
}

static void bind(struct crowd *p, unsigned from, unsigned step)
{
	for (unsigned i = from; i < STUBS; i += step)
		assert_int_equal(p->ops->bind(&p->t->space, &p->specs[i], &p->c[i]), 0);
}

static void call_all(struct crowd *p)
{
	for (unsigned i = 0; i < STUBS; i++) {
		if (!p->c[i].code)
			continue;
		call_one(p->t, &p->specs[i], &p->c[i], i % WORLD_PROBES);
		if (i < p->thunks.n)
			call_one(p->t, &p->specs[i], &p->thunks.via[i], i % WORLD_PROBES);
	}
}

static struct crowd *open_crowd(const struct stub_ops *ops, struct code_config config)
{
	struct crowd *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->ops = ops;
	p->t = open_set_up_as(ops, config, (struct stub_config){ 0 }, &world_runtime);
	for (unsigned i = 0; i < STUBS; i++)
		p->specs[i] = spec_of(&p->t->w, i % 4 ? STUB_INDIRECT : STUB_BUILTIN, parsed("l>l"),
				      i % WORLD_PROBES, i % WORLD_INSTANCES);
	if (stub_takes_sites(&p->t->space))
		open_thunks(&p->thunks, &p->t->space, STUBS, callee_of, p);
	bind(p, 0, 1);
	call_all(p);
	return p;
}

static void close_crowd(struct crowd *p)
{
	free(p->thunks.via);
	free(p->thunks.sites);
	close_set_up(p->t);
	free(p);
}

/* Calls all through their callees; and through their sites, unless a hook that can't say so may
 * have left these not executable, which the next one that can sets right. */
static void call_after_refusal(struct crowd *p)
{
	const size_t sites = p->thunks.n;

	if (code_get_config(p->t->code)->wx == CODE_TOGGLE)
		p->thunks.n = 0;
	call_all(p);
	p->thunks.n = sites;
}

/* Releases five of six stubs, but for those in the last quantum, and reclaims twice. */
static void shrink(struct crowd *p)
{
	for (unsigned i = 0; i < STUBS; i++)
		if (i % 6 && (i < STUBS - LATE || i % 6 == 1))
			p->ops->release(&p->t->space, &p->c[i]);
	p->ops->reclaim(&p->t->space);
	p->ops->reclaim(&p->t->space);
}

/* Stubs 1, 1 + step and so on. */
static void bind_and_release(struct crowd *p, unsigned step)
{
	bind(p, 1, step);
	call_all(p);
	for (unsigned i = 1; i < STUBS; i += step)
		p->ops->release(&p->t->space, &p->c[i]);
	p->ops->reclaim(&p->t->space);
}

static uint64_t quanta_of(const struct crowd *p)
{
	struct code_stats stats;

	code_get_stats(p->t->code, &stats);
	return stats.quanta_stubs;
}

/* Call number n is refused, and under `all` the later ones; 0: none. Returns how many there were.
 */
static uint64_t refuse(const struct stub_ops *ops, struct code_config config, uint64_t n, bool all)
{
	struct crowd *p = open_crowd(ops, config);
	uint64_t before = kernel.calls, held = quanta_of(p);

	kernel.fail_at = n;
	kernel.all = all;
	shrink(p);
	kernel.fail_at = 0;
	kernel.all = false;
	uint64_t calls = kernel.calls - before;
	call_after_refusal(p);
	/* Another kind, in what was given back. */
	for (unsigned i = 1; i < STUBS; i += 6)
		p->specs[i] = spec_of(&p->t->w, STUB_EXIT_JS, parsed("il>i"), i % WORLD_PROBES, 1);
	bind_and_release(p, 6);
	bind_and_release(p, STUBS);
	assert_true(quanta_of(p) < held);
	call_all(p);
	close_crowd(p);
	return calls;
}

static void refuse_each(const struct stub_ops *ops, struct code_config config)
{
	const uint64_t calls = refuse(ops, config, 0, false);

	assert_true(calls > 0);
	for (uint64_t n = 1; n <= calls; n += 1 + calls / 40) {
		refuse(ops, config, n, false);
		refuse(ops, config, n, true);
	}
	print_message("%-14s %-6s%s %3d calls\n", ops->name, code_wx_names[config.wx],
		      config.share ? " share" : "", (int)calls);
}

static void all_still_runs(void **state)
{
	(void)state;
	kernel.error = EACCES;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
			const struct stub_ops *ops = stub_strategies[i];
			struct code_config config = { .wx = wx, .quantum = 4096 };

			if (!(ops->flags & STUB_COMPACT) || !can_open(wx))
				continue;
			refuse_each(ops, config);
			config.share = wx == CODE_DUAL && ops->flags & STUB_CAN_SHARE;
			if (config.share)
				refuse_each(ops, config);
		}
	kernel.error = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_still_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
