/*
 * life.c - the scenarios of stubs' lives: a ring's or a trace's population, crossed one event at a
 * time, so that each call's answer can be told from every other's.
 */
#include "scenario.h"

int life_open(const struct workload *w, const struct workload_params *params, struct scenario *s,
	      char error[WORKLOAD_ERROR])
{
	int e = (w->trace ? replay_open : ring_open)(w, params, s, error);

	if (!e)
		s->shape = SCENARIO_DISPATCH;
	return e;
}
