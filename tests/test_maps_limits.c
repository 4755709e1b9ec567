/*
 * test_maps_limits.c - the last map that a format holds, and one more, which it refuses with -EFBIG
 * and has a limit in words for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map_samples.h"
#include "strategies/parts/strings.h"

/* The format as it were if 2^31, the most bytes of records, were small. */
#undef INT32_MAX
#define INT32_MAX  120
#define map_blocks small_blocks
#include "strategies/maps/blocks.c"

/* The writer as it were if a group had 7 bits for its first page's place. */
#include "strategies/parts/coded_write.h"
#define CODED_MAX_PLACE	 127
#define map_coded_add	 small_add
#define map_coded_finish small_coded_finish
#include "strategies/parts/coded_finish.c"

static int small_finish(void *state, struct map_bytes *out)
{
	return small_coded_finish(state, 8, out);
}

/* n safepoints are held, n + 1 are refused: *bad is the last, or n + 1 if all were added. */
static void check_last(const char *name, const struct safepoint *points, size_t n, bool by_add)
{
	const struct map_ops *ops = map_encoder(name);
	struct map_bytes table = { 0 }, out = { 0 };
	struct map_live live;
	size_t bad = 0;

	assert_int_equal(map_encode(ops, points, n, &table, NULL), 0);
	table = exactly(table);
	for (size_t i = 0; i < n; i += n < 100 ? 1 : n / 10) {
		enum map_answer answer = look(ops, &table, points[i].pc, &live);
		assert_int_equal(map_judge(&points[i], answer, &live), MAP_CORRECT);
	}
	assert_int_equal(map_encode(ops, points, n + 1, &out, &bad), -EFBIG);
	assert_int_equal(bad, by_add ? n : n + 1);
	assert_int_equal(out.len, 0);
	assert_non_null(ops->limits);
	free(table.data);
	free(out.data);
}

/* Words up to the last live slot are counted with 16 bits, wherever the first is. */
static void test_exact_first(void **state)
{
	const uint32_t n = 32 * 65535;
	const struct safepoint points[] = { { 10, 4 * n, PLACES(n - 1) },
					    { 20, 4 * n + 4, PLACES(n) } };
	(void)state;
	check_last("exact-first", points, 1, true);
	check_last("exact-first-consed", points, 1, true);
}

static void test_v8(void **state)
{
	const uint32_t n = 2 * 8 * ((1 << 22) - 1);
	const struct safepoint points[] = { { 10, 4 * n, PLACES(n - 2) },
					    { 20, 4 * n + 8, PLACES(n) } };
	(void)state;
	check_last("v8", points, 1, false);
}

/* The bits of a bitmap of go, and its bytes by all safepoints. */
static void test_go(void **state)
{
	enum { BITS = 1 << 19, ALL = 1 << 12 };
	static const uint32_t top[] = { BITS - 1 }, both[] = { 0, BITS - 1 }, low[] = { 0, BITS };
	const struct safepoint points[] = { { 10, 4 * BITS, 1, top },
					    { 20, 4 * BITS, 2, both },
					    { 30, 4 * BITS + 4, 2, low } };
	const struct map_ops *ops = map_encoder("go");
	struct safepoint *many = calloc(ALL + 1, sizeof *many);
	struct map_bytes out = { 0 };
	(void)state;
	check_last("go", points, 2, false);
	for (uint32_t i = 0; i <= ALL; i++)
		many[i] = (struct safepoint){ 2 * i + 1, 4 * BITS, 2, both };
	assert_int_equal(map_encode(ops, many, ALL + 1, &out, NULL), -EFBIG);
	free(out.data);
	free(many);
}

/* Distinct frames have no chunk in common: 2^24 ids are 2^19 chunks of 32 or 2^21 of 8, with one
 * that is empty in paged. */
static void check_frames(const char *name, size_t most)
{
	static const uint32_t place[] = { 0 };
	struct safepoint *points = calloc(most + 1, sizeof *points);
	for (uint32_t i = 0; i <= most; i++)
		points[i] = (struct safepoint){ 4 * i, 8 * i + 8, 1, place };
	check_last(name, points, most, false);
	free(points);
}

static void test_paged_ids(void **state)
{
	(void)state;
	check_frames("paged", (1 << 19) - 1);
}

/* Records of a frame of a byte, a bitmap's length and bytes: the last is wider. */
static void test_blocks_records(void **state)
{
	enum { N = 60 };
	static const uint32_t place[] = { 3 };
	static struct safepoint points[N];
	struct map_bytes table = { 0 };
	size_t bad;
	(void)state;
	for (uint32_t i = 0; i < N; i++)
		points[i] = (struct safepoint){ i, 16 + 4 * (i % 15), 1, place };
	assert_int_equal(map_encode(&small_blocks, points, N, &table, NULL), 0);
	table.len = 0;
	for (uint32_t i = 0; i < N; i++)
		points[i].frame_size = 16 + 4 * i;
	assert_int_equal(map_encode(&small_blocks, points, N, &table, &bad), -EFBIG);
	assert_in_range(bad, 20, N - 1);
	assert_int_equal(table.len, 0);
	assert_non_null(small_blocks.limits);
	free(table.data);
}

static void test_coded_places(void **state)
{
	enum { N = 4000 };
	static struct safepoint points[N];
	static uint32_t places[N];
	struct map_ops small = *map_encoder("coded-8");
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	small.add = small_add;
	small.finish = small_finish;
	for (uint32_t i = 0; i < N; i++) {
		places[i] = i * 7919 % 1000;
		points[i] = (struct safepoint){ 16 * i + i * 31 % 13, 4000, 1, &places[i] };
	}
	assert_int_equal(map_encode(&small, points, 4, &out, NULL), 0);
	out.len = 0;
	assert_int_equal(map_encode(&small, points, N, &out, &bad), -EFBIG);
	assert_int_equal(bad, N);
	assert_int_equal(out.len, 0);
	free(out.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_first),
		cmocka_unit_test(test_v8),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_paged_ids),
		cmocka_unit_test(test_blocks_records),
		cmocka_unit_test(test_coded_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
