/*
 * simulation.h - invocations of which the truth is known, to hold the statistics to it.
 *
 * A value is 100 * exp(run + block + invocation + sample): effects of the logarithm. A
 * block's is shared by its arms, a run's differs from arm to arm (another boot moves each arm in
 * its own way), an invocation's has one of the forms below, a sample's is normal.
 */
#ifndef STUBMAP_TESTS_SIMULATION_H
#define STUBMAP_TESTS_SIMULATION_H

#include <math.h>
#include <stdlib.h>

#include "analysis/stats.h"
#include "base/prng.h"

enum form { LOGNORMAL, BIMODAL, SKEWED, HEAVY, DRIFTING, FORMS };
static const char *const form_names[] = { "lognormal", "bimodal", "skewed", "heavy tails",
					  "drifting" };

enum { SIM_ARMS = 3, SIM_SAMPLES = 9, SIM_MOST = 200 };
static const double sim_block = 0.1, sim_invocation = 0.05, sim_sample = 0.02;

/* Arm 0 is tested, 1 and 2 are the baseline and its replica. */
struct simulated {
	struct unit units[SIM_ARMS][SIM_MOST];
	double samples[SIM_ARMS][SIM_MOST][SIM_SAMPLES];
	size_t n; /* of each arm */
};

static double sim_normal(struct prng *p)
{
	double u = 1 - prng_unit(p), v = prng_unit(p);

	return sqrt(-2 * log(u)) * cos(2 * acos(-1) * v);
}

/* An invocation's own effect; walk: the machine's state, which goes on from one to the next. */
static double sim_effect(struct prng *p, enum form form, double *walk)
{
	double s = sim_invocation, sum = 0;

	switch (form) {
	case BIMODAL: /* 3 of 10 processes are slower, by 16 % */
		return (prng_unit(p) < 0.3 ? 3 * s : 0) + 0.2 * s * sim_normal(p);
	case SKEWED:
		return -s * log(1 - prng_unit(p));
	case HEAVY: /* Student's t with three degrees of freedom */
		for (int i = 0; i < 3; i++) {
			double z = sim_normal(p);
			sum += z * z / 3;
		}
		return s * sim_normal(p) / sqrt(sum);
	case DRIFTING:
		*walk += 0.5 * s * sim_normal(p) + 0.002;
		return *walk + 0.3 * s * sim_normal(p);
	default:
		return s * sim_normal(p);
	}
}

/* Runs of n blocks each; between: the spread of an arm's effect in a run. */
static inline void simulate(struct prng *p, enum form form, size_t runs, size_t n, double between,
			    struct simulated *out)
{
	out->n = 0;
	for (uint32_t run = 0; run < runs; run++) {
		double of_run[SIM_ARMS], walk = 0;
		of_run[0] = between * sim_normal(p);
		of_run[1] = of_run[2] = between * sim_normal(p); /* replicas are one arm */
		for (uint32_t block = 0; block < n; block++, out->n++) {
			double weather = sim_block * sim_normal(p);
			uint32_t first = prng_below(p, SIM_ARMS), step = 1 + prng_below(p, 2);
			for (uint32_t k = 0; k < SIM_ARMS; k++) {
				uint32_t arm = (first + k * step) % SIM_ARMS;
				double own = weather + of_run[arm] + sim_effect(p, form, &walk),
				       *s = out->samples[arm][out->n];
				for (int j = 0; j < SIM_SAMPLES; j++)
					s[j] = 100 * exp(own + sim_sample * sim_normal(p));
				out->units[arm][out->n] =
				    (struct unit){ s, SIM_SAMPLES, block, run };
			}
		}
	}
}

/* One run of n blocks that do not differ: an invocation's effect is all that there is. */
static inline void sim_quiet(struct prng *p, enum form form, size_t n, struct simulated *out)
{
	double walk = 0;

	out->n = n;
	for (uint32_t i = 0; i < n; i++) {
		double own = sim_effect(p, form, &walk), *s = out->samples[1][i];
		for (int j = 0; j < SIM_SAMPLES; j++)
			s[j] = 100 * exp(own + sim_sample * sim_normal(p));
		out->units[1][i] = (struct unit){ s, SIM_SAMPLES, i, 0 };
	}
}

/* Both replicas as one side; returns how many. */
static inline size_t sim_baseline(const struct simulated *s, struct unit *out)
{
	for (size_t i = 0; i < s->n; i++) {
		out[i] = s->units[1][i];
		out[s->n + i] = s->units[2][i];
	}
	return 2 * s->n;
}

#endif
