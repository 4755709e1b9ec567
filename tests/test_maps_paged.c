/*
 * test_maps_paged.c - paged's readers for different processors agree with one another and with the
 * truth, on every corpus and on damaged tables; what its tables hold at the borders of their form.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_rows.h"
#include "strategies/maps/paged.h"

/* The writer as it were if a word of the directory had 12 bits for a bucket's place: an index that
 * is too large for the 28 bits would need 60 million safepoints. */
#define PAGED_START_BITS 12
#define map_paged_add	 small_add
#define map_paged_finish small_finish
#include "strategies/maps/paged_write.c"
#undef map_paged_add
#undef map_paged_finish

extern const struct map_ops map_paged;

/* Every reader that this processor can run says the same as the encoder's own. */
static enum map_answer look_by_all(const struct map_bytes *table, uint32_t pc,
				   struct map_live *live)
{
	return look_by_readers(&map_paged, map_paged_readers, table, pc, live);
}

/* ---- The corpora --------------------------------------------------------------------------- */

static void test_corpora(void **state)
{
	(void)state;
	check_corpora(&map_paged, look_by_all);
}

/* ---- Borders ------------------------------------------------------------------------------- */

/* Buckets of every number of entries, with and without ids, at every place of the pc in it. */
static void test_buckets(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 256; n += n < 40 ? 1 : 27)
		for (size_t period = 1; period <= 9; period += 4) {
			struct safepoint *points = row(n, 3 * 256 + 256 - (uint32_t)n, period);
			struct map_bytes table = encode(&map_paged, points, n);
			check_row(look_by_all, &table, points, n);
			free(table.data);
			free(points);
		}
}

/* Around the 15 entries that are compared at once: every number of entries with live places. */
static void test_rest(void **state)
{
	(void)state;
	for (size_t n = 14; n <= 256; n += n < 18 ? 1 : 119)
		for (size_t live = 0; live <= n; live += live < 18 || live + 30 > n ? 1 : 25) {
			struct safepoint *points = row(n, 512, 1);
			for (size_t i = live; i < n; i++)
				points[i * 11 % n].nlive = 0;
			struct map_bytes table = encode(&map_paged, points, n);
			check_row(look_by_all, &table, points, n);
			free(table.data);
			free(points);
		}
}

/* The width of ids follows their number, chunk 0 counted: chunks of 32 of one frame are full. */
static void test_widths(void **state)
{
	static const struct {
		size_t n;
		uint8_t width, chunk_bits;
	} rows[] = {
		{ 1, 2, 5 },	     { 65536 - 32, 2, 5 }, { 65536 - 31, 2, 3 },
		{ 65536 - 8, 2, 3 }, { 65536 - 7, 3, 5 },
	};
	struct safepoint *points = differing(70000, 5, 0);
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct map_bytes table = encode(&map_paged, points, rows[i].n);
		assert_int_equal(table.data[PAGED_BYTE_WIDTH], rows[i].width);
		assert_int_equal(table.data[PAGED_BYTE_CHUNK_BITS], rows[i].chunk_bits);
		assert_int_equal(table.data[PAGED_BYTE_STRIDE], 2);
		check_row(look_by_all, &table, points, rows[i].n);
		free(table.data);
	}
	release_differing(points);
}

/* Sets of registers stand in the chunks, or in the records if there are too many for that. */
static void test_masks(void **state)
{
	struct safepoint *points = differing(66000, 5, 1);
	(void)state;
	for (size_t n = 300; n <= 66000; n = n < 60000 ? 64000 : n + 2000) {
		struct map_bytes table = encode(&map_paged, points, n);
		assert_int_equal(table.data[PAGED_BYTE_MASK], n == 66000 ? 4 : 0);
		points[1].nlive = 0; /* an empty map has no record and no mask */
		struct map_bytes with_empty = encode(&map_paged, points, n);
		check_row(look_by_all, &with_empty, points, n);
		points[1].nlive = 3;
		check_row(look_by_all, &table, points, n);
		free(with_empty.data);
		free(table.data);
	}
	release_differing(points);
}

/* A bitmap lacks the bytes that are 0 in its whole chunk, on both sides. */
static void test_trimmed(void **state)
{
	const struct safepoint points[] = {
		{ 9, 4000, PLACES(801, 833) },
		{ 10, 4000, PLACES(803, 833) },
	};
	const struct safepoint mixed[] = { { 9, 4000, PLACES(801, 833) },
					   { 10, 4000, PLACES(802) },
					   { 11, 4000, PLACES(999) } };
	struct map_live live;
	(void)state;
	struct map_bytes table = encode(&map_paged, points, 2);
	assert_int_equal(look_by_all(&table, 10, &live), MAP_FOUND);
	assert_int_equal(live.first, 801); /* 8 slots of 2 a byte: byte 50 begins at slot 800 */
	assert_int_equal(live.stride, 2);
	assert_int_equal(live.nbytes, 3);
	check_row(look_by_all, &table, points, 2);
	free(table.data);
	table = encode(&map_paged, mixed, 3);
	assert_int_equal(look_by_all(&table, 10, &live), MAP_FOUND);
	assert_int_equal(live.first, 800);
	assert_int_equal(live.stride, 1);
	check_row(look_by_all, &table, mixed, 3);
	free(table.data);
}

static void test_too_large(void **state)
{
	(void)state;
	check_too_large(&map_paged);
}

/* The largest index, and one entry more. Four entries of three bytes share each word of four. */
static void test_largest_index(void **state)
{
	enum { PAGES = 255, N = 4 * PAGES, BYTES = PAGED_HEAD + 4 + (4 + 4 * 3) * PAGES };
	_Static_assert(BYTES == 1 << PAGED_START_BITS,
		       "one byte more than a bucket's place can be");
	struct map_ops small = map_paged;
	struct safepoint *points = row(N, 0, N + 1);
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	small.add = small_add;
	small.finish = small_finish;
	points[0].nlive = 1;
	for (size_t i = 0; i < N; i++)
		points[i].pc = 64 * (uint32_t)i;
	struct map_bytes table = encode(&small, points, N - 1);
	check_row(look_by_all, &table, points, N - 1);
	assert_int_equal(map_encode(&small, points, N, &out, &bad), -EFBIG);
	assert_int_equal(bad, N);
	assert_int_equal(out.len, 0);
	free(out.data);
	free(table.data);
	table = encode(&map_paged, points, N);
	check_row(look_by_all, &table, points, N);
	free(table.data);
	free(points);
}

/* ---- Damage -------------------------------------------------------------------------------- */

static void test_damage(void **state)
{
	(void)state;
	check_spoilt(&map_paged, look_by_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpora),	  cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_rest),	  cmocka_unit_test(test_widths),
		cmocka_unit_test(test_masks),	  cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_too_large), cmocka_unit_test(test_largest_index),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
