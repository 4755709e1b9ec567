/* counter_helpers.h - for the tests of the counter ladder. */
#ifndef STUBMAP_TEST_COUNTER_HELPERS_H
#define STUBMAP_TEST_COUNTER_HELPERS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "meters/counters.h"

enum {
	OFF_PAPI = 1 << GROUP_PAPI,
	OFF_HARDWARE = 1 << GROUP_HARDWARE,
	OFF_SOFTWARE = 1 << GROUP_SOFTWARE,
	OFF_KERNEL = 1 << GROUP_KERNEL,
	OFF_ALL = OFF_PAPI | OFF_HARDWARE | OFF_SOFTWARE | OFF_KERNEL,
	ONLY_KERNEL = OFF_ALL & ~OFF_KERNEL,
};

static inline struct counters *open_names(const char *const *names, size_t n,
					  struct counters_options options)
{
	char error[COUNTERS_ERROR] = "";
	struct counters *set = NULL;

	if (counters_open(&set, names, n, &options, error))
		fail_msg("%s", error);
	assert_int_equal(set->n, n);
	return set;
}

static inline struct counters *open_one(const char *name, struct counters_options options)
{
	return open_names(&name, 1, options);
}

static inline void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}

static inline void assert_missing(const struct counter *c, const char *reason)
{
	json_t *json = counter_to_json(c, NULL);

	assert_null(c->source);
	assert_says(c->why, reason);
	assert_true(json_is_null(json_object_get(json, "source")));
	assert_string_equal(json_string_value(json_object_get(json, "why")), c->why);
	assert_null(json_object_get(json, "ratio"));
	json_decref(json);
}

/* Counts one loop. An interrupted region is repeated, as a caller would. */
static inline double per_occasion(struct counters *set, size_t i, enum loop_kind kind)
{
	uint64_t value[METERS] = { 0 };
	struct loop loop;
	int rc = -EAGAIN;

	for (int k = 0; k < 5 && rc == -EAGAIN; k++) {
		assert_int_equal(loop_open(&loop, kind), 0);
		rc = counters_start(set);
		loop_run(&loop);
		if (!rc)
			rc = counters_stop(set, value);
		loop_close(&loop);
	}
	assert_int_equal(rc, 0);
	return (double)value[i] / (double)loop.occasions;
}

/* A set with its first counter on the hardware step, or NULL where there are no counters. */
static inline struct counters *open_hardware(const char *const *names, size_t n, unsigned faults)
{
	struct counters *set =
	    open_names(names, n, (struct counters_options){ .off = OFF_PAPI, .faults = faults });

	if (set->step[GROUP_HARDWARE].available)
		return set;
	assert_null(set->counter[0].source);
	assert_says(set->counter[0].why, "hardware: ");
	counters_close(set);
	return NULL;
}

#endif
