/* adaptive.h - the adaptive reference (reference.h). */
#ifndef STUBMAP_MAPS_ADAPTIVE_H
#define STUBMAP_MAPS_ADAPTIVE_H

#include "maps/numbered.h"

/* Bytes of the steps from pc to pc, of the maps' numbers, and of the
 * distinct maps. 0 or -ENOMEM. */
int adaptive_of(const struct numbered *, double *steps, double *ids, double *maps);

#endif
