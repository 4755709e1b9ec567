/* predict.h - compares the model with a run's times. */
#ifndef STUBMAP_ANALYSIS_PREDICT_H
#define STUBMAP_ANALYSIS_PREDICT_H

#include "model/simulate.h"

/* Prints to stdout Spearman's rho between modelled L1I misses and measured ns per call, over arms
 * and live stubs of ring in a run, and the knee of each arm in both. Returns the command's exit
 * status. machine NULL: the run's own caches. */
int model_check_prediction(const struct simulate_paths *, const char *run,
			   const struct machine *machine, unsigned workers, bool json);

/* -1..1; NAN if one side is all equal, or without memory. */
double model_rank_correlation(const double *x, const double *y, size_t n);

#endif
