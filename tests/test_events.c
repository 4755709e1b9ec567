/*
 * test_events.c - the tables of events.c: every row can be encoded, and gives the code that stands
 * here, so that a libpfm that changes a name's meaning is noticed. Encoding an absent CPU's events
 * needs no counter: LIBPFM_ENCODE_INACTIVE, set in this program only, before libpfm starts.
 *
 * The codes of Alder Lake are those of Intel's event list, those of Arm cores Arm's event numbers.
 * If this libpfm has no table for a row, the row's raw code is compared instead, and the test says
 * that it was not encoded.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <perfmon/pfmlib_perf_event.h>

#include "meters/group.h"
#include "meters/events.h"
#include "meters/tlb.h"

enum { TYPE_HARDWARE = 0, TYPE_SOFTWARE = 1, TYPE_CACHE = 3, TYPE_RAW = 4 };

/* clang-format off */
static const struct golden {
	const char *uarch, *meter;
	uint64_t config, config1;
} golden[] = {
	{ "skylake-sp", "cycles", 0x3c, 0 },
	{ "skylake-sp", "instructions", 0xc0, 0 },
	{ "skylake-sp", "branches", 0xc4, 0 },
	{ "skylake-sp", "branch_miss", 0xc5, 0 },
	{ "skylake-sp", "indirect_branch_miss", 0xe489, 0 },
	{ "skylake-sp", "l1i_miss", 0x283, 0 },
	{ "skylake-sp", "l1i_fill", 0xe424, 0 },
	{ "skylake-sp", "l2i_miss", 0x2424, 0 },
	{ "skylake-sp", "itlb_miss", 0x2085, 0 },
	{ "skylake-sp", "itlb_walk", 0xe85, 0 },
	{ "skylake-sp", "frontend_stall", 0x400019c, 0 },
	{ "skylake-sp", "resteer", 0x1e6, 0 },
	{ "cascade-lake-sp", "cycles", 0x3c, 0 },
	{ "cascade-lake-sp", "instructions", 0xc0, 0 },
	{ "cascade-lake-sp", "branches", 0xc4, 0 },
	{ "cascade-lake-sp", "branch_miss", 0xc5, 0 },
	{ "cascade-lake-sp", "indirect_branch_miss", 0xe489, 0 },
	{ "cascade-lake-sp", "l1i_miss", 0x283, 0 },
	{ "cascade-lake-sp", "l1i_fill", 0xe424, 0 },
	{ "cascade-lake-sp", "l2i_miss", 0x2424, 0 },
	{ "cascade-lake-sp", "itlb_miss", 0x2085, 0 },
	{ "cascade-lake-sp", "itlb_walk", 0xe85, 0 },
	{ "cascade-lake-sp", "frontend_stall", 0x400019c, 0 },
	{ "cascade-lake-sp", "resteer", 0x1e6, 0 },
	{ "ice-lake-sp", "cycles", 0x3c, 0 },
	{ "ice-lake-sp", "instructions", 0xc0, 0 },
	{ "ice-lake-sp", "branches", 0xc4, 0 },
	{ "ice-lake-sp", "branch_miss", 0xc5, 0 },
	{ "ice-lake-sp", "indirect_branch_miss", 0x80c5, 0 },
	{ "ice-lake-sp", "l1i_miss", 0x283, 0 },
	{ "ice-lake-sp", "l1i_fill", 0xe424, 0 },
	{ "ice-lake-sp", "l2i_miss", 0x2424, 0 },
	{ "ice-lake-sp", "itlb_miss", 0x2085, 0 },
	{ "ice-lake-sp", "itlb_walk", 0xe85, 0 },
	{ "ice-lake-sp", "frontend_stall", 0x500019c, 0 },
	{ "ice-lake-sp", "resteer", 0x1e6, 0 },
	{ "sapphire-rapids", "cycles", 0x3c, 0 },
	{ "sapphire-rapids", "instructions", 0xc0, 0 },
	{ "sapphire-rapids", "branches", 0xc4, 0 },
	{ "sapphire-rapids", "branch_miss", 0xc5, 0 },
	{ "sapphire-rapids", "indirect_branch_miss", 0x80c5, 0 },
	{ "sapphire-rapids", "l1i_miss", 0x1c6, 0x12 },
	{ "sapphire-rapids", "l1i_fill", 0xe424, 0 },
	{ "sapphire-rapids", "l2i_miss", 0x2424, 0 },
	{ "sapphire-rapids", "itlb_miss", 0x2011, 0 },
	{ "sapphire-rapids", "itlb_walk", 0xe11, 0 },
	{ "sapphire-rapids", "frontend_stall", 0x600019c, 0 },
	{ "sapphire-rapids", "resteer", 0x1c6, 0x17 },
	{ "emerald-rapids", "cycles", 0x3c, 0 },
	{ "emerald-rapids", "instructions", 0xc0, 0 },
	{ "emerald-rapids", "branches", 0xc4, 0 },
	{ "emerald-rapids", "branch_miss", 0xc5, 0 },
	{ "emerald-rapids", "indirect_branch_miss", 0x80c5, 0 },
	{ "emerald-rapids", "l1i_miss", 0x1c6, 0x12 },
	{ "emerald-rapids", "l1i_fill", 0xe424, 0 },
	{ "emerald-rapids", "l2i_miss", 0x2424, 0 },
	{ "emerald-rapids", "itlb_miss", 0x2011, 0 },
	{ "emerald-rapids", "itlb_walk", 0xe11, 0 },
	{ "emerald-rapids", "frontend_stall", 0x600019c, 0 },
	{ "emerald-rapids", "resteer", 0x1c6, 0x17 },
	{ "alder-lake-p", "cycles", 0x3c, 0 },
	{ "alder-lake-p", "instructions", 0xc0, 0 },
	{ "alder-lake-p", "branches", 0xc4, 0 },
	{ "alder-lake-p", "branch_miss", 0xc5, 0 },
	{ "alder-lake-p", "indirect_branch_miss", 0x80c5, 0 },
	{ "alder-lake-p", "l1i_miss", 0x1c6, 0x12 },
	{ "alder-lake-p", "l1i_fill", 0xe424, 0 },
	{ "alder-lake-p", "l2i_miss", 0x2424, 0 },
	{ "alder-lake-p", "itlb_miss", 0x2011, 0 },
	{ "alder-lake-p", "itlb_walk", 0xe11, 0 },
	{ "alder-lake-p", "frontend_stall", 0x600019c, 0 },
	{ "alder-lake-p", "resteer", 0x160, 0 },
	{ "alder-lake-e", "cycles", 0x3c, 0 },
	{ "alder-lake-e", "instructions", 0xc0, 0 },
	{ "alder-lake-e", "branches", 0xc4, 0 },
	{ "alder-lake-e", "branch_miss", 0xc5, 0 },
	{ "alder-lake-e", "indirect_branch_miss", 0xebc5, 0 },
	{ "alder-lake-e", "l1i_access", 0x380, 0 },
	{ "alder-lake-e", "l1i_miss", 0x280, 0 },
	{ "alder-lake-e", "itlb_walk", 0xe85, 0 },
	{ "alder-lake-e", "resteer", 0x1e6, 0 },
	{ "neoverse-n1", "cycles", 0x11, 0 },
	{ "neoverse-n1", "instructions", 0x08, 0 },
	{ "neoverse-n1", "l1i_access", 0x14, 0 },
	{ "neoverse-n1", "l1i_miss", 0x01, 0 },
	{ "neoverse-n1", "itlb_miss", 0x02, 0 },
	{ "neoverse-n1", "branches", 0x21, 0 },
	{ "neoverse-n1", "branch_miss", 0x22, 0 },
	{ "neoverse-n1", "frontend_stall", 0x23, 0 },
	{ "neoverse-n1", "itlb_walk", 0x35, 0 },
	{ "neoverse-v1", "cycles", 0x11, 0 },
	{ "neoverse-v1", "instructions", 0x08, 0 },
	{ "neoverse-v1", "l1i_access", 0x14, 0 },
	{ "neoverse-v1", "l1i_miss", 0x01, 0 },
	{ "neoverse-v1", "itlb_miss", 0x02, 0 },
	{ "neoverse-v1", "branches", 0x21, 0 },
	{ "neoverse-v1", "branch_miss", 0x22, 0 },
	{ "neoverse-v1", "frontend_stall", 0x23, 0 },
	{ "neoverse-v1", "itlb_walk", 0x35, 0 },
	{ "neoverse-n2", "cycles", 0x11, 0 },
	{ "neoverse-n2", "instructions", 0x08, 0 },
	{ "neoverse-n2", "l1i_access", 0x14, 0 },
	{ "neoverse-n2", "l1i_miss", 0x01, 0 },
	{ "neoverse-n2", "itlb_miss", 0x02, 0 },
	{ "neoverse-n2", "branches", 0x21, 0 },
	{ "neoverse-n2", "branch_miss", 0x22, 0 },
	{ "neoverse-n2", "frontend_stall", 0x23, 0 },
	{ "neoverse-n2", "itlb_walk", 0x35, 0 },
	{ "cortex-a72", "cycles", 0x11, 0 },
	{ "cortex-a72", "instructions", 0x08, 0 },
	{ "cortex-a72", "l1i_access", 0x14, 0 },
	{ "cortex-a72", "l1i_miss", 0x01, 0 },
	{ "cortex-a72", "itlb_miss", 0x02, 0 },
	{ "cortex-a72", "branches", 0x12, 0 },
	{ "cortex-a72", "branch_miss", 0x10, 0 },
	{ "cortex-a57", "cycles", 0x11, 0 },
	{ "cortex-a57", "instructions", 0x08, 0 },
	{ "cortex-a57", "l1i_access", 0x14, 0 },
	{ "cortex-a57", "l1i_miss", 0x01, 0 },
	{ "cortex-a57", "itlb_miss", 0x02, 0 },
	{ "cortex-a57", "branches", 0x12, 0 },
	{ "cortex-a57", "branch_miss", 0x10, 0 },
	{ "cortex-a55", "cycles", 0x11, 0 },
	{ "cortex-a55", "instructions", 0x08, 0 },
	{ "cortex-a55", "l1i_access", 0x14, 0 },
	{ "cortex-a55", "l1i_miss", 0x01, 0 },
	{ "cortex-a55", "itlb_miss", 0x02, 0 },
	{ "cortex-a55", "branches", 0x21, 0 },
	{ "cortex-a55", "branch_miss", 0x22, 0 },
	{ "cortex-a55", "frontend_stall", 0x23, 0 },
	{ "cortex-a55", "itlb_walk", 0x35, 0 },
	{ "cortex-a55", "indirect_branch_miss", 0xca, 0 },
	{ "zen2", "cycles", 0x76, 0 },
	{ "zen2", "instructions", 0xc0, 0 },
	{ "zen2", "branches", 0xc2, 0 },
	{ "zen2", "branch_miss", 0xc3, 0 },
	{ "zen2", "indirect_branch_miss", 0xca, 0 },
	{ "zen2", "l1i_fill", 0x82, 0 },
	{ "zen2", "l2i_miss", 0x164, 0 },
	{ "zen2", "itlb_miss", 0x84, 0 },
	{ "zen2", "resteer", 0x91, 0 },
	{ "zen2", "itlb_walk", 0x785, 0 },
	{ "zen2", "frontend_stall", 0xa9, 0 },
	{ "zen3", "cycles", 0x76, 0 },
	{ "zen3", "instructions", 0xc0, 0 },
	{ "zen3", "branches", 0xc2, 0 },
	{ "zen3", "branch_miss", 0xc3, 0 },
	{ "zen3", "indirect_branch_miss", 0xca, 0 },
	{ "zen3", "l1i_fill", 0x82, 0 },
	{ "zen3", "l2i_miss", 0x164, 0 },
	{ "zen3", "itlb_miss", 0x84, 0 },
	{ "zen3", "resteer", 0x91, 0 },
	{ "zen3", "l1i_access", 0x100001f8e, 0 },
	{ "zen3", "l1i_miss", 0x10000188e, 0 },
	{ "zen3", "itlb_walk", 0xf85, 0 },
	{ "zen3", "frontend_stall", 0xa9, 0 },
	{ "zen4", "cycles", 0x76, 0 },
	{ "zen4", "instructions", 0xc0, 0 },
	{ "zen4", "branches", 0xc2, 0 },
	{ "zen4", "branch_miss", 0xc3, 0 },
	{ "zen4", "indirect_branch_miss", 0xca, 0 },
	{ "zen4", "l1i_fill", 0x82, 0 },
	{ "zen4", "l2i_miss", 0x164, 0 },
	{ "zen4", "itlb_miss", 0x84, 0 },
	{ "zen4", "resteer", 0x91, 0 },
	{ "zen4", "l1i_access", 0x100001f8e, 0 },
	{ "zen4", "l1i_miss", 0x10000188e, 0 },
	{ "zen4", "itlb_walk", 0xf85, 0 },
	{ "zen4", "frontend_stall", 0xa9, 0 },
	{ "zen5", "cycles", 0x76, 0 },
	{ "zen5", "instructions", 0xc0, 0 },
	{ "zen5", "branches", 0xc2, 0 },
	{ "zen5", "branch_miss", 0xc3, 0 },
	{ "zen5", "indirect_branch_miss", 0xca, 0 },
	{ "zen5", "l1i_fill", 0x82, 0 },
	{ "zen5", "l2i_miss", 0x164, 0 },
	{ "zen5", "itlb_miss", 0x84, 0 },
	{ "zen5", "resteer", 0x91, 0 },
	{ "zen5", "l1i_access", 0x100001f8e, 0 },
	{ "zen5", "l1i_miss", 0x10000188e, 0 },
	{ "zen5", "itlb_walk", 0xf85, 0 },
	{ "zen5", "frontend_stall", 0xa9, 0 },
};

static const struct {
	const char *name;
	unsigned type;
	uint64_t config;
} golden_kernel[] = {
	{ "perf::CYCLES", TYPE_HARDWARE, 0 },
	{ "perf::INSTRUCTIONS", TYPE_HARDWARE, 1 },
	{ "perf::BRANCHES", TYPE_HARDWARE, 4 },
	{ "perf::BRANCH-MISSES", TYPE_HARDWARE, 5 },
	{ "perf::STALLED-CYCLES-FRONTEND", TYPE_HARDWARE, 7 },
	{ "perf::L1-ICACHE-LOADS", TYPE_CACHE, 0x1 },
	{ "perf::L1-ICACHE-LOAD-MISSES", TYPE_CACHE, 0x10001 },
	{ "perf::ITLB-LOAD-MISSES", TYPE_CACHE, 0x10004 },
	{ "perf::TASK-CLOCK", TYPE_SOFTWARE, 1 },
	{ "perf::PAGE-FAULTS", TYPE_SOFTWARE, 2 },
	{ "perf::CONTEXT-SWITCHES", TYPE_SOFTWARE, 3 },
	{ "perf::MINOR-FAULTS", TYPE_SOFTWARE, 5 },
	{ "perf::MAJOR-FAULTS", TYPE_SOFTWARE, 6 },
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct perf_event_attr encode(const char *name)
{
	struct perf_event_attr attr = { .size = sizeof attr };
	pfm_perf_encode_arg_t arg = { .attr = &attr, .size = sizeof arg };
	int rc = pfm_get_os_event_encoding(name, PFM_PLM3, PFM_OS_PERF_EVENT, &arg);

	if (rc != PFM_SUCCESS)
		fail_msg("%s: %s", name, pfm_strerror(rc));
	return attr;
}

static const struct golden *golden_find(const char *uarch, const char *meter)
{
	for (size_t i = 0; i < COUNT(golden); i++)
		if (!strcmp(golden[i].uarch, uarch) && !strcmp(golden[i].meter, meter))
			return &golden[i];
	return NULL;
}

static void check_encoded(const struct uarch *u, const struct event *e, const struct golden *g)
{
	struct perf_event_attr attr;
	char name[EVENT_NAME];

	assert_int_equal(event_encoding(u, e, name), 0);
	attr = encode(name);
	assert_int_equal(attr.type, TYPE_RAW);
	if (attr.config != g->config || attr.config1 != g->config1)
		fail_msg("%s: 0x%llx 0x%llx, not 0x%llx 0x%llx", name,
			 (unsigned long long)attr.config, (unsigned long long)attr.config1,
			 (unsigned long long)g->config, (unsigned long long)g->config1);
}

/* A row that is absent from this libpfm has a code of its own; one that must be there has none. */
static void check_raw(const struct uarch *u, const struct event *e, const struct golden *g)
{
	uint64_t raw = u->absent ? g->config : 0, raw1 = u->absent ? g->config1 : 0;

	if (e->raw != raw || e->raw1 != raw1)
		fail_msg("%s %s: its row says 0x%llx 0x%llx, not 0x%llx 0x%llx", u->name, e->meter,
			 (unsigned long long)e->raw, (unsigned long long)e->raw1,
			 (unsigned long long)raw, (unsigned long long)raw1);
}

static void every_row_encodes(void **state)
{
	size_t rows = 0;

	(void)state;
	for (const struct uarch *u = uarchs; u->name; u++) {
		bool table = group_has_table(u->pmu);

		if (!table)
			print_message(
			    "%s: no table %s here (it is %s): %zu rows not encoded, raw codes "
			    "compared\n",
			    u->name, u->pmu, u->absent, u->nevents);
		assert_true(table || u->absent);
		for (size_t i = 0; i < u->nevents; i++, rows++) {
			const struct event *e = &u->events[i];
			const struct golden *g = golden_find(u->name, e->meter);

			if (!g)
				fail_msg("%s %s: no golden code", u->name, e->meter);
			check_raw(u, e, g);
			if (table)
				check_encoded(u, e, g);
		}
	}
	assert_int_equal(rows, COUNT(golden));
}

static void every_kernel_event_encodes(void **state)
{
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(golden_kernel); i++) {
		struct perf_event_attr attr = encode(golden_kernel[i].name);

		assert_int_equal(attr.type, golden_kernel[i].type);
		assert_int_equal(attr.config, golden_kernel[i].config);
	}
	for (size_t m = 0; m < METERS; m++) {
		const char *names[] = { meters[m].generic, meters[m].software };

		for (size_t k = 0; k < 2; k++)
			for (size_t i = 0; names[k] && i < COUNT(golden_kernel); i++)
				used += !strcmp(names[k], golden_kernel[i].name);
	}
	assert_int_equal(used, COUNT(golden_kernel));
}

static void rows_are_whole(void **state)
{
	(void)state;
	for (const struct uarch *u = uarchs; u->name; u++) {
		assert_ptr_equal(uarch_find(u->name), u);
		assert_non_null(u->pmu);
		for (size_t i = 0; i < u->nevents; i++) {
			const struct event *e = &u->events[i];

			/* The first of its name: a second row would never be found. */
			assert_ptr_equal(event_find(u, e->meter), e);
			assert_non_null(meter_find(e->meter));
			assert_non_null(e->meaning);
		}
		assert_non_null(event_find(u, "cycles"));
		assert_non_null(event_find(u, "instructions"));
		assert_non_null(event_find(u, "l1i_miss") ? event_find(u, "l1i_miss")
							  : event_find(u, "l1i_fill"));
		assert_null(event_find(u, "minor_faults"));
	}
	for (size_t i = 0; i < METERS; i++) {
		assert_string_equal(meter_names[i], meters[i].name);
		assert_ptr_equal(meter_find(meters[i].name), &meters[i]);
		assert_true(meters[i].loop == LOOP_NONE ||
			    (meters[i].low > 0 && meters[i].low < meters[i].high));
	}
	assert_null(meter_find("cycle"));
	assert_null(uarch_find("zen"));
}

static void assert_uarch(const struct uarch *u, const char *name)
{
	if (!name) {
		assert_null(u);
		return;
	}
	assert_non_null(u);
	assert_string_equal(u->name, name);
}

static void models_are_told_apart(void **state)
{
	static const char intel[] = "GenuineIntel", amd[] = "AuthenticAMD";

	(void)state;
	assert_uarch(uarch_of_x86(intel, 6, 0x55, 4, 0), "skylake-sp");
	assert_uarch(uarch_of_x86(intel, 6, 0x55, 7, 0), "cascade-lake-sp");
	assert_uarch(uarch_of_x86(intel, 6, 0x6a, 6, 0), "ice-lake-sp");
	assert_uarch(uarch_of_x86(intel, 6, 0x8f, 8, 0), "sapphire-rapids");
	assert_uarch(uarch_of_x86(intel, 6, 0xcf, 2, 0), "emerald-rapids");
	assert_uarch(uarch_of_x86(intel, 6, 0x97, 2, 0x40), "alder-lake-p");
	assert_uarch(uarch_of_x86(intel, 6, 0x97, 2, 0x20), "alder-lake-e");
	assert_uarch(uarch_of_x86(intel, 6, 0x9a, 3, 0x20), "alder-lake-e");
	assert_uarch(uarch_of_x86(intel, 6, 0x97, 2, 0), NULL); /* a guest that hides which */
	assert_uarch(uarch_of_x86(intel, 6, 0x3c, 3, 0), NULL);
	assert_uarch(uarch_of_x86(intel, 0x19, 0x01, 1, 0), NULL);
	assert_uarch(uarch_of_x86(amd, 0x17, 0x01, 2, 0), NULL); /* Zen 1 */
	assert_uarch(uarch_of_x86(amd, 0x17, 0x31, 0, 0), "zen2");
	assert_uarch(uarch_of_x86(amd, 0x19, 0x01, 1, 0), "zen3");
	assert_uarch(uarch_of_x86(amd, 0x19, 0x11, 1, 0), "zen4");
	assert_uarch(uarch_of_x86(amd, 0x19, 0x61, 2, 0), "zen4");
	assert_uarch(uarch_of_x86(amd, 0x1a, 0x02, 1, 0), "zen5");
	assert_uarch(uarch_of_x86(amd, 0x1a, 0x44, 0, 0), "zen5");
	assert_uarch(uarch_of_x86(amd, 0x1a, 0x50, 0, 0), NULL); /* Zen 6 */
	assert_uarch(uarch_of_midr(0x413fd0c1), "neoverse-n1");
	assert_uarch(uarch_of_midr(0x411fd401), "neoverse-v1");
	assert_uarch(uarch_of_midr(0x410fd493), "neoverse-n2");
	assert_uarch(uarch_of_midr(0x410fd083), "cortex-a72");
	assert_uarch(uarch_of_midr(0x411fd072), "cortex-a57");
	assert_uarch(uarch_of_midr(0x412fd050), "cortex-a55");
	assert_uarch(uarch_of_midr(0x611f0221), NULL); /* another implementer */
}

static void borrowed_tables_say_so(void **state)
{
	(void)state;
	assert_null(uarch_find("zen4")->borrowed);
	assert_non_null(uarch_find("zen5")->borrowed);
	assert_string_equal(uarch_find("zen5")->pmu, uarch_find("zen4")->pmu);
	assert_non_null(uarch_find("emerald-rapids")->borrowed);
	assert_string_equal(uarch_find("emerald-rapids")->pmu, uarch_find("sapphire-rapids")->pmu);
	assert_non_null(uarch_find("cortex-a72")->borrowed);
	assert_string_equal(uarch_find("cortex-a72")->pmu, uarch_find("cortex-a57")->pmu);
}

static void the_host_names_itself(void **state)
{
	char cpu[UARCH_CPU] = "";
	const struct uarch *u = uarch_host(cpu);

	(void)state;
	assert_true(strlen(cpu) > 0);
	assert_true(!u || uarch_find(u->name) == u);
}

/* Every row can be the host's, and so can a CPU that no row knows. */
static void the_host_can_be_any(void **state)
{
	const char *was = getenv("STUBMAP_CPU_TEST");
	char *kept = was ? strdup(was) : NULL, cpu[UARCH_CPU];
	struct tlb itlb;

	(void)state;
	for (const struct uarch *u = uarchs; u->name; u++) {
		setenv("STUBMAP_CPU_TEST", u->name, 1);
		assert_ptr_equal(uarch_host(cpu), u);
		assert_memory_equal(cpu, u->name, strlen(u->name));
		assert_false(uarch_hidden());
	}
	setenv("STUBMAP_CPU_TEST", "none", 1);
	assert_null(uarch_host(cpu));
	assert_true(uarch_hidden());
	assert_int_equal(tlb_of_code(&itlb), -ENOENT);
	if (kept)
		setenv("STUBMAP_CPU_TEST", kept, 1);
	else
		unsetenv("STUBMAP_CPU_TEST");
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_encodes),
		cmocka_unit_test(every_kernel_event_encodes),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(models_are_told_apart),
		cmocka_unit_test(borrowed_tables_say_so),
		cmocka_unit_test(the_host_names_itself),
		cmocka_unit_test(the_host_can_be_any),
	};

	setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
	if (pfm_initialize() != PFM_SUCCESS)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
