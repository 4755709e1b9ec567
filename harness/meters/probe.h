/*
 * probe.h - whether this process has its core to itself.
 *
 * A guest is not told when the host runs another guest on the other hardware thread of its core.
 * No time is stolen then, so `steal` stays 0, and yet calls take up to twice as long while it
 * lasts. The probe sees it: additions of which a core makes several a cycle take longer exactly
 * when something else takes a share of the core, or its clock is slower. It looks at nothing that a
 * cell decides, so samples can be taken again by its answer without a preference for an arm.
 */
#ifndef STUBMAP_METERS_PROBE_H
#define STUBMAP_METERS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum { PROBE_ADDITIONS = 32768 };

struct probe {
	uint64_t until;	   /* by clock_ns: nothing is repeated after it */
	uint64_t least;	   /* ns: the quickest probe that this process has seen */
	uint64_t slower;   /* ns: of the last sample's probes, before and after, the slower one */
	long switches;	   /* of the thread against its will, up to the last probe */
	uint64_t waited;   /* ns ready without a CPU, up to the last probe; 0: not known */
	uint64_t since;	   /* by clock_ns: the last probe */
	bool shared;	   /* before the sample */
	unsigned repeated; /* samples that were taken again */
	unsigned kept;	   /* samples kept although the core was shared */
};

/*
 * Samples that are taken while the core is shared are taken again, as long as there is time:
 *
 *     probe_begin(&probe, patience);
 *     for each sample
 *             do {
 *                     probe_wait(&probe);
 *                     ...take it...
 *             } while (probe_again(&probe));
 *
 * probe_begin looks for the core's own pace, for about a quarter of a millisecond. probe_wait
 * returns when the core is quiet: five probes of 2 to 15 microseconds whose median is at most 3 %
 * above the quickest, and the kernel ran nothing else in this thread's place meanwhile, or for at
 * most a hundredth of the time.
 */
void probe_begin(struct probe *, uint64_t patience_ns);
void probe_wait(struct probe *);
bool probe_again(struct probe *);
/* A part of both: whether the kernel ran something else in this thread's place for more than a
 * hundredth of the time since the last call. */
bool probe_lost(struct probe *);

#endif
