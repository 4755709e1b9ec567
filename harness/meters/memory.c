/*
 * memory.c - reads /proc/self/smaps in one pass: a line with addresses begins a mapping,
 * and the lines of names and kilobytes below belong to it. The kernel rounds each figure
 * down to 1 KiB a mapping. Reading costs a walk of the page tables of every mapping, so it
 * is never done in a timed phase.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "meters/memory.h"
#include "base/procfs.h"
#include "base/stamp.h"
#include "base/sort.h"

enum { RANGES = 2 * CODE_AREAS, PROBES = 1000 };

struct range {
	uintptr_t from, to;
	struct range_view *view;
};

static void ranges_of(const struct code_memory *code, struct memory_view *out,
		      struct range ranges[RANGES])
{
	for (int i = 0; i < CODE_AREAS; i++) {
		struct range *r = &ranges[i], *a = &ranges[CODE_AREAS + i];
		code_range(code, (enum code_area)i, &r->from, &r->to);
		r->view = &out->areas[i];
		code_range_alias(code, (enum code_area)i, &a->from, &a->to);
		a->view = &out->alias[i];
	}
}

/* The range that a mapping lies in, or NULL; *edge is set if it is neither wholly in nor out. */
static struct range_view *view_of(const struct range ranges[RANGES], uintptr_t from, uintptr_t to,
				  bool *edge)
{
	for (int i = 0; i < RANGES; i++) {
		if (to <= ranges[i].from || from >= ranges[i].to)
			continue;
		*edge = from < ranges[i].from || to > ranges[i].to;
		return ranges[i].view;
	}
	return NULL;
}

/* The kernel leaves pages of hugetlb out of Rss and Pss. One that several mappings show is a page
 * of both views of CODE_DUAL. */
static void add(struct range_view *view, const char *name, uint64_t bytes)
{
	bool shared = !strcmp(name, "Shared_Hugetlb"), hugetlb = strstr(name, "_Hugetlb");
	bool transparent = !strcmp(name, "AnonHugePages") || !strcmp(name, "ShmemPmdMapped");

	view->rss += !strcmp(name, "Rss") || hugetlb ? bytes : 0;
	view->pss += shared ? bytes / 2 : !strcmp(name, "Pss") || hugetlb ? bytes : 0;
	view->hugetlb += hugetlb ? bytes : 0;
	view->transparent += transparent ? bytes : 0;
}

static int read_mappings(FILE *f, const struct range ranges[RANGES], struct memory_view *out,
			 char error[METERS_ERROR])
{
	struct range_view *view = NULL;
	char *line = NULL, name[32];
	size_t size = 0;
	struct procfs_mapping m = { 0 };
	uint64_t bytes;
	bool edge = false;
	int status = 0;

	while (!edge && getline(&line, &size, f) > 0) {
		if (procfs_mapping(line, &m)) {
			view = view_of(ranges, m.from, m.to, &edge);
			/* The kernel's own page is listed for every process, but
			 * is no mapping of theirs. */
			out->mappings += strncmp(m.name, "[vsyscall]", 10) != 0;
			if (view)
				view->mappings++;
		} else if (view && procfs_bytes(line, name, &bytes)) {
			add(view, name, bytes);
		}
	}
	if (edge) {
		snprintf(error, METERS_ERROR,
			 "mapping %" PRIxPTR "-%" PRIxPTR " crosses an edge of code memory", m.from,
			 m.to);
		status = -ERANGE;
	} else if (ferror(f) || !out->mappings) {
		snprintf(error, METERS_ERROR, "/proc/self/smaps can't be read");
		status = -EIO;
	}
	free(line);
	return status;
}

static uint64_t mappings_limit(void)
{
	int64_t limit = 0;

	procfs_number("/proc/sys/vm/max_map_count", 0, &limit);
	return (uint64_t)limit;
}

int meters_memory(const struct code_memory *code, struct memory_view *out, char error[METERS_ERROR])
{
	struct range ranges[RANGES];

	memset(out, 0, sizeof(*out));
	ranges_of(code, out, ranges);
	out->mappings_limit = mappings_limit();
	FILE *f = fopen("/proc/self/smaps", "r");
	if (!f) {
		int status = -errno;
		snprintf(error, METERS_ERROR, "/proc/self/smaps: %s", strerror(-status));
		return status;
	}
	int status = read_mappings(f, ranges, out, error);
	fclose(f);
	return status;
}

uint64_t meters_minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

uint64_t meters_page_tables(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	uint64_t bytes, found = 0;
	char line[128], name[32];

	while (f && !found && fgets(line, sizeof line, f))
		if (procfs_bytes(line, name, &bytes) && !strcmp(name, "VmPTE"))
			found = bytes;
	if (f)
		fclose(f);
	return found;
}

/* ---- The probes' own cost ------------------------------------------------------------------- */

static uint64_t median(uint64_t samples[PROBES])
{
	sort_u64(samples, PROBES);
	return samples[PROBES / 2];
}

struct probe_cost meters_probe_cost(void)
{
	struct probe_cost cost;
	uint64_t samples[PROBES];

	for (int i = 0; i < PROBES; i++) {
		uint64_t start = clock_ns();
		samples[i] = clock_ns() - start;
	}
	cost.clock_ns = median(samples);
	for (int i = 0; i < PROBES; i++) {
		uint64_t start = tsc_begin();
		samples[i] = tsc_end() - start;
	}
	cost.tsc_ticks = median(samples);
	return cost;
}
