/* rounds.c - scenario_run computes the right answer, in plain C without a stub. */
#include <stdio.h>

#include "calls/rounds.h"

void rounds_zero(struct world *w)
{
	w->state.x = (uint32_t)w->job->seed;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		w->instances[i].head.accumulator = 0;
}

void rounds_run(struct world *w, uint64_t rounds)
{
	w->state.rounds = rounds;
	w->round(&w->state);
}

int rounds_check(struct world *w, const struct scenario *s, uint32_t version, uint64_t rounds)
{
	uint32_t acc[SCENARIO_INSTANCES] = { 0 };
	uint32_t x = scenario_run(s, version, rounds, (uint32_t)w->job->seed, acc);
	bool good = x == w->state.x && !w->host->raised;

	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		good &= acc[i] == w->instances[i].head.accumulator;
	if (good)
		return 0;
	snprintf(
	    w->why, CELL_ERROR,
	    "%s: wrong answer after %llu rounds of version %u: %08x, expected %08x; %llu raised",
	    w->job->cell.stubs, (unsigned long long)rounds, version, w->state.x, x,
	    (unsigned long long)w->host->raised);
	return -1;
}
