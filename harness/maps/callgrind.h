/*
 * callgrind.h - counts the instructions of lookups without a PMU: runs this program again under
 * valgrind's callgrind, as `stubmap lookups FILE`, where it only does the lookups of a file.
 */
#ifndef STUBMAP_MAPS_CALLGRIND_H
#define STUBMAP_MAPS_CALLGRIND_H

#include "maps/region.h"
#include "meters/valgrind.h"

enum { CALLGRIND_ERROR = VALGRIND_ERROR };

/* counts[i] becomes the instructions per lookup of regions[i], whose ops must be in
 * map_encoders[]. program NULL: this program. 0, or -errno with one line in error: -ENOENT (no
 * valgrind here), -EIO, -ENOMEM. */
int maps_callgrind(const struct maps_region *regions, size_t n, const char *program, double *counts,
		   char error[CALLGRIND_ERROR]);

/* The command `lookups` (not for people): the process that callgrind counts.
 * Returns its exit status. */
int maps_lookups_main(int argc, char **argv);

#endif
