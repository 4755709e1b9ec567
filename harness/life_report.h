/* life_report.h - data of the figures of stubs' lives. */
#ifndef STUBMAP_LIFE_REPORT_H
#define STUBMAP_LIFE_REPORT_H

#include "report.h"

/* REPORT_TSV_TIERUP, _FLOODS, _CHURN. 0 or -errno. */
int life_tsv(FILE *out, const struct run *, enum report_form);

#endif
