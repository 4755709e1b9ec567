/*
 * trial.h - the runs on which claims are tested: of one plan, of one machine or of several.
 *
 * A run counts if it was accepted (accept.h). Runs of a machine lie together; a machine is known by
 * its processor and its number of cores, and called by the folder of its runs.
 */
#ifndef STUBMAP_ANALYSIS_TRIAL_H
#define STUBMAP_ANALYSIS_TRIAL_H

#include "analysis/accept.h"
#include "analysis/rows.h"

struct trial_run {
	const char *path; /* the caller's */
	struct run run;
	struct census census;
	struct acceptance acceptance;
	size_t machine;
	json_int_t seed;
};

enum { MACHINE_NAME = 64 };

struct trial {
	struct trial_run *runs; /* by machine, in the order in which they were named */
	size_t n;
	char (*machines)[MACHINE_NAME];
	size_t nmachines;
	const char *plan; /* its name, in the first run */
};

/* 0; -EINVAL, -ENOMEM or -errno with a line in error: a run can't be read, is there twice, is of
 * another plan than the first, or of several programs or machines. */
int trial_load(struct trial *, char *const *paths, size_t n, char error[RUN_ERROR]);
void trial_free(struct trial *);
/* Whether two fingerprints are of one machine, or of two that are alike. */
bool trial_same_machine(const json_t *, const json_t *);

#endif
