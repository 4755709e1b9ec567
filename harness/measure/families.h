/* families.h - how the cells of each family of workloads are measured. */
#ifndef STUBMAP_MEASURE_FAMILIES_H
#define STUBMAP_MEASURE_FAMILIES_H

#include "measure/phases.h"

struct family_measure {
	measure_hook *measure;
	const char *no_snapshot; /* why there is none of its cells; NULL: there is */
};

extern const struct family_measure families[FAMILIES];

/* The whole of a job: its cell resolved, then measured as its family is. As a measure_hook. */
enum measure_status measure_job(const struct job *, json_t *figures, char why[CELL_ERROR]);

#endif
