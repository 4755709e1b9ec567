/*
 * test_gc_random.c - 200 random programs against their native twins, at both tiers,
 * with and without polls, collecting at each allocation and at random; every map that
 * was asked for is judged.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cache_helpers.h"
#include "gc_helpers.h"

extern const uint8_t _binary_random_bc_start[], _binary_random_bc_end[];
uint64_t gc_random_native(uint32_t size);

enum { PROGRAMS = 200 };

static const struct gc_program program = { .name = "random",
					   .summary = "random programs",
					   .size_means = "programs",
					   .small = PROGRAMS,
					   .usual = PROGRAMS,
					   .max = PROGRAMS,
					   .bitcode = _binary_random_bc_start,
					   .bitcode_end = _binary_random_bc_end,
					   .native = gc_random_native };

static void at(unsigned tier, bool polls)
{
	static const enum gc_mode modes[] = { GC_EVERY, GC_RANDOM, GC_RANDOM, GC_NORMAL };
	static const char *const maps[] = { "exact", "ranged-consed", "ranged", "ranged-start" };

	for (unsigned i = 0; i < 4; i++) {
		struct gc_task j = gc_task_of(&program, maps[i]);
		struct gc_result r;

		j.tier = tier;
		j.polls = polls;
		j.mode = modes[i];
		j.seed = i;
		j.cache = cache;
		r = gc_expect_ok(&j);
		assert_true(r.safepoints > 10 * PROGRAMS);
		if (j.mode != GC_NORMAL)
			assert_true(r.stats.collections > 100);
		if (j.mode == GC_EVERY)
			assert_true(r.stats.inside > 100);
		print_message("O%u%s %s: %llu collections, %llu roots, %llu into objects\n", tier,
			      polls ? " polls" : "", gc_mode_names[j.mode],
			      (unsigned long long)r.stats.collections,
			      (unsigned long long)r.stats.roots,
			      (unsigned long long)r.stats.inside);
	}
}

static void test_tier_0(void **unused)
{
	(void)unused;
	at(0, false);
}

static void test_tier_0_polls(void **unused)
{
	(void)unused;
	at(0, true);
}

static void test_tier_2(void **unused)
{
	(void)unused;
	at(2, false);
}

static void test_tier_2_polls(void **unused)
{
	(void)unused;
	at(2, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tier_0),
		cmocka_unit_test(test_tier_0_polls),
		cmocka_unit_test(test_tier_2),
		cmocka_unit_test(test_tier_2_polls),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
