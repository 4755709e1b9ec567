/* families.c - the table with one row for each family of workloads (family.h). */
#include "measure/families.h"

#include <stdio.h>

static const char no_steady[] = "has no steady state to take";
static const char no_calls[] = "makes no calls that a snapshot could hold";

const struct family_measure families[FAMILIES] = {
	[FAMILY_CALLS] = { measure_calls, NULL },
	[FAMILY_TIERUP] = { measure_tierup, no_steady },
	[FAMILY_FLOOD] = { measure_flood, no_steady },
	[FAMILY_CHURN] = { measure_churn, no_steady },
	[FAMILY_GC] = { measure_gc, no_calls },
	[FAMILY_WASM] = { measure_wasm, no_calls },
	[FAMILY_WASM_FLOOD] = { measure_wasm_flood, no_calls },
	/* FAMILY_UNKNOWN has no row: setup_of refuses it. */
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
