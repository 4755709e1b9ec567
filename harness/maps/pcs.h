/*
 * pcs.h - the pcs that are looked up, drawn from a seed, so that times, lines and instructions are
 * those of the same lookups.
 */
#ifndef STUBMAP_MAPS_PCS_H
#define STUBMAP_MAPS_PCS_H

#include <stubmap/map.h>

enum maps_class {
	MAPS_LIVE,	  /* safepoints with live places */
	MAPS_EMPTY_POINT, /* safepoints without: a walk meets them, too */
	MAPS_BOGUS,	  /* pcs within the text that are not safepoints */
	MAPS_CLASSES
};
extern const char *const maps_class_names[MAPS_CLASSES];

/* MAPS_PCS of each class are timed; the first MAPS_COUNTED of them are counted. */
enum { MAPS_PCS = 1 << 15, MAPS_COUNTED = 4096 };

struct maps_pcs {
	uint32_t *of[MAPS_CLASSES]; /* MAPS_PCS of each; NULL: there are none */
	const char *why[MAPS_CLASSES];
};

/* points ascend; bogus pcs are drawn from 0..text_bytes. 0 or -ENOMEM. */
int maps_pcs_draw(const struct safepoint *points, size_t npoints, uint32_t text_bytes,
		  uint64_t seed, struct maps_pcs *out);
void maps_pcs_free(struct maps_pcs *);

#endif
