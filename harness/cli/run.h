/* run.h - a plan that options made, run in memory or into a file, and shown at once:
 * what `run` and `peers` share. */
#ifndef STUBMAP_CLI_RUN_H
#define STUBMAP_CLI_RUN_H

#include "cli/options.h"
#include "runs/plan.h"

struct quick_options {
	const char *command;  /* "stubmap run": begins lines on stderr */
	bool counters, peers; /* peers: the table is that of peers alone (report.h) */
	struct option_forms forms;
	uint64_t blocks, iterations, seed, timeout, seconds; /* the first three are the plan's */
	double precision;
	const char *output; /* NULL: the run is not kept */
};

/* The command's exit status. */
int quick_run(const struct quick_options *, const struct plan *);

#endif
