/*
 * test_maps_engines.c - the engines' own formats: small tables written by hand after the layouts
 * that the heads of their files draw, and what each answers for pcs that are no safepoint.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_samples.h"

/* Slots of 8 bytes; two functions that meet, the first of which ends in a call. */
static const struct map_function functions[] = { { 0x100, 0x140 }, { 0x140, 0x160 } };
static const struct safepoint points[] = {
	{ 0x105, 32, PLACES(0, 2) }, { 0x110, 32, PLACES(0, 2) }, { 0x120, 32, 0, NULL },
	{ 0x140, 32, PLACES(4) },    { 0x150, 16, PLACES(0) },
};
enum { POINTS = sizeof points / sizeof *points };

/* bytes: hex digits; blanks are for the eye. */
static void check_hex(const char *name, const struct safepoint *p, size_t n, const char *bytes)
{
	const struct map_ops *ops = map_encoder(name);
	struct map_bytes table = encode_file(ops, p, n, functions, 2);
	char *hex = calloc(2 * table.len + 1, 1), *plain = calloc(strlen(bytes) + 1, 1),
	     *to = plain;
	for (size_t i = 0; i < table.len; i++)
		sprintf(hex + 2 * i, "%02x", table.data[i]);
	for (; *bytes; bytes++)
		if (*bytes != ' ')
			*to++ = *bytes;
	assert_string_equal(hex, plain);
	free(hex);
	free(plain);
	free(table.data);
}

/* What a pc is answered: the map of points[same], or if same is -1, `answer` without a place. */
static void check_answer(const char *name, uint32_t pc, enum map_answer answer, int same)
{
	const struct map_ops *ops = map_encoder(name);
	struct map_bytes table = encode_functions(ops, points, POINTS, functions, 2);
	struct map_cursor at = { 0 };
	struct map_live live = { 0 };
	uint32_t place;
	assert_int_equal(look(ops, &table, pc, &live), answer);
	if (same >= 0)
		assert_int_equal(map_judge(&points[same], answer, &live), MAP_CORRECT);
	else if (answer == MAP_FOUND)
		assert_false(map_next(&live, &at, &place));
	free(table.data);
}

static void check_points(const char *name, enum map_answer empty)
{
	for (int i = 0; i < POINTS; i++)
		check_answer(name, points[i].pc, points[i].nlive ? MAP_FOUND : empty, i);
}

/* ---- Wasmtime's blocks ---------------------------------------------------------------------- */

static void test_blocks(void **state)
{
	(void)state;
	check_hex("blocks", points, POINTS,
		  "04000000 01000000 07000000 "	   /* entries, blocks, bytes of bodies */
		  "05010000 00000000 "		   /* the block: its first pc, its body */
		  "00 00 "			   /* step 0; the record at 0 */
		  "17 "				   /* step 11, again */
		  "60 03 "			   /* step 48; 3 further on */
		  "20 03 "			   /* step 16; 3 further on */
		  "20 01 05  20 01 10  10 01 01"); /* frame, bytes, bitmap by 4-byte slots */
	check_points("blocks", MAP_ABSENT);
	check_answer("blocks", 0x104, MAP_ABSENT, -1);
	check_answer("blocks", 0x106, MAP_ABSENT, -1);
	check_answer("blocks", 0x151, MAP_ABSENT, -1);
}

/* The 129th entry begins a block, whose deltas begin anew. */
static void test_blocks_of_128(void **state)
{
	enum { N = 300 };
	static const uint32_t slots[] = { 0, 1, 2, 3 };
	struct safepoint many[N];
	const struct map_ops *ops = map_encoder("blocks");
	struct map_live live;
	(void)state;
	for (uint32_t i = 0; i < N; i++)
		many[i] = (struct safepoint){ 100 + 1000 * i, 16, 1, &slots[i % 4] };
	struct map_bytes table = encode(ops, many, N);
	static const uint8_t header[] = { 44, 1, 0, 0, 3, 0, 0, 0 };
	assert_memory_equal(table.data, header, sizeof header);
	uint32_t first =
	    table.data[20] | (uint32_t)table.data[21] << 8 | (uint32_t)table.data[22] << 16;
	assert_int_equal(first, 100 + 1000 * 128);
	for (uint32_t i = 0; i < N; i++) {
		enum map_answer answer = look(ops, &table, many[i].pc, &live);
		assert_int_equal(map_judge(&many[i], answer, &live), MAP_CORRECT);
		assert_int_equal(look(ops, &table, many[i].pc - 1, &live), MAP_ABSENT);
	}
	free(table.data);
}

/* ---- V8 ------------------------------------------------------------------------------------- */

static void test_v8(void **state)
{
	const struct safepoint registers[] = { { 0x110, 32, PLACES(2, MAP_REGISTER + 3) },
					       { 0x150, 16, PLACES(0, MAP_REGISTER + 12) },
					       { 0x151, 32, PLACES(0, MAP_REGISTER + 12) } };
	(void)state;
	check_hex("v8", points, POINTS,
		  "02000000 08000000 "			    /* functions; bytes of a slot */
		  "00010000 40010000 40010000 60010000 "    /* starts, ends */
		  "00000000 14000000 "			    /* tables */
		  "04000000 03000000 10040000 "		    /* slots, entries, config */
		  "05 20 40  03 00 04  0000 "		    /* pcs, bitmaps, padding */
		  "02000000 01000000 10040000 10 01 0000"); /* the second function */
	check_points("v8", MAP_FOUND);
	check_answer("v8", 0x100, MAP_NO_SAFEPOINT, -1);
	check_answer("v8", 0x104, MAP_NO_SAFEPOINT, -1);
	check_answer("v8", 0x106, MAP_FOUND, 0);
	check_answer("v8", 0x121, MAP_FOUND, 2);
	check_answer("v8", 0x141, MAP_NO_SAFEPOINT, -1);
	check_answer("v8", 0x160, MAP_FOUND, 4);
	check_answer("v8", 0x161, MAP_NO_SAFEPOINT, -1);
	/* Registers take as many bytes as the table's greatest mask; the second function's frames
	 * differ, so their size is not held. */
	check_hex("v8", registers, 3,
		  "02000000 08000000 "
		  "00010000 40010000 40010000 60010000 "
		  "00000000 10000000 "
		  "04000000 01000000 12040000 10 08 02 00 "
		  "00000000 01000000 14040000 10 0010 01");
}

/* A pc takes the bytes of the greatest pc + 1 of its table. */
static void test_v8_widths(void **state)
{
	static const struct {
		uint32_t pc;
		unsigned bytes;
	} rows[] = { { 0x100 + 0xfe, 1 },
		     { 0x100 + 0xff, 2 },
		     { 0x100 + 0xffff, 3 },
		     { 0x100 + 0xffffff, 4 } };
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct map_function one = { 0x100, rows[i].pc };
		const struct safepoint p = { rows[i].pc, 16, PLACES(0) };
		const struct map_ops *ops = map_encoder("v8");
		struct map_bytes table = encode_functions(ops, &p, 1, &one, 1);
		struct map_live live;
		assert_int_equal(table.data[20 + 8] >> 4 & 7, rows[i].bytes);
		assert_int_equal(look(ops, &table, p.pc, &live), MAP_FOUND);
		assert_int_equal(map_judge(&p, MAP_FOUND, &live), MAP_CORRECT);
		free(table.data);
	}
}

/* ---- Go ------------------------------------------------------------------------------------- */

static void test_go(void **state)
{
	(void)state;
	check_hex("go", points, POINTS,
		  "02000000 00010000 60010000 " /* functions, first pc, last pc */
		  "08000000 08000000 15000000 " /* bytes of a slot, gap, bytes of pctab */
		  "00000000 00 010101010101010101010101010101 "	  /* a bucket */
		  "00010000 00000000 40010000 10000000 60010000 " /* functab */
		  "00010000 01000000 04000000 00000000 "	  /* _func */
		  "40010000 0d000000 10000000 0c000000 "
		  "00 "
		  "42 41 00 "			    /* pcsp: 32 for 0x41 bytes */
		  "00 04  04 1b  01 20  04 01  00 " /* -1, 1, 0, 2 */
		  "22 21 00 "
		  "00 0f  04 11  00 "
		  "03000000 03000000 00 03 04 00 " /* three maps of three bits, padding */
		  "02000000 01000000 00 01");
	check_points("go", MAP_FOUND);
	check_answer("go", 0x100, MAP_NO_SAFEPOINT, -1);
	check_answer("go", 0x101, MAP_FOUND, -1); /* the entry's map */
	check_answer("go", 0x104, MAP_FOUND, -1);
	check_answer("go", 0x106, MAP_FOUND, 0);
	check_answer("go", 0x11f, MAP_FOUND, 1);
	check_answer("go", 0x121, MAP_FOUND, 2);
	check_answer("go", 0x141, MAP_FOUND, -1);
	check_answer("go", 0x160, MAP_FOUND, 4);
	check_answer("go", 0x161, MAP_NO_SAFEPOINT, -1);
}

/* 257 functions in 4096 bytes are more than a bucket's bytes can count; and frames are signed. */
static void test_go_limits(void **state)
{
	enum { N = 300 };
	struct map_function close[N];
	struct safepoint each[N], wide = { 10, 0x80000000u, 0, NULL };
	const struct map_ops *ops = map_encoder("go");
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		close[i] = (struct map_function){ 12 * i, 12 * i + 12 };
		each[i] = (struct safepoint){ 12 * i + 6, 16, 0, NULL };
	}
	assert_int_equal(map_encode_functions(ops, each, 256, close, 256, &out, &bad), 0);
	out.len = 0;
	assert_int_equal(map_encode_functions(ops, each, N, close, N, &out, &bad), -EFBIG);
	assert_int_equal(bad, N);
	assert_int_equal(out.len, 0);
	assert_int_equal(map_encode(ops, &wide, 1, &out, &bad), -EFBIG);
	assert_int_equal(bad, 0);
	free(out.data);
}

/* ---- Functions ------------------------------------------------------------------------------ */

/* Functions that overlap are refused; a safepoint that none has gets one in the gap. */
static void test_functions(void **state)
{
	static const struct map_function bad_ones[][2] = { { { 10, 20 }, { 19, 30 } },
							   { { 10, 9 }, { 20, 30 } },
							   { { 30, 40 }, { 10, 20 } } };
	static const struct map_function apart[] = { { 10, 20 }, { 40, 50 } };
	const struct safepoint around[] = { { 5, 16, PLACES(0) },
					    { 15, 16, PLACES(1) },
					    { 25, 16, PLACES(2) },
					    { 45, 16, PLACES(3) },
					    { 55, 16, PLACES(0) } };
	(void)state;
	for (int e = 0; map_encoders[e]; e++) {
		const struct map_ops *ops = map_encoders[e];
		struct map_bytes out = { 0 };
		size_t bad;
		if (!ops->function)
			continue;
		for (int i = 0; i < 3; i++) {
			int error =
			    map_encode_functions(ops, &around[3], 1, bad_ones[i], 2, &out, &bad);
			assert_int_equal(error, -EINVAL);
			assert_int_equal(bad, 1);
			assert_int_equal(out.len, 0);
		}
		free(out.data);
		struct map_bytes table = encode_functions(ops, around, 5, apart, 2);
		for (int i = 0; i < 5; i++) {
			struct map_live live;
			enum map_answer answer = look(ops, &table, around[i].pc, &live);
			assert_int_equal(map_judge(&around[i], answer, &live), MAP_CORRECT);
		}
		free(table.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),	  cmocka_unit_test(test_blocks_of_128),
		cmocka_unit_test(test_v8),	  cmocka_unit_test(test_v8_widths),
		cmocka_unit_test(test_go),	  cmocka_unit_test(test_go_limits),
		cmocka_unit_test(test_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
