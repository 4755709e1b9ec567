/*
 * test_map_live.c - what all encoders share: places iterated and judged, a safepoint found,
 * registers moved into the frame.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_samples.h"

/* Each length of a bitmap, each stride, with registers and without. */
static void test_next(void **state)
{
	static const struct {
		struct map_live live; /* without the bitmap */
		uint8_t bytes[9];
		uint32_t places[8];
		size_t n;
	} rows[] = {
		{ { .stride = 1 }, { 0 }, { 0 }, 0 },
		{ { .stride = 1, .registers = 0x80000001 },
		  { 0 },
		  { MAP_REGISTER, MAP_REGISTER + 31 },
		  2 },
		{ { .stride = 1, .nbytes = 1 }, { 0x81 }, { 0, 7 }, 2 },
		{ { .stride = 2, .nbytes = 3, .first = 10 }, { 5, 0, 0x80 }, { 10, 14, 56 }, 3 },
		{ { .stride = 1, .nbytes = 4, .first = 3 }, { 0, 0, 0, 0x80 }, { 34 }, 1 },
		{ { .stride = 2, .nbytes = 5, .registers = 2 },
		  { 0, 0, 0, 0, 1 },
		  { 64, MAP_REGISTER + 1 },
		  2 },
		{ { .stride = 1, .nbytes = 9, .first = 100, .registers = 6 },
		  { 1, 0, 0, 0, 0, 0, 0, 0x80, 0x80 },
		  { 100, 163, 171, MAP_REGISTER + 1, MAP_REGISTER + 2 },
		  5 },
		{ { .stride = 1, .nbytes = 8 }, { 0 }, { 0 }, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct map_live live = rows[i].live;
		struct map_cursor at = { 0 };
		uint8_t *bitmap = malloc(live.nbytes); /* no byte more may be read */
		uint32_t place;
		if (live.nbytes)
			memcpy(bitmap, rows[i].bytes, live.nbytes);
		live.bitmap = bitmap;
		for (size_t k = 0; k < rows[i].n; k++) {
			assert_true(map_next(&live, &at, &place));
			assert_int_equal(place, rows[i].places[k]);
		}
		assert_false(map_next(&live, &at, &place));
		assert_false(map_next(&live, &at, &place));
		free(bitmap);
	}
}

static void test_judge(void **state)
{
	static const uint8_t bits[] = { 5, 0, 0, 0 };
	const struct safepoint full = { 0, 16, PLACES(0, 2) }, less = { 0, 16, PLACES(0) };
	const struct safepoint more = { 0, 16, PLACES(0, 2, 3) }, empty = { 0, 16, 0, NULL };
	const struct safepoint wide = { 0, 32, PLACES(0, 2) };
	const struct safepoint saved = { 0, 16, PLACES(0, 2, MAP_REGISTER + 3) };
	const struct safepoint far = { 0, 64, PLACES(7, 11) };
	const struct map_live live = { .frame_size = 16, .nbytes = 4, .stride = 1, .bitmap = bits },
			      unsized = { .nbytes = 4, .stride = 1, .bitmap = bits },
			      nothing = { .frame_size = 16, .stride = 1 },
			      with = { 16, 0, 1, 8, 1, bits }, wider = { 64, 7, 1, 0, 2, bits };
	(void)state;
	assert_int_equal(map_judge(&full, MAP_FOUND, &live), MAP_CORRECT);
	assert_int_equal(map_judge(&saved, MAP_FOUND, &with), MAP_CORRECT);
	assert_int_equal(map_judge(&saved, MAP_FOUND, &live), MAP_WRONG);
	assert_int_equal(map_judge(&full, MAP_FOUND, &with), MAP_WRONG);
	assert_int_equal(map_judge(&far, MAP_FOUND, &wider), MAP_CORRECT);
	assert_int_equal(map_judge(&less, MAP_FOUND, &live), MAP_WRONG);
	assert_int_equal(map_judge(&more, MAP_FOUND, &live), MAP_WRONG);
	assert_int_equal(map_judge(&wide, MAP_FOUND, &live), MAP_WRONG);
	assert_int_equal(map_judge(&wide, MAP_FOUND, &unsized), MAP_CORRECT);
	assert_int_equal(map_judge(&full, MAP_FOUND, &nothing), MAP_WRONG);
	assert_int_equal(map_judge(&full, MAP_ABSENT, &live), MAP_SILENT);
	assert_int_equal(map_judge(&full, MAP_DAMAGED, &live), MAP_DETECTED);
	assert_int_equal(map_judge(&empty, MAP_FOUND, &live), MAP_WRONG);
	assert_int_equal(map_judge(&empty, MAP_FOUND, &nothing), MAP_CORRECT);
	assert_int_equal(map_judge(&empty, MAP_ABSENT, &live), MAP_CORRECT);
	assert_int_equal(map_judge(NULL, MAP_FOUND, &live), MAP_WRONG);
	assert_int_equal(map_judge(NULL, MAP_FOUND, &nothing), MAP_SILENT);
	assert_int_equal(map_judge(NULL, MAP_ABSENT, &live), MAP_SILENT);
	assert_int_equal(map_judge(NULL, MAP_NO_SAFEPOINT, &live), MAP_DETECTED);
}

/* Every pc of a small text, in lists of 0 to 9 safepoints. */
static void test_find(void **state)
{
	struct safepoint points[9];

	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		points[i] = (struct safepoint){ .pc = 3 * i + 1 };
	for (size_t n = 0; n <= 9; n++)
		for (uint32_t pc = 0; pc < 3 * 9 + 3; pc++) {
			size_t behind = 0, at = 99;

			while (behind < n && points[behind].pc < pc)
				behind++;
			bool there = behind < n && points[behind].pc == pc;
			const struct safepoint *p = safepoint_find(points, n, pc, &at);
			assert_ptr_equal(p, there ? &points[behind] : NULL);
			assert_ptr_equal(safepoint_find(points, n, pc, NULL), p);
			assert_int_equal(at, behind);
		}
	assert_null(safepoint_find(NULL, 0, 5, NULL));
}

static void test_spill(void **state)
{
	const uint32_t r = MAP_REGISTER;
	struct safepoint in = { 7, 22, PLACES(1, 4, r, r + 5, r + 31) }, out;
	const uint32_t expected[] = { 1, 4, 6 + 2, 6 + 12, 6 + 64 };
	uint32_t places[5];
	(void)state;
	assert_int_equal(safepoint_spill_registers(&in, &out, places), 0);
	assert_int_equal(out.pc, 7);
	assert_int_equal(out.frame_size, 24 + MAP_SPILL_BYTES);
	assert_int_equal(out.nlive, 5);
	assert_memory_equal(out.live, expected, sizeof expected);
	struct map_bytes table = encode(map_encoder("exact"), &out, 1);
	assert_int_equal(table.len, 4 + 8 + 8 + 4 * 3);
	free(table.data);
	in = (struct safepoint){ 7, 22, PLACES(r + 32) };
	assert_int_equal(safepoint_spill_registers(&in, &out, places), -ENOTSUP);
	in = (struct safepoint){ 7, 22, PLACES(5) };
	assert_int_equal(safepoint_spill_registers(&in, &out, places), -EINVAL);
	in = (struct safepoint){ 7, UINT32_MAX - 100, 0, NULL };
	assert_int_equal(safepoint_spill_registers(&in, &out, places), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_spill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
