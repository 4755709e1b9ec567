/*
 * count.c - counts regions by the PMU, or without one by callgrind.
 *
 * A region is repeated until it is long enough for the probe (counters_too_short); the smallest of
 * a few counts is kept, because interrupts can only add to a count of instructions in user mode.
 */
#include "maps/count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "maps/callgrind.h"

enum { COUNTS = 3, ATTEMPTS = 20, MOST_PASSES = 1 << 24 };

/* ---- The PMU ------------------------------------------------------------------------------- */

struct pmu {
	struct counters *set;
	const struct maps_answers *answers;
};

/* Counts several passes over a region between one start and stop:
 * instructions, and ns without the probe's. */
static int count_passes(const struct pmu *p, const struct maps_region *r, bool floor, size_t passes,
			uint64_t *value, uint64_t *ns)
{
	int rc = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && rc == -EAGAIN; i++) {
		uint64_t from = clock_ns();

		rc = counters_start(p->set);
		for (size_t k = 0; k < passes && !rc; k++)
			maps_region_run(r, p->answers, floor);
		if (!rc)
			rc = counters_stop(p->set, value);
		*ns = clock_ns() - from;
	}
	*ns -= *ns > p->set->probe_ns ? p->set->probe_ns : *ns;
	return rc;
}

/* Instructions of one pass. */
static int count_region(const struct pmu *p, const struct maps_region *r, bool floor, double *out)
{
	uint64_t value = 0, least = UINT64_MAX, ns, probe = p->set->counter[0].probe;
	size_t passes = 1;
	int rc;

	for (;;) {
		rc = count_passes(p, r, floor, passes, &value, &ns);
		if (rc || !counters_too_short(p->set, ns))
			break;
		if (passes == MOST_PASSES)
			return -ERANGE;
		passes *= 2;
	}
	for (int i = 0; i < COUNTS && !rc; i++) {
		rc = count_passes(p, r, floor, passes, &value, &ns);
		least = value < least ? value : least;
	}
	if (!rc && least <= probe)
		return -ERANGE;
	*out = (double)(least - probe) / (double)passes;
	return rc;
}

static int count_by_pmu(const struct maps_region *regions, size_t n, const struct maps_answers *a,
			const struct counters_options *options, double *counts, const char **source,
			char note[MAPS_COUNT_NOTE])
{
	static const char *const names[] = { "instructions" };
	struct pmu p = { .answers = a };
	char error[COUNTERS_ERROR];
	int rc = counters_open(&p.set, names, 1, options, error);

	if (rc) {
		snprintf(note, MAPS_COUNT_NOTE, "%s", error);
		return rc == -ENOMEM ? rc : -ENOTSUP;
	}
	const struct counter *c = &p.set->counter[0];
	if (!c->source) {
		snprintf(note, MAPS_COUNT_NOTE, "%s", c->why);
		rc = -ENOTSUP;
	}
	for (size_t i = 0; i < n && !rc; i++) {
		double all, floor;

		rc = count_region(&p, &regions[i], false, &all);
		if (!rc)
			rc = count_region(&p, &regions[i], true, &floor);
		if (!rc)
			counts[i] = maps_region_instructions(&regions[i], all, floor);
		else
			snprintf(note, MAPS_COUNT_NOTE,
				 "%s: region %zu was never counted in one piece", c->source, i);
	}
	if (!rc) {
		*source = c->source;
		snprintf(note, MAPS_COUNT_NOTE,
			 "user mode; the loop around the lookups and the probe's %llu taken off",
			 (unsigned long long)c->probe);
	}
	counters_close(p.set);
	return rc ? -ENOTSUP : 0;
}

/* ---- All means ----------------------------------------------------------------------------- */

int maps_count(const struct maps_region *regions, size_t n,
	       const struct maps_count_options *options, double *counts, const char **source,
	       char note[MAPS_COUNT_NOTE])
{
	static const struct maps_count_options none;
	struct maps_answers answers;
	char why[CALLGRIND_ERROR];
	size_t used;
	int rc = maps_answers_open(&answers, regions, n);

	*source = NULL;
	note[0] = 0;
	options = options ? options : &none;
	if (rc)
		return rc;
	rc = count_by_pmu(regions, n, &answers, &options->counters, counts, source, note);
	maps_answers_close(&answers);
	if (rc != -ENOTSUP)
		return rc;
	if (options->no_callgrind) {
		snprintf(why, sizeof why, "turned off");
	} else {
		rc = maps_callgrind(regions, n, options->program, counts, why);
		if (rc == -ENOMEM)
			return rc;
	}
	used = strlen(note);
	if (!rc) {
		*source = "callgrind";
		snprintf(note + used, MAPS_COUNT_NOTE - used,
			 "; so by valgrind's callgrind, in a process of its own");
		return 0;
	}
	snprintf(note + used, MAPS_COUNT_NOTE - used, "; callgrind: %s", why);
	return -ENOTSUP;
}
