/*
 * callgrind.h - instructions of lookups where no PMU counts them: this program once more under
 * valgrind's callgrind, as `stubmap lookups FILE`, with nothing to do but the lookups of a file.
 */
#ifndef STUBMAP_MAPS_CALLGRIND_H
#define STUBMAP_MAPS_CALLGRIND_H

#include "maps/region.h"
#include "meters/valgrind.h"

enum { CALLGRIND_ERROR = VALGRIND_ERROR };

/* counts[i]: instructions per lookup of regions[i], whose ops are in map_encoders[]. program: NULL:
 * this one. 0, or -errno with one line in error: -ENOENT (no valgrind here), -EIO, -ENOMEM. */
int map_callgrind(const struct map_region *regions, size_t n, const char *program, double *counts,
		  char error[CALLGRIND_ERROR]);

/* The command `lookups` (not for people): the process that callgrind counts. Returns its exit
 * status. */
int map_lookups_main(int argc, char **argv);

#endif
