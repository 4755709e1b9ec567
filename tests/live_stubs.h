/*
 * live_stubs.h - STUBS stubs that four callers run through while one thread, the changer, binds,
 * retargets, releases and reclaims them. A program that includes it says first how many they are.
 *
 * A target adds its number to its argument. Upgrade k of a stub gives it target k % TARGETS:
 *
 *      changer    begun = k     retarget returns    done = k
 *      caller     low = done    call                high = begun
 *
 * so a call must return the number of an upgrade from low to high: an older number would mean that
 * a call after retarget's return went to the old target.
 *
 * Where the space takes call sites, half of the callers call by those of one module.
 */
#ifndef STUBMAP_TEST_LIVE_STUBS_H
#define STUBMAP_TEST_LIVE_STUBS_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "running_helpers.h"
#include "site_helpers.h"
#include "stub_set_up.h"

enum { CALLERS = 4, TARGETS = 256, TARGET_BYTES = 65536 + 16 };

struct place {
	struct stub_callee c;
	struct stub_spec spec; /* changed while nobody calls */
	uint64_t argument;     /* bind: stored */
	bool context;	       /* its site passes the context: always indirect */
	bool far;	       /* every other target is out of a near call's reach */
	atomic_bool enabled;
	atomic_uint begun, done;
};

struct caller {
	struct live *live;
	struct instance context;
	struct stub_activation activation;
	uint64_t seed;
	atomic_ulong passes; /* times that it was outside all stubs */
	unsigned long calls, checked;
};

struct live {
	struct set_up *t;
	const struct stub_ops *ops;
	struct place places[STUBS];
	struct thunks thunks; /* a site each; n: 0 where none is taken */
	struct caller callers[CALLERS];
	uint8_t *near[2], *far[2]; /* targets: plain, and as a host function */
	unsigned long upgrades;
	uint64_t seed;
	atomic_bool stop;
	atomic_ulong wrong, raised, late;
};

/* ---- Targets -------------------------------------------------------------------------------- */

static void write_targets(uint8_t *at, bool host)
{
	for (uint32_t i = 0; i < TARGETS; i++, at += TARGET_BYTES) {
		uint32_t number = i << 16;

		if (host) { /* mov eax, [rsi]; add eax, number; mov [rsi], eax; xor eax, eax; ret */
			memcpy(at, "\x8b\x06\x05", 3);
			memcpy(at + 3, &number, 4);
			memcpy(at + 7, "\x89\x06\x31\xc0\xc3", 5);
		} else { /* lea eax, [rsi + number]; ret */
			memcpy(at, "\x8d\x86", 2);
			memcpy(at + 2, &number, 4);
			at[6] = 0xc3;
		}
	}
}

static void make_targets(struct live *live)
{
	size_t bytes = (size_t)TARGETS * TARGET_BYTES;
	uint8_t *near = code_reserve(live->t->code, CODE_MODULES, 2 * bytes);
	uint8_t *far = mmap((uint8_t *)live->t->w.far - 16 * bytes, 2 * bytes,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_non_null(near);
	assert_true(far != MAP_FAILED);
	assert_false(near_call_reaches(near, far));
	for (unsigned host = 0; host < 2; host++) {
		live->near[host] = near + host * bytes;
		live->far[host] = far + host * bytes;
		write_targets(code_writable(live->t->code, live->near[host]), host);
		write_targets(live->far[host], host);
	}
	assert_int_equal(code_commit(live->t->code, near, 2 * bytes), 0);
	assert_int_equal(mprotect(far, 2 * bytes, PROT_READ | PROT_EXEC), 0);
}

static const void *target(const struct live *live, const struct place *p, unsigned k)
{
	bool host = p->spec.kind == STUB_EXIT_JS;

	return (p->far && k % 2 ? live->far : live->near)[host] + k % TARGETS * TARGET_BYTES;
}

/* ---- Callers -------------------------------------------------------------------------------- */

/* One call through c; what the target made of the argument. */
static bool call(struct caller *caller, struct place *p, struct stub_callee *c, uint32_t *result)
{
	uint64_t argv[2] = { p->argument, 0 }, stack[MAX_STACK];
	struct probe_regs regs;

	arrange_from(p->spec.signature, p->spec.nbound, &p->argument, &caller->context, &regs,
		     stack);
	regs.r13 = p->spec.signature;
	if (p->spec.kind == STUB_ENTRY_JS)
		argv[0] = tagged(STUB_VALUE_INT32, p->argument);
	if (p->spec.kind <= STUB_ENTRY_JS) {
		regs.ints[0] = (uintptr_t)argv;
		regs.ints[1] = 1;
	}
	probe_call(c, &regs);
	*result = (uint32_t)(p->spec.kind == STUB_ENTRY_NATIVE ? argv[0] : regs.rax);
	return regs.intact == 1 &&
	       (p->spec.kind != STUB_ENTRY_JS || regs.rax >> 48 == STUB_VALUE_INT32);
}

static void check_call(struct caller *caller, struct place *p)
{
	struct live *live = caller->live;
	bool site = live->thunks.n && (caller - live->callers) % 2;
	uint32_t got;

	if (!atomic_load(&p->enabled))
		return;
	if (p->spec.kind <= STUB_ENTRY_JS && p->spec.context != &caller->context)
		return; /* entries write the activation of their instance's thread */
	unsigned low = atomic_load(&p->done);
	bool good = call(caller, p, site ? &live->thunks.via[p - live->places] : &p->c, &got);
	unsigned high = atomic_load(&p->begun);

	got -= (uint32_t)p->argument;
	uint32_t number = got >> 16;
	good &= got % 65536 == 0 && number < TARGETS;
	caller->calls++;
	if (high - low < TARGETS) { /* else the same target may have come twice */
		good &= (number - low) % TARGETS <= high - low;
		caller->checked++;
	}
	if (!good)
		atomic_fetch_add(&live->wrong, 1);
}

static void *run(void *arg)
{
	struct caller *caller = arg;
	struct live *live = caller->live;

	while (!atomic_load(&live->stop)) {
		check_call(caller, &live->places[mixed(&caller->seed) % STUBS]);
		/* More callers than processors must not make the changer wait for time slices. */
		if (atomic_fetch_add(&caller->passes, 1) % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* ---- The changer ---------------------------------------------------------------------------- */

/* Waits until each caller has been outside all stubs since now. */
static void all_pass(struct live *live)
{
	unsigned long before[CALLERS];

	for (unsigned i = 0; i < CALLERS; i++)
		before[i] = atomic_load(&live->callers[i].passes);
	for (unsigned i = 0; i < CALLERS; i++)
		while (atomic_load(&live->callers[i].passes) == before[i])
			sched_yield();
}

static void bind(struct live *live, unsigned i)
{
	struct place *p = &live->places[i];
	unsigned k = atomic_load(&p->done);

	p->spec = (struct stub_spec){ .kind = (int)(mixed(&live->seed) % STUB_KINDS),
				      .signature = parsed("i>i"),
				      .context = &live->callers[i % CALLERS].context,
				      .module = i % 3 };
	if (p->context)
		p->spec.kind = STUB_INDIRECT;
	p->spec.target = target(live, p, k);
	if (p->spec.kind == STUB_BIND) {
		p->spec.bound = &p->argument;
		p->spec.nbound = 1;
	}
	stub_space_lock(&live->t->space);
	assert_int_equal(live->ops->bind(&live->t->space, &p->spec, &p->c), 0);
	stub_space_unlock(&live->t->space);
	atomic_store(&p->enabled, true);
}

static void reclaim(struct live *live)
{
	if (!live->ops->reclaim)
		return;
	all_pass(live);
	stub_space_lock(&live->t->space);
	live->ops->reclaim(&live->t->space);
	stub_space_unlock(&live->t->space);
}

/* Upgrades n neighbours, by one hook. */
static void upgrade(struct live *live, unsigned from, unsigned n)
{
	struct stub_callee *c[STUBS];
	const void *targets[STUBS];
	size_t done;

	for (unsigned i = 0; i < n; i++) {
		struct place *p = &live->places[(from + i) % STUBS];

		c[i] = &p->c;
		targets[i] = target(live, p, atomic_fetch_add(&p->begun, 1) + 1);
	}
	stub_space_lock(&live->t->space);
	if (n == 1)
		assert_int_equal(live->ops->retarget(&live->t->space, c[0], targets[0]), 0);
	else
		assert_int_equal(stub_retarget_many(&live->t->space, c, targets, n, &done), 0);
	stub_space_unlock(&live->t->space);
	if (n > 1)
		assert_int_equal(done, n);
	for (unsigned i = 0; i < n; i++)
		atomic_fetch_add(&live->places[(from + i) % STUBS].done, 1);
	live->upgrades += n;
}

/* ---- One configuration ---------------------------------------------------------------------- */

static struct stub_callee *callee_of(void *arg, unsigned i, bool *context)
{
	struct place *p = &((struct live *)arg)->places[i];

	*context = p->context = i % 3 == 0;
	return &p->c;
}

static atomic_ulong *raised, *late; /* of the configuration that runs: raise knows no more */

static void note_raise(void *context)
{
	(void)context;
	atomic_fetch_add(raised, 1);
}

static void note_late(const struct stub_owner *owner)
{
	(void)owner;
	atomic_fetch_add(late, 1);
}

/* Nothing is bound yet. */
static struct live *open_live(const struct stub_ops *ops, enum code_wx wx, struct stub_config stubs)
{
	struct live *live = calloc(1, sizeof(*live));
	struct stub_runtime runtime = world_runtime;

	assert_non_null(live);
	runtime.raise = note_raise;
	runtime.released = note_late;
	live->ops = ops;
	live->seed = 11;
	stubs.running = true;
	live->t =
	    open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, stubs, &runtime);
	raised = &live->raised;
	late = &live->late;
	make_targets(live);
	for (unsigned i = 0; i < CALLERS; i++) {
		struct caller *caller = &live->callers[i];

		caller->live = live;
		caller->seed = i;
		caller->context.activation = &caller->activation;
	}
	if (stub_takes_sites(&live->t->space))
		open_thunks(&live->thunks, &live->t->space, STUBS, callee_of, live);
	for (unsigned i = 0; i < STUBS; i++) {
		live->places[i].argument = 100 + i;
		live->places[i].far = i / CALLERS % 2;
	}
	return live;
}

static void close_live(struct live *live)
{
	bool poison = live->t->space.config.poison;
	struct code_stats stats;

	for (unsigned i = 0; i < STUBS; i++)
		if (atomic_load(&live->places[i].enabled))
			live->ops->release(&live->t->space, &live->places[i].c);
	if (live->thunks.n)
		close_thunks(&live->thunks);
	munmap(live->far[0], (size_t)2 * TARGETS * TARGET_BYTES);
	code_get_stats(live->t->code, &stats);
	assert_int_equal(stats.retired, 0);
	if (!poison)
		assert_int_equal(stats.used_literals, 0);
	close_set_up(live->t);
	free(live);
}

/* The changer's work, while the callers run. */
static void change_under_callers(struct live *live, void (*work)(struct live *))
{
	const struct stub_config *config = &live->t->space.config;
	unsigned long calls = 0, checked = 0;
	pthread_t threads[CALLERS];

	for (unsigned i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, &live->callers[i]), 0);
	work(live);
	all_pass(live);
	atomic_store(&live->stop, true);
	for (unsigned i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], NULL);
		calls += live->callers[i].calls;
		checked += live->callers[i].checked;
	}
	print_message("%-14s %-6s %-5s %-6s %8lu upgrades %9lu calls, %lu not checked\n",
		      live->ops->name, code_wx_names[code_get_config(live->t->code)->wx],
		      config->literals == STUB_LITERALS_TABLE ? "table" : "baked",
		      config->poison ? "poison" : "", live->upgrades, calls, calls - checked);
	assert_int_equal(atomic_load(&live->wrong), 0);
	assert_int_equal(atomic_load(&live->raised), 0);
	assert_int_equal(atomic_load(&live->late), 0);
	assert_true(checked > 0);
}

#endif
