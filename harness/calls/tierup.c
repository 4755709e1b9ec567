/*
 * tierup.c - the threads that call while targets change, and what each of them checks.
 *
 * All callers use the same callees and the same stubs, which are under test. Each has its
 * own state, host and first instance, the ctx of all kinds but entries (an entry's
 * context is the stub's: the callers' stores to its activation race, which does no harm,
 * as nobody walks these stacks).
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <x86intrin.h>

#include "base/sanitized.h"
#include "calls/tierup.h"

/* A seq that no upgrade reaches: they count up from 0. */
#define STOP UINT_FAST64_MAX

/* xorshift64 (Marsaglia 2003), not prng.h: it stands between the calls whose gaps are measured, and
 * takes a register, where that takes four words of memory. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t involuntary_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nivcsw;
}

/* The answer of boundary k to x. */
static uint32_t expected(const struct scenario *s, uint32_t k, uint32_t version, uint32_t x)
{
	uint32_t acc[SCENARIO_INSTANCES];
	struct scenario one = *s;

	one.events = &k;
	one.nevents = 1;
	return scenario_run(&one, version, 1, x, acc);
}

bool tierup_right(const struct scenario *s, uint32_t k, uint32_t x, uint32_t got, uint64_t before,
		  uint64_t after)
{
	const uint32_t version = before >> 1 & 1;

	return got == expected(s, k, version, x) ||
	       ((before != after || before & 1) && got == expected(s, k, !version, x));
}

static void check(struct tierup_caller *c, uint32_t k, uint32_t x, uint64_t before, uint64_t after)
{
	const uint32_t got = c->state.x;

	if (tierup_right(&c->all->w->scenario, k, x, got, before, after) || c->wrong++)
		return;
	c->wrong_boundary = k;
	c->wrong_answer = got;
	c->wrong_seq = before;
}

/* Notes the end of the call just checked; returns the time from which the next gap counts. */
static uint64_t note_gap(struct tierup_caller *c, struct tierup_gaps *g, uint64_t last)
{
	uint64_t now = __rdtsc(), gap = now - last;

	if (gap < c->all->notable) {
		g->longest = gap > g->longest ? gap : g->longest;
		return now;
	}
	g->notable++;
	uint64_t switches = involuntary_switches();
	uint64_t *longest = switches == c->switches ? &g->longest : &g->longest_off;

	*longest = gap > *longest ? gap : *longest;
	c->switches = switches;
	return __rdtsc();
}

static void *call_on(void *arg)
{
	struct tierup_caller *c = arg;
	struct tierup *t = c->all;
	const struct world *w = t->w;
	const uint32_t n = w->scenario.crossed;
	uint64_t last_seq = STOP, seq, share = 0;
	uint32_t thunk;

	c->state.events = &thunk;
	c->state.nevents = c->state.rounds = 1;
	c->switches = involuntary_switches();
	uint64_t last = __rdtsc();
	while ((seq = atomic_load_explicit(&t->seq, memory_order_acquire)) != STOP) {
		struct tierup_gaps *g =
		    &c->gaps[atomic_load_explicit(&t->interval, memory_order_relaxed)];
		uint64_t random = next_random(&c->random);
		uint32_t x = (uint32_t)random;

		if (seq != last_seq)
			share = 0;
		last_seq = seq;
		thunk = share < c->share ? (c->from + (uint32_t)share) % n
					 : (uint32_t)(random >> 32) % n;
		c->state.x = x;
		w->round(&c->state);
		uint64_t after = atomic_load_explicit(&t->seq, memory_order_acquire);
		check(c, w->crossed[thunk], x, seq, after);
		g->calls++;
		/* Sanitized, callers take so long that the upgrader would wait for time slices. */
		if (SANITIZED && g->calls % 256 == 0)
			sched_yield();
		if (seq == after && !(seq & 1)) {
			g->settled++;
			if (++share == c->share)
				atomic_store_explicit(&c->seen, seq, memory_order_release);
		}
		last = note_gap(c, g, last);
	}
	return NULL;
}

static void prepare(struct tierup *t, struct tierup_caller *c, unsigned number)
{
	struct world *w = t->w;
	const uint32_t n = w->scenario.crossed;

	memset(c, 0, sizeof *c);
	c->all = t;
	atomic_init(&c->seen, STOP);
	c->random = w->job->seed * 2654435761u + number + 1;
	c->home = w->instances[0];
	c->home.host = &c->host;
	c->home.head.activation = &c->host.activation;
	c->state = w->state;
	c->state.instances[0] = &c->home.head;
	c->share = (n + t->nthreads - 1) / t->nthreads;
	c->from = number * c->share % n;
}

int tierup_start(struct tierup *t, struct world *w, unsigned threads, uint64_t ticks_per_us)
{
	int e = 0;

	t->w = w;
	t->nthreads = threads;
	t->notable = TIERUP_NOTABLE_US * ticks_per_us;
	atomic_init(&t->seq, 0);
	atomic_init(&t->interval, TIERUP_COMPILE);
	for (unsigned i = 0; i < threads && !e; i++) {
		prepare(t, &t->callers[i], i);
		e = pthread_create(&t->callers[i].thread, NULL, call_on, &t->callers[i]);
		if (e) {
			t->nthreads = i;
			tierup_stop(t);
		}
	}
	return -e;
}

void tierup_settle(struct tierup *t)
{
	uint64_t seq = atomic_load_explicit(&t->seq, memory_order_relaxed);

	for (unsigned i = 0; i < t->nthreads; i++)
		while (atomic_load_explicit(&t->callers[i].seen, memory_order_acquire) != seq)
			sched_yield();
}

void tierup_stop(struct tierup *t)
{
	atomic_store_explicit(&t->seq, STOP, memory_order_release);
	for (unsigned i = 0; i < t->nthreads; i++)
		pthread_join(t->callers[i].thread, NULL);
}
