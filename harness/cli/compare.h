/* compare.h - what `stubmap compare` shows, of runs and of records of stack maps. */
#ifndef STUBMAP_CLI_COMPARE_H
#define STUBMAP_CLI_COMPARE_H

#include "analysis/comparison.h"
#include "cli/options.h"

struct compare_options {
	bool every;
	struct option_forms forms;
	double above; /* < 0: none */
	bool unlike;  /* the sides are of machines that are not alike */
	size_t runs_a, runs_b;
};

/* Prints what changed, and a sentence. The command's exit status. */
int compare_show(const struct comparisons *, const struct compare_options *);

/* Compares records of stack maps; machines and numbers of runs are filled in.
 * The command's exit status. */
int compare_maps(char **a, size_t na, char **b, size_t nb, struct compare_options *);

#endif
