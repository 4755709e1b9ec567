/* fault_report.h - what faults of the producer led to: tables, rows, a figure's data. */
#ifndef STUBMAP_GC_FAULT_REPORT_H
#define STUBMAP_GC_FAULT_REPORT_H

#include <stdio.h>

#include "gc/faults.h"

/* One program under one encoder with the faults of one kind; of GC_FAULT_NONE, with none. */
struct fault_row {
	struct gc_job job;
	struct fault_count count;
	bool skipped; /* fails without a fault: what a fault adds could not be told */
	/* GC_FAULT_NONE only: */
	char why[GC_ERROR]; /* what was wrong; "" */
	bool finished;	    /* the same run, but nothing compared: the collector went on */
	uint64_t bad_roots; /* in it, if it finished: places handed over that held no reference */
	int64_t dead; /* in it, if it finished: objects moved beyond those that exact has moved */
};

/* 0 or -ENOMEM. */
int fault_report_tables(FILE *out, const struct fault_row *rows, size_t n);
/* Columns: fault, encoder, unsafe (0, 1), programs, of them skipped, room, runs, the outcomes. */
void fault_report_tsv(FILE *out, const struct fault_row *rows, size_t n);
/* One object a row. 0 or -ENOMEM. */
int fault_report_json(FILE *out, const struct fault_row *rows, size_t n);

#endif
