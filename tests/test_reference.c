/*
 * test_reference.c - the references against arithmetic, and what must hold for any corpus.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "corpora/import.h"
#include "maps/reference.h"
#include "map_samples.h"

static struct reference reference(enum reference_kind kind, const struct safepoint *points,
				  size_t n, size_t text, bool empties)
{
	struct reference r;

	assert_int_equal(reference_of(kind, points, n, text, empties, &r), 0);
	return r;
}

static void near(double a, double b)
{
	if (fabs(a - b) >= 1e-9 * (1 + fabs(b)))
		fail_msg("%.9f, not %.9f", a, b);
}

/* ---- Order 0 -------------------------------------------------------------------------------- */

static void test_order0(void **state)
{
	struct safepoint two[] = {
		{ 1, 16, PLACES(1) }, { 2, 16, 0, NULL }, { 3, 16, PLACES(1) }, { 4, 32, 0, NULL }
	};
	struct reference b = reference(REFERENCE_ORDER0, two, 4, 8, true);
	(void)state;
	assert_int_equal(b.safepoints, 4);
	assert_int_equal(b.maps, 2); /* an empty map has no frame */
	near(b.positions, log2(70) / 8);
	near(b.ids, 0.5);
	/* frame, length, bitmap; and one byte for the empty map */
	near(b.dictionary, 4);
	near(b.bytes, (log2(70) + 4) / 8 + 4);
	b = reference(REFERENCE_ORDER0, two, 4, 8, false);
	assert_int_equal(b.safepoints, 2);
	assert_int_equal(b.maps, 1);
	near(b.positions, log2(28) / 8);
	near(b.ids, 0);
}

static void test_order0_edges(void **state)
{
	struct safepoint one = { 1, 16, PLACES(MAP_REGISTER + 3) };
	/* 1024 slots: the list of two steps is shorter than the bitmap */
	struct safepoint wide = { 1, 4096, PLACES(0, 1000) };
	struct reference b = reference(REFERENCE_ORDER0, &one, 1, 1, true);
	(void)state;
	near(b.positions, 0);
	near(b.ids, 0);
	near(b.dictionary, 3);
	near(reference(REFERENCE_ORDER0, &wide, 1, 1, true).dictionary, 2 + 1 + 1 + 2);
}

/* ---- Adaptive ------------------------------------------------------------------------------- */

/*
 * Ids A A A. The first: new contexts, escapes are free. The second: A has been seen alone, once: in
 * the order-2 and order-1 contexts of "after A" nothing has, and order 0 says 1 of 1 + 1: 1 bit.
 * The third: after A A, nothing, after A, A once: 1 bit. Steps 10 10 10: all new for the first, a
 * Golomb code of 10 with 6 bits: 7. The second has another context (the step before was 0, now 10:
 * both below 16: the same), so 1 of 1 + 1: 1 bit; the third 2 of 2 + 1.
 */
static void test_adaptive_by_hand(void **state)
{
	struct safepoint same[] = { { 10, 16, PLACES(1) },
				    { 20, 16, PLACES(1) },
				    { 30, 16, PLACES(1) } };
	struct reference b = reference(REFERENCE_ADAPTIVE, same, 3, 40, true);
	(void)state;
	near(b.ids, 2.0 / 8);
	near(b.positions, (7 + 1 + log2(1.5)) / 8);
	/* Five bytes for the whole table; then the kind of change, 1 bit; the frame of 16 bytes,
	 * zigzag 32, with 2 bits: 9; one place, with 1 bit: 2; and which of four. */
	near(b.dictionary, 5 + (1 + 9 + 2 + 2) / 8.0);
	near(b.bytes, b.ids + b.positions + b.dictionary);
	assert_int_equal(b.safepoints, 3);
	assert_int_equal(b.maps, 1);
}

/* One slot more in the same frame: the same kind of change again, 1 bit; a frame that stays, an
 * escape of 1 bit and 3 for a new number 0; one place, an escape of 1 bit and 2 for a new number 1;
 * and which of 100. */
static void test_adaptive_change(void **state)
{
	struct safepoint two[] = { { 10, 400, PLACES(1, 7, 50) },
				   { 20, 400, PLACES(1, 7, 50, 99) } };
	double first = reference(REFERENCE_ADAPTIVE, two, 1, 40, true).dictionary;
	double both = reference(REFERENCE_ADAPTIVE, two, 2, 40, true).dictionary;
	(void)state;
	near(8 * (both - first), 1 + 4 + 3 + log2(100));
}

/* ---- Any ------------------------------------------------------------------------------------ */

static void test_nothing(void **state)
{
	struct safepoint empty = { 1, 16, 0, NULL };
	(void)state;
	for (int kind = 0; kind < REFERENCE_KINDS; kind++) {
		near(reference((enum reference_kind)kind, NULL, 0, 0, true).bytes, 0);
		near(reference((enum reference_kind)kind, &empty, 1, 9, false).bytes, 0);
	}
}

static void test_order_of_references(void **state)
{
	static const struct shape shapes[] = {
		{ "middling", 3000, 5, 60, 60, 200, 40, 25, 0 },
		{ "registers", 3000, 5, 60, 60, 20, 40, 25, 20 },
		{ "huge frames", 30, 7, 60, 100000, 5, 10, 10, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct sample s = make(&shapes[i], 8);
		for (int kind = 0; kind < REFERENCE_KINDS; kind++)
			for (int empties = 0; empties < 2; empties++) {
				struct reference r = reference((enum reference_kind)kind, s.points,
							       s.n, s.text_bytes, empties);
				near(r.bytes, r.positions + r.ids + r.dictionary);
				assert_true(r.positions > 0 && r.ids > 0 && r.dictionary > 0);
				assert_true(r.maps <= r.safepoints && r.safepoints <= s.n);
			}
		release(&s, &shapes[i]);
	}
}

/* On a real program, learning pays, and twice the program is not twice the maps. */
static void test_real(void **state)
{
	char error[CORPUS_ERROR];
	struct corpus c;
	struct reference r[REFERENCE_KINDS];
	(void)state;
	assert_int_equal(corpus_import("workloads/corpora/dart-sass.corpus", &c, error), 0);
	for (int kind = 0; kind < REFERENCE_KINDS; kind++) {
		r[kind] = reference((enum reference_kind)kind, c.safepoints, c.nsafepoints,
				    c.text_bytes, true);
		assert_int_equal(r[kind].safepoints, c.nsafepoints);
		assert_int_equal(r[kind].maps, r[0].maps);
	}
	assert_true(r[REFERENCE_ADAPTIVE].bytes < 0.7 * r[REFERENCE_ORDER0].bytes);
	assert_true(r[REFERENCE_ADAPTIVE].bytes < r[REFERENCE_ZSTD].bytes);
	corpus_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order0),
		cmocka_unit_test(test_order0_edges),
		cmocka_unit_test(test_adaptive_by_hand),
		cmocka_unit_test(test_adaptive_change),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_order_of_references),
		cmocka_unit_test(test_real),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
