/*
 * events.h - knowledge of counters as data: the meters' names, the event of each CPU for each
 * meter, and the count that a known loop must give before the event is believed.
 *
 * Names and encodings are libpfm's. Debian's 4.13 for x86-64 knows neither Zen 5 nor Emerald Rapids
 * nor Alder Lake nor any Arm core: the first two borrow a table; the rows of the others have the
 * codes of the makers' manuals, and are used only with a libpfm that has their table.
 */
#ifndef STUBMAP_METERS_EVENTS_H
#define STUBMAP_METERS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meters/loops.h"

/* A meter: something that can be counted, on any machine. */
struct meter {
	const char *name, *meaning;
	const char *generic;  /* the kernel's own name for such a hardware event, or NULL */
	const char *software; /* an event that the kernel itself counts, or NULL */
	const char *kernel;   /* the same figure from a system call (group.h), or NULL */
	/* Proof: this loop must give low..high events an occasion. LOOP_NONE: there is no loop. */
	enum loop_kind loop;
	double low, high;
	bool any_mode; /* the kernel's event cannot tell user from kernel mode */
};

/* A meter's event on one microarchitecture. */
struct event {
	const char *meter;
	const char *name; /* libpfm's, without the PMU's prefix */
	const char *meaning;
	const char *caveat; /* or NULL */
	uint64_t raw, raw1; /* config, config1 by the maker's manual, where uarch.absent is set */
};

struct uarch {
	const char *name;
	const char *pmu;      /* libpfm's table */
	const char *borrowed; /* why another CPU's table holds here; NULL: the table is its own */
	const char *absent;   /* where libpfm has the table, if not in 4.13 for x86-64; else NULL */
	const struct event *events;
	size_t nevents;
};

/* The meters' names, in the order of every listing. The formatter would wrap them at each run. */
/* clang-format off */
#define METER_NAMES(X) \
	X(cycles) X(instructions) X(branches) X(branch_miss) X(indirect_branch_miss) \
	X(l1i_access) X(l1i_miss) X(l1i_fill) X(l2i_miss) X(itlb_miss) X(itlb_walk) \
	X(frontend_stall) X(resteer) X(page_faults) X(minor_faults) X(major_faults) \
	X(context_switches) X(task_clock)
/* clang-format on */

enum {
#define METER_ID(name) METER_##name,
	METER_NAMES(METER_ID)
#undef METER_ID
	    METERS
};
enum { EVENT_NAME = 128, UARCH_CPU = 80 };
extern const struct meter meters[METERS];
extern const char *const meter_names[METERS];
extern const struct uarch uarchs[]; /* a NULL name ends it */

const struct meter *meter_find(const char *name);			 /* NULL: unknown */
const struct uarch *uarch_find(const char *name);			 /* NULL: unknown */
const struct event *event_find(const struct uarch *, const char *meter); /* NULL: has none */

/* libpfm's full name, PMU::EVENT:UMASK. 0, or -ENAMETOOLONG. */
int event_encoding(const struct uarch *, const struct event *, char text[EVENT_NAME]);

/* vendor as cpuid gives it ("GenuineIntel"); family and model with their extensions added; core:
 * of a hybrid CPU, as leaf 0x1a has it, else 0. NULL: not known. */
const struct uarch *uarch_of_x86(const char *vendor, unsigned family, unsigned model,
				 unsigned stepping, unsigned core);
/* From Arm's MIDR_EL1; NULL: not known. */
const struct uarch *uarch_of_midr(uint64_t midr);
/* The row of the core that this thread runs on; cpu gets the CPU's own name. NULL: not known. For
 * tests, the environment variable STUBMAP_CPU_TEST names the row to return. */
const struct uarch *uarch_host(char cpu[UARCH_CPU]);
/* For tests: whether STUBMAP_CPU_TEST names no row, so that the CPU counts as unknown. */
bool uarch_hidden(void);

#endif
