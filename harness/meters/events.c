/*
 * events.c - three tables (meters, events by microarchitecture, CPUs by model) and their look-ups.
 *
 * If a CPU offers several events for one meter, the row has the event that counts occurrences
 * rather than cycles, includes the speculative path that was really fetched, and fits beside the
 * others; its caveat says what differs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "meters/events.h"

/* clang-format off */
/* Rows leave out codes that libpfm knows, and the kind of core if there is only one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
const struct meter meters[METERS] = {
	{ "cycles", "core clock cycles while not halted",
	  "perf::CYCLES", NULL, NULL, LOOP_COUNTED, 0.2, 50, false },
	{ "instructions", "instructions retired",
	  "perf::INSTRUCTIONS", NULL, NULL, LOOP_COUNTED, 1.98, 2.02, false },
	{ "branches", "branch instructions retired, calls and returns too",
	  "perf::BRANCHES", NULL, NULL, LOOP_COUNTED, 0.99, 1.01, false },
	{ "branch_miss", "retired branches that were mispredicted",
	  "perf::BRANCH-MISSES", NULL, NULL, LOOP_RANDOM, 0.2, 1.0, false },
	{ "indirect_branch_miss", "mispredicted indirect calls and jumps",
	  NULL, NULL, NULL, LOOP_INDIRECT, 0.4, 1.5, false },
	{ "l1i_access", "look-ups of the first-level instruction cache",
	  "perf::L1-ICACHE-LOADS", NULL, NULL, LOOP_PAGE_STARTS, 0.5, 40, false },
	{ "l1i_miss", "look-ups of the first-level instruction cache that missed",
	  "perf::L1-ICACHE-LOAD-MISSES", NULL, NULL, LOOP_PAGE_STARTS, 0.5, 40, false },
	{ "l1i_fill", "lines fetched into the first-level instruction cache, prefetched ones too",
	  NULL, NULL, NULL, LOOP_PAGE_STARTS, 0.5, 20, false },
	{ "l2i_miss", "instruction fetches that missed the second-level cache too",
	  NULL, NULL, NULL, LOOP_FLUSHED, 0.2, 10, false },
	{ "itlb_miss", "fetches that missed the first-level ITLB and hit the second level",
	  NULL, NULL, NULL, LOOP_PAGES, 0.3, 5, false },
	{ "itlb_walk", "fetches that missed all ITLB levels: page walks",
	  "perf::ITLB-LOAD-MISSES", NULL, NULL, LOOP_MANY_PAGES, 0.1, 5, false },
	{ "frontend_stall", "cycles in which the front end had nothing to deliver",
	  "perf::STALLED-CYCLES-FRONTEND", NULL, NULL, LOOP_PAGE_STARTS, 0.5, 500, false },
	{ "resteer", "front-end redirects at decode: a branch that no predictor entry announced",
	  NULL, NULL, NULL, LOOP_FRESH, 0.02, 8, false },
	{ "page_faults", "page faults of this thread, minor and major",
	  NULL, "perf::PAGE-FAULTS", "rusage:faults", LOOP_TOUCH, 1.0, 1.05, false },
	{ "minor_faults", "page faults served without a read from disk",
	  NULL, "perf::MINOR-FAULTS", "rusage:minflt", LOOP_TOUCH, 1.0, 1.05, false },
	{ "major_faults", "page faults that waited for a disk",
	  NULL, "perf::MAJOR-FAULTS", "rusage:majflt", LOOP_NONE, 0, 0, false },
	{ "context_switches", "times this thread left its CPU",
	  NULL, "perf::CONTEXT-SWITCHES", "rusage:switches", LOOP_SLEEP, 0.9, 4, true },
	{ "task_clock", "nanoseconds this thread ran, in the kernel too",
	  NULL, "perf::TASK-CLOCK", "clock:thread", LOOP_COUNTED, 0.02, 100, true },
};

const char *const meter_names[METERS] = {
#define NAME(name) #name,
	METER_NAMES(NAME)
#undef NAME
};

#define CYCLES "cycles of this thread, not halted"
#define RETIRED "instructions retired"
#define BRANCHES "all branches retired, taken or not"
#define MISPREDICTED "retired branches whose direction or target was mispredicted"
#define MISSED_LINES "look-ups of 64-byte lines that missed"
#define FILLED_L2 "64-byte lines filled from the L2, demanded or prefetched"
#define IC_TAGS "tag look-ups that missed; a waiting fetch looks up again, so more than lines"
#define IC_L2 "instruction cache fills that missed the L2"
#define ITLB_L2 "fetches that missed the L1 ITLB and hit the L2 ITLB"
#define WALKED "fetches that missed both ITLB levels, all page sizes"
#define STLB "fetches that missed the ITLB and hit the second-level TLB"
#define WALKED_INTEL "page walks for code that completed, all page sizes"
#define CODE_L2 "code reads that the L2 was asked for, prefetches of the L1I too"
#define CODE_L2_MISS "code reads that missed the L2"
#define NO_UOPS "cycles in which no uop was delivered while the back end could take one"
#define OPS_EMPTY "cycles in which the op queue was empty"
#define REDIRECT "early redirects: decode or dispatch corrected the branch predictor"
#define SPECULATIVE "counts the speculative path too"
#define EX_ONLY "indirect calls and jumps found wrong at execution; returns are not among them"
#define BACKEND_TOO "also counts empty cycles after a mispredicted branch"
#define L2_HITS "lines that came from beyond the L2 are not counted"
#define FRONTEND_MSR "shares one register with every other FRONTEND_RETIRED event"

static const struct event skylake_sp[] = {
	{ "cycles", "UNHALTED_CORE_CYCLES", CYCLES, NULL },
	{ "instructions", "INSTRUCTION_RETIRED", RETIRED, NULL },
	{ "branches", "BR_INST_RETIRED:ALL_BRANCHES", BRANCHES, NULL },
	{ "branch_miss", "BR_MISP_RETIRED:ALL_BRANCHES", MISPREDICTED, NULL },
	{ "indirect_branch_miss", "BR_MISP_EXEC:INDIRECT",
	  "indirect branches found mispredicted at execution", SPECULATIVE },
	{ "l1i_miss", "ICACHE_64B:IFTAG_MISS", MISSED_LINES, SPECULATIVE },
	{ "l1i_fill", "L2_RQSTS:ALL_CODE_RD", CODE_L2, NULL },
	{ "l2i_miss", "L2_RQSTS:CODE_RD_MISS", CODE_L2_MISS, NULL },
	{ "itlb_miss", "ITLB_MISSES:STLB_HIT", STLB, NULL },
	{ "itlb_walk", "ITLB_MISSES:WALK_COMPLETED", WALKED_INTEL, NULL },
	{ "frontend_stall", "IDQ_UOPS_NOT_DELIVERED:CYCLES_0_UOPS_DELIV_CORE", NO_UOPS,
	  "counted for the core, not the thread, where two threads share one" },
	{ "resteer", "BACLEARS:ANY", REDIRECT, SPECULATIVE },
};

static const struct event ice_lake_sp[] = {
	{ "cycles", "UNHALTED_CORE_CYCLES", CYCLES, NULL },
	{ "instructions", "INSTRUCTION_RETIRED", RETIRED, NULL },
	{ "branches", "BR_INST_RETIRED:ALL_BRANCHES", BRANCHES, NULL },
	{ "branch_miss", "BR_MISP_RETIRED:ALL_BRANCHES", MISPREDICTED, NULL },
	{ "indirect_branch_miss", "BR_MISP_RETIRED:INDIRECT",
	  "retired indirect calls and jumps that were mispredicted, no returns", NULL },
	{ "l1i_miss", "ICACHE_64B:IFTAG_MISS", MISSED_LINES, SPECULATIVE },
	{ "l1i_fill", "L2_RQSTS:ALL_CODE_RD", CODE_L2, NULL },
	{ "l2i_miss", "L2_RQSTS:CODE_RD_MISS", CODE_L2_MISS, NULL },
	{ "itlb_miss", "ITLB_MISSES:STLB_HIT", STLB, NULL },
	{ "itlb_walk", "ITLB_MISSES:WALK_COMPLETED", WALKED_INTEL, NULL },
	{ "frontend_stall", "IDQ_UOPS_NOT_DELIVERED:CYCLES_0_UOPS_DELIV_CORE", NO_UOPS, NULL },
	{ "resteer", "BACLEARS:ANY", REDIRECT, SPECULATIVE },
};

static const struct event sapphire_rapids[] = {
	{ "cycles", "UNHALTED_CORE_CYCLES", CYCLES, NULL },
	{ "instructions", "INSTRUCTION_RETIRED", RETIRED, NULL },
	{ "branches", "BR_INST_RETIRED:ALL_BRANCHES", BRANCHES, NULL },
	{ "branch_miss", "BR_MISP_RETIRED:ALL_BRANCHES", MISPREDICTED, NULL },
	{ "indirect_branch_miss", "BR_MISP_RETIRED:INDIRECT",
	  "retired indirect calls and jumps that were mispredicted, no returns", NULL },
	{ "l1i_miss", "FRONTEND_RETIRED:L1I_MISS",
	  "retired instructions whose fetch missed the L1I",
	  "instructions, not lines; " FRONTEND_MSR },
	{ "l1i_fill", "L2_RQSTS:ALL_CODE_RD", CODE_L2, NULL },
	{ "l2i_miss", "L2_RQSTS:CODE_RD_MISS", CODE_L2_MISS, NULL },
	{ "itlb_miss", "ITLB_MISSES:STLB_HIT", STLB, NULL },
	{ "itlb_walk", "ITLB_MISSES:WALK_COMPLETED", WALKED_INTEL, NULL },
	{ "frontend_stall", "IDQ_UOPS_NOT_DELIVERED:CYCLES_0_UOPS_DELIV_CORE", NO_UOPS, NULL },
	{ "resteer", "FRONTEND_RETIRED:UNKNOWN_BRANCH",
	  "retired branches that the predictor had no entry for", FRONTEND_MSR },
};

#define ZEN_COMMON \
	{ "cycles", "CYCLES_NOT_IN_HALT", CYCLES, NULL }, \
	{ "instructions", "RETIRED_INSTRUCTIONS", RETIRED, NULL }, \
	{ "branches", "RETIRED_BRANCH_INSTRUCTIONS", BRANCHES, \
	  "interrupts and exceptions are branches here" }, \
	{ "branch_miss", "RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED", MISPREDICTED, NULL }, \
	{ "indirect_branch_miss", "RETIRED_INDIRECT_BRANCH_INSTRUCTIONS_MISPREDICTED", \
	  EX_ONLY, NULL }, \
	{ "l1i_fill", "INSTRUCTION_CACHE_REFILLS_FROM_L2", FILLED_L2, L2_HITS }, \
	{ "l2i_miss", "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:IC_FILL_MISS", IC_L2, NULL }, \
	{ "itlb_miss", "L1_ITLB_MISS_L2_ITLB_HIT", ITLB_L2, SPECULATIVE }, \
	{ "resteer", "DECODER_OVERRIDE_BRANCH_PRED", REDIRECT, SPECULATIVE }

#define ZEN_TAGS \
	{ "l1i_access", "IC_TAG_HIT_MISS:ALL_IC_ACCESS", \
	  "tag look-ups; none where the op cache delivers", SPECULATIVE }, \
	{ "l1i_miss", "IC_TAG_HIT_MISS:IC_MISS", IC_TAGS, SPECULATIVE }, \
	{ "itlb_walk", "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G:COALESCED4K", WALKED, NULL }

static const struct event zen2[] = {
	ZEN_COMMON,
	{ "itlb_walk", "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G", WALKED, NULL },
	{ "frontend_stall", "UOPS_QUEUE_EMPTY", OPS_EMPTY, BACKEND_TOO },
};

static const struct event zen3[] = {
	ZEN_COMMON,
	ZEN_TAGS,
	{ "frontend_stall", "UOPS_QUEUE_EMPTY", OPS_EMPTY, BACKEND_TOO },
};

static const struct event zen4[] = {
	ZEN_COMMON,
	ZEN_TAGS,
	{ "frontend_stall", "OPS_QUEUE_EMPTY", OPS_EMPTY, BACKEND_TOO },
};

/* Alder Lake: codes of Intel's event list, names of the libpfm that has them. */
static const struct event alder_lake_p[] = {
	{ "cycles", "CPU_CLK_UNHALTED:THREAD_P", CYCLES, NULL, 0x3c, 0 },
	{ "instructions", "INST_RETIRED:ANY_P", RETIRED, NULL, 0xc0, 0 },
	{ "branches", "BR_INST_RETIRED:ALL_BRANCHES", BRANCHES, NULL, 0xc4, 0 },
	{ "branch_miss", "BR_MISP_RETIRED:ALL_BRANCHES", MISPREDICTED, NULL, 0xc5, 0 },
	{ "indirect_branch_miss", "BR_MISP_RETIRED:INDIRECT",
	  "retired indirect calls and jumps that were mispredicted, no returns", NULL, 0x80c5, 0 },
	{ "l1i_miss", "FRONTEND_RETIRED:L1I_MISS",
	  "retired instructions whose fetch missed the L1I",
	  "instructions, not lines; " FRONTEND_MSR, 0x1c6, 0x12 },
	{ "l1i_fill", "L2_RQSTS:ALL_CODE_RD", CODE_L2, NULL, 0xe424, 0 },
	{ "l2i_miss", "L2_RQSTS:CODE_RD_MISS", CODE_L2_MISS, NULL, 0x2424, 0 },
	{ "itlb_miss", "ITLB_MISSES:STLB_HIT", STLB, NULL, 0x2011, 0 },
	{ "itlb_walk", "ITLB_MISSES:WALK_COMPLETED", WALKED_INTEL, NULL, 0xe11, 0 },
	{ "frontend_stall", "IDQ_UOPS_NOT_DELIVERED:CYCLES_0_UOPS_DELIV_CORE", NO_UOPS, NULL,
	  0x600019c, 0 },
	{ "resteer", "BACLEARS:ANY", REDIRECT, SPECULATIVE, 0x160, 0 },
};

/* No row for frontend_stall: TOPDOWN_FE_BOUND counts issue slots, not cycles. */
static const struct event alder_lake_e[] = {
	{ "cycles", "CPU_CLK_UNHALTED:CORE_P", CYCLES, NULL, 0x3c, 0 },
	{ "instructions", "INST_RETIRED:ANY_P", RETIRED, NULL, 0xc0, 0 },
	{ "branches", "BR_INST_RETIRED:ALL_BRANCHES", BRANCHES, NULL, 0xc4, 0 },
	{ "branch_miss", "BR_MISP_RETIRED:ALL_BRANCHES", MISPREDICTED, NULL, 0xc5, 0 },
	{ "indirect_branch_miss", "BR_MISP_RETIRED:INDIRECT",
	  "retired indirect calls and jumps that were mispredicted, no returns", NULL, 0xebc5, 0 },
	{ "l1i_access", "ICACHE:ACCESSES", "requests for a new line or another chunk of one",
	  SPECULATIVE, 0x380, 0 },
	{ "l1i_miss", "ICACHE:MISSES", "requests for a new line or another chunk of one that missed",
	  SPECULATIVE, 0x280, 0 },
	{ "itlb_walk", "ITLB_MISSES:WALK_COMPLETED", WALKED_INTEL, "walks that end in a fault too",
	  0xe85, 0 },
	{ "resteer", "BACLEARS:ANY", REDIRECT, SPECULATIVE, 0x1e6, 0 },
};

/*
 * Arm: the numbers are Armv8's of common events (Arm Architecture Reference Manual, "PMU
 * events and event numbers"), the choice that of each core's technical reference manual. Arm
 * has no event for l2i_miss (the L2's events count data, too), none for resteer, and only
 * A55's own for indirect_branch_miss.
 */
#define ARM_REFILL "lines fetched into the first-level instruction cache"
#define ARM_ITLB "refills of the first-level ITLB"
#define ARM_ITLB_ALL "also those that the second level could not serve"
#define ARM_WALK "instruction accesses that caused a page walk"
#define ARM_STALL "cycles in which nothing was issued because the front end had nothing"
#define ARM_CORE(access) \
	{ "cycles", "CPU_CYCLES", CYCLES, NULL, 0x11, 0 }, \
	{ "instructions", "INST_RETIRED", RETIRED, NULL, 0x08, 0 }, \
	{ "l1i_access", access, "look-ups of the first-level instruction cache", SPECULATIVE, 0x14, 0 }, \
	{ "l1i_miss", "L1I_CACHE_REFILL", ARM_REFILL, SPECULATIVE, 0x01, 0 }, \
	{ "itlb_miss", "L1I_TLB_REFILL", ARM_ITLB, ARM_ITLB_ALL, 0x02, 0 }
#define ARM_RETIRED \
	{ "branches", "BR_RETIRED", BRANCHES, NULL, 0x21, 0 }, \
	{ "branch_miss", "BR_MIS_PRED_RETIRED", MISPREDICTED, NULL, 0x22, 0 }, \
	{ "frontend_stall", "STALL_FRONTEND", ARM_STALL, NULL, 0x23, 0 }

static const struct event neoverse_n1[] = {
	ARM_CORE("L1I_CACHE_ACCESS"),
	ARM_RETIRED,
	{ "itlb_walk", "ITLB_WALK", ARM_WALK,
	  "some releases of libpfm give it 0x34, which is DTLB_WALK", 0x35, 0 },
};

static const struct event neoverse_v1_n2[] = {
	ARM_CORE("L1I_CACHE_ACCESS"),
	ARM_RETIRED,
	{ "itlb_walk", "ITLB_WALK", ARM_WALK, NULL, 0x35, 0 },
};

static const struct event cortex_a57[] = {
	ARM_CORE("L1I_CACHE_ACCESS"),
	{ "branches", "BRANCH_PRED", "predictable branches executed", SPECULATIVE, 0x12, 0 },
	{ "branch_miss", "BRANCH_MISPRED", "branches mispredicted or not predicted at all",
	  SPECULATIVE, 0x10, 0 },
};

static const struct event cortex_a55[] = {
	ARM_CORE("L1I_CACHE"),
	ARM_RETIRED,
	{ "itlb_walk", "ITLB_WALK", ARM_WALK, NULL, 0x35, 0 },
	{ "indirect_branch_miss", "BR_INDIRECT_MIS_PRED", "mispredicted indirect branches",
	  "an event of this core alone; returns may be among them", 0xca, 0 },
};

#define ROWS(table) table, sizeof table / sizeof table[0]
#define NEWER "in releases of libpfm after 4.13"
#define ON_ARM "in builds of libpfm for arm64"
const struct uarch uarchs[] = {
	{ "skylake-sp", "skx", NULL, NULL, ROWS(skylake_sp) },
	{ "cascade-lake-sp", "clx", NULL, NULL, ROWS(skylake_sp) },
	{ "ice-lake-sp", "icx", NULL, NULL, ROWS(ice_lake_sp) },
	{ "sapphire-rapids", "spr", NULL, NULL, ROWS(sapphire_rapids) },
	{ "emerald-rapids", "spr",
	  "by Sapphire Rapids' table; Linux gives both the same events", NULL,
	  ROWS(sapphire_rapids) },
	{ "alder-lake-p", "adl_glc", NULL, NEWER, ROWS(alder_lake_p) },
	{ "alder-lake-e", "adl_grt", NULL, NEWER, ROWS(alder_lake_e) },
	{ "zen2", "amd64_fam17h_zen2", NULL, NULL, ROWS(zen2) },
	{ "zen3", "amd64_fam19h_zen3", NULL, NULL, ROWS(zen3) },
	{ "zen4", "amd64_fam19h_zen4", NULL, NULL, ROWS(zen4) },
	{ "zen5", "amd64_fam19h_zen4",
	  "encoded by Zen 4's table; Linux's event list for Zen 5 gives the same codes", NULL,
	  ROWS(zen4) },
	{ "neoverse-n1", "arm_n1", NULL, ON_ARM, ROWS(neoverse_n1) },
	{ "neoverse-v1", "arm_v1", NULL, ON_ARM, ROWS(neoverse_v1_n2) },
	{ "neoverse-n2", "arm_n2", NULL, ON_ARM, ROWS(neoverse_v1_n2) },
	{ "cortex-a72", "arm_ac57", "by Cortex-A57's table, whose events are the same", ON_ARM,
	  ROWS(cortex_a57) },
	{ "cortex-a57", "arm_ac57", NULL, ON_ARM, ROWS(cortex_a57) },
	{ "cortex-a55", "arm_ac55", NULL, "in builds for arm64 of libpfm after 4.13",
	  ROWS(cortex_a55) },
	{ .name = NULL },
};

/* The kinds of core of a hybrid CPU, as leaf 0x1a has them. */
enum { ATOM = 0x20, CORE = 0x40 };

/* Inclusive ranges of models, as Linux assigns them, from a stepping on; the first match counts. */
static const struct {
	const char *vendor;
	unsigned family, first, last, stepping;
	const char *name;
	unsigned core; /* only this kind; 0: any */
} x86_models[] = {
	{ "GenuineIntel", 6, 0x55, 0x55, 5, "cascade-lake-sp" },
	{ "GenuineIntel", 6, 0x55, 0x55, 0, "skylake-sp" },
	{ "GenuineIntel", 6, 0x6a, 0x6a, 0, "ice-lake-sp" },
	{ "GenuineIntel", 6, 0x6c, 0x6c, 0, "ice-lake-sp" },
	{ "GenuineIntel", 6, 0x8f, 0x8f, 0, "sapphire-rapids" },
	{ "GenuineIntel", 6, 0xcf, 0xcf, 0, "emerald-rapids" },
	{ "GenuineIntel", 6, 0x97, 0x97, 0, "alder-lake-p", CORE },
	{ "GenuineIntel", 6, 0x97, 0x97, 0, "alder-lake-e", ATOM },
	{ "GenuineIntel", 6, 0x9a, 0x9a, 0, "alder-lake-p", CORE },
	{ "GenuineIntel", 6, 0x9a, 0x9a, 0, "alder-lake-e", ATOM },
	{ "AuthenticAMD", 0x17, 0x30, 0x4f, 0, "zen2" },
	{ "AuthenticAMD", 0x17, 0x60, 0x7f, 0, "zen2" },
	{ "AuthenticAMD", 0x17, 0x84, 0x87, 0, "zen2" },
	{ "AuthenticAMD", 0x17, 0x90, 0xaf, 0, "zen2" },
	{ "AuthenticAMD", 0x19, 0x00, 0x0f, 0, "zen3" },
	{ "AuthenticAMD", 0x19, 0x20, 0x5f, 0, "zen3" },
	{ "AuthenticAMD", 0x19, 0x10, 0x1f, 0, "zen4" },
	{ "AuthenticAMD", 0x19, 0x60, 0x7f, 0, "zen4" },
	{ "AuthenticAMD", 0x19, 0xa0, 0xaf, 0, "zen4" },
	{ "AuthenticAMD", 0x1a, 0x00, 0x2f, 0, "zen5" },
	{ "AuthenticAMD", 0x1a, 0x40, 0x4f, 0, "zen5" },
	{ "AuthenticAMD", 0x1a, 0x60, 0x7f, 0, "zen5" },
};

/* Arm's own parts (implementer 0x41). */
static const struct {
	unsigned part;
	const char *name;
} arm_parts[] = {
	{ 0xd05, "cortex-a55" },  { 0xd07, "cortex-a57" },  { 0xd08, "cortex-a72" },
	{ 0xd0c, "neoverse-n1" }, { 0xd40, "neoverse-v1" }, { 0xd49, "neoverse-n2" },
};
#pragma GCC diagnostic pop
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct meter *meter_find(const char *name)
{
	for (size_t i = 0; i < METERS; i++)
		if (!strcmp(meters[i].name, name))
			return &meters[i];
	return NULL;
}

const struct uarch *uarch_find(const char *name)
{
	for (const struct uarch *u = uarchs; u->name; u++)
		if (!strcmp(u->name, name))
			return u;
	return NULL;
}

const struct event *event_find(const struct uarch *uarch, const char *meter)
{
	for (size_t i = 0; i < uarch->nevents; i++)
		if (!strcmp(uarch->events[i].meter, meter))
			return &uarch->events[i];
	return NULL;
}

int event_encoding(const struct uarch *uarch, const struct event *event, char text[EVENT_NAME])
{
	int n = snprintf(text, EVENT_NAME, "%s::%s", uarch->pmu, event->name);

	return n < EVENT_NAME ? 0 : -ENAMETOOLONG;
}

const struct uarch *uarch_of_x86(const char *vendor, unsigned family, unsigned model,
				 unsigned stepping, unsigned core)
{
	for (size_t i = 0; i < COUNT(x86_models); i++)
		if (!strcmp(x86_models[i].vendor, vendor) && x86_models[i].family == family &&
		    x86_models[i].first <= model && model <= x86_models[i].last &&
		    x86_models[i].stepping <= stepping &&
		    (!x86_models[i].core || x86_models[i].core == core))
			return uarch_find(x86_models[i].name);
	return NULL;
}

const struct uarch *uarch_of_midr(uint64_t midr)
{
	for (size_t i = 0; i < COUNT(arm_parts); i++)
		if ((midr >> 24 & 0xff) == 0x41 && (midr >> 4 & 0xfff) == arm_parts[i].part)
			return uarch_find(arm_parts[i].name);
	return NULL;
}

#if defined(__x86_64__)

static unsigned core_kind(void)
{
	enum { HYBRID = 1 << 15 };
	unsigned a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & HYBRID) ||
	    !__get_cpuid(0x1a, &a, &b, &c, &d))
		return 0;
	return a >> 24;
}

static const struct uarch *read_cpu(char cpu[UARCH_CPU])
{
	unsigned a, b, c, d, family, model;
	char vendor[13] = "";

	snprintf(cpu, UARCH_CPU, "unknown");
	if (!__get_cpuid(0, &a, &b, &c, &d))
		return NULL;
	memcpy(vendor, &b, 4);
	memcpy(vendor + 4, &d, 4);
	memcpy(vendor + 8, &c, 4);
	if (!__get_cpuid(1, &a, &b, &c, &d))
		return NULL;
	family = a >> 8 & 15;
	model = a >> 4 & 15;
	if (family == 15 || family == 6)
		model |= a >> 12 & 0xf0;
	if (family == 15)
		family += a >> 20 & 255;
	snprintf(cpu, UARCH_CPU, "%s family %u model %u stepping %u", vendor, family, model,
		 a & 15);
	return uarch_of_x86(vendor, family, model, a & 15, core_kind());
}

#else

static const struct uarch *read_cpu(char cpu[UARCH_CPU])
{
	FILE *f = fopen("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", "r");
	unsigned long long midr = 0;
	int n = f ? fscanf(f, "%llx", &midr) : 0;

	if (f)
		fclose(f);
	snprintf(cpu, UARCH_CPU, n == 1 ? "MIDR 0x%llx" : "unknown", midr);
	return n == 1 ? uarch_of_midr(midr) : NULL;
}

#endif

static const char *pretended(void)
{
	return getenv("STUBMAP_CPU_TEST");
}

const struct uarch *uarch_host(char cpu[UARCH_CPU])
{
	if (!pretended())
		return read_cpu(cpu);
	snprintf(cpu, UARCH_CPU, "%s (STUBMAP_CPU_TEST)", pretended());
	return uarch_find(pretended());
}

bool uarch_hidden(void)
{
	return pretended() && !uarch_find(pretended());
}
