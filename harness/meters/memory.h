/*
 * memory.h - the meters that every machine has: the kernel's view of code memory (source
 * "kernel"), the monotonic clock ("clock") and the time-stamp counter ("tsc"). Meters that need
 * a PMU are in counters.h.
 */
#ifndef STUBMAP_METERS_MEMORY_H
#define STUBMAP_METERS_MEMORY_H

#include <stdint.h>
#include <stubmap/stub.h>

#include "base/clock.h"

enum { METERS_ERROR = 240 };

/* ---- Memory --------------------------------------------------------------------------------- */

/* What /proc/self/smaps says of one range of addresses, all its mappings together. */
struct range_view {
	uint64_t rss;	   /* bytes: pages present, shared or not */
	uint64_t pss;	   /* bytes: each page divided by the number of times that it is mapped */
	uint64_t mappings; /* the kernel's mappings of any protection, also without access */
	/* The bytes of rss that pages of 2 MiB map. */
	uint64_t transparent, hugetlb;
};

/*
 * Under CODE_DUAL a page of code that was written and run is mapped twice: rss counts it in both
 * views, pss as half a page in each. So areas[i].pss + alias[i].pss is the memory that area i
 * takes, each page once, under every policy; rss must not be added up.
 */
struct memory_view {
	struct range_view areas[CODE_AREAS];
	struct range_view alias[CODE_AREAS]; /* zero where there is no second view */
	uint64_t mappings;		     /* of the whole process */
	uint64_t mappings_limit;	     /* vm.max_map_count; 0: the kernel does not say */
};

/*
 * 0, or with one line in error: -ERANGE (a mapping crosses an area's edge and belongs to none);
 * -errno (the kernel does not show its tables).
 */
int meters_memory(const struct code_memory *, struct memory_view *out, char error[METERS_ERROR]);

/* Bytes of the whole process's page tables; 0: the kernel does not say. */
uint64_t meters_page_tables(void);

/* Page faults of the whole process since its start that took no read from disk. */
uint64_t meters_minor_faults(void);

/* ---- Time ----------------------------------------------------------------------------------- */

/* The cost of an empty bracket: the median of 1000.
 * Every sample contains it; nothing subtracts it. */
struct probe_cost {
	uint64_t clock_ns;
	uint64_t tsc_ticks;
};
struct probe_cost meters_probe_cost(void);

#endif
