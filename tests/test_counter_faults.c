/*
 * test_counter_faults.c - each failure in the counter ladder, injected once: it must become a
 * reason, never a number.
 */
#include <stdlib.h>

#include "counter_helpers.h"

static void zero_is_no_count(void **state)
{
	const char *names[] = { "minor_faults", "context_switches" };
	struct counters *set = open_names(
	    names, 2,
	    (struct counters_options){
		.off = ONLY_KERNEL, .faults = FAULT_ZERO, .fault_meter = "minor_faults" });

	(void)state;
	assert_missing(&set->counter[0], "stays at 0");
	assert_string_equal(set->counter[1].source, "kernel");
	counters_close(set);
}

static void refused_event(void **state)
{
	struct counters *set =
	    open_one("minor_faults", (struct counters_options){ .faults = FAULT_REFUSED });

	(void)state;
	assert_missing(&set->counter[0], "cannot be added");
	assert_says(set->counter[0].why, "kernel: ");
	counters_close(set);
}

static void disabled_component(void **state)
{
	struct counters *set =
	    open_one("instructions", (struct counters_options){ .faults = FAULT_DISABLED });

	(void)state;
	assert_missing(&set->counter[0], "papi: disabled");
	assert_missing(&set->counter[0], "hardware: disabled");
	counters_close(set);
}

static void unknown_cpu(void **state)
{
	const char *names[] = { "instructions", "l1i_fill" };
	struct counters *set = open_names(
	    names, 2, (struct counters_options){ .off = OFF_PAPI, .faults = FAULT_UNKNOWN_CPU });

	(void)state;
	assert_null(set->uarch);
	assert_missing(&set->counter[1], "unknown CPU");
	if (set->counter[0].source) {
		assert_true(set->step[GROUP_HARDWARE].available);
		assert_true(set->counter[0].generic);
		assert_says(set->counter[0].exact, "type 0 config 0x1");
	}
	counters_close(set);
}

/* A CPU whose events are known and whose table this libpfm lacks: generic events, or a reason. */
static void no_table(void **state)
{
	const char *names[] = { "instructions", "indirect_branch_miss", "resteer" };
	const struct uarch *u = uarch_find("alder-lake-p");
	struct counters *set =
	    open_names(names, 3, (struct counters_options){ .off = OFF_PAPI, .uarch = u });

	(void)state;
	assert_ptr_equal(set->uarch, u);
	if (set->table) {
		counters_close(set);
		skip();
		return;
	}
	assert_says(set->counter[0].why, "adl_glc::INST_RETIRED:ANY_P (0xc0): this libpfm has no");
	if (set->counter[0].source) {
		assert_true(set->counter[0].generic);
		assert_null(set->counter[0].event);
		assert_says(set->counter[0].exact, "type 0 config 0x1");
	}
	assert_missing(&set->counter[1], "no table adl_glc; it is in releases of libpfm after");
	assert_missing(&set->counter[2], "(0x160)");
	counters_close(set);

	static struct counters_survey survey;
	char error[COUNTERS_ERROR] = "", *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(counters_survey(&survey, &(struct counters_options){ .uarch = u }, error),
			 0);
	counters_survey_print(f, &survey);
	assert_int_equal(fclose(f), 0);
	assert_says(text, "events    generic only: this libpfm has no table adl_glc; it is in");
	free(text);
}

static void shared_counter_is_discarded(void **state)
{
	struct counters *set =
	    open_one("minor_faults", (struct counters_options){ .off = OFF_PAPI });
	uint64_t value = 42;

	(void)state;
	assert_non_null(set->counter[0].source);
	set->options.faults = FAULT_SHARED;
	assert_int_equal(counters_start(set), 0);
	assert_int_equal(counters_stop(set, &value), -EAGAIN);
	assert_int_equal(value, 42);
	assert_int_equal(set->discarded, 1);
	set->options.faults = 0;
	assert_int_equal(counters_start(set), 0);
	assert_int_equal(counters_stop(set, &value), 0);
	assert_int_equal(set->discarded, 1);
	counters_close(set);

	/* Where it happens from the start, there is no counter at all. */
	set = open_one("minor_faults", (struct counters_options){ .faults = FAULT_SHARED });
	assert_missing(&set->counter[0], "not counted all the time");
	counters_close(set);
}

static void the_crowded_wait(void **state)
{
	const char *names[] = { "instructions", "minor_faults", "branches" };
	struct counters *set = open_hardware(names, 3, FAULT_CROWDED);
	struct counters_options options = { .off = OFF_PAPI, .faults = FAULT_CROWDED };
	static struct counters_survey survey;
	char error[COUNTERS_ERROR];

	(void)state;
	if (!set || !set->counter[0].source) {
		counters_close(set);
		skip();
		return;
	}
	assert_non_null(set->counter[1].source);
	assert_missing(&set->counter[2], "another invocation");
	assert_true(set->counter[2].waits);
	assert_true(per_occasion(set, 0, LOOP_COUNTED) > 1.98); /* undisturbed by who left */
	counters_close(set);

	assert_int_equal(counters_survey(&survey, &options, error), 0);
	for (size_t i = 0; i < METERS; i++)
		for (size_t k = 0; k < i; k++)
			if (survey.counter[i].source && survey.counter[i].kind == GROUP_HARDWARE &&
			    survey.counter[k].source && survey.counter[k].kind == GROUP_HARDWARE)
				assert_int_not_equal(survey.group[i], survey.group[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_is_no_count),   cmocka_unit_test(refused_event),
		cmocka_unit_test(disabled_component), cmocka_unit_test(unknown_cpu),
		cmocka_unit_test(no_table),	      cmocka_unit_test(shared_counter_is_discarded),
		cmocka_unit_test(the_crowded_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
