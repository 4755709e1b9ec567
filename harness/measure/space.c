/* space.c - the kernel's view of code memory as figures. */
#include "measure/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sort.h"
#include "meters/memory.h"
#include "meters/tlb.h"
#include "runs/figures.h"

struct space_figure {
	struct figure_name name;
	uint64_t per, value;
	const char *missing; /* why it can't be had, or NULL */
};

#define KERNEL(event, unit) FIGURE_NAME(space, event, unit, "kernel")

int measure_space(const struct code_memory *code, const char *elsewhere, uint64_t stubs,
		  uint64_t faults_before, json_t *figures, char why[METERS_ERROR])
{
	char error[METERS_ERROR] = "";
	struct memory_view v;
	uint64_t faults = meters_minor_faults() - faults_before; /* reading smaps makes some */
	int status = meters_memory(code, &v, error);
	const char *unseen = status ? error : NULL, *gone = elsewhere ? elsewhere : unseen;

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
		{ KERNEL(pss, stub), stubs, pss_code + at[CODE_LITERALS].pss, gone },
		{ KERNEL(pss_code, stub), stubs, pss_code, gone },
		{ KERNEL(pss_literals, stub), stubs, at[CODE_LITERALS].pss, gone },
		/* Each view alone: the two must not be added up. */
		{ KERNEL(rss_code, stub), stubs, at[CODE_STUBS].rss, gone },
		{ KERNEL(rss_alias, stub), stubs, alias[CODE_STUBS].rss,
		  doubled ? gone : "code has one view under this policy" },
		{ KERNEL(mappings, stub), stubs, mappings, gone },
		{ KERNEL(pss_modules, process), 1, pss_modules, unseen },
		{ KERNEL(process_mappings, process), 1, v.mappings, unseen },
		{ KERNEL(mappings_limit, process), 1, v.mappings_limit,
		  v.mappings_limit ? NULL : "/proc/sys/vm/max_map_count can't be read" },
		{ KERNEL(minor_faults, process), 1, faults, NULL },
		/* Touched pages of stub code; more than one for each entry of the first-level ITLB
		 * (its size is CPUID's) exceeds its reach. */
		{ KERNEL(code_pages, stub), stubs, pages, gone },
		{ KERNEL(itlb_reach, itlb_entry), itlb.entries, pages,
		  elsewhere ? elsewhere
		  : no_itlb ? no_itlb
			    : unseen },
		{ KERNEL(transparent, process), 1, at[CODE_STUBS].transparent, unseen },
		{ KERNEL(hugetlb, process), 1, at[CODE_STUBS].hugetlb, unseen },
	};
	/* The last two figures show the pages that quanta of 2 MiB got;
	 * other quanta ask for none. */
	for (size_t i = 0; i < sizeof(table) / sizeof(*table) - (large ? 0 : 2); i++) {
		const struct space_figure *f = &table[i];
		if (f->missing)
			figure_missing(figures, f->name, f->missing);
		else
			figure_one(figures, f->name, f->per, f->value);
	}
	return 0;
}

/* Bytes between neighbours, the median; 0: there are not two, or they share their code. */
static uint64_t stride_of(const struct stub_callee *callees, size_t n)
{
	uint64_t *at = malloc((n + 1) * sizeof *at), stride = 0;

	for (size_t i = 0; at && i < n; i++)
		at[i] = (uint64_t)(uintptr_t)callees[i].code;
	if (at && n > 1) {
		sort_u64(at, n);
		for (size_t i = 0; i + 1 < n; i++)
			at[i] = at[i + 1] - at[i];
		sort_u64(at, n - 1);
		stride = at[(n - 1) / 2];
	}
	free(at);
	return stride;
}

void measure_growth(const struct growth_mark *mark, const struct stub_callee *callees, size_t n,
		    bool direct, json_t *figures)
{
	char error[METERS_ERROR];
	struct growth g;

	/* A library may have written the stubs through another view of their pages. */
	for (size_t i = 0; i < n && !direct; i++)
		(void)*(const volatile uint8_t *)callees[i].code;
	const char *unseen = growth_since(mark, &g, error) ? error : NULL;
	const uint64_t stride = stride_of(callees, n);
	const struct space_figure table[] = {
		{ KERNEL(grown, stub), n, (uint64_t)(g.code + g.data), unseen },
		{ KERNEL(grown_code, stub), n, (uint64_t)g.code, unseen },
		{ KERNEL(grown_files, process), 1, (uint64_t)g.files, unseen },
		{ KERNEL(grown_mappings, process), 1, (uint64_t)g.mappings, unseen },
		{ KERNEL(writable_code, process), 1, (uint64_t)g.writable_code, unseen },
		{ FIGURE_NAME(space, stride, stub, "count"), 1, stride,
		  direct    ? "there are no stubs"
		  : n < 2   ? "it takes two stubs"
		  : !stride ? "most stubs share their code"
			    : NULL },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].missing)
			figure_missing(figures, table[i].name, table[i].missing);
		else
			figure_one(figures, table[i].name, table[i].per, table[i].value);
}
