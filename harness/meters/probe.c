/* probe.c - times additions that depend on nothing but themselves, eight at once. */
#include "meters/probe.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/procfs.h"

enum { FIRST = 100, PROBES = 5 };

static uint64_t probe_once(void)
{
	const uint64_t begun = clock_ns();

	for (int i = 0; i < PROBE_ADDITIONS / 64; i++) {
#if defined(__x86_64__)
#define ADD8                                                                                  \
	"add $1, %%eax\n\tadd $1, %%ecx\n\tadd $1, %%edx\n\tadd $1, %%esi\n\tadd $1, %%edi\n" \
	"\tadd $1, %%r8d\n\tadd $1, %%r9d\n\tadd $1, %%r10d\n\t"
		__asm__ volatile(ADD8 ADD8 ADD8 ADD8 ADD8 ADD8 ADD8 ADD8 ::
				     : "eax", "ecx", "edx", "esi", "edi", "r8", "r9", "r10", "cc");
#undef ADD8
#else
#error "the probe's additions are written for x86-64"
#endif
	}
	return clock_ns() - begun;
}

/* How often the kernel took the CPU from this thread. */
static long switches(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) ? 0 : u.ru_nivcsw;
}

/* How long this thread was ready to run and had no CPU, in ns; 0: the kernel does not say. */
static uint64_t waited(void)
{
	int64_t ns = 0;

	procfs_number("/proc/thread-self/schedstat", 1, &ns);
	return (uint64_t)ns;
}

/* A switch counts if the thread waited for more than a hundredth of the time,
 * or its wait is unknown. */
bool probe_lost(struct probe *p)
{
	const struct probe before = *p;

	p->switches = switches();
	if (p->switches == before.switches)
		return false;
	p->waited = waited();
	p->since = clock_ns();
	return !p->waited || (p->waited - before.waited) * 100 > p->since - before.since;
}

/* Whether the core is quiet, and was since the last call. */
static bool quiet(struct probe *p, uint64_t *median)
{
	uint64_t v[PROBES];

	for (int i = 0; i < PROBES; i++) {
		const uint64_t ns = probe_once();
		int at = i;

		for (; at && v[at - 1] > ns; at--)
			v[at] = v[at - 1];
		v[at] = ns;
	}
	*median = v[PROBES / 2];
	p->least = v[0] < p->least ? v[0] : p->least;
	const bool was = !probe_lost(p);

	p->since = clock_ns();
	return *median * 100 <= p->least * 103 && was;
}

void probe_begin(struct probe *p, uint64_t patience_ns)
{
	*p = (struct probe){ .least = probe_once(),
			     .switches = switches(),
			     .waited = waited(),
			     .since = clock_ns() };
	for (int i = 1; i < FIRST; i++) {
		const uint64_t ns = probe_once();

		p->least = ns < p->least ? ns : p->least;
	}
	p->until = clock_ns() + patience_ns;
}

void probe_wait(struct probe *p)
{
	do
		p->shared = !quiet(p, &p->slower);
	while (p->shared && clock_ns() < p->until);
}

bool probe_again(struct probe *p)
{
	uint64_t after;
	const bool shared = !quiet(p, &after) || p->shared;

	p->slower = after > p->slower ? after : p->slower;
	if (shared && clock_ns() < p->until) {
		p->repeated++;
		return true;
	}
	p->kept += shared;
	return false;
}
