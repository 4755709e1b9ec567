/* fault_report.h - the results of faults of the producer: tables, rows, a figure's data. */
#ifndef STUBMAP_CLI_FAULT_REPORT_H
#define STUBMAP_CLI_FAULT_REPORT_H

#include <stdio.h>

#include "gc/faults.h"

/* One program under one encoder with the faults of one kind (GC_FAULT_NONE: with none). */
struct fault_row {
	struct gc_task task;
	struct fault_count count;
	bool skipped; /* it fails without a fault: the effect of one can't be told */
	/* GC_FAULT_NONE only: */
	char why[GC_ERROR]; /* the failure, or "" */
	bool finished;	    /* a second run, without comparing, ended */
	uint64_t bad_roots; /* if finished: named places that held no reference */
	int64_t dead;	    /* if finished: objects moved beyond those that exact moves */
};

/* 0 or -ENOMEM. */
int fault_report_tables(FILE *out, const struct fault_row *rows, size_t n);
/* Columns: fault, encoder, unsafe (0, 1), programs, of them skipped, room, runs, the outcomes. */
void fault_report_tsv(FILE *out, const struct fault_row *rows, size_t n);
/* One object a row. 0 or -ENOMEM. */
int fault_report_json(FILE *out, const struct fault_row *rows, size_t n);

#endif
