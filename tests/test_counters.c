/*
 * test_counters.c - the counter ladder. Each step is tested with the steps above it turned off.
 * Hardware tests are skipped if the machine has no counters; the rest runs anywhere.
 *
 * The PAPI step runs in a process of its own (this program, again, with --papi), because
 * LIBPFM_FORCE_PMU has to be set before libpfm starts.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "child_helpers.h"
#include "counter_helpers.h"

enum { SKIPPED = 77 };

/* ---- Bad calls --------------------------------------------------------------------------- */

static void assert_refused(const char *const *names, size_t n, const char *part)
{
	char error[COUNTERS_ERROR] = "";
	struct counters *set = NULL;

	assert_int_equal(counters_open(&set, names, n, NULL, error), -EINVAL);
	assert_null(set);
	assert_says(error, part);
	assert_null(strchr(error, '\n'));
}

static void bad_calls_are_refused(void **state)
{
	const char *unknown[] = { "cycles", "l1i_mis" }, *twice[] = { "cycles", "cycles" };
	const char *good[] = { "cycles" };

	(void)state;
	assert_refused(unknown, 2, "did you mean 'l1i_miss'");
	assert_refused(unknown, 2, "task_clock");
	assert_refused(twice, 2, "twice");
	assert_refused(good, 0, "1 to");
	setenv("LIBPFM_FORCE_PMU", "skl", 1);
	assert_refused(good, 1, "LIBPFM_FORCE_PMU");
	unsetenv("LIBPFM_FORCE_PMU");
}

/* ---- The steps, from the lowest up ------------------------------------------------------- */

static void nothing_left(void **state)
{
	struct counters *set =
	    open_names(meter_names, METERS, (struct counters_options){ .off = OFF_ALL });
	uint64_t value[METERS];

	(void)state;
	memset(value, 0xa5, sizeof value);
	assert_int_equal(counters_start(set), 0);
	assert_int_equal(counters_stop(set, value), 0);
	for (size_t i = 0; i < METERS; i++) {
		assert_missing(&set->counter[i],
			       meters[i].software || meters[i].generic ? "turned off" : ":");
		assert_int_equal(value[i], 0xa5a5a5a5a5a5a5a5); /* and not 0 */
	}
	counters_close(set);
}

/* A counter of context switches counts sleeps. A sleep that is over before the thread has left its
 * CPU needs no switch; this happens, now and then, where the host stops the machine in between. */
static void assert_switches(struct counters *set, size_t counter)
{
	double switches = 0;

	for (int i = 0; i < 20 && switches < 0.9; i++)
		switches = per_occasion(set, counter, LOOP_SLEEP);
	assert_true(switches >= 0.9);
}

static void system_calls_count(void **state)
{
	const char *names[] = { "minor_faults", "page_faults", "major_faults", "context_switches",
				"task_clock" };
	struct counters *set =
	    open_names(names, 5, (struct counters_options){ .off = ONLY_KERNEL });

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(set->counter[i].source, "kernel");
		assert_int_equal(set->counter[i].proof, i == 2 ? PROOF_READS : PROOF_COUNTED);
	}
	assert_true(per_occasion(set, 0, LOOP_TOUCH) >= 1);
	assert_true(per_occasion(set, 0, LOOP_TOUCH) < 1.2);
	assert_true(per_occasion(set, 1, LOOP_TOUCH) >= 1);
	assert_switches(set, 3);
	counters_close(set);
}

static void software_events_count(void **state)
{
	const char *names[] = { "minor_faults", "context_switches" };
	struct counters *set =
	    open_names(names, 2, (struct counters_options){ .off = OFF_PAPI | OFF_HARDWARE });

	(void)state;
	if (!set->step[GROUP_SOFTWARE].available) {
		/* Forbidden here: the step below has taken over. */
		assert_string_equal(set->counter[0].source, "kernel");
		assert_says(set->counter[0].why, "software: ");
	} else {
		assert_string_equal(set->counter[0].source, "perf");
		assert_says(set->counter[0].exact, "type 1 config 0x5");
	}
	assert_true(per_occasion(set, 0, LOOP_TOUCH) >= 1);
	assert_true(per_occasion(set, 0, LOOP_TOUCH) < 1.2);
	assert_switches(set, 1);
	counters_close(set);
}

/* Guests were seen whose counters open, and stay at zero: the loops keep them out. */
static bool has_all(const struct counters *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (!set->counter[i].source)
			return false;
	return true;
}

static void hardware_events_count(void **state)
{
	const char *names[] = { "instructions", "branches", "cycles" };
	struct counters *set = open_hardware(names, 3, 0);
	double ratio;

	(void)state;
	if (!set || !has_all(set)) {
		counters_close(set);
		skip();
		return;
	}
	assert_string_equal(set->counter[0].source, "perf");
	assert_int_equal(set->counter[0].proof, PROOF_COUNTED);
	ratio = per_occasion(set, 0, LOOP_COUNTED);
	assert_true(ratio > 1.98 && ratio < 2.02);
	ratio = per_occasion(set, 1, LOOP_COUNTED);
	assert_true(ratio > 0.99 && ratio < 1.01);
	assert_true(per_occasion(set, 2, LOOP_COUNTED) > 0);
	assert_true(set->counter[0].probe > 0); /* the reads' own instructions */
	counters_close(set);
}

/* Jumps between page starts share one cache set; counting on the spot touches one line. */
static void page_starts_miss(void **state)
{
	const char *names[] = { "l1i_miss" };
	struct counters *set = open_hardware(names, 1, 0);

	(void)state;
	if (!set || !set->counter[0].source) {
		counters_close(set);
		skip();
		return;
	}
	assert_true(per_occasion(set, 0, LOOP_PAGE_STARTS) >
		    20 * per_occasion(set, 0, LOOP_COUNTED));
	counters_close(set);
}

/* ---- The rest ---------------------------------------------------------------------------- */

static void short_regions_are_told(void **state)
{
	struct counters set = { .probe_ns = 50000 };

	(void)state;
	assert_true(counters_too_short(&set, 4999999));
	assert_false(counters_too_short(&set, 5000000));
	set.probe_ns = 1;
	assert_true(counters_too_short(&set, 999999));
	assert_false(counters_too_short(&set, 1000000));
}

static void short_regions_are_refused(void **state)
{
	struct counters *set =
	    open_one("minor_faults", (struct counters_options){ .off = OFF_PAPI });
	uint64_t value = 42;

	(void)state;
	assert_int_equal(counters_start(set), 0);
	assert_int_equal(counters_stop_timed(set, 1000, &value), -ERANGE);
	assert_int_equal(value, 42);
	assert_int_equal(set->too_short, 1);
	assert_int_equal(counters_start(set), 0);
	assert_int_equal(counters_stop_timed(set, 100 * set->probe_ns + 1000000, &value), 0);
	assert_int_equal(set->too_short, 1);
	assert_int_equal(set->discarded, 0);
	set->options.faults = FAULT_SHARED;
	assert_int_equal(counters_start(set), 0);
	assert_int_equal(counters_stop_timed(set, UINT64_MAX, &value), -EAGAIN);
	assert_int_equal(set->discarded, 1);
	counters_close(set);
}

static void the_survey_is_whole(void **state)
{
	static struct counters_survey survey;
	char error[COUNTERS_ERROR] = "", *text = NULL;
	size_t size = 0;
	json_t *json, *c;
	FILE *f = open_memstream(&text, &size);
	size_t i;

	(void)state;
	assert_int_equal(counters_survey(&survey, NULL, error), 0);
	json = counters_survey_to_json(&survey);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "steps")), GROUP_KINDS);
	assert_int_equal(json_array_size(json_object_get(json, "meters")), METERS);
	json_array_foreach(json_object_get(json, "meters"), i, c) {
		bool had = json_is_string(json_object_get(c, "source"));

		assert_string_equal(json_string_value(json_object_get(c, "meter")), meter_names[i]);
		assert_int_equal(had, json_is_string(json_object_get(c, "exact")));
		assert_int_equal(had, json_is_integer(json_object_get(c, "group")));
		assert_int_equal(!had, json_is_string(json_object_get(c, "why")));
		/* A waiting meter found its group in a later round. */
		assert_false(survey.counter[i].waits);
	}
	json_decref(json);
	counters_survey_print(f, &survey);
	assert_int_equal(fclose(f), 0);
	for (i = 0; i < METERS; i++)
		assert_says(text, meter_names[i]);
	free(text);
}

/* ---- PAPI -------------------------------------------------------------------------------- */

/*
 * In a process with LIBPFM_FORCE_PMU, PAPI enables its component. Where there are counters, they
 * must be PAPI's; where there are none, adding an event fails, and PAPI must not be believed.
 */
static int papi_child(void)
{
	const char *names[] = { "instructions", "l1i_fill" };
	struct counters_options options = { .forced = true };
	char error[COUNTERS_ERROR];
	struct counters *set;
	double ratio;
	int rc = 1;

	if (counters_open(&set, names, 2, &options, error))
		return 1;
	if (!set->step[GROUP_PAPI].available) {
		fprintf(stderr, "%s\n", set->step[GROUP_PAPI].why);
		goto out;
	}
	if (!set->step[GROUP_HARDWARE].available) {
		rc = set->counter[0].source ? 1 : SKIPPED;
		goto out;
	}
	if (!set->counter[0].source) {
		rc = SKIPPED;
		goto out;
	}
	if (strcmp(set->counter[0].source, "papi") != 0) {
		fprintf(stderr, "%s\n", set->counter[0].why);
		goto out;
	}
	ratio = per_occasion(set, 0, LOOP_COUNTED);
	rc = ratio > 1.98 && ratio < 2.02 ? 0 : 1;
out:
	counters_close(set);
	return rc;
}

static void papi_counts(void **state)
{
	char cpu[UARCH_CPU], *self = *state;
	const struct uarch *uarch = uarch_host(cpu);
	int status;
	pid_t pid;

	/* If the CPU's table is not libpfm's own, or is missing here, there is nothing to force. */
	if (!uarch || uarch->absent) {
		skip();
		return;
	}
	pid = child_fork();
	if (pid == 0) {
		setenv("LIBPFM_FORCE_PMU", uarch->pmu, 1);
		execl("/proc/self/exe", self, "--papi", (char *)NULL);
		_exit(1);
	}
	status = child_wait(pid);
	if (status == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_calls_are_refused),
		cmocka_unit_test(nothing_left),
		cmocka_unit_test(system_calls_count),
		cmocka_unit_test(software_events_count),
		cmocka_unit_test(hardware_events_count),
		cmocka_unit_test(page_starts_miss),
		cmocka_unit_test(short_regions_are_told),
		cmocka_unit_test(short_regions_are_refused),
		cmocka_unit_test(the_survey_is_whole),
		cmocka_unit_test_prestate(papi_counts, argv[0]),
	};

	if (argc == 2 && !strcmp(argv[1], "--papi"))
		return papi_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
