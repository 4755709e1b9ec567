/*
 * stress_stubs.h - STUBS stubs that four callers run through while one thread, the changer, binds,
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
#ifndef STUBMAP_TEST_STRESS_STUBS_H
#define STUBMAP_TEST_STRESS_STUBS_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "running_helpers.h"
#include "site_helpers.h"
#include "stub_set_up.h"

enum { CALLERS = 4, TARGETS = 256, TARGET_BYTES = 65536 + 16 };

struct stressed {
	struct stub_callee c;
	struct stub_spec spec; /* changed while nobody calls */
	uint64_t argument;     /* bind: stored */
	bool context;	       /* its site passes the context: always indirect */
	bool far;	       /* every other target is out of a near call's reach */
	atomic_bool enabled;
	atomic_uint begun, done;
};

struct caller {
	struct stress *stress;
	struct instance context;
	struct stub_activation activation;
	uint64_t seed;
	atomic_ulong passes; /* times that it was outside all stubs */
	unsigned long calls, checked;
};

struct stress {
	struct set_up *t;
	const struct stub_ops *ops;
	struct stressed stubs[STUBS];
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

static void make_targets(struct stress *stress)
{
	size_t bytes = (size_t)TARGETS * TARGET_BYTES;
	uint8_t *near = code_reserve(stress->t->code, CODE_MODULES, 2 * bytes);
	uint8_t *far = mmap((uint8_t *)stress->t->w.far - 16 * bytes, 2 * bytes,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_non_null(near);
	assert_true(far != MAP_FAILED);
	assert_false(near_call_reaches(near, far));
	for (unsigned host = 0; host < 2; host++) {
		stress->near[host] = near + host * bytes;
		stress->far[host] = far + host * bytes;
		write_targets(code_writable(stress->t->code, stress->near[host]), host);
		write_targets(stress->far[host], host);
	}
	assert_int_equal(code_commit(stress->t->code, near, 2 * bytes), 0);
	assert_int_equal(mprotect(far, 2 * bytes, PROT_READ | PROT_EXEC), 0);
}

static const void *target(const struct stress *stress, const struct stressed *p, unsigned k)
{
	bool host = p->spec.kind == STUB_EXIT_JS;

	return (p->far && k % 2 ? stress->far : stress->near)[host] + k % TARGETS * TARGET_BYTES;
}

/* ---- Callers -------------------------------------------------------------------------------- */

/* One call through c; what the target made of the argument. */
static bool call(struct caller *caller, struct stressed *p, struct stub_callee *c, uint32_t *result)
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

static void check_call(struct caller *caller, struct stressed *p)
{
	struct stress *stress = caller->stress;
	bool site = stress->thunks.n && (caller - stress->callers) % 2;
	uint32_t got;

	if (!atomic_load(&p->enabled))
		return;
	if (p->spec.kind <= STUB_ENTRY_JS && p->spec.context != &caller->context)
		return; /* entries write the activation of their instance's thread */
	unsigned low = atomic_load(&p->done);
	bool good = call(caller, p, site ? &stress->thunks.via[p - stress->stubs] : &p->c, &got);
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
		atomic_fetch_add(&stress->wrong, 1);
}

static void *run(void *arg)
{
	struct caller *caller = arg;
	struct stress *stress = caller->stress;

	while (!atomic_load(&stress->stop)) {
		check_call(caller, &stress->stubs[mixed(&caller->seed) % STUBS]);
		/* More callers than processors must not make the changer wait for time slices. */
		if (atomic_fetch_add(&caller->passes, 1) % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* ---- The changer ---------------------------------------------------------------------------- */

/* Waits until each caller has been outside all stubs since now. */
static void all_pass(struct stress *stress)
{
	unsigned long before[CALLERS];

	for (unsigned i = 0; i < CALLERS; i++)
		before[i] = atomic_load(&stress->callers[i].passes);
	for (unsigned i = 0; i < CALLERS; i++)
		while (atomic_load(&stress->callers[i].passes) == before[i])
			sched_yield();
}

static void bind(struct stress *stress, unsigned i)
{
	struct stressed *p = &stress->stubs[i];
	unsigned k = atomic_load(&p->done);

	p->spec = (struct stub_spec){ .kind = (int)(mixed(&stress->seed) % STUB_KINDS),
				      .signature = parsed("i>i"),
				      .context = &stress->callers[i % CALLERS].context,
				      .module = i % 3 };
	if (p->context)
		p->spec.kind = STUB_INDIRECT;
	p->spec.target = target(stress, p, k);
	if (p->spec.kind == STUB_BIND) {
		p->spec.bound = &p->argument;
		p->spec.nbound = 1;
	}
	stub_space_lock(&stress->t->space);
	assert_int_equal(stress->ops->bind(&stress->t->space, &p->spec, &p->c), 0);
	stub_space_unlock(&stress->t->space);
	atomic_store(&p->enabled, true);
}

static void reclaim(struct stress *stress)
{
	if (!stress->ops->reclaim)
		return;
	all_pass(stress);
	stub_space_lock(&stress->t->space);
	stress->ops->reclaim(&stress->t->space);
	stub_space_unlock(&stress->t->space);
}

/* Upgrades n neighbours, by one hook. */
static void upgrade(struct stress *stress, unsigned from, unsigned n)
{
	struct stub_callee *c[STUBS];
	const void *targets[STUBS];
	size_t done;

	for (unsigned i = 0; i < n; i++) {
		struct stressed *p = &stress->stubs[(from + i) % STUBS];

		c[i] = &p->c;
		targets[i] = target(stress, p, atomic_fetch_add(&p->begun, 1) + 1);
	}
	stub_space_lock(&stress->t->space);
	if (n == 1)
		assert_int_equal(stress->ops->retarget(&stress->t->space, c[0], targets[0]), 0);
	else
		assert_int_equal(stub_retarget_many(&stress->t->space, c, targets, n, &done), 0);
	stub_space_unlock(&stress->t->space);
	if (n > 1)
		assert_int_equal(done, n);
	for (unsigned i = 0; i < n; i++)
		atomic_fetch_add(&stress->stubs[(from + i) % STUBS].done, 1);
	stress->upgrades += n;
}

/* ---- One configuration ---------------------------------------------------------------------- */

static struct stub_callee *callee_of(void *arg, unsigned i, bool *context)
{
	struct stressed *p = &((struct stress *)arg)->stubs[i];

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
static struct stress *open_stress(const struct stub_ops *ops, enum code_wx wx,
				  struct stub_config stubs)
{
	struct stress *stress = calloc(1, sizeof(*stress));
	struct stub_runtime runtime = world_runtime;

	assert_non_null(stress);
	runtime.raise = note_raise;
	runtime.released = note_late;
	stress->ops = ops;
	stress->seed = 11;
	stubs.running = true;
	stress->t =
	    open_set_up_as(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, stubs, &runtime);
	raised = &stress->raised;
	late = &stress->late;
	make_targets(stress);
	for (unsigned i = 0; i < CALLERS; i++) {
		struct caller *caller = &stress->callers[i];

		caller->stress = stress;
		caller->seed = i;
		caller->context.activation = &caller->activation;
	}
	if (stub_takes_sites(&stress->t->space))
		open_thunks(&stress->thunks, &stress->t->space, STUBS, callee_of, stress);
	for (unsigned i = 0; i < STUBS; i++) {
		stress->stubs[i].argument = 100 + i;
		stress->stubs[i].far = i / CALLERS % 2;
	}
	return stress;
}

static void close_stress(struct stress *stress)
{
	bool poison = stress->t->space.config.poison;
	struct code_stats stats;

	for (unsigned i = 0; i < STUBS; i++)
		if (atomic_load(&stress->stubs[i].enabled))
			stress->ops->release(&stress->t->space, &stress->stubs[i].c);
	if (stress->thunks.n)
		close_thunks(&stress->thunks);
	munmap(stress->far[0], (size_t)2 * TARGETS * TARGET_BYTES);
	code_get_stats(stress->t->code, &stats);
	assert_int_equal(stats.retired, 0);
	if (!poison)
		assert_int_equal(stats.used_literals, 0);
	close_set_up(stress->t);
	free(stress);
}

/* The changer's work, while the callers run. */
static void change_under_callers(struct stress *stress, void (*work)(struct stress *))
{
	const struct stub_config *config = &stress->t->space.config;
	unsigned long calls = 0, checked = 0;
	pthread_t threads[CALLERS];

	for (unsigned i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, &stress->callers[i]), 0);
	work(stress);
	all_pass(stress);
	atomic_store(&stress->stop, true);
	for (unsigned i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], NULL);
		calls += stress->callers[i].calls;
		checked += stress->callers[i].checked;
	}
	print_message("%-14s %-6s %-5s %-6s %8lu upgrades %9lu calls, %lu not checked\n",
		      stress->ops->name, code_wx_names[code_get_config(stress->t->code)->wx],
		      config->literals == STUB_LITERALS_TABLE ? "table" : "baked",
		      config->poison ? "poison" : "", stress->upgrades, calls, calls - checked);
	assert_int_equal(atomic_load(&stress->wrong), 0);
	assert_int_equal(atomic_load(&stress->raised), 0);
	assert_int_equal(atomic_load(&stress->late), 0);
	assert_true(checked > 0);
}

#endif
