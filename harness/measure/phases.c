/* phases.c - opens and closes the world around the phases of a cell. */
#include "measure/phases.h"

#include <alloca.h>
#include <stdio.h>

#include "base/watch.h"

/* Moves the stack by 0..4080 bytes, which the strategy does not decide. */
static __attribute__((noinline)) int at_depth(size_t depth, struct world *w, struct counters *c,
					      json_t *figures, struct prng *rng,
					      world_phases *phases)
{
	volatile char *pad = alloca(depth + 16);

	pad[0] = 0;
	return phases(w, c, figures, rng);
}

static int open_counters(const struct job *job, struct counters **out, char *why)
{
	char error[COUNTERS_ERROR];

	if (!job->nmeters || !counters_open(out, job->meters, job->nmeters, NULL, error))
		return 0;
	snprintf(why, CELL_ERROR, "%.*s", CELL_ERROR - 1, error);
	return -1;
}

enum measure_status measure_in_world(const struct job *job, const struct setup *setup,
				     json_t *figures, char why[CELL_ERROR], world_phases *phases)
{
	struct counters *counters = NULL;
	struct world w;
	struct prng rng;

	prng_seed(&rng, job->seed);
	enum measure_status status = world_open(&w, job, setup, &rng, why);
	if (status == MEASURE_OK && open_counters(job, &counters, why))
		status = MEASURE_REFUSED;
	const size_t depth = 16 * prng_below(&rng, 256);
	watch_phase("measuring");
	if (status == MEASURE_OK && at_depth(depth, &w, counters, figures, &rng, phases))
		status = MEASURE_FAILED;
	if (counters)
		counters_close(counters);
	world_close(&w);
	return status;
}
