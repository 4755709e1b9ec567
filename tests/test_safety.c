/*
 * test_safety.c - bogus pcs and faults against encoders whose answers are known by hand, and what
 * must hold for every encoder by its flags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arms.h"
#include "maps/safety.h"
#include "map_samples.h"

static const struct safety_code no_code = { 0 };

static struct safety_result judge(const struct map_ops *ops, const struct safepoint *points,
				  size_t n, const struct safety_probes *probes)
{
	struct safety_task job = { ops, points, n, probes, 100, 5, NULL, 0 };
	struct safety_result result;

	assert_int_equal(safety_judge(&job, &result), 0);
	return result;
}

static size_t sum(const size_t n[MAP_OUTCOMES])
{
	return n[0] + n[1] + n[2] + n[3];
}

/* ---- Probes --------------------------------------------------------------------------------- */

/*
 * Two functions of 64 and 20 bytes at 0 and 128; the second's padding ends at 256, but it is the
 * last, so only the first's has a probe.
 */
static struct map_function functions[] = { { 0, 60 }, { 128, 148 } };
static struct safepoint points[] = {
	{ 10, 16, PLACES(1) },
	{ 11, 16, PLACES(1) },
	{ 40, 16, 0, NULL },
	{ 140, 32, PLACES(2, 3) },
};
static const struct corpus corpus = {
	.name = "made",
	.text_bytes = 256,
	.functions = functions,
	.safepoints = points,
	.nfunctions = 2,
	.nsafepoints = 4,
};

static size_t three(void *context, uint32_t pc)
{
	(void)context;
	return pc < 140 ? 3 : 0;
}

static void test_probes(void **state)
{
	struct safety_probes p;
	(void)state;
	assert_int_equal(safety_probes(&corpus, &no_code, &p), 0);
	/* 11 - 1 and 10 + 1 are safepoints. */
	assert_int_equal(p.n[SAFETY_BEFORE], 3);
	assert_int_equal(p.left_out[SAFETY_BEFORE], 1);
	assert_int_equal(p.pcs[SAFETY_BEFORE][0], 9);
	assert_int_equal(p.n[SAFETY_AFTER], 3);
	assert_int_equal(p.pcs[SAFETY_AFTER][0], 12);
	assert_int_equal(p.n[SAFETY_INSIDE], 4);
	assert_int_equal(p.pcs[SAFETY_INSIDE][0], 8);
	/* As far into the second, whose size is 20: 10, 11 and 40 become 138, 139 and 128. */
	assert_int_equal(p.n[SAFETY_FUNCTION], 3);
	assert_int_equal(p.pcs[SAFETY_FUNCTION][0], 138);
	assert_int_equal(p.pcs[SAFETY_FUNCTION][2], 128);
	/* All starts are multiples of 128: nothing else lies between 60 and 128. */
	assert_int_equal(p.n[SAFETY_PADDING], 1);
	assert_int_equal(p.pcs[SAFETY_PADDING][0], 94);
	assert_int_equal(p.n[SAFETY_EMPTY], 1);
	assert_int_equal(p.pcs[SAFETY_EMPTY][0], 40);
	safety_probes_free(&p);
}

static void test_probes_with_code(void **state)
{
	struct safety_code code = { three, NULL };
	struct safety_probes p, without;
	(void)state;
	assert_int_equal(safety_probes(&corpus, &code, &p), 0);
	/* One byte into the instruction behind 10, which is the safepoint 11. */
	assert_int_equal(p.n[SAFETY_INSIDE], 2);
	assert_int_equal(p.left_out[SAFETY_INSIDE], 1);
	assert_int_equal(p.pcs[SAFETY_INSIDE][0], 12);
	assert_int_equal(p.pcs[SAFETY_INSIDE][1], 41);
	assert_int_equal(safety_probes(&corpus, &no_code, &without), 0);
	assert_string_not_equal(p.how_inside, without.how_inside);
	safety_probes_free(&p);
	safety_probes_free(&without);
}

static void test_probes_without_functions(void **state)
{
	struct corpus bare = corpus;
	struct safety_probes p;
	(void)state;
	bare.nfunctions = 0;
	assert_int_equal(safety_probes(&bare, &no_code, &p), 0);
	assert_int_equal(p.n[SAFETY_FUNCTION], 0);
	assert_int_equal(p.n[SAFETY_PADDING], 0);
	assert_non_null(p.why[SAFETY_FUNCTION]);
	assert_non_null(p.why[SAFETY_PADDING]);
	safety_probes_free(&p);
}

/* ---- By hand -------------------------------------------------------------------------------- */

static void check(const size_t n[MAP_OUTCOMES], size_t correct, size_t wrong, size_t silent,
		  size_t detected)
{
	assert_int_equal(n[MAP_CORRECT], correct);
	assert_int_equal(n[MAP_WRONG], wrong);
	assert_int_equal(n[MAP_SILENT], silent);
	assert_int_equal(n[MAP_DETECTED], detected);
}

static void test_sorts_by_hand(void **state)
{
	struct safety_probes p;
	(void)state;
	assert_int_equal(safety_probes(&corpus, &no_code, &p), 0);
	struct safety_result exact = judge(map_encoder("exact"), points, 4, &p);
	check(exact.sorts[SAFETY_BEFORE], 0, 0, 3, 0);
	check(exact.sorts[SAFETY_EMPTY], 1, 0, 0, 0);
	/* Runs: 10..11, 40..40 empty, 140..140: no bogus pc lies within one. */
	struct safety_result ranged = judge(map_encoder("ranged"), points, 4, &p);
	check(ranged.sorts[SAFETY_BEFORE], 0, 0, 0, 3);
	check(ranged.sorts[SAFETY_EMPTY], 1, 0, 0, 0);
	/* pc+1: 12 is in the run from 10, 41 in the empty one, 141 in the last. */
	struct safety_result start = judge(map_encoder("ranged-start"), points, 4, &p);
	check(start.sorts[SAFETY_AFTER], 0, 2, 1, 0);
	check(start.sorts[SAFETY_BEFORE], 0, 1, 1, 1);
	struct safety_result bad = judge(map_encoder("ranged-unsafe"), points, 4, &p);
	check(bad.sorts[SAFETY_EMPTY], 0, 1, 0, 0);
	struct safety_result none = judge(map_encoder("none"), points, 4, &p);
	check(none.sorts[SAFETY_AFTER], 0, 0, 3, 0);
	safety_probes_free(&p);
}

/* The empty safepoint lies between two with equal maps: once it is lost, they are one run, and the
 * empty one gets their map. Where they differ, the gap between the runs is known. */
static void test_faults_by_hand(void **state)
{
	struct safepoint same[] = { { 10, 16, PLACES(1) },
				    { 20, 16, 0, NULL },
				    { 30, 16, PLACES(1) } };
	struct safepoint differ[] = { { 10, 16, PLACES(1) },
				      { 20, 16, 0, NULL },
				      { 30, 16, PLACES(2) } };
	struct safety_probes none = { 0 };
	const struct map_ops *exact = map_encoder("exact"), *ranged = map_encoder("ranged");
	(void)state;
	check(judge(ranged, same, 3, &none).faults[GC_FAULT_EMPTY], 0, 100, 0, 0);
	check(judge(ranged, differ, 3, &none).faults[GC_FAULT_EMPTY], 0, 0, 0, 100);
	check(judge(map_encoder("ranged-start"), differ, 3, &none).faults[GC_FAULT_EMPTY], 0, 100,
	      0, 0);
	struct safety_result r = judge(exact, differ, 3, &none);
	check(r.faults[GC_FAULT_EMPTY], 100, 0, 0, 0);
	check(r.lookups[GC_FAULT_EMPTY], 0, 0, 0, 0);
	check(r.faults[GC_FAULT_MAP], 0, 0, 100, 0);
	check(r.lookups[GC_FAULT_MAP], 0, 0, 100, 0);
	/* The only slot of a map: an empty map is left, which exact leaves out. */
	check(r.faults[GC_FAULT_SLOT], 0, 0, 100, 0);
	check(judge(ranged, differ, 3, &none).faults[GC_FAULT_SLOT], 0, 100, 0, 0);
	/* An empty safepoint one byte off is nothing to exact. */
	size_t *pc = r.faults[GC_FAULT_PC];
	assert_int_equal(pc[MAP_CORRECT] + pc[MAP_SILENT], 100);
	assert_true(pc[MAP_CORRECT] > 0 && pc[MAP_SILENT] > 0);
}

/* One byte off is where the next safepoint lies: the encoder sees pcs that do not ascend. */
static void test_refused_while_encoding(void **state)
{
	struct safepoint close[] = { { 10, 16, PLACES(1) },
				     { 11, 16, PLACES(2) },
				     { 12, 16, PLACES(3) } };
	struct safety_probes none = { 0 };
	struct safety_result r;
	(void)state;
	r = judge(map_encoder("exact"), close, 3, &none);
	assert_int_equal(sum(r.faults[GC_FAULT_PC]), 100);
	assert_true(r.faults[GC_FAULT_PC][MAP_DETECTED] > 0);
	assert_true(r.faults[GC_FAULT_PC][MAP_SILENT] > 0);
}

/* ---- Every encoder -------------------------------------------------------------------------- */

static void check_flags(const struct map_ops *ops, const struct safety_result *r,
			const struct safety_probes *p)
{
	unsigned exact = ops->flags & (MAP_EXACT | MAP_EMPTIES);

	for (int sort = 0; sort < SAFETY_SORTS; sort++) {
		assert_int_equal(sum(r->sorts[sort]), p->n[sort]);
		if (sort == SAFETY_EMPTY)
			continue;
		assert_int_equal(r->sorts[sort][MAP_CORRECT], 0);
		if (exact == (MAP_EXACT | MAP_EMPTIES))
			assert_int_equal(r->sorts[sort][MAP_DETECTED], p->n[sort]);
		else if (exact == MAP_EXACT)
			assert_int_equal(r->sorts[sort][MAP_SILENT], p->n[sort]);
	}
	if (!(ops->flags & MAP_UNSAFE))
		assert_int_equal(r->sorts[SAFETY_EMPTY][MAP_CORRECT], p->n[SAFETY_EMPTY]);
	for (int kind = GC_FAULT_NONE + 1; kind < GC_FAULT_KINDS; kind++)
		assert_int_equal(sum(r->faults[kind]), 100);
	/* No format can notice a lost slot of a recorded map. */
	assert_int_equal(r->faults[GC_FAULT_SLOT][MAP_DETECTED], 0);
	if (exact == MAP_EXACT)
		assert_int_equal(r->faults[GC_FAULT_EMPTY][SAFETY_HARMLESS], 100);
}

static void test_every_encoder(void **state)
{
	static const struct shape shape = { "middling", 3000, 5, 60, 60, 200, 40, 25, 0 };
	struct sample s = make(&shape, 8);
	struct corpus made = { .text_bytes = s.text_bytes + 8,
			       .safepoints = s.points,
			       .nsafepoints = (uint32_t)s.n };
	struct safety_probes p;
	(void)state;
	assert_int_equal(safety_probes(&made, &no_code, &p), 0);
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1)) {
		struct safety_result r = judge(map_encoders[e], s.points, s.n, &p);
		struct safety_result again = judge(map_encoders[e], s.points, s.n, &p);
		check_flags(map_encoders[e], &r, &p);
		assert_memory_equal(&r, &again, sizeof r);
	}
	safety_probes_free(&p);
	release(&s, &shape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_probes_with_code),
		cmocka_unit_test(test_probes_without_functions),
		cmocka_unit_test(test_sorts_by_hand),
		cmocka_unit_test(test_faults_by_hand),
		cmocka_unit_test(test_refused_while_encoding),
		cmocka_unit_test(test_every_encoder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
