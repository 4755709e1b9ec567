/*
 * life.c - the scenarios of stubs' lives: a ring's or a trace's population, crossed one event at a
 * time, so that each call's answer is different from every other's.
 */
#include <errno.h>
#include <stdio.h>

#include "churn.h"
#include "scenario.h"

/* Checks that a churn's log can be read; its reader opens it again. */
static int check_log(const struct workload *w, const char *data, char error[WORKLOAD_ERROR])
{
	struct churn log;
	char path[4096];

	snprintf(path, sizeof path, "%s/churn/%s.churn.zst", data, w->trace);
	int e = churn_read(path, &log, error);
	if (!e)
		churn_free(&log);
	return e;
}

int life_open(const struct workload *w, const struct workload_params *params, struct scenario *s,
	      char error[WORKLOAD_ERROR])
{
	const bool churn = w->life == LIFE_CHURN;
	int e = w->trace && churn ? check_log(w, params->data, error) : 0;

	if (!e)
		e = (w->trace && !churn ? replay_open : ring_open)(w, params, s, error);
	if (!e)
		s->shape = SCENARIO_DISPATCH;
	return e;
}
