/*
 * spilled.h - a corpus' safepoints for formats without registers.
 */
#ifndef STUBMAP_TEST_SPILLED_H
#define STUBMAP_TEST_SPILLED_H

#include <stdlib.h>

#include "corpora/import.h"

/* The safepoints with registers moved to the save area; *places to be freed, too. NULL: no memory,
 * or one has no room. */
static inline struct safepoint *spilled(const struct corpus *c, uint32_t **places)
{
	struct safepoint *points = calloc(c->nsafepoints, sizeof *points);
	size_t n = 0;

	for (uint32_t i = 0; i < c->nsafepoints; i++)
		n += c->safepoints[i].nlive;
	*places = calloc(n + 1, sizeof **places);
	n = 0;
	for (uint32_t i = 0; points && *places && i < c->nsafepoints; i++) {
		if (safepoint_spill_registers(&c->safepoints[i], &points[i], *places + n))
			return NULL;
		n += points[i].nlive;
	}
	return *places ? points : NULL;
}

#endif
