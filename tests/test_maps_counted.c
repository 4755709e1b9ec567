/*
 * test_maps_counted.c - counted's readers agree with one another and with the truth, on every
 * corpus and on damaged tables; what its tables hold at the borders of their form.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_rows.h"
#include "strategies/maps/counted.h"

/* The writer as it were if ids were below 2^10: 2^24 of them need two million frames. */
#define COUNTED_MOST_IDS   (1 << 10)
#define map_counted_add	   small_add
#define map_counted_finish small_finish
#include "strategies/maps/counted_write.c"
#undef map_counted_add
#undef map_counted_finish

extern const struct map_ops map_counted;

/* Every reader that this processor can run says the same as the encoder's own. */
static enum map_answer look_by_all(const struct map_bytes *table, uint32_t pc,
				   struct map_live *live)
{
	return look_by_readers(&map_counted, map_counted_readers, table, pc, live);
}

static void test_corpora(void **state)
{
	(void)state;
	check_corpora(&map_counted, look_by_all);
}

/* ---- Borders ------------------------------------------------------------------------------- */

/* Buckets of every number of entries with and without live places, at every place of the pc in it,
 * as far as nibbles count them and beyond. */
static void test_buckets(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 256; n += n < 40 ? 1 : 27)
		for (size_t period = 1; period <= 9; period += 4) {
			struct safepoint *points = row(n, 3 * 256 + 256 - (uint32_t)n, period);
			struct map_bytes table = encode(&map_counted, points, n);
			size_t empty = (n + period - 1) / period, live = n - empty;
			uint32_t wide = map_load32(table.data + COUNTED_CHUNKS) -
					map_load32(table.data + COUNTED_WIDE);
			if (live <= 7 && empty <= 7)
				assert_int_equal(wide, 0);
			if (live > 15 || empty > 15)
				assert_true(wide >= empty + 2 * live);
			check_row(look_by_all, &table, points, n);
			free(table.data);
			free(points);
		}
}

/* Maps that occur once have no chunk of their own: the bytes behind their codes are as many as the
 * number of maps needs, and lie before the empty entries, here every third entry. */
static void test_codes(void **state)
{
	static const struct {
		size_t n;
		uint32_t apart; /* pcs */
		bool empty;
		uint8_t second;
	} rows[] = {
		{ 1, 16, false, 1 },	 { 300, 16, true, 1 },	  { 300, 5, true, 1 },
		{ 65536, 20, false, 1 }, { 65537, 20, false, 2 }, { 66000, 40, false, 2 },
		{ 99000, 40, true, 2 },	 { 99000, 25, true, 2 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct safepoint *points = differing(rows[i].n, rows[i].apart, 0);
		for (size_t k = 2; rows[i].empty && k < rows[i].n; k += 3)
			points[k].nlive = 0;
		struct map_bytes table = encode(&map_counted, points, rows[i].n);
		assert_int_equal(table.data[COUNTED_SECOND], rows[i].second);
		check_row(look_by_all, &table, points, rows[i].n);
		free(table.data);
		release_differing(points);
	}
}

/* 200 maps forty times each: all have chunks of their own. 400 maps: the frequent ones have. */
static void test_direct(void **state)
{
	enum { N = 8000 };
	struct safepoint *points = calloc(N, sizeof *points), *maps = differing(400, 1, 1);
	(void)state;
	for (size_t i = 0; i < N; i++) {
		points[i] = maps[i % 200];
		points[i].pc = 30 * (uint32_t)i;
	}
	struct map_bytes table = encode(&map_counted, points, N);
	assert_int_equal(table.data[COUNTED_CODES], 200);
	check_row(look_by_all, &table, points, N);
	free(table.data);
	for (size_t i = 0; i < N; i += 40)
		points[i].live = maps[200 + i / 40].live;
	table = encode(&map_counted, points, N);
	assert_in_range(table.data[COUNTED_CODES], 150, 200);
	check_row(look_by_all, &table, points, N);
	free(table.data);
	release_differing(maps);
	free(points);
}

/* Sets of registers stand in the chunks, or in the records if there are many. */
static void test_masks(void **state)
{
	enum { N = 2 * 32 * 31 };
	static uint32_t places[N][3];
	struct safepoint *points = calloc(N, sizeof *points);
	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		uint32_t a = i / 2 % 32, b = (a + 1 + i / 64) % 32, high = a > b ? a : b;
		memcpy(places[i],
		       (const uint32_t[]){ 2 * (i % 2), MAP_REGISTER + a + b - high,
					   MAP_REGISTER + high },
		       sizeof *places);
		points[i] = (struct safepoint){ 70 * i, 64, 3, places[i] };
	}
	struct map_bytes table = encode(&map_counted, points, N);
	assert_int_equal(table.data[COUNTED_MASK], 4);
	check_row(look_by_all, &table, points, N);
	free(table.data);
	free(points);
	points = differing(2000, 70, 1);
	table = encode(&map_counted, points, 2000);
	assert_int_equal(table.data[COUNTED_MASK], 0);
	check_row(look_by_all, &table, points, 2000);
	free(table.data);
	release_differing(points);
}

static void test_too_large(void **state)
{
	(void)state;
	check_too_large(&map_counted);
}

/* Frames of different sizes share no chunk, and a chunk takes 8 ids or more. */
static void test_ids(void **state)
{
	enum { MOST = COUNTED_MOST_IDS / 8 };
	static const uint32_t place[] = { 0 };
	static struct safepoint points[MOST + 1];
	struct map_ops small = map_counted;
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	small.add = small_add;
	small.finish = small_finish;
	for (uint32_t i = 0; i <= MOST; i++)
		points[i] = (struct safepoint){ 4 * i, 8 * i + 8, 1, place };
	struct map_bytes table = encode(&small, points, MOST);
	check_row(look_by_all, &table, points, MOST);
	assert_int_equal(map_encode(&small, points, MOST + 1, &out, &bad), -EFBIG);
	assert_int_equal(bad, MOST + 1);
	assert_int_equal(out.len, 0);
	free(table.data);
	free(out.data);
	table = encode(&map_counted, points, MOST + 1);
	check_row(look_by_all, &table, points, MOST + 1);
	free(table.data);
}

static void test_damage(void **state)
{
	(void)state;
	check_spoilt(&map_counted, look_by_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpora), cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_codes),	cmocka_unit_test(test_direct),
		cmocka_unit_test(test_masks),	cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_ids),	cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
