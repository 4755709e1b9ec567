/* families.h - how the cells of each family of workloads are measured. */
#ifndef STUBMAP_MEASURE_FAMILIES_H
#define STUBMAP_MEASURE_FAMILIES_H

#include "measure/phases.h"

struct family_measure {
	measure_hook *measure;
	const char *no_snapshot; /* why its cells have no snapshot; NULL: they have */
};

extern const struct family_measure families[FAMILIES];

/* Does a whole job: resolves its cell and measures it by its family's hook. Errors as a
 * measure_hook's. */
enum measure_status measure_job(const struct job *, json_t *figures, char why[CELL_ERROR]);

#endif
