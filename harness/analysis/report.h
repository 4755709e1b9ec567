/* report.h - a run as a table, as tidy rows, or as a plot's data. */
#ifndef STUBMAP_ANALYSIS_REPORT_H
#define STUBMAP_ANALYSIS_REPORT_H

#include <stdio.h>

#include "base/table.h"
#include "runs/figures.h"
#include "runs/store.h"

enum report_form {
	REPORT_TABLE,	     /* at most 100 columns; one row for each arm, by groups */
	REPORT_MARKDOWN,     /* the same */
	REPORT_HTML,	     /* the same, a part of a page */
	REPORT_JSON,	     /* one object a line: every figure of every cell */
	REPORT_CSV,	     /* the same, a column for each key */
	REPORT_TSV_RING,     /* scripts/ring.gp, above */
	REPORT_TSV_MAKE,     /* scripts/make_cost.gp */
	REPORT_TSV_PAGES,    /* scripts/page_use.gp */
	REPORT_TSV_FILLS,    /* scripts/ring.gp, below */
	REPORT_TSV_PEERS,    /* scripts/peers.gp */
	REPORT_TSV_TRACES,   /* a call of each trace, for a table */
	REPORT_TSV_POLICIES, /* scripts/policies.gp */
	REPORT_TSV_TIERUP,   /* scripts/tierup.gp */
	REPORT_TSV_FLOODS,   /* scripts/floods.gp */
	REPORT_TSV_CHURN,    /* scripts/churn.gp */
	REPORT_TSV_MAPPINGS, /* scripts/mappings.gp */
	REPORT_TSV_STALLS,   /* scripts/tierup.gp: one line an invocation */
	REPORT_FORMS
};
/* "ring", "make", ..., NULL; from REPORT_TSV_RING on. */
extern const char *const report_tsv_names[];

struct report_options {
	enum report_form form;
	bool peers; /* of tables, that of peers alone */
};

/*
 * An object of REPORT_JSON has stubs, maps, workload, live, kind, wx, quantum, phase, event, unit,
 * source, n, median, low, high, baseline, ratio, ratio_low, ratio_high, p, p_holm, detectable, note
 * (p: of no difference; p_holm: the same, corrected for all ratios of this figure that one table
 * shows; detectable: the least difference that would have been found); and the other keys
 * that tell cells apart: signature, literals, markers, policy, generic, tier, max_events, replica.
 * Null: it does not apply, or can't be had, and note says why. A cell that failed in all
 * invocations has a row with phase null. 0 or -errno.
 */
int report_summary(FILE *out, const struct run *run, const struct report_options *options);

/* The sentences that the tables end in, a line each, without the tables. 0 or -errno. */
int report_sentences(FILE *out, const struct run *run);

/* The number of failed invocations. */
size_t report_failures(const struct run *run);

/* ---- Parts of it: plots.c, lives.c, policies.c ---------------------------------------------- */

struct rows;

/* REPORT_TSV_RING, _MAKE, _PAGES, _FILLS, _PEERS, _TRACES. 0 or -errno. */
int plot_tsv(FILE *out, const struct run *, enum report_form);
/* REPORT_TSV_TIERUP, _FLOODS, _CHURN, _MAPPINGS, _STALLS. 0 or -errno. */
int life_tsv(FILE *out, const struct run *, enum report_form);

/* Prints the table of a run's peers, or nothing if it has none; rows_make must have been asked for
 * peer_figures. alone: no table stands above it. 0 or -ENOMEM. */
int peer_table(FILE *out, const struct rows *rows, enum table_form, bool alone);

/* Results of phase "cold" (measure/cold.c): policies of making stubs; rows_make must have been
 * asked for policy_figures (views.h).
 *
 * Prints a table of the replays whose group has a deferred arm; nothing if there is
 * none. 0 or -ENOMEM. */
int policy_table(FILE *out, const struct rows *rows, enum table_form);
/* Prints the data of scripts/policies.gp: one line for each cell, with its names, then value, low,
 * high of each figure of the phase. 0 or -errno. */
int policy_tsv(FILE *out, const struct run *run);

#endif
