/* lives.h - data of the figures of stubs' lives. */
#ifndef STUBMAP_ANALYSIS_LIVES_H
#define STUBMAP_ANALYSIS_LIVES_H

#include "analysis/report.h"

/* REPORT_TSV_TIERUP, _FLOODS, _CHURN. 0 or -errno. */
int life_tsv(FILE *out, const struct run *, enum report_form);

#endif
