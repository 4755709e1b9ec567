/*
 * simulate.c - prints the statistics of data whose truth is known: results/simulation.txt.
 *
 *   make build/tests/simulate && build/tests/simulate [TRIALS [SEED]]
 *   build/tests/simulate --samples      some of the data, for scripts/check-statistics
 *
 * tests/test_simulation.c holds the same to bounds, in fewer trials.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "analysis/student.h"
#include "tests/simulation.h"

enum { RESAMPLES = 1000, SIZES = 5 };
static const size_t sizes[SIZES] = { 5, 8, 10, 15, 30 };

struct counts {
	unsigned covers, aa, found[3], boot[3], median, apart;
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The rival: percentiles of a bootstrap of the blocks, by Hesterberg's rule. */
static bool bootstrap_finds(struct prng *p, const struct simulated *s, double ratio)
{
	double d[SIM_MOST], means[RESAMPLES], scratch[SIM_SAMPLES], n = (double)s->n;

	for (size_t i = 0; i < s->n; i++)
		d[i] = log(ratio) + log(stats_unit(&s->units[0][i], scratch)) -
		       (log(stats_unit(&s->units[1][i], scratch)) +
			log(stats_unit(&s->units[2][i], scratch))) /
			   2;
	for (size_t k = 0; k < RESAMPLES; k++) {
		means[k] = 0;
		for (size_t i = 0; i < s->n; i++)
			means[k] += d[prng_below(p, (uint32_t)s->n)];
	}
	qsort(means, RESAMPLES, sizeof *means, ascending);
	double spread = sqrt(n / (n - 1)) * student_point(0.025, n - 1);
	size_t k = (size_t)(0.5 * erfc(spread / sqrt(2)) * RESAMPLES);
	return means[k] > 0 || means[RESAMPLES - 1 - k] < 0;
}

static void scale(struct simulated *s, double by)
{
	for (size_t i = 0; i < s->n; i++)
		for (int j = 0; j < SIM_SAMPLES; j++)
			s->samples[0][i][j] *= by;
}

/* One trial: without a difference, with one of 5 %, with one of 10 %. */
static void try_once(struct prng *p, enum form form, size_t runs, size_t n, double between,
		     struct counts *c)
{
	static struct simulated s, other;
	static struct unit base[2 * SIM_MOST];
	static const double ratios[3] = { 1, 1.05, 1.1 };
	struct estimate e;

	simulate(p, form, runs, n, between, &s);
	size_t nbase = sim_baseline(&s, base);
	for (int i = 0; i < 3; i++) {
		scale(&s, i ? ratios[i] / ratios[i - 1] : 1);
		stats_ratio(s.units[0], s.n, base, nbase, &e);
		c->found[i] += stats_differs(&e);
		if (runs == 1)
			c->boot[i] += bootstrap_finds(p, &s, 1);
	}
	c->covers += e.low <= 1.1 && 1.1 <= e.high;
	stats_ratio(s.units[2], s.n, s.units[1], s.n, &e);
	c->aa += stats_differs(&e);
	simulate(p, form, runs, n, between, &other);
	stats_ratio_apart(other.units[1], other.n, s.units[1], s.n, &e);
	c->apart += stats_differs(&e);
}

/* The median of an exponential effect is not 0, nor is that of two modes. */
static double true_median(enum form form)
{
	double s = sim_invocation, low = -s, high = 4 * s;

	if (form == SKEWED)
		return 100 * exp(s * log(2));
	/* of modes at 0 and at 3 s, both of the spread s / 5 */
	for (int i = 0; form == BIMODAL && i < 60; i++) {
		double x = (low + high) / 2, z = x / (0.2 * s * sqrt(2)),
		       z3 = (x - 3 * s) / (0.2 * s * sqrt(2));
		*(0.35 * erfc(-z) + 0.15 * erfc(-z3) < 0.5 ? &low : &high) = x;
	}
	return form == BIMODAL ? 100 * exp(low) : 100;
}

static unsigned median_covers(struct prng *p, enum form form, size_t n, unsigned trials)
{
	static struct simulated s;
	double truth = true_median(form);
	unsigned covers = 0;
	struct estimate e;

	for (unsigned t = 0; t < trials; t++) {
		sim_quiet(p, form, n, &s);
		stats_value(s.units[1], s.n, &e);
		covers += e.low <= truth && truth <= e.high;
	}
	return covers;
}

static void print_table(struct prng *p, unsigned trials, size_t runs, double between)
{
	for (enum form form = 0; form < FORMS; form++)
		for (int i = 0; i < SIZES; i++) {
			struct counts c = { 0 };
			double q = 100.0 / trials;
			unsigned fewer = trials / 10;
			if (runs > 1 && i % 2)
				continue;
			for (unsigned t = 0; t < trials; t++)
				try_once(p, form, runs, sizes[i], between, &c);
			printf("%-12s %6zu  %7.1f %7.1f %7.1f %7.1f %7.1f %7.1f", form_names[form],
			       sizes[i], c.covers * q, c.found[0] * q, c.aa * q, c.found[1] * q,
			       c.found[2] * q, c.apart * q);
			if (runs == 1)
				printf("   |%6.1f %6.1f %6.1f", c.boot[0] * q, c.boot[1] * q,
				       c.boot[2] * q);
			if (runs == 1 && form != DRIFTING)
				printf("   |%6.1f",
				       100.0 * median_covers(p, form, sizes[i], fewer) / fewer);
			putchar('\n');
			fflush(stdout);
		}
}

static json_t *side(const struct unit *units, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *samples = json_array();
		for (size_t j = 0; j < units[i].n; j++)
			json_array_append_new(samples, json_real(units[i].samples[j]));
		json_array_append_new(
		    list, json_pack("{s:I, s:I, s:o}", "run", (json_int_t)units[i].run, "block",
				    (json_int_t)units[i].block, "samples", samples));
	}
	return list;
}

static void print_samples(struct prng *p)
{
	static struct simulated s;
	static struct unit base[2 * SIM_MOST];
	struct estimate e, apart, value;

	for (size_t runs = 1; runs <= 3; runs += 2)
		for (enum form form = 0; form < FORMS; form++)
			for (int i = 0; i < SIZES * 8; i++) {
				simulate(p, form, runs, sizes[i % SIZES], 0.015, &s);
				size_t nbase = sim_baseline(&s, base);
				scale(&s, 1.1);
				stats_ratio(s.units[0], s.n, base, nbase, &e);
				stats_ratio_apart(s.units[0], s.n, s.units[1], s.n, &apart);
				stats_value(s.units[1], s.n, &value);
				json_t *json = json_pack(
				    "{s:s, s:I, s:I, s:o, s:o, s:[f,f,f,f], s:[f,f,f,f], "
				    "s:[f,f,f]}",
				    "form", form_names[form], "runs", (json_int_t)runs, "n",
				    (json_int_t)sizes[i % SIZES], "arm", side(s.units[0], s.n),
				    "base", side(base, nbase), "ratio", e.low, e.value, e.high,
				    stats_chance(&e), "apart", apart.low, apart.value, apart.high,
				    stats_chance(&apart), "median", value.low, value.value,
				    value.high);
				json_dumpf(json, stdout, JSON_COMPACT);
				putchar('\n');
				json_decref(json);
			}
}

int main(int argc, char **argv)
{
	unsigned trials = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	static const double between[] = { 0, 0.015, 0.06 };
	struct prng p;

	prng_seed(&p, argc > 2 ? (uint64_t)atoi(argv[2]) : 1);
	if (argc > 1 && !strcmp(argv[1], "--samples")) {
		print_samples(&p);
		return 0;
	}
	if (trials < 10)
		return 2;
	printf(
	    "Coverage, false alarms and power in percent of %u trials (tests/simulation.h has the\n"
	    "forms; a block spreads by %g, an invocation by %g, a sample by %g, of the "
	    "logarithm).\n"
	    "\n"
	    "  covers: the interval of arm to baseline, which is two replicas, has the true 1.10\n"
	    "  false:  a difference is found where there is none\n"
	    "  A/A:    the same between the two replicas\n"
	    "  +5 %%:   a difference is found, and it is of 5 %%; +10 %%: of 10 %%\n"
	    "  apart:  of two runs that pair no blocks, a difference is found where there is "
	    "none\n",
	    trials, sim_block, sim_invocation, sim_sample);
	printf("\nOne run. bootstrap: percentiles by Hesterberg's rule instead, false alarms and "
	       "power;\nmedian: its interval has the true one, in a tenth of the trials. A drift "
	       "has no true median,\nand two runs that drift differ.\n\n%-12s %6s  %7s %7s %7s %7s "
	       "%7s %7s   |%-20s   |%6s\n",
	       "form", "blocks", "covers", "false", "A/A", "+5 %", "+10 %", "apart", " bootstrap",
	       "median");
	print_table(&p, trials, 1, 0);
	for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
		printf("\nThree runs, each of so many blocks; an arm spreads by %g from run to "
		       "run.\n\n%-12s %6s  %7s %7s %7s %7s %7s %7s\n",
		       between[i], "form", "blocks", "covers", "false", "A/A", "+5 %", "+10 %",
		       "apart");
		print_table(&p, trials, 3, between[i]);
	}
	return 0;
}
