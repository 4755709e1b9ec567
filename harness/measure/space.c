/* space.c - the kernel's view of code memory as figures. */
#include "measure/space.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "meters/memory.h"
#include "meters/tlb.h"
#include "runs/figures.h"

struct space_figure {
	struct figure_name name;
	uint64_t per, value;
	const char *missing; /* why it can't be had, or NULL */
};

#define KERNEL(event, unit) FIGURE_NAME(space, event, unit, "kernel")

int measure_space(const struct code_memory *code, uint64_t stubs, uint64_t faults_before,
		  json_t *figures, char why[METERS_ERROR])
{
	char error[METERS_ERROR] = "";
	struct memory_view v;
	uint64_t faults = meters_minor_faults() - faults_before; /* reading smaps makes some */
	int status = meters_memory(code, &v, error);
	const char *unseen = status ? error : NULL;

	if (status == -ERANGE) {
		snprintf(why, METERS_ERROR, "%s", error);
		return -1;
	}
	const struct range_view *at = v.areas, *alias = v.alias;
	bool doubled = code_get_config(code)->wx == CODE_DUAL;
	uint64_t pss_code = at[CODE_STUBS].pss + alias[CODE_STUBS].pss;
	uint64_t pss_modules = at[CODE_MODULES].pss + alias[CODE_MODULES].pss;
	uint64_t mappings =
	    at[CODE_STUBS].mappings + alias[CODE_STUBS].mappings + at[CODE_LITERALS].mappings;
	const bool large = code_get_config(code)->quantum == CODE_LARGE_QUANTUM;
	const uint64_t in_large = at[CODE_STUBS].transparent + at[CODE_STUBS].hugetlb;
	const uint64_t pages = (at[CODE_STUBS].rss - in_large) / (uint64_t)sysconf(_SC_PAGESIZE) +
			       in_large / CODE_LARGE_QUANTUM;
	struct tlb itlb = { 0 };
	const char *no_itlb = tlb_of_code(&itlb) ? "CPUID does not tell the ITLB" : NULL;
	if (in_large)
		no_itlb = "what it holds of 2 MiB pages is not known";
	const struct space_figure table[] = {
		/* Each page counts once, over both views of the code, and the literals. */
		{ KERNEL(pss, stub), stubs, pss_code + at[CODE_LITERALS].pss, unseen },
		{ KERNEL(pss_code, stub), stubs, pss_code, unseen },
		{ KERNEL(pss_literals, stub), stubs, at[CODE_LITERALS].pss, unseen },
		/* Each view alone: the two must not be added up. */
		{ KERNEL(rss_code, stub), stubs, at[CODE_STUBS].rss, unseen },
		{ KERNEL(rss_alias, stub), stubs, alias[CODE_STUBS].rss,
		  doubled ? unseen : "code has one view under this policy" },
		{ KERNEL(mappings, stub), stubs, mappings, unseen },
		{ KERNEL(pss_modules, process), 1, pss_modules, unseen },
		{ KERNEL(process_mappings, process), 1, v.mappings, unseen },
		{ KERNEL(mappings_limit, process), 1, v.mappings_limit,
		  v.mappings_limit ? NULL : "/proc/sys/vm/max_map_count can't be read" },
		{ KERNEL(minor_faults, process), 1, faults, NULL },
		/* Touched pages of stub code; more than one for each entry of the first-level ITLB
		 * (its size is CPUID's) exceeds its reach. */
		{ KERNEL(code_pages, stub), stubs, pages, unseen },
		{ KERNEL(itlb_reach, itlb_entry), itlb.entries, pages, no_itlb ? no_itlb : unseen },
		{ KERNEL(transparent, process), 1, at[CODE_STUBS].transparent, unseen },
		{ KERNEL(hugetlb, process), 1, at[CODE_STUBS].hugetlb, unseen },
	};
	/* The last two say what quanta of 2 MiB got; no others ask for such pages. */
	for (size_t i = 0; i < sizeof(table) / sizeof(*table) - (large ? 0 : 2); i++) {
		const struct space_figure *f = &table[i];
		if (f->missing)
			figure_missing(figures, f->name, f->missing);
		else
			figure_one(figures, f->name, f->per, f->value);
	}
	return 0;
}
