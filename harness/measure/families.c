/* families.c - measures a job by the function of its family (runs/family.h has the rows). */
#include "measure/families.h"

#include <stdio.h>

const struct family_measure families[FAMILIES] = {
#define ROW(id, name, life, keys, traced, measure, no_snapshot, view) \
	[FAMILY_##id] = { measure, no_snapshot },
	FAMILY_ROWS(ROW)
#undef ROW
};

enum measure_status measure_job(const struct job *job, json_t *figures, char why[CELL_ERROR])
{
	struct setup setup;

	if (setup_of(&job->cell, &setup, why))
		return MEASURE_REFUSED;
	const struct family_measure *f = &families[setup.family];
	if (job->snapshot && f->no_snapshot) {
		snprintf(why, CELL_ERROR, "workload %s %s", job->cell.workload, f->no_snapshot);
		return MEASURE_REFUSED;
	}
	if (job->snapshot && setup.peer) {
		snprintf(why, CELL_ERROR, "%s: its stubs are a library's, which no snapshot has",
			 job->cell.stubs);
		return MEASURE_REFUSED;
	}
	return f->measure(job, &setup, figures, why);
}
