/*
 * test_maps_runtimes.c - OCaml's, OxCaml's, Dart's, ART's and HotSpot's own formats: small
 * tables against bytes put down by hand from their documented layouts, what they refuse,
 * and what the load makes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_samples.h"

#define R(n) (MAP_REGISTER + (n))

/* Three functions; the second and the third are the same but for where they are. */
static const struct map_function functions[] = { { 0x100, 0x140 },
						 { 0x200, 0x260 },
						 { 0x300, 0x360 } };
static const struct safepoint points[] = {
	{ 0x110, 32, PLACES(2, 4) },	   { 0x120, 32, 0, NULL },
	{ 0x130, 32, PLACES(2, 4) },	   { 0x210, 48, PLACES(0, 6, R(3)) },
	{ 0x310, 48, PLACES(0, 6, R(3)) },
};
static const struct safepoint slots_only[] = {
	{ 0x110, 32, PLACES(2, 4) }, { 0x120, 32, 0, NULL },	  { 0x130, 32, PLACES(2, 4) },
	{ 0x210, 48, PLACES(0, 6) }, { 0x310, 48, PLACES(0, 6) },
};
enum { N = sizeof points / sizeof *points };

/* hex: bytes; anything but hexadecimal digits is left out of account. */
static void assert_bytes(const uint8_t *p, size_t len, const char *hex)
{
	size_t n = 0;
	for (; *hex; hex++) {
		unsigned byte;
		if (!strchr("0123456789abcdef", *hex))
			continue;
		assert_int_equal(sscanf(hex++, "%2x", &byte), 1);
		assert_true(n < len);
		if (p[n] != byte)
			fail_msg("byte %zu is %02x, not %02x", n, p[n], byte);
		n++;
	}
	assert_int_equal(n, len);
}

static void assert_found(const struct map_ops *ops, const struct map_bytes *table,
			 const struct safepoint *p, size_t n)
{
	struct map_live live;
	for (size_t i = 0; i < n; i++) {
		enum map_answer answer = look(ops, table, p[i].pc, &live);
		assert_int_equal(answer, MAP_FOUND);
		assert_int_equal(map_judge(&p[i], answer, &live), MAP_CORRECT);
	}
}

static enum map_answer answer_at(const char *name, const struct map_bytes *table, uint32_t pc)
{
	struct map_live live;
	return look(map_encoder(name), table, pc, &live);
}

/* ---- OCaml --------------------------------------------------------------------------------- */

static void test_ocaml(void **state)
{
	const struct map_ops *ops = map_encoder("ocaml");
	struct map_bytes t = encode_file(ops, points, 4, NULL, 0);
	(void)state;
	assert_bytes(t.data, t.len,
		     "0400000000000000"
		     "1001000000000000 2000 0200 0800 1000"
		     "2001000000000000 2000 0000 00000000"
		     "3001000000000000 2000 0200 0800 1000"
		     "1002000000000000 3000 0300 0000 0700 1800 000000000000");
	assert_int_equal(map_load(ops, &t), 0);
	/* Eight slots: 0x110 >> 3 is 2 of 8; so is 0x210's, which takes the next. */
	assert_bytes(t.data, 72,
		     "07000000 00000000"
		     "0000000000000000 0000000000000000 5000000000000000 8000000000000000"
		     "6000000000000000 0000000000000000 7000000000000000 0000000000000000");
	t = exactly(t);
	assert_found(ops, &t, points, 4);
	/* In a taken slot, in a free one. */
	assert_int_equal(answer_at("ocaml", &t, 0x111), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("ocaml", &t, 0x108), MAP_NO_SAFEPOINT);
	/* A hash without a free slot: the search ends. */
	for (size_t h = 0; h < 8; h++)
		t.data[8 + 8 * h] = 80;
	assert_int_equal(answer_at("ocaml", &t, 0x108), MAP_DAMAGED);
	free(t.data);
}

static void test_ocaml_load_damaged(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{ 0, 5 },     /* more descriptors than there are */
		{ 7, 1 },     /* far more */
		{ 18, 255 },  /* more places than follow */
		{ 16, 0x21 }, /* debug information, which is never written */
	};
	const struct map_ops *ops = map_encoder("ocaml");
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct map_bytes t = encode_file(ops, points, 4, NULL, 0);
		t.data[rows[i].at] = rows[i].value;
		if (rows[i].value == 255)
			t.data[19] = 255;
		assert_int_equal(map_load(ops, &t), -EINVAL);
		free(t.data);
	}
}

/* ---- OxCaml -------------------------------------------------------------------------------- */

static void test_oxcaml(void **state)
{
	const struct map_ops *ops = map_encoder("oxcaml");
	struct map_bytes t = encode_file(ops, points, 4, NULL, 0);
	(void)state;
	/* Sizes in units of 16 bytes, slots of 8; 0x110 is 9002, 0xe0 is e001. */
	assert_bytes(t.data, t.len,
		     "04000000 10 08"
		     "9002 08 06   10 08 00   10 08 06"
		     "e001 0e 0800 09");
	assert_int_equal(map_load(ops, &t), 0);
	/* One bucket, one segment, and a row that ends it. Places count from byte 6. */
	assert_bytes(t.data, 24 + 4 + 24 + 16,
		     "00000000 0c000000 01000000 01000000 04000000 00000000"
		     "00000000"
		     "10010000 06000000 00000000   ffffffff 00000000 04000000"
		     "00000000 10000400 20000700 00010a00");
	t = exactly(t);
	assert_found(ops, &t, points, 4);
	assert_int_equal(answer_at("oxcaml", &t, 0x111), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("oxcaml", &t, 0x211), MAP_NO_SAFEPOINT);
	free(t.data);
}

static void test_oxcaml_long(void **state)
{
	const struct safepoint wide[] = {
		{ 0, 16, PLACES(2) },		/* no step */
		{ 16, 0, 0, NULL },		/* no size */
		{ 32, 1024, PLACES(2, 254) },	/* 64 units */
		{ 48, 16, PLACES(0, R(16)) },	/* a register above 15 */
		{ 64, 0x8000, PLACES(0x1ffe) }, /* more than 15 bits */
	};
	const struct map_ops *ops = map_encoder("oxcaml");
	struct map_bytes t = encode_file(ops, wide, 5, NULL, 0);
	(void)state;
	assert_bytes(t.data, t.len,
		     "05000000 10 08"
		     "00 00000000 1000 0100 0800"
		     "00 10000000 0000 0000"
		     "00 20000000 0004 0200 0800 f803"
		     "00 30000000 1000 0200 0000 2100"
		     "00 40000000 ff7f 00800000 01000000 f87f0000");
	assert_int_equal(map_load(ops, &t), 0);
	t = exactly(t);
	assert_int_equal(ops->scratch(t.data, t.len), 252 / 8 + 1);
	assert_found(ops, &t, wide, 5);
	free(t.data);
}

/* Segments end after 16 descriptors, and where 16 bits do not reach. */
static void test_oxcaml_segments(void **state)
{
	const struct map_ops *ops = map_encoder("oxcaml");
	static const uint32_t place = 2;
	struct safepoint many[40];
	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		many[i] = (struct safepoint){ 100 + 7 * i + (i > 20 ? 200000 : 0), 16, 1, &place };
	struct map_bytes t = encode(ops, many, 40);
	/* 16, 5, 16 and 3 descriptors */
	assert_int_equal(t.data[12] | t.data[13] << 8, 4);
	assert_found(ops, &t, many, 40);
	for (uint32_t pc = 0; pc < 201000; pc++)
		if (!safepoint_find(many, 40, pc, NULL))
			assert_int_equal(answer_at("oxcaml", &t, pc), MAP_NO_SAFEPOINT);
	free(t.data);
}

/* ---- Dart ---------------------------------------------------------------------------------- */

static void test_dart(void **state)
{
	const struct map_ops *ops = map_encoder("dart");
	struct map_bytes t = encode_file(ops, slots_only, N, functions, 3);
	(void)state;
	/* Slots of 8 bytes. The two maps that are used twice come before the empty one; the second
	 * function's stack map is the third's, too. */
	assert_bytes(t.data, t.len,
		     "38000000 03000000 00000000 08000000"
		     "00010000 28000000   00020000 32000000   00030000 32000000"
		     "1a000000 1000 1006 1000"
		     "0a000000 1003"
		     "21000000 0300 06   0400 09   0000");
	t = exactly(t);
	assert_found(ops, &t, slots_only, N);
	assert_int_equal(answer_at("dart", &t, 0x111), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("dart", &t, 0x100), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("dart", &t, 0x361), MAP_NO_SAFEPOINT);
	free(t.data);
}

/* ---- ART ----------------------------------------------------------------------------------- */

struct field {
	uint32_t value;
	unsigned width;
};

/* Packs fields, lowest bit first; width 0: to the next byte. */
static size_t pack(const struct field *f, size_t n, uint8_t *out)
{
	size_t bit = 0;
	for (size_t i = 0; i < n; i++) {
		for (unsigned b = 0; b < f[i].width; b++, bit++)
			out[bit / 8] |= (uint8_t)((f[i].value >> b & 1) << bit % 8);
		if (!f[i].width)
			bit = (bit + 7) / 8 * 8;
	}
	return (bit + 7) / 8;
}

static void test_art(void **state)
{
	static const struct field fields[] = {
		/* First: flags, code size 0x40 in a byte, 4 slots, tables 0 and 2. */
		{ 0, 4 },
		{ 12, 4 },
		{ 4, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 5, 4 },
		{ 0x40, 8 },
		/* Three stack maps: pc in 6 bits, stack mask in 1, both plus 1. */
		{ 3, 4 },
		{ 0, 4 },
		{ 6, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 1, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0x11, 6 },
		{ 1, 1 },
		{ 0x21, 6 },
		{ 0, 1 },
		{ 0x31, 6 },
		{ 1, 1 },
		/* One stack mask of 3 bits. */
		{ 1, 4 },
		{ 3, 4 },
		{ 6, 3 },
		{ 0, 0 },
		/* Second: code size 0x60, 6 slots, tables 0 to 2. */
		{ 0, 4 },
		{ 12, 4 },
		{ 6, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 7, 4 },
		{ 0x60, 8 },
		{ 1, 4 },
		{ 0, 4 },
		{ 5, 4 },
		{ 0, 4 },
		{ 1, 4 },
		{ 1, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0x11, 5 },
		{ 1, 1 },
		{ 1, 1 },
		/* The register mask 8: value 1, shift 3, both plus 1. */
		{ 1, 4 },
		{ 2, 4 },
		{ 3, 4 },
		{ 2, 2 },
		{ 4, 3 },
		{ 1, 4 },
		{ 4, 4 },
		{ 9, 4 },
		{ 0, 0 },
		/* Third: the same, but table 0 is 128 bits before; the
		 * others are too short for that. */
		{ 0, 4 },
		{ 12, 4 },
		{ 6, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 0, 4 },
		{ 13, 4 },
		{ 0x60, 8 },
		{ 0x107, 16 },
		{ 12, 4 },
		{ 128, 8 },
		{ 1, 4 },
		{ 2, 4 },
		{ 3, 4 },
		{ 2, 2 },
		{ 4, 3 },
		{ 1, 4 },
		{ 4, 4 },
		{ 9, 4 },
	};
	const struct map_ops *ops = map_encoder("art");
	struct map_bytes t = encode_file(ops, points, N, functions, 3);
	uint8_t infos[64] = { 0 };
	(void)state;
	assert_bytes(t.data, 32,
		     "03000000 08000000"
		     "00010000 00000000   00020000 0d000000   00030000 1b000000");
	assert_int_equal(t.len, 32 + pack(fields, sizeof fields / sizeof *fields, infos));
	assert_memory_equal(t.data + 32, infos, t.len - 32);
	assert_found(ops, &t, points, N);
	assert_int_equal(answer_at("art", &t, 0x111), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("art", &t, 0x100), MAP_NO_SAFEPOINT);
	free(t.data);
}

/* ---- HotSpot ------------------------------------------------------------------------------- */

static void test_hotspot(void **state)
{
	const struct map_ops *ops = map_encoder("hotspot");
	struct map_bytes t = encode_file(ops, points, 4, functions, 2);
	struct map_live live;
	(void)state;
	/* Slot 2 is (584 + 2) << 2 = 2344, as UNSIGNED5 e9 22; register 3 is 2 * 3 << 2, 19. */
	assert_bytes(t.data, t.len,
		     "02000000"
		     "00010000 00000000 20000000   00020000 40000000 30000000"
		     "03000000 40000000   10000000 00000000  20000000 10000000  30000000 00000000"
		     "02000000 02000000 00000000 e922 f122"
		     "00000000 00000000 00000000 00000000"
		     "01000000 28000000   10000000 00000000"
		     "03000000 03000000 00000000 19 e122 f922 00000000000000");
	assert_found(ops, &t, points, 4);
	/* Between two calls, and before the first: the map of the one behind. */
	assert_int_equal(look(ops, &t, 0x121, &live), MAP_FOUND);
	assert_int_equal(map_judge(&points[2], MAP_FOUND, &live), MAP_CORRECT);
	assert_int_equal(look(ops, &t, 0x10f, &live), MAP_FOUND);
	assert_int_equal(map_judge(&points[0], MAP_FOUND, &live), MAP_CORRECT);
	/* Behind the last of a method, and outside all. */
	assert_int_equal(answer_at("hotspot", &t, 0x131), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("hotspot", &t, 0x100), MAP_NO_SAFEPOINT);
	assert_int_equal(answer_at("hotspot", &t, 0x211), MAP_NO_SAFEPOINT);
	free(t.data);
}

/* ---- All of them --------------------------------------------------------------------------- */

/* The last slot that a format holds, and the next. */
static void test_limits(void **state)
{
	static const struct {
		const char *name;
		uint32_t slots;
	} rows[] = {
		{ "ocaml", 65528 / 4 }, { "oxcaml", 262144 }, { "art", 65535 }, { "hotspot", 15800 }
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct map_ops *ops = map_encoder(rows[i].name);
		const uint32_t n = rows[i].slots;
		const struct safepoint ok = { 4, 4 * n, PLACES(0, n - 1, R(31)) };
		const struct safepoint large[] = { ok, { 8, 4 * n + 4, PLACES(0, n) } };
		struct map_bytes t = encode(ops, &ok, 1), out = { 0 };
		size_t bad;
		assert_found(ops, &t, &ok, 1);
		assert_int_equal(map_encode(ops, large, 2, &out, &bad), -EFBIG);
		assert_int_equal(bad, 1);
		assert_non_null(ops->limits);
		free(t.data);
		free(out.data);
	}
}

/* A frame whose size varies within a function: not held by formats that know it by function. */
static void test_varying_frames(void **state)
{
	static const char *const by_function[] = { "art", "hotspot" };
	const struct safepoint varying[] = { { 4, 32, PLACES(2) }, { 8, 64, PLACES(2, 8) } };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct map_ops *ops = map_encoder(by_function[i]);
		struct map_bytes t = encode(ops, varying, 2);
		struct map_live live;
		assert_found(ops, &t, varying, 2);
		assert_int_equal(look(ops, &t, 4, &live), MAP_FOUND);
		assert_int_equal(live.frame_size, 0);
		free(t.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ocaml),
		cmocka_unit_test(test_ocaml_load_damaged),
		cmocka_unit_test(test_oxcaml),
		cmocka_unit_test(test_oxcaml_long),
		cmocka_unit_test(test_oxcaml_segments),
		cmocka_unit_test(test_dart),
		cmocka_unit_test(test_art),
		cmocka_unit_test(test_hotspot),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_varying_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
