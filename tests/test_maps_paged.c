/*
 * test_maps_paged.c - paged's readers for different processors agree with one another and with the
 * truth, on every corpus and on damaged tables; what its tables hold at the borders of their form.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "corpora/import.h"
#include "map_samples.h"
#include "strategies/maps/paged.h"

extern const struct map_ops map_paged;

static bool same(enum map_answer a, const struct map_live *x, enum map_answer b,
		 const struct map_live *y)
{
	return a == b &&
	       (a != MAP_FOUND ||
		(x->frame_size == y->frame_size && x->first == y->first && x->nbytes == y->nbytes &&
		 x->registers == y->registers && x->stride == y->stride && x->bitmap == y->bitmap));
}

/* Every reader that this processor can run says the same as the encoder's own. */
static enum map_answer look_by_all(const struct map_bytes *table, uint32_t pc,
				   struct map_live *live)
{
	enum map_answer answer = map_paged.lookup(table->data, table->len, pc, NULL, live);
	for (const struct map_paged_reader *r = map_paged_readers; r->name; r++) {
		struct map_live other;
		if (!r->runs_here())
			continue;
		enum map_answer its = r->lookup(table->data, table->len, pc, &other);
		if (!same(answer, live, its, &other))
			fail_msg("%s at pc %u: another answer", r->name, pc);
	}
	return answer;
}

static void check_many(const struct map_bytes *table, const uint32_t *pcs, size_t n)
{
	struct map_live *many = calloc(n + 1, sizeof *many), one;
	enum map_answer *answers = calloc(n + 1, sizeof *answers);
	map_paged.lookup_many(table->data, table->len, pcs, n, NULL, many, answers);
	for (size_t i = 0; i < n; i++) {
		enum map_answer answer = look_by_all(table, pcs[i], &one);
		assert_true(same(answer, &one, answers[i], &many[i]));
	}
	free(many);
	free(answers);
}

/* Each safepoint, and each pc up to 50 behind the last. */
static void check_all(const struct map_bytes *table, const struct safepoint *points, size_t n)
{
	size_t next = 0;
	for (uint64_t pc = points[0].pc; pc <= points[n - 1].pc + (uint64_t)50; pc++) {
		struct map_live live;
		enum map_answer answer = look_by_all(table, (uint32_t)pc, &live);
		if (next < n && points[next].pc == pc)
			assert_int_equal(map_judge(&points[next++], answer, &live), MAP_CORRECT);
		else
			assert_int_equal(answer, MAP_NO_SAFEPOINT);
	}
	assert_int_equal(next, n);
}

/* ---- The corpora --------------------------------------------------------------------------- */

/* Safepoints and the pcs around them, at random, through one lookup of many. */
static void check_corpus_many(const struct map_bytes *table, const struct corpus *c)
{
	enum { N = 3000 };
	uint32_t pcs[N];
	struct prng r;
	prng_seed(&r, 1);
	for (int i = 0; i < N; i++)
		pcs[i] = c->safepoints[prng_below(&r, c->nsafepoints)].pc + prng_below(&r, 3) - 1;
	check_many(table, pcs, N);
}

static void test_corpora(void **state)
{
	glob_t files;
	(void)state;
	assert_int_equal(glob("workloads/corpora/*.corpus", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct corpus c;
		char error[CORPUS_ERROR];
		assert_int_equal(corpus_import(files.gl_pathv[i], &c, error), 0);
		struct map_bytes table = encode(&map_paged, c.safepoints, c.nsafepoints);
		for (uint32_t k = 0; k < c.nsafepoints; k++) {
			struct map_live live;
			enum map_answer answer = look_by_all(&table, c.safepoints[k].pc, &live);
			assert_int_equal(map_judge(&c.safepoints[k], answer, &live), MAP_CORRECT);
		}
		check_corpus_many(&table, &c);
		free(table.data);
		corpus_close(&c);
	}
	globfree(&files);
}

/* ---- Borders ------------------------------------------------------------------------------- */

/* n safepoints at consecutive pcs; of every `period` the first has no live place. */
static struct safepoint *row(size_t n, uint32_t first, size_t period)
{
	static const uint32_t places[] = { 0, 2, 4, 6, 8, 10, 12, 14 };
	struct safepoint *points = calloc(n, sizeof *points);
	for (size_t i = 0; i < n; i++)
		points[i] = (struct safepoint){ .pc = first + (uint32_t)i,
						.frame_size = 64,
						.nlive = i % period ? 1 + i % 8 : 0,
						.live = places };
	return points;
}

/* Buckets of every number of entries, with and without ids, at every place of the pc in it. */
static void test_buckets(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 256; n += n < 40 ? 1 : 27)
		for (size_t period = 1; period <= 9; period += 4) {
			struct safepoint *points = row(n, 3 * 256 + 256 - (uint32_t)n, period);
			struct map_bytes table = encode(&map_paged, points, n);
			check_all(&table, points, n);
			free(table.data);
			free(points);
		}
}

/* 255 entries with live places in a bucket are held, the 256th is refused, an empty one is not. */
static void test_full_bucket(void **state)
{
	struct safepoint *points = row(257, 512, 1000);
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	points[0].nlive = 1;
	points[256].nlive = 1;
	assert_int_equal(map_encode(&map_paged, points, 257, &out, &bad), -EFBIG);
	assert_int_equal(bad, 255);
	assert_int_equal(out.len, 0);
	points[255].nlive = 0;
	struct map_bytes table = encode(&map_paged, points, 257);
	check_all(&table, points, 257);
	free(table.data);
	free(points);
}

/* n maps of one frame that differ in two slots, at pcs 5 apart. */
static struct safepoint *differing(size_t n, uint32_t registers)
{
	struct safepoint *points = calloc(n, sizeof *points);
	uint32_t *places = calloc(3 * n, sizeof *places);
	for (size_t i = 0; i < n; i++) {
		uint32_t *live = places + 3 * i;
		live[0] = 2 * (uint32_t)(i % 300);
		live[1] = 600 + 2 * (uint32_t)(i / 300);
		live[2] = MAP_REGISTER + (uint32_t)i % 32;
		points[i] = (struct safepoint){ 5 * (uint32_t)i, 8000, 2 + registers, live };
	}
	return points;
}

static void release_differing(struct safepoint *points)
{
	free((void *)points[0].live);
	free(points);
}

/* The width of ids follows their number, chunk 0 counted: chunks of 32 of one frame are full. */
static void test_id_bits(void **state)
{
	static const struct {
		size_t n;
		uint8_t bits;
	} rows[] = {
		{ 1, 12 },	    { 4096 - 32, 12 },	{ 4096 - 31, 16 },
		{ 65536 - 32, 16 }, { 65536 - 31, 16 }, /* in chunks of 8 */
		{ 65536 - 8, 16 },  { 65536 - 7, 24 },
	};
	struct safepoint *points = differing(70000, 0);
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct map_bytes table = encode(&map_paged, points, rows[i].n);
		assert_int_equal(table.data[PAGED_BYTE_BITS], rows[i].bits);
		assert_int_equal(table.data[PAGED_BYTE_STRIDE], 2);
		check_all(&table, points, rows[i].n);
		free(table.data);
	}
	release_differing(points);
}

/* Sets of registers stand in the chunks, or in the records if there are too many for that. */
static void test_masks(void **state)
{
	struct safepoint *points = differing(66000, 1);
	(void)state;
	for (size_t n = 300; n <= 66000; n = n < 60000 ? 64000 : n + 2000) {
		struct map_bytes table = encode(&map_paged, points, n);
		assert_int_equal(table.data[PAGED_BYTE_MASK], n == 66000 ? 4 : 0);
		points[1].nlive = 0; /* an empty map has no record and no mask */
		struct map_bytes with_empty = encode(&map_paged, points, n);
		check_all(&with_empty, points, n);
		points[1].nlive = 3;
		check_all(&table, points, n);
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
	check_all(&table, points, 2);
	free(table.data);
	table = encode(&map_paged, mixed, 3);
	assert_int_equal(look_by_all(&table, 10, &live), MAP_FOUND);
	assert_int_equal(live.first, 800);
	assert_int_equal(live.stride, 1);
	check_all(&table, mixed, 3);
	free(table.data);
}

/* More than 4 GiB: refused before any of it is made. */
static void test_too_large(void **state)
{
	enum { N = 40 };
	static uint32_t places[N][3];
	static struct safepoint points[N];
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		memcpy(places[i], (const uint32_t[]){ 0, 1 + i, (1u << 30) - 2 }, sizeof *places);
		points[i] = (struct safepoint){ i, UINT32_MAX, 3, places[i] };
	}
	assert_int_equal(map_encode(&map_paged, points, N, &out, &bad), -EFBIG);
	assert_int_equal(bad, N);
	assert_int_equal(out.len, 0);
	free(out.data);
}

/* ---- Damage -------------------------------------------------------------------------------- */

/* All readers say the same of spoilt bytes, too, wherever the bytes end. */
static void test_damage(void **state)
{
	static const struct shape shape = { "dense", 400, 5, 6, 70, 60, 30, 25, 20 };
	struct sample s = make(&shape, 3);
	struct map_bytes whole = encode(&map_paged, s.points, s.n);
	struct prng r;
	(void)state;
	prng_seed(&r, 11);
	for (int round = 0; round < 3000; round++) {
		size_t len = round % 3 ? whole.len : prng_below(&r, (uint32_t)whole.len);
		struct map_bytes b = { malloc(len + !len), len, len };
		uint32_t pcs[40];
		memcpy(b.data, whole.data, len);
		for (uint32_t flips = prng_below(&r, 8); len && flips; flips--) {
			size_t most = prng_below(&r, 2) ? len : len < 300 ? len : 300;
			b.data[prng_below(&r, (uint32_t)most)] = (uint8_t)prng_next(&r);
		}
		b = exactly(b);
		for (int i = 0; i < 40; i++)
			pcs[i] = s.points[prng_below(&r, (uint32_t)s.n)].pc + (i % 4 == 0);
		check_many(&b, pcs, 40);
		free(b.data);
	}
	free(whole.data);
	release(&s, &shape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpora),	    cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_full_bucket), cmocka_unit_test(test_id_bits),
		cmocka_unit_test(test_masks),	    cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_too_large),   cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
