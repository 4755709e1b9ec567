/*
 * tierup.c - a tier-up, and then many: T threads run a module's O0 code while a background thread
 * compiles its O2 code; then every stub is retargeted to the new code, back, and forth again, until
 * as many stubs have been upgraded as the cell asks for.
 *
 *      compile |            O2, in the background           | load |
 *      turns   | g upgrades of all, in bulk | h one by one | g + h rounds that upgrade nothing |
 *
 * A turn gives one sample of each. In the rounds that upgrade nothing (the floor) the thread,
 * instead of calling hooks, spins for as long as the hooks took, so that it competes with the
 * callers for the CPUs in the same way. Stalls there are the machine's own. A longer time has a
 * longer longest stall: so more such rounds follow, until the floor has lasted as long as the
 * upgrades and reclaims did.
 *
 * Replaced stubs are reclaimed after each round, when every caller has been at a point outside all
 * stubs. The space's lock is held around hooks, but taking it is not timed.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/llvm.h"
#include "runs/figures.h"
#include "measure/phases.h"
#include "base/sanitized.h"
#include "base/stamp.h"
#include "calls/tierup.h"

enum { TURNS = 50, WARM_TURNS = 3 };

struct upgrader {
	struct world *w;
	json_t *figures;
	struct tierup *t;
	const void **targets[2]; /* by version and boundary */
	uint32_t n;
	unsigned turns, group, singly; /* group, singly: rounds of a turn in bulk, one by one */
	uint64_t done;		       /* stubs upgraded */
	uint64_t retired, held;	       /* maxima in bytes: of replaced code; of all quanta */
	uint64_t interval_ns[TIERUP_INTERVALS];
	uint64_t bulk[TURNS], one[TURNS], reclaim[TURNS]; /* ns */
};

struct background {
	const struct world *w;
	struct jit_object object;
	int error;
	char why[CELL_ERROR];
};

static void *compile_in_background(void *arg)
{
	struct background *b = arg;

	/* Not from the cache: the compiler must run beside the callers. A sanitized
	 * program does use the cache: no sanitizer checks the compiler, which only takes
	 * time from the callers' checks. */
	b->error =
	    world_compile_targets(b->w, 2, SANITIZED ? b->w->job->cache : NULL, &b->object, b->why);
	return NULL;
}

static int find_targets(struct upgrader *u, unsigned version)
{
	for (uint32_t k = 0; k < u->n; k++)
		if (!(u->targets[version][k] = world_target(u->w, version, k))) {
			snprintf(u->w->why, CELL_ERROR, "boundary %u: no target of tier 2", k);
			return -1;
		}
	return 0;
}

static int compile_and_load(struct upgrader *u, struct prng *rng)
{
	struct background b = { .w = u->w };
	pthread_t thread;
	struct stamp t = stamp_begin();
	int e = pthread_create(&thread, NULL, compile_in_background, &b);

	if (e)
		return world_fail(u->w, "a thread for the compiler", -e);
	pthread_join(thread, NULL);
	u->interval_ns[TIERUP_COMPILE] = stamp_end(t).ns;
	if (b.error) {
		snprintf(u->w->why, CELL_ERROR, "%s", b.why);
		return -1;
	}
	figure_one(u->figures, FIGURE_OF(compile, ns, function, "clock"), u->n,
		   b.object.compile_ns);
	stub_space_lock(&u->w->space);
	t = stamp_begin();
	e = world_load_targets(u->w, &b.object, 1, 16 * prng_below(rng, 256));
	t = stamp_end(t);
	stub_space_unlock(&u->w->space);
	figure_one(u->figures, FIGURE_OF(compile, load_ns, function, "clock"), u->n, t.ns);
	jit_object_free(&b.object);
	return e ? -1 : find_targets(u, 0) || find_targets(u, 1);
}

/* ---- Rounds --------------------------------------------------------------------------------- */

static int retarget_one_by_one(struct upgrader *u, const void *const *targets)
{
	struct stub_space *space = &u->w->space;
	int e = 0;

	for (uint32_t k = 0; k < u->n && !e; k++)
		e = space->ops->retarget(space, u->w->pointers[k], targets[k]);
	return e;
}

/* Retargets all stubs to the other version; adds the time of the hooks. */
static int upgrade(struct upgrader *u, bool bulk, uint64_t *ns, uint64_t *reclaim_ns)
{
	struct stub_space *space = &u->w->space;
	uint64_t seq = atomic_load_explicit(&u->t->seq, memory_order_relaxed);
	const void *const *targets = u->targets[((seq >> 1) + 1) & 1];
	struct code_stats stats;
	size_t done;

	atomic_store_explicit(&u->t->seq, seq + 1, memory_order_release);
	stub_space_lock(space);
	struct stamp t = stamp_begin();
	int e = bulk ? stub_retarget_many(space, u->w->pointers, targets, u->n, &done)
		     : retarget_one_by_one(u, targets);
	*ns += stamp_end(t).ns;
	code_get_stats(u->w->code, &stats);
	stub_space_unlock(space);
	if (e)
		return world_fail(u->w, "retarget", e);
	atomic_store_explicit(&u->t->seq, seq + 2, memory_order_release);
	u->done += u->n;
	u->retired = stats.retired > u->retired ? stats.retired : u->retired;
	u->held = stats.committed_stubs > u->held ? stats.committed_stubs : u->held;

	tierup_settle(u->t);
	stub_space_lock(space);
	t = stamp_begin();
	if (space->ops->reclaim)
		space->ops->reclaim(space);
	*reclaim_ns += stamp_end(t).ns;
	stub_space_unlock(space);
	return 0;
}

/* A round that spins for ns instead of calling hooks. seq moves on by two versions, and so stands
 * for the same version again. */
static void pretend(struct upgrader *u, uint64_t ns)
{
	uint64_t seq = atomic_load_explicit(&u->t->seq, memory_order_relaxed);
	uint64_t end = clock_ns() + ns;

	atomic_store_explicit(&u->t->seq, seq + 1, memory_order_release);
	while (clock_ns() < end)
		;
	atomic_store_explicit(&u->t->seq, seq + 4, memory_order_release);
	tierup_settle(u->t);
}

static int turn(struct upgrader *u, unsigned i)
{
	struct stamp t = stamp_begin();
	int e = 0;

	atomic_store_explicit(&u->t->interval, TIERUP_UPGRADE, memory_order_relaxed);
	for (unsigned g = 0; g < u->group && !e; g++)
		e = upgrade(u, true, &u->bulk[i], &u->reclaim[i]);
	for (unsigned h = 0; h < u->singly && !e; h++)
		e = upgrade(u, false, &u->one[i], &u->reclaim[i]);
	u->interval_ns[TIERUP_UPGRADE] += stamp_end(t).ns;
	if (e)
		return e;
	t = stamp_begin();
	atomic_store_explicit(&u->t->interval, TIERUP_FLOOR, memory_order_relaxed);
	for (unsigned g = 0; g < u->group; g++)
		pretend(u, u->bulk[i] / u->group);
	for (unsigned h = 0; h < u->singly; h++)
		pretend(u, u->one[i] / u->singly);
	while (u->interval_ns[TIERUP_FLOOR] + stamp_end(t).ns < u->interval_ns[TIERUP_UPGRADE])
		pretend(u, u->bulk[i] / u->group);
	u->interval_ns[TIERUP_FLOOR] += stamp_end(t).ns;
	return 0;
}

/* ---- Results -------------------------------------------------------------------------------- */

static uint64_t wrong_calls(const struct upgrader *u)
{
	uint64_t wrong = u->w->host->raised + u->w->host->released;

	for (unsigned i = 0; i < u->t->nthreads; i++) {
		const struct tierup_caller *c = &u->t->callers[i];

		wrong += c->wrong + c->host.raised + c->host.released;
	}
	return wrong;
}

static int check_calls(const struct upgrader *u)
{
	const uint64_t wrong = wrong_calls(u);
	uint64_t calls = 0;
	const struct tierup_caller *first = NULL;

	for (unsigned i = 0; i < u->t->nthreads; i++) {
		const struct tierup_caller *c = &u->t->callers[i];

		for (unsigned k = 0; k < TIERUP_INTERVALS; k++)
			calls += c->gaps[k].calls;
		first = first || !c->wrong ? first : c;
	}
	if (!wrong)
		return 0;
	snprintf(u->w->why, CELL_ERROR,
		 "%s: %llu wrong calls of %llu after %llu upgrades; the first: boundary %u gave "
		 "%08x under upgrade %llu%s",
		 u->w->job->cell.stubs, (unsigned long long)wrong, (unsigned long long)calls,
		 (unsigned long long)u->done, first ? first->wrong_boundary : 0,
		 first ? first->wrong_answer : 0,
		 (unsigned long long)(first ? first->wrong_seq : 0), first ? "" : " (raised)");
	return -1;
}

/* Sums and maxima over the callers. */
static struct tierup_gaps gaps_of(const struct tierup *t, enum tierup_interval interval)
{
	struct tierup_gaps all = { 0 };

	for (unsigned i = 0; i < t->nthreads; i++) {
		const struct tierup_gaps *g = &t->callers[i].gaps[interval];

		all.calls += g->calls;
		all.settled += g->settled;
		all.notable += g->notable;
		all.longest = g->longest > all.longest ? g->longest : all.longest;
		all.longest_off =
		    g->longest_off > all.longest_off ? g->longest_off : all.longest_off;
	}
	return all;
}

enum { STALL_FIGURES = 6 };
#define STALLS_OF(phase)                                             \
	{                                                            \
		FIGURE_NAME(phase, stall, process, "tsc"),           \
		FIGURE_NAME(phase, stall_on_cpu, process, "tsc"),    \
		FIGURE_NAME(phase, pauses, process, "tsc"),          \
		FIGURE_NAME(phase, calls, process, "count"),         \
		FIGURE_NAME(phase, calls_settled, process, "count"), \
		FIGURE_NAME(phase, interval, process, "clock"),      \
	}

static void figure_stalls(struct upgrader *u, double ns_a_tick)
{
	static const struct figure_name names[TIERUP_INTERVALS][STALL_FIGURES] = {
		[TIERUP_COMPILE] = STALLS_OF(background),
		[TIERUP_UPGRADE] = STALLS_OF(upgrade),
		[TIERUP_FLOOR] = STALLS_OF(floor),
	};

	for (unsigned k = 0; k < TIERUP_INTERVALS; k++) {
		struct tierup_gaps g = gaps_of(u->t, k);
		uint64_t any = g.longest > g.longest_off ? g.longest : g.longest_off;
		const uint64_t values[STALL_FIGURES] = { (uint64_t)((double)any * ns_a_tick),
							 (uint64_t)((double)g.longest * ns_a_tick),
							 g.notable,
							 g.calls,
							 g.settled,
							 u->interval_ns[k] };

		for (size_t i = 0; i < STALL_FIGURES; i++)
			figure_one(u->figures, names[k][i], 1, values[i]);
	}
}

static void figure_upgrades(struct upgrader *u)
{
	const size_t warm = u->turns > 2 * WARM_TURNS ? WARM_TURNS : 0;
	const uint64_t per = (uint64_t)u->group * u->n, singly = (uint64_t)u->singly * u->n;
	cpu_set_t cpus;

	figure_samples(u->figures, FIGURE_OF(upgrade, ns, stub, "clock"), per, warm, u->bulk,
		       u->turns);
	figure_samples(u->figures, FIGURE_OF(upgrade, one_ns, stub, "clock"), singly, warm, u->one,
		       u->turns);
	figure_samples(u->figures, FIGURE_OF(upgrade, reclaim_ns, stub, "clock"), per + singly,
		       warm, u->reclaim, u->turns);
	figure_one(u->figures, FIGURE_OF(upgrade, retired, stub, "code"), u->n, u->retired);
	figure_one(u->figures, FIGURE_OF(upgrade, committed, stub, "code"), u->n, u->held);
	figure_one(u->figures, FIGURE_OF(upgrade, upgrades, process, "count"), 1, u->done);
	figure_one(u->figures, FIGURE_OF(upgrade, wrong, process, "count"), 1, wrong_calls(u));
	if (!sched_getaffinity(0, sizeof cpus, &cpus))
		figure_one(u->figures, FIGURE_OF(upgrade, cpus, process, "kernel"), 1,
			   (uint64_t)CPU_COUNT(&cpus));
}

static int run_turns(struct upgrader *u, struct prng *rng)
{
	char why[LLVM_WHY];

	llvm_load(why); /* not while callers run; if it fails, the compiler says why */
	struct stamp calibration = stamp_begin();
	struct timespec ms = { 0, 1000000 };

	nanosleep(&ms, NULL);
	struct stamp passed = stamp_end(calibration);
	int e = tierup_start(u->t, u->w, u->w->job->cell.threads, passed.ticks * 1000 / passed.ns);
	if (e)
		return world_fail(u->w, "threads", e);
	tierup_settle(u->t);
	e = compile_and_load(u, rng);
	for (unsigned i = 0; i < u->turns && !e; i++)
		e = turn(u, i);
	tierup_stop(u->t);
	passed = stamp_end(calibration);
	if (check_calls(u) || e)
		return -1;
	figure_upgrades(u);
	figure_stalls(u, (double)passed.ns / (double)passed.ticks);
	return 0;
}

static int bind_all(struct world *w)
{
	const uint32_t n = w->scenario.nboundaries;
	int e = w->ops->prepare ? w->ops->prepare(&w->space, w->specs, n) : 0;

	if (!e && w->ops->bind_many)
		e = w->ops->bind_many(&w->space, w->specs, w->pointers, n);
	for (uint32_t k = 0; k < n && !e && !w->ops->bind_many; k++)
		e = w->ops->bind(&w->space, &w->specs[k], w->pointers[k]);
	return e ? world_fail(w, "bind", e) : 0;
}

static int phases(struct world *w, struct counters *unused, json_t *figures, struct prng *rng)
{
	struct upgrader *u = calloc(1, sizeof *u);
	struct tierup *t = aligned_alloc(_Alignof(struct tierup), sizeof *t);
	const uint64_t upgrades = w->job->cell.upgrades;
	const uint32_t n = w->scenario.nboundaries;
	int e = -1;

	(void)unused;
	if (!u || !t || !(u->targets[0] = calloc(2 * (size_t)n, sizeof(void *)))) {
		world_fail(w, "tierup", -ENOMEM);
		goto out;
	}
	*u = (struct upgrader){ .w = w,
				.figures = figures,
				.t = t,
				.n = n,
				.targets = { u->targets[0], u->targets[0] + n } };
	uint64_t rounds = (upgrades + n - 1) / n;
	u->turns = rounds < 2 * TURNS ? (unsigned)(rounds + 1) / 2 : TURNS;
	/* An engine would upgrade in bulk; so rounds one by one are four times rarer. */
	u->group = (unsigned)((rounds * 4 / 5 + u->turns - 1) / u->turns);
	u->group += !u->group; /* a single round is made both ways */
	u->singly = u->group / 4 + !(u->group / 4);
	while ((uint64_t)(u->group + u->singly) * u->turns < rounds)
		u->group++;
	if (bind_all(w) || run_turns(u, rng))
		goto out;
	struct stamp s = stamp_begin();
	for (uint32_t k = 0; k < n; k++)
		w->ops->release(&w->space, w->pointers[k]);
	figure_one(figures, FIGURE_OF(release, ns, stub, "clock"), n, stamp_end(s).ns);
	e = 0;
out:
	if (u)
		free(u->targets[0]);
	free(u);
	free(t);
	return e;
}

enum measure_status measure_tierup(const struct job *job, const struct setup *setup,
				   json_t *figures, char why[CELL_ERROR])
{
	return measure_in_world(job, setup, figures, why, phases);
}
