/*
 * test_maps_coded.c - the parts of the coded maps that the test of all encoders cannot see: that
 * each sort of symbol occurs and is read, pages at their borders, what is refused, scratch, and
 * the codes by themselves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_samples.h"
#include "strategies/parts/coded.h"
#include "strategies/parts/huffman.h"

static const char *const encoders[] = { "coded-8", "coded-32" };

/* ---- Codes --------------------------------------------------------------------------------- */

static uint64_t text_bits(const struct huffman *h, const uint64_t *counts)
{
	uint64_t bits = 0;
	for (unsigned s = 0; s < HUFFMAN_SYMBOLS; s++)
		bits += counts[s] * h->length[s];
	return bits;
}

/* Every symbol has a code of at most `bits` bits, none begins another, and all bits are used. */
static void check_codes(const struct huffman *h, const uint64_t *counts, unsigned bits)
{
	uint32_t used = 0, symbols = 0;
	for (unsigned s = 0; s < HUFFMAN_SYMBOLS; s++) {
		assert_int_equal(!counts[s], !h->length[s]);
		assert_in_range(h->length[s], 0, bits);
		if (!counts[s])
			continue;
		symbols++;
		used += 1u << (bits - h->length[s]);
		for (unsigned t = 0; t < HUFFMAN_SYMBOLS; t++)
			if (t != s && h->length[t] >= h->length[s])
				assert_int_not_equal(h->code[t] >> (h->length[t] - h->length[s]),
						     h->code[s]);
	}
	assert_int_equal(used, symbols > 1 ? 1u << bits : symbols << (bits - 1));
}

static void test_codes(void **state)
{
	uint64_t counts[HUFFMAN_SYMBOLS] = { 0 };
	struct huffman h;
	(void)state;
	assert_int_equal(huffman_make(&h, counts, 3), 0);
	check_codes(&h, counts, 3);
	counts[300] = 5;
	assert_int_equal(huffman_make(&h, counts, 3), 0);
	check_codes(&h, counts, 3);
	/* Lengths 1 2 3 4 5 5 without a bound. With 4 bits the text takes 2 * 1 - (2 + 1) more. */
	const uint64_t doubling[] = { 32, 16, 8, 4, 2, 1 };
	counts[300] = 0;
	memcpy(counts + 20, doubling, sizeof doubling);
	assert_int_equal(huffman_make(&h, counts, 5), 0);
	check_codes(&h, counts, 5);
	assert_int_equal(text_bits(&h, counts), 32 + 32 + 24 + 16 + 10 + 5);
	assert_int_equal(huffman_make(&h, counts, 4), 0);
	check_codes(&h, counts, 4);
	assert_int_equal(text_bits(&h, counts), 32 + 32 + 4 * (8 + 4 + 2 + 1));
	assert_int_equal(huffman_make(&h, counts, 3), 0);
	check_codes(&h, counts, 3);
	assert_int_equal(text_bits(&h, counts), 2 * (32 + 16) + 3 * (8 + 4 + 2 + 1));
	assert_int_equal(huffman_make(&h, counts, 2), -EINVAL);
}

static void test_random_codes(void **state)
{
	struct prng r;
	(void)state;
	prng_seed(&r, 3);
	for (int i = 0; i < 60; i++) {
		uint64_t counts[HUFFMAN_SYMBOLS] = { 0 };
		struct huffman h, best;
		uint32_t n = 2 + prng_below(&r, i % 2 ? 500 : 40);
		for (uint32_t k = 0; k < n; k++)
			counts[prng_below(&r, HUFFMAN_SYMBOLS)] =
			    1 + (prng_next(&r) >> (32 + prng_below(&r, 32)));
		assert_int_equal(
		    huffman_best(&best, (const uint64_t(*)[HUFFMAN_SYMBOLS]) & counts, 1), 0);
		check_codes(&best, counts, best.bits);
		for (unsigned bits = 9; bits <= HUFFMAN_BITS; bits++) {
			assert_int_equal(huffman_make(&h, counts, bits), 0);
			check_codes(&h, counts, bits);
			assert_true((16u << best.bits) + text_bits(&best, counts) <=
				    (16u << bits) + text_bits(&h, counts));
		}
	}
}

/* ---- Symbols ------------------------------------------------------------------------------- */

static uint32_t load16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

/* The entries of a table of codes. */
static const uint8_t *codes_of(const uint8_t *map, unsigned table, uint32_t *n)
{
	const uint8_t *p = map + CODED_HEADER, *bits = map + CODED_BITS;
	*n = 1u << *bits;
	for (unsigned t = 0; t < table; t++) {
		p += (size_t)2 * *n;
		if (t + 1 >= CODED_HEAD)
			*n = 1u << *++bits;
	}
	return p;
}

static bool has_symbol(const uint8_t *map, unsigned table, uint32_t mask, uint32_t symbol)
{
	uint32_t n;
	const uint8_t *p = codes_of(map, table, &n);
	for (uint32_t i = 0; i < n; i++)
		if ((CODED_SYMBOL(load16(p + 2 * (size_t)i)) & mask) == symbol)
			return true;
	return false;
}

/* Every safepoint has its map, and no other pc of the text any. */
static void check_all(const struct map_ops *ops, struct map_bytes *table,
		      const struct safepoint *points, size_t n, uint32_t to)
{
	struct map_live live;
	size_t next = 0;
	for (uint32_t pc = 0; pc <= to; pc++) {
		enum map_answer answer = look(ops, table, pc, &live);
		if (next < n && points[next].pc == pc)
			assert_int_equal(map_judge(&points[next++], answer, &live), MAP_CORRECT);
		else
			assert_int_equal(answer, MAP_NO_SAFEPOINT);
	}
	assert_int_equal(next, n);
}

enum { MANY = 400 };

static void test_symbols(void **state)
{
	const uint32_t r = MAP_REGISTER, once[] = { 0, r + 17 };
	static uint32_t wide[500];
	struct safepoint points[MANY];
	const struct safepoint some[] = {
		{ 0, 64, PLACES(0, 2) },      /* against nothing; resized */
		{ 0, 64, PLACES(0, 2) },      /* again */
		{ 0, 64, 0, NULL },	      /* empty */
		{ 0, 64, PLACES(0, 2, 4) },   /* against the last one */
		{ 0, 64, PLACES(0, 2) },      /* the one before */
		{ 0, 64, PLACES(0, r + 31) }, /* registers */
		{ 0, 32, PLACES(0, r + 31) }, /* resized alone */
		{ 0, 8000, 500, wide },	      /* more steps than a count's class holds */
		{ 0, 1u << 28, PLACES(0) },   /* a frame of more units, too */
	};
	enum { SOME = sizeof some / sizeof *some };
	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		wide[i] = 2 * i + i % 2;
	uint32_t pc = 7;
	for (size_t i = 0; i < MANY; i++) {
		points[i] = some[i % SOME];
		/* A mask that occurs once. */
		if (i == 5)
			points[i].live = once;
		points[i].pc = pc += i % 50 ? 1 + (uint32_t)i % 5 : 1500;
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, MANY);
		check_all(ops, &table, points, MANY, pc + 3000);
		assert_true(has_symbol(table.data, CODED_END, 3, CODED_NEW));
		assert_true(has_symbol(table.data, CODED_NEW, 3, CODED_AGAIN));
		assert_true(has_symbol(table.data, CODED_AGAIN, 3, CODED_EMPTY));
		assert_true(has_symbol(table.data, CODED_EMPTY, 3, CODED_NEW));
		assert_true(has_symbol(table.data, CODED_NEW, 2047, CODED_GAP_END));
		assert_true(has_symbol(table.data, CODED_HEAD, 2047, 0));
		assert_true(has_symbol(table.data, CODED_HEAD, CODED_KNOWN, CODED_KNOWN));
		assert_true(has_symbol(table.data, CODED_HEAD, 0x1f8, CODED_RAW_COUNT << 3));
		assert_true(has_symbol(table.data, CODED_FRAME, 2047, CODED_RAW));
		assert_true(table.data[CODED_CHANGES] > 0);
		free(table.data);
	}
}

/* The mean is 8 entries a page, but half of them lie more than 960 units apart. */
static void test_raw_gaps(void **state)
{
	static const uint32_t place[] = { 0 };
	struct safepoint points[MANY];
	(void)state;
	uint32_t pc = 0;
	for (size_t i = 0; i < MANY; i++) {
		points[i] = (struct safepoint){ pc, 16, 1, place };
		pc += i % 2 ? 1200 : 7;
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, MANY);
		check_all(ops, &table, points, MANY, pc);
		assert_true(
		    has_symbol(table.data, CODED_AGAIN, 2047, CODED_RAW_GAP << 2 | CODED_AGAIN));
		free(table.data);
	}
}

/* Runs of bits that begin and end at all places of a word, against nothing and against others. */
static void test_runs(void **state)
{
	enum { N = 1200, SLOTS = 400 };
	struct safepoint *points = calloc(N, sizeof *points);
	uint32_t(*places)[SLOTS] = calloc(N, sizeof *places);
	struct prng r;
	(void)state;
	prng_seed(&r, 11);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t n = 0, at = prng_below(&r, 70), runs = 1 + prng_below(&r, 3);
		for (; runs; runs--, at += 1 + prng_below(&r, 66))
			for (uint32_t len = 1 + prng_below(&r, 67); len; len--)
				places[i][n++] = at++;
		points[i] = (struct safepoint){ 10 + 9 * i, 4 * 2 * SLOTS, n, places[i] };
		/* One bit more or less than the last one. */
		if (i % 4 == 3) {
			points[i].live = points[i - 1].live;
			points[i].nlive = points[i - 1].nlive - (points[i - 1].nlive > 1);
		}
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, N);
		check_all(ops, &table, points, N, 10 + 9 * N);
		assert_true(has_symbol(table.data, CODED_REST, CODED_RUN, CODED_RUN));
		free(table.data);
	}
	free(points);
	free(places);
}

/* Frames of MiBs: bits too far apart for a class, runs too long for one symbol, and small maps
 * between them, which must not keep a word of theirs. */
static void test_far(void **state)
{
	enum { N = 64, LONG = 300000, MOST = 64 * CODED_MAX_WORDS - 1 };
	const uint32_t few[] = { 0, 3 }, far[] = { 1, 400000, MOST }, less[] = { 1, MOST };
	const uint32_t middle[] = { 1, 70000, 400000, 400001 };
	uint32_t *run = calloc(LONG, sizeof *run);
	struct safepoint points[N];
	(void)state;
	for (uint32_t i = 0; i < LONG; i++)
		run[i] = 100 + i;
	const struct safepoint some[] = {
		{ 0, 4 * (MOST + 1), 3, far },
		{ 0, 4 * (MOST + 1), 2, less },
		{ 0, 64, 2, few },
		{ 0, 4 * (MOST + 1), 4, middle },
		{ 0, 4 * (MOST + 1), LONG, run },
		{ 0, 4 * (MOST + 1), LONG - 1, run },
		{ 0, 4 * (MOST + 1), 3, far },
	};
	enum { SOME = sizeof some / sizeof *some };
	for (uint32_t i = 0; i < N; i++) {
		points[i] = some[(i + i / SOME) % SOME];
		points[i].pc = 9 * i;
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, N);
		check_all(ops, &table, points, N, 9 * N);
		assert_true(has_symbol(table.data, CODED_REST, 2047, CODED_RAW));
		free(table.data);
	}
	free(run);
}

/* More masks of registers than numbers: those that occur twice first, then raw ones. */
static void test_masks(void **state)
{
	enum { N = 3000 };
	struct safepoint *points = calloc(N, sizeof *points);
	uint32_t(*places)[9] = calloc(N, sizeof *places);
	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		uint32_t n = 0, set = i < 2000 ? i % 400 : i;
		places[i][n++] = i % 3;
		for (uint32_t b = 0; b < 8; b++)
			if (set >> b & 1)
				places[i][n++] = MAP_REGISTER + 3 * b + (set >> 8) % 3;
		points[i] = (struct safepoint){ 10 + 6 * i, 64, n, places[i] };
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, N);
		check_all(ops, &table, points, N, 10 + 6 * N);
		assert_int_equal(table.data[CODED_MASKS], CODED_MAX_MASKS);
		assert_true(has_symbol(table.data, CODED_MASK, 2047, CODED_RAW));
		free(table.data);
	}
	free(points);
	free(places);
}

/* ---- Pages --------------------------------------------------------------------------------- */

/* Safepoints on both sides of each border of a page, and pages without any. */
static void test_borders(void **state)
{
	const uint32_t places[] = { 0, 2 };
	struct safepoint points[MANY];
	(void)state;
	for (int e = 0; e < 2; e++)
		for (uint32_t at = 0; at < 2; at++) {
			const struct map_ops *ops = map_encoder(encoders[e]);
			for (uint32_t i = 0; i < MANY; i++)
				points[i] = (struct safepoint){ i / 2 * 64 + i % 2 * 63 + at, 16,
								i % 3, places };
			struct map_bytes table = encode(ops, points, MANY);
			assert_true(table.data[CODED_PAGE_SHIFT] >= 6);
			check_all(ops, &table, points, MANY, 64 * MANY);
			free(table.data);
			/* One far away: pages between have no bits, and
			 * the last of all ends early. */
			points[MANY - 1].pc = 100000;
			table = encode(ops, points, MANY);
			check_all(ops, &table, points, MANY, 110000);
			free(table.data);
		}
}

/* A page whose length does not fit its byte is found by a list; its neighbours are as before. */
static void test_wide(void **state)
{
	enum { N = 3000, SLOTS = 6000 };
	static const uint32_t few[] = { 0, 1 };
	static uint32_t many[SLOTS];
	struct safepoint *points = calloc(N, sizeof *points);
	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++)
		many[i] = 3 * i + i % 2;
	for (uint32_t i = 0; i < N; i++) {
		points[i] = (struct safepoint){ 40 * i, 4 * 3 * SLOTS, 1 + i % 2, few };
		if (i % 700 == 20) {
			points[i].nlive = SLOTS;
			points[i].live = many;
		}
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, N);
		assert_int_equal(map_load32(table.data + CODED_WIDE), (N - 21) / 700 + 1);
		check_all(ops, &table, points, N, 40 * N);
		free(table.data);
	}
	free(points);
}

/* Units of the pc are as large as all of them allow; a pc in between is no safepoint. */
static void test_units(void **state)
{
	static const uint32_t place[] = { 0 };
	struct safepoint points[MANY];
	(void)state;
	uint32_t pc = 3;
	for (uint32_t i = 0; i < MANY; i++) {
		points[i] = (struct safepoint){ pc, 16, 1, place };
		pc += 16 * (1 + i % 5);
	}
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, MANY);
		assert_int_equal(table.data[CODED_PC_SHIFT], 4);
		check_all(ops, &table, points, MANY, pc + 100);
		free(table.data);
	}
}

/* Many safepoints in a row and one at the end of 4 GiB: no more than two pages for each. */
static void test_crowd(void **state)
{
	enum { N = 1000 };
	static const uint32_t place[] = { 1 };
	struct safepoint *points = calloc(N, sizeof *points);
	struct map_live live;
	(void)state;
	for (uint32_t i = 0; i < N; i++)
		points[i] = (struct safepoint){ 5 * i, 16, i % 2, place };
	points[N - 1].pc = UINT32_MAX;
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, N);
		assert_in_range(map_load32(table.data + CODED_PAGES), N / 32, 2 * N);
		check_all(ops, &table, points, N - 1, 10000);
		assert_int_equal(
		    map_judge(&points[N - 1], look(ops, &table, UINT32_MAX, &live), &live),
		    MAP_CORRECT);
		assert_int_equal(look(ops, &table, UINT32_MAX - 1, &live), MAP_NO_SAFEPOINT);
		free(table.data);
	}
	free(points);
}

/* ---- Refusals and scratch ------------------------------------------------------------------ */

static void test_refusals(void **state)
{
	enum { MOST = 64 * CODED_MAX_WORDS - 1 };
	const uint32_t far[] = { 1, MOST }, farther[] = { MOST + 1, MAP_REGISTER };
	const uint32_t numbered[] = { 1, MAP_REGISTER + 32 };
	struct safepoint points[] = { { 1, 16, PLACES(0) }, { 2, 4 * (MOST + 2), 2, far } };
	(void)state;
	for (int e = 0; e < 2; e++) {
		const struct map_ops *ops = map_encoder(encoders[e]);
		struct map_bytes table = encode(ops, points, 2), none = { 0 };
		size_t bad = 0;
		check_all(ops, &table, points, 2, 10);
		/* Two bitmaps, and no more. */
		assert_int_equal(map_scratch(ops, table.data, table.len), 2 * 8 * CODED_MAX_WORDS);
		free(table.data);
		points[1].live = farther;
		assert_int_equal(map_encode(ops, points, 2, &none, &bad), -EFBIG);
		assert_int_equal(bad, 1);
		points[1].live = numbered;
		assert_int_equal(map_encode(ops, points, 2, &none, &bad), -ENOTSUP);
		assert_int_equal(bad, 1);
		assert_int_equal(none.len, 0);
		free(none.data);
		points[1].live = far;
	}
}

/* Whatever the header says, scratch is bounded, and too long a bitmap is damage. */
static void test_scratch(void **state)
{
	const struct safepoint points[] = { { 1, 16, PLACES(0) } };
	struct map_live live;
	(void)state;
	for (int e = 0; e < 2; e++)
		for (uint32_t words = 0; words < 65536; words += words < 3000 ? 1 : 999) {
			const struct map_ops *ops = map_encoder(encoders[e]);
			struct map_bytes table = encode(ops, points, 1);
			table.data[CODED_WORDS] = (uint8_t)words;
			table.data[CODED_WORDS + 1] = (uint8_t)(words >> 8);
			size_t size = map_scratch(ops, table.data, table.len);
			bool right = words && words <= CODED_MAX_WORDS;
			assert_int_equal(size, right ? 16 * words : 0);
			assert_int_equal(look(ops, &table, 1, &live),
					 right ? MAP_FOUND : MAP_DAMAGED);
			free(table.data);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),	cmocka_unit_test(test_random_codes),
		cmocka_unit_test(test_symbols), cmocka_unit_test(test_raw_gaps),
		cmocka_unit_test(test_runs),	cmocka_unit_test(test_far),
		cmocka_unit_test(test_masks),	cmocka_unit_test(test_borders),
		cmocka_unit_test(test_wide),	cmocka_unit_test(test_units),
		cmocka_unit_test(test_crowd),	cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_scratch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
