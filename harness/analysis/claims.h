/*
 * claims.h - sentences that runs can refute. Each is a row of a claims file:
 *
 *   {"id": "conflict", "text": "...", "phase": "steady", "event": "ns",
 *    "of": {cell}, "to": {cell}, "above": 3}          the ratio of two cells of the same blocks
 *   {..., "of": {cell}, "below": 64}                  or one cell's value
 *   {..., "above": 0.9, "below": 1.1}                 with both bounds: about the same
 *
 * perhaps of an arm that was changed:
 *
 *    "since": "2026-12-01T11:30"                      a run that began before tells nothing
 *
 * and what the ledger (scripts/ledger) holds of it:
 *
 *    "added": "2026-11-21", "written": "before" | "beside" | "after" the first data that test it,
 *    "sort": "predicted" | "fitted" | "tautological" (it holds by construction: no finding),
 *    "formerly": [older ids],
 *    "superseded": {"by": id or null, "when": date, "why": text, "last": its verdict then}
 *
 * holds: the whole 95 % interval lies within the bounds; refuted: none of it does; open: the runs
 * can't tell. A refuted claim is a result like any other, and stays in the file; so does a claim
 * that another one superseded.
 */
#ifndef STUBMAP_ANALYSIS_CLAIMS_H
#define STUBMAP_ANALYSIS_CLAIMS_H

#include "analysis/trial.h"

struct claim {
	const char *id, *text;
	struct figure_id figure;
	struct cell of, to;
	bool ratio;
	double above, below;
	const char *since;		    /* NULL: any run tells */
	const char *written, *sort, *added; /* NULL: the file does not say */
	bool superseded;
	const char *by, *when, *why, *last; /* of a superseded one; by may be NULL */
};

struct claims {
	json_t *json;
	struct claim *list;
	size_t n;
};

/* 0, or -EINVAL, -ENOMEM, -errno with a line in error. */
int claims_load(const char *path, struct claims *, char error[RUN_ERROR]);
void claims_free(struct claims *);
/* The claims file of a plan, claims-NAME.json in this program's tree:
 * 0, or -ENOENT, -ENAMETOOLONG. */
int claims_path(const char *plan, char *out, size_t size);

enum verdict { HOLDS, REFUTED, OPEN, NO_DATA };
extern const char *const verdicts[];

/* What one run says. */
struct judgement {
	struct estimate e;
	enum verdict verdict;
};

/* Several runs give a verdict if at least this many runs that count, each with a time and a seed of
 * its own, agree, and none of them says the contrary. */
enum { CLAIM_AGREE = 3 };

/* What the runs of one machine say. */
struct finding {
	struct judgement pooled; /* over the runs that count; if none does, over all of them */
	bool headline;		 /* CLAIM_AGREE of them agree with it */
	bool disagree;		 /* one run says holds, another refuted */
	size_t runs, counted;	 /* with data; of these, how many count */
	size_t agree;		 /* runs that say the same when taken alone */
	/* Of a ratio: the chance of a value at least as far from the nearer bound, if it lay on the
	 * bound; and the same corrected for the number of claims, open ones among them
	 * (claims_correct). NaN: of no ratio, or without an interval. */
	double chance, holm;
};

/* Fills each[trial->n], and found[trial->nmachines]. 0 or -ENOMEM. */
int claim_test(const struct claim *, const struct trial *, struct judgement *each,
	       struct finding *found);
/* Sets holm of n findings, of one family. 0 or -ENOMEM. */
int claims_correct(struct finding *, size_t n);
/* How far the machines and the runs differ: 0 if some contradict others, 1 if some can't tell,
 * 2 if all say the same. */
int claim_discord(const struct finding *found, size_t nmachines);
/* The verdict alone for a headline, else with the number of runs: "holds, 1 run", "open, 3 runs",
 * "holds, 2 of 3 runs", "open, 3 runs disagree"; returns out. */
char *claim_say(const struct finding *, char *out, size_t size);

#endif
