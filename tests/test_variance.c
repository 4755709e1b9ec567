/* test_variance.c - where times vary, and how many blocks a difference needs: the estimates on data
 * of known parts, and what `stubmap variance` and `stubmap power` say of runs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analysis/variance.h"
#include "cli/commands.h"
#include "command_helpers.h"
#include "tests/run_files.h"

enum { RUNS = 40, BLOCKS = 12, REPLICAS = 2, ITERATIONS = 5, UNITS = RUNS * BLOCKS * REPLICAS };

static double samples[UNITS][ITERATIONS];
static struct unit units[UNITS];

/* spread: of each level. */
static void make_units(const double spread[LEVELS])
{
	struct prng p;
	size_t n = 0;

	prng_seed(&p, 3);
	for (uint32_t run = 0; run < RUNS; run++) {
		double of_run = spread[LEVEL_RUN] * sim_normal(&p);
		for (uint32_t block = 0; block < BLOCKS; block++) {
			double setup = of_run + spread[LEVEL_SETUP] * sim_normal(&p);
			for (int r = 0; r < REPLICAS; r++, n++) {
				double process = setup + spread[LEVEL_PROCESS] * sim_normal(&p);
				for (int i = 0; i < ITERATIONS; i++)
					samples[n][i] =
					    exp(process + spread[LEVEL_ITERATION] * sim_normal(&p));
				units[n] = (struct unit){ samples[n], ITERATIONS, block, run };
			}
		}
	}
}

static void parts_are_found(void **state)
{
	static const double spreads[][LEVELS] = {
		{ 0.1, 0.1, 0.1, 0.1 }, { 0, 0.2, 0.05, 0.1 }, { 0.2, 0, 0, 0.1 },
		{ 0, 0, 0.3, 0.01 },	{ 0, 0, 0, 0.1 },
	};
	struct variance v;

	(void)state;
	for (size_t k = 0; k < sizeof spreads / sizeof *spreads; k++) {
		double most = 0;
		make_units(spreads[k]);
		assert_int_equal(variance_of(units, UNITS, &v), 0);
		for (int i = 0; i < LEVELS; i++)
			most = fmax(most, spreads[k][i] * spreads[k][i]);
		for (int i = 0; i < LEVELS; i++) {
			double truth = spreads[k][i] * spreads[k][i];
			/* 40 runs tell their variance to about 22 % */
			if (!v.known[i] || fabs(v.part[i] - truth) > 0.5 * truth + 0.1 * most)
				fail_msg("data %zu, level %d: %g is not %g", k, i, v.part[i],
					 truth);
		}
	}
}

static void errors_add_up(void **state)
{
	static const double spread[LEVELS] = { 0.1, 0.1, 0.1, 0.1 };
	struct variance v;

	(void)state;
	make_units(spread);
	assert_int_equal(variance_of(units, UNITS, &v), 0);
	assert_int_equal(v.n[LEVEL_RUN], RUNS);
	assert_int_equal(v.n[LEVEL_SETUP], RUNS * BLOCKS);
	assert_int_equal(v.n[LEVEL_PROCESS], UNITS);
	assert_int_equal(v.n[LEVEL_ITERATION], UNITS * ITERATIONS);
	for (int i = 0; i < LEVELS; i++)
		assert_true(fabs(v.error[i] * (double)v.n[i] - v.part[i]) < 1e-12);
	assert_true(v.error[LEVEL_RUN] > v.error[LEVEL_SETUP]);
}

static void what_is_there_once_is_not_told(void **state)
{
	static const double spread[LEVELS] = { 0.1, 0.1, 0.1, 0.1 };
	struct variance v;
	double zero = 0;
	struct unit none[2] = { { &zero, 1, 0, 0 }, { &zero, 1, 1, 0 } };

	(void)state;
	make_units(spread);
	assert_int_equal(variance_of(units, BLOCKS * REPLICAS, &v), 0); /* one run */
	assert_true(!v.known[LEVEL_RUN] && v.known[LEVEL_SETUP] && v.part[LEVEL_RUN] == 0);
	for (int i = 0; i < UNITS; i += 2)
		units[i / 2] = units[i];
	assert_int_equal(variance_of(units, UNITS / 2, &v), 0); /* no replicas */
	assert_true(v.known[LEVEL_RUN] && v.known[LEVEL_SETUP] && !v.known[LEVEL_PROCESS]);
	assert_int_equal(variance_of(units, 1, &v), -EINVAL);
	assert_int_equal(variance_of(none, 2, &v), -EDOM);
}

/* Setups whose means differ by less than their processes would make them:
 * there is no part below 0. */
static void no_part_is_below_0(void **state)
{
	double high = 2, low = 0.5;
	struct unit u[8];
	struct variance v;

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		u[i] = (struct unit){ i % 2 ? &high : &low, 1, i / 2, 0 };
	assert_int_equal(variance_of(u, 8, &v), 0);
	assert_true(v.known[LEVEL_SETUP] && v.known[LEVEL_PROCESS] && v.part[LEVEL_PROCESS] > 0);
	assert_true(fabs(v.part[LEVEL_PROCESS] - 2 * log(2) * log(2)) < 1e-12);
	for (int i = 0; i < LEVELS; i++)
		assert_true(v.part[i] >= 0 && v.error[i] >= 0);
}

/* ---- The commands ---------------------------------------------------------------------------- */

static struct result command(int (*run_it)(int, char **), int status, const char *form, ...)
{
	char line[900];
	va_list ap;

	va_start(ap, form);
	vsnprintf(line, sizeof line, form, ap);
	va_end(ap);
	return run_to(status, run_it, line);
}

static void expect(struct result r, const char *part)
{
	for (char *at = r.out; (at = strchr(at, '\n'));) /* a sentence may go on below */
		*at = ' ';
	if (!strstr(r.out, part))
		fail_saying(r.out, r.err, "no '%s'", part);
	done(&r);
}

static void what_to_add_is_told(void **state)
{
	const char *at = run_folder;

	(void)state;
	make_run("p1", MADE(.seed = 1, .replica = 0.1));
	make_run("p2", MADE(.seed = 2, .replica = 0.1));
	expect(command(cmd_variance, 0, "variance %s/p1", at), "more blocks would help most");
	expect(command(cmd_variance, 0, "variance %s/p1", at), "can't be told from one");
	for (unsigned i = 0; i < 5; i++) {
		char name[8];
		snprintf(name, sizeof name, "r%u", i);
		make_run(name, MADE(.seed = i + 1, .between = 0.3));
	}
	expect(
	    command(cmd_variance, 0, "variance %s/r0 %s/r1 %s/r2 %s/r3 %s/r4", at, at, at, at, at),
	    "more runs would help most");
	expect(command(cmd_variance, 0, "variance %s/p1 %s/p2 --json", at, at),
	       "\"process\":{\"n\":40,");
	char line[300];
	snprintf(line, sizeof line, "variance %s/p1 %s/p1", at, at);
	refused(cmd_variance, line, "are one run");
}

/* The number that it asks for is enough: a run of so many blocks finds the difference. */
static void blocks_that_are_asked_for_are_enough(void **state)
{
	const char *at = run_folder;
	char *blocks;
	double needed;

	(void)state;
	make_run("few", MADE(.blocks = 6, .cells = 8, .replica = 0.1));
	expect(command(cmd_power, 0, "power %s/few", at),
	       "0 of 8 ratios show 5 % with the 6 blocks");
	expect(command(cmd_power, 0, "power %s/few", at), "--blocks N");
	expect(command(cmd_power, 0, "power %s/few --difference 100%%", at),
	       "8 of 8 ratios show 100 %");
	struct result r = command(cmd_power, 0, "power %s/few --difference 5%% --json", at);
	blocks = strstr(r.out, "\"blocks\":");
	assert_non_null(blocks);
	needed = strtod(blocks + strlen("\"blocks\":"), NULL);
	assert_true(needed > 6 && needed < 1000);
	done(&r);
	expect(command(cmd_power, 0, "power %s/few --difference 0.001%%", at), "over a million");
	make_run("many", MADE(.blocks = 120, .cells = 8, .replica = 0.1));
	expect(command(cmd_power, 0, "power %s/many", at), "8 of 8 ratios show 5 %");
	make_run("four", MADE(.blocks = 4));
	char line[300];
	snprintf(line, sizeof line, "power %s/few --difference 0", at);
	refused(cmd_power, line, "--difference");
	/* The call is right, and has no answer: a line says so, and the table why of each ratio. */
	r = command(cmd_power, 1, "power %s/four", at);
	assert_non_null(strstr(r.err, "no ratio of the run has an interval: it takes 5 blocks"));
	assert_non_null(strstr(r.out, "fewer than 5 blocks"));
	assert_int_equal(strchr(r.err, '\n') + 1 - r.err, strlen(r.err));
	done(&r);
	r = command(cmd_power, 1, "power %s/four --json", at);
	assert_non_null(strstr(r.out, "\"blocks\":null"));
	assert_non_null(strstr(r.err, "no ratio of the run has an interval"));
	done(&r);
	snprintf(line, sizeof line, "grep -v '\"pool\"' %s/few >%s/alone", at, at);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof line, "power %s/alone", at);
	refused(cmd_power, line, "the run has no ratio to its baseline");
}

/* Each ratio's number of --json in order: the sentence tells the middle one, nine tenths, and the
 * last. Its blocks show the difference that they would just have found. */
static void the_sentence_is_of_all_ratios(void **state)
{
	enum { CELLS = 10 };
	double needed[CELLS], detectable;
	const char *at = run_folder;
	char part[100];
	size_t n = 0;

	(void)state;
	make_run("ten", MADE(.blocks = 6, .cells = CELLS, .replica = 0.1));
	struct result r = command(cmd_power, 0, "power %s/ten --json", at);
	for (const char *found = r.out; (found = strstr(found, "\"blocks\":")); n++) {
		assert_true(n < CELLS);
		found += strlen("\"blocks\":");
		needed[n] = strtod(found, NULL);
		for (size_t k = n; k && needed[k - 1] > needed[k]; k--) {
			double t = needed[k];
			needed[k] = needed[k - 1];
			needed[k - 1] = t;
		}
	}
	done(&r);
	assert_int_equal(n, CELLS);
	assert_true(needed[4] < needed[8] && needed[8] < needed[9]);
	snprintf(part, sizeof part, "Half of them need %g, nine tenths %g, all %g:", needed[4],
		 needed[8], needed[9]);
	expect(command(cmd_power, 0, "power %s/ten", at), part);
	make_run("one", MADE(.blocks = 12, .replica = 0.1));
	r = command(cmd_power, 0, "power %s/one --json", at);
	const char *found = strstr(r.out, "\"detectable\":");
	assert_non_null(found);
	detectable = strtod(found + strlen("\"detectable\":"), NULL) * 100;
	done(&r);
	snprintf(part, sizeof part, "--difference %.9g%%", detectable * 1.0001);
	expect(command(cmd_power, 0, "power %s/one %s", at, part), "1 of 1 ratios show");
	expect(command(cmd_power, 0, "power %s/one %s --json", at, part), "\"blocks\":12}");
	snprintf(part, sizeof part, "--difference %.9g%%", detectable * 0.9999);
	expect(command(cmd_power, 0, "power %s/one %s", at, part), "0 of 1 ratios show");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(errors_add_up),
		cmocka_unit_test(what_is_there_once_is_not_told),
		cmocka_unit_test(no_part_is_below_0),
		cmocka_unit_test(what_to_add_is_told),
		cmocka_unit_test(blocks_that_are_asked_for_are_enough),
		cmocka_unit_test(the_sentence_is_of_all_ratios),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
