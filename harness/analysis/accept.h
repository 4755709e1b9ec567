/*
 * accept.h - whether a run kept what its plan demanded of it before it began ("accept", plan.h).
 *
 * A run that broke its rule is stored all the same, and marked: nobody should run a plan again
 * until a run comes out calm. A run whose plan demanded nothing is not accepted either: its readers
 * could still choose the rule.
 *
 * A rule demands besides that all blocks of the plan are there, and no more.
 *
 *   load    the median over the invocations of the load average of a minute, in
 *           processes. The measured process is in it: an idle machine shows about 1, and
 *           more under several callers
 *   steal   the time that the hypervisor took from all CPUs, in percent of the time
 *           that the invocations took
 *   shared  how many of the samples were kept although something else ran on the core, in percent
 *   aa      the median over the groups of the noise: by how many percent the baseline's interval
 *           against its own replica reaches beyond 1, in the first figure that a table shows
 */
#ifndef STUBMAP_ANALYSIS_ACCEPT_H
#define STUBMAP_ANALYSIS_ACCEPT_H

#include "analysis/census.h"

enum acceptance_state { RUN_ACCEPTED, RUN_MARKED, RUN_WITHOUT_RULE };

struct acceptance {
	enum acceptance_state state;
	double load, steal, shared, aa; /* NAN: not to be had */
	char why[200];			/* the limits that it broke; "" of an accepted run */
};

/* 0 or -errno. A rule on a value that the run does not record is broken. */
int accept_judge(const struct run *, struct acceptance *);
/* "accepted: load 1.02, steal 0.1 %, A/A 3.2 %"; returns out. */
char *accept_format(const struct acceptance *, char *out, size_t size);

#endif
