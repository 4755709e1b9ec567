/*
 * tierup.h - threads that call through a world's stubs while another one changes their targets.
 *
 *      upgrader   seq 2r              2r+1 ... retarget ... 2r+2          (r+1) & 1: the version
 *      caller     read seq  call  read seq  check  [seen = seq]           that calls reach now
 *
 * A caller reads seq before and after each call. If both are the same and even, no upgrade was
 * under way, and the call must have reached the version that seq stands for: the upgrader's store
 * of seq follows its retargets, the caller's load precedes its call. Otherwise the old or the new
 * version may answer. Each answer is compared with the one computed in plain C.
 *
 * After an upgrade each caller first calls its share of all stubs, so that every stub is called
 * once by a thread that must see its new target, and then announces seq as seen: a point outside
 * all stubs, after the last retarget. When all callers have announced it, the upgrader may reclaim.
 *
 * A stall is the time between the ends of two consecutive calls of a thread. A stall in which the
 * kernel took the thread off its CPU involuntarily (ru_nivcsw) is counted apart.
 */
#ifndef STUBMAP_CALLS_TIERUP_H
#define STUBMAP_CALLS_TIERUP_H

#include <pthread.h>
#include <stdatomic.h>

#include "calls/world.h"

/* What happens while a caller calls; stalls are recorded for each. */
enum tierup_interval { TIERUP_COMPILE, TIERUP_UPGRADE, TIERUP_FLOOR, TIERUP_INTERVALS };

enum { TIERUP_THREADS = 8, TIERUP_NOTABLE_US = 5 };

struct tierup_gaps {
	uint64_t calls, settled; /* settled: calls that only one version could answer */
	uint64_t longest;	 /* ticks of the TSC, the thread on its CPU all the time */
	uint64_t longest_off;	 /* ticks, the thread off its CPU in between */
	uint64_t notable;	 /* how many took tierup.notable ticks or more */
};

struct tierup_caller {
	_Alignas(64) atomic_uint_fast64_t seen;
	_Alignas(64) struct tierup *all;
	pthread_t thread;
	struct callers_state state; /* its own instances[0]; the others are shared */
	struct host host;
	struct host_instance home;
	struct tierup_gaps gaps[TIERUP_INTERVALS];
	uint32_t from, share; /* the stubs that it calls first after an upgrade */
	uint64_t random, switches;
	uint64_t wrong;
	uint32_t wrong_boundary, wrong_answer; /* the first */
	uint64_t wrong_seq;
};

struct tierup {
	struct world *w;
	_Alignas(64) atomic_uint_fast64_t seq;
	atomic_uint interval;
	_Alignas(64) unsigned nthreads;
	uint64_t notable; /* ticks of TIERUP_NOTABLE_US: such a gap is examined */
	struct tierup_caller callers[TIERUP_THREADS];
};

/* Whether boundary k may answer `got` to x in a call with seq `before` and `after` it. */
bool tierup_right(const struct scenario *, uint32_t k, uint32_t x, uint32_t got, uint64_t before,
		  uint64_t after);
/* Starts the threads; all stubs must be bound, and seq 0. 0: tierup_stop ends them; or -errno. */
int tierup_start(struct tierup *, struct world *, unsigned threads, uint64_t ticks_per_us);
/* Waits until each caller has seen the present seq. */
void tierup_settle(struct tierup *);
/* Ends and joins the threads; afterwards gaps and wrong may be read. */
void tierup_stop(struct tierup *);

#endif
