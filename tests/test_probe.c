/* test_probe.c - samples are taken again while the core is shared, and only as long as there is
 * time. Nobody knows whether this core is shared now, so the test sets what the probe has seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "meters/probe.h"

enum { MS = 1000000, LONG = 1000 };

static void it_looks_for_the_cores_pace(void **unused)
{
	struct probe p;
	const uint64_t now = clock_ns();

	(void)unused;
	probe_begin(&p, LONG * (uint64_t)MS);
	assert_true(p.least > 0);
	assert_true(p.until >= now + LONG * (uint64_t)MS);
	assert_int_equal(p.repeated + p.kept, 0);
}

/* A probe in one nanosecond was never seen: every later one says that the core is shared. */
static void a_shared_core_is_waited_for_until_time_is_up(void **unused)
{
	struct probe p;

	(void)unused;
	probe_begin(&p, 5 * MS);
	p.least = 1;
	p.until = clock_ns() + 5 * MS;
	probe_wait(&p);
	assert_true(clock_ns() >= p.until);
	assert_true(p.shared);
	assert_true(p.slower > 1);
	assert_false(probe_again(&p));
	assert_int_equal(p.repeated, 0);
	assert_int_equal(p.kept, 1);
}

static void a_sample_of_a_shared_core_is_taken_again(void **unused)
{
	struct probe p;

	(void)unused;
	probe_begin(&p, LONG * (uint64_t)MS);
	probe_wait(&p);
	p.shared = false; /* as it was before the sample */
	p.until = UINT64_MAX;
	p.least = 1;
	assert_true(probe_again(&p));
	assert_int_equal(p.repeated, 1);
	p.until = 0;
	assert_false(probe_again(&p));
	assert_int_equal(p.repeated, 1);
	assert_int_equal(p.kept, 1);
}

/* A thread that lost its CPU during a sample takes it again, although
 * the core is quiet after it. */
static void a_thread_that_lost_its_cpu_repeats(void **unused)
{
	struct probe p;

	(void)unused;
	probe_begin(&p, 0);
	p.least = UINT64_MAX / 128; /* no probe is slower */
	p.shared = false;
	p.switches--;
	p.waited = UINT64_C(0) - LONG * (uint64_t)MS; /* it has waited a second since */
	p.since = clock_ns() - LONG * (uint64_t)MS;
	assert_false(probe_again(&p));
	assert_int_equal(p.kept, 1);
}

/* In a sample of an hour a switch does not count, if the kernel says how long it took. */
static void a_long_sample_may_lose_it_for_a_moment(void **unused)
{
	struct probe p;

	(void)unused;
	probe_begin(&p, 0);
	p.switches--;
	p.since -= 3600 * (uint64_t)LONG * MS;
	assert_int_equal(probe_lost(&p), !p.waited);
	p.switches--;
	p.waited -= 3600 * (uint64_t)LONG * MS; /* it has waited for so long */
	assert_true(probe_lost(&p));
}

/* A core that was shared when the sample began may have been so until after it. */
static void a_core_that_was_shared_before_counts(void **unused)
{
	struct probe p;

	(void)unused;
	probe_begin(&p, 0);
	p.until = UINT64_MAX;
	p.least = UINT64_MAX / 128; /* no probe is slower */
	p.shared = true;
	assert_true(probe_again(&p));
	assert_int_equal(p.repeated, 1);
}

/* The least is the quickest probe seen: a quicker one replaces it. */
static void a_quicker_probe_becomes_the_least(void **unused)
{
	struct probe p;

	(void)unused;
	probe_begin(&p, 0);
	p.least = UINT64_MAX / 128;
	probe_wait(&p);
	assert_true(p.least < 1000 * (uint64_t)MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_looks_for_the_cores_pace),
		cmocka_unit_test(a_shared_core_is_waited_for_until_time_is_up),
		cmocka_unit_test(a_sample_of_a_shared_core_is_taken_again),
		cmocka_unit_test(a_thread_that_lost_its_cpu_repeats),
		cmocka_unit_test(a_long_sample_may_lose_it_for_a_moment),
		cmocka_unit_test(a_core_that_was_shared_before_counts),
		cmocka_unit_test(a_quicker_probe_becomes_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
