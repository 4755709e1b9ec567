/*
 * pcs.h - the pcs that are looked up, drawn from a seed, so that times, lines and instructions are
 * those of the same lookups.
 */
#ifndef STUBMAP_MAPS_PCS_H
#define STUBMAP_MAPS_PCS_H

#include <stubmap/map.h>

enum map_class {
	MAP_LIVE,	 /* safepoints with live places */
	MAP_EMPTY_POINT, /* safepoints without: a walk meets them, too */
	MAP_BOGUS,	 /* pcs within the text that are not safepoints */
	MAP_CLASSES
};
extern const char *const map_class_names[MAP_CLASSES];

/* MAP_PCS of each class are timed; the first MAP_COUNTED of them are counted. */
enum { MAP_PCS = 1 << 15, MAP_COUNTED = 4096 };

struct map_pcs {
	uint32_t *of[MAP_CLASSES]; /* MAP_PCS of each; NULL: there are none */
	const char *why[MAP_CLASSES];
};

/* points ascend; bogus pcs are drawn from 0..text_bytes. 0 or -ENOMEM. */
int map_pcs_draw(const struct safepoint *points, size_t npoints, uint32_t text_bytes, uint64_t seed,
		 struct map_pcs *out);
void map_pcs_free(struct map_pcs *);

#endif
