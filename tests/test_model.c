/* test_model.c - the cache model against cases worked out by hand. */
#include "model_helpers.h"

static void one_stub_more_than_ways(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 12; n++) {
		struct trace_access *a = strided(n, 4096);
		struct model_count c = third_lap(&small, a, n, MODEL_L1I);
		/* LRU in a ring: nothing lives until its next turn, all other sets being empty */
		assert_int_equal(c.accesses, n);
		assert_int_equal(c.misses, n <= 8 ? 0 : n);
		assert_int_equal(c.causes[CACHE_CONFLICT], c.misses);
		assert_int_equal(c.owners[TRACE_STUB], c.misses);
		free(a);
	}
}

static void packed_stubs(void **state)
{
	(void)state;
	struct trace_access *a = strided(520, 64);
	assert_int_equal(third_lap(&small, a, 512, MODEL_L1I).misses, 0);
	/* the 513th line is the ninth of set 0 alone: 9 misses, and a
	 * full cache has none to spare */
	struct model_count c = third_lap(&small, a, 513, MODEL_L1I);
	assert_int_equal(c.misses, 9);
	assert_int_equal(c.causes[CACHE_CAPACITY], 9);
	free(a);
}

static void two_pages_one_frame(void **state)
{
	(void)state;
	struct trace_access *a = strided(70, 4096);
	assert_int_equal(third_lap(&small, a, 16, MODEL_L1I).misses, 16);
	for (size_t i = 0; i < 70; i++)
		a[i].physical = base;
	assert_int_equal(third_lap(&small, a, 16, MODEL_L1I).misses, 0);
	/* a TLB knows nothing of frames */
	assert_int_equal(third_lap(&small, a, 64, MODEL_ITLB).misses, 0);
	assert_int_equal(third_lap(&small, a, 65, MODEL_ITLB).misses, 65);
	free(a);
}

/* A way of 16 KiB over pages of 4: four places for one line by virtual, one by physical index. */
static void synonyms(void **state)
{
	(void)state;
	struct machine k = small;
	struct model m;

	k.l1i = (struct machine_cache){ 65536, 4, INDEX_VIRTUAL, SOURCE_LOCAL };
	for (int physical = 0; physical <= 1; physical++) {
		struct trace_access *a = strided(8, 4096);
		k.l1i.index = physical ? INDEX_PHYSICAL : INDEX_VIRTUAL;
		for (size_t i = 0; i < 8; i++)
			a[i].physical = base;
		model_of(&m, &k, true);
		model_run(&m, a, 8);
		assert_int_equal(m.counts[MODEL_L1I].misses, physical ? 1 : 4);
		assert_int_equal(m.counts[MODEL_L2].misses, 1);
		model_close(&m);
		free(a);
	}
}

/* Large pages: with 16 KiB, four stubs that lie 4 KiB apart share a translation. */
static void page_sizes(void **state)
{
	(void)state;
	struct trace_access *a = strided(64, 4096);
	static const struct {
		uint32_t page;
		uint64_t misses;
	} rows[] = { { 4096, 64 }, { 16384, 16 }, { 65536, 4 } };
	for (size_t i = 0; i < 3; i++) {
		struct model_options o = { .machine = &small, .page = rows[i].page };
		char error[CACHE_ERROR];
		struct model m;
		assert_int_equal(model_open(&m, &o, error), 0);
		model_run(&m, a, 64);
		assert_int_equal(m.counts[MODEL_ITLB].misses, rows[i].misses);
		model_close(&m);
	}
	free(a);
}

static void across_lines_and_pages(void **state)
{
	(void)state;
	struct trace_access a[] = { fetch(base + 62), fetch(base + 4096) };
	struct model m;

	model_of(&m, &small, false);
	model_run(&m, a, 1);
	assert_int_equal(m.counts[MODEL_L1I].accesses, 2);
	assert_int_equal(m.counts[MODEL_L1I].misses, 2);
	assert_int_equal(m.counts[MODEL_L1I].references, 1);
	assert_int_equal(m.counts[MODEL_L1I].causes[CACHE_MISS], 2);
	model_forget_counts(&m);
	a[0].address = a[0].physical = base + 8190;
	a[0].size = 2;
	a[1].address = a[1].physical = base + 8192;
	a[1].size = 2;
	a[1].rest = true;
	model_run(&m, a, 2);
	assert_int_equal(m.counts[MODEL_L1I].misses, 2);
	assert_int_equal(m.counts[MODEL_L1I].references, 1);
	assert_int_equal(m.counts[MODEL_ITLB].misses, 2);
	assert_int_equal(m.counts[MODEL_BTB].accesses, 0);
	model_close(&m);
}

static void data_side(void **state)
{
	(void)state;
	struct trace_access *a = strided(20, 4096);
	for (size_t i = 0; i < 20; i++) {
		a[i].kind = i % 3 == 0 ? TRACE_LOAD : i % 3 == 1 ? TRACE_STORE : TRACE_MODIFY;
		a[i].owner = TRACE_TABLE;
	}
	assert_int_equal(third_lap(&small, a, 9, MODEL_L1D).owners[TRACE_TABLE], 9);
	assert_int_equal(third_lap(&small, a, 9, MODEL_L1I).accesses, 0);
	assert_int_equal(third_lap(&small, a, 16, MODEL_DTLB).misses, 0);
	/* 4 sets of 4: the 17th page is the fifth of one set */
	assert_int_equal(third_lap(&small, a, 17, MODEL_DTLB).misses, 5);
	assert_int_equal(third_lap(&small, a, 17, MODEL_STLB).accesses, 5);
	assert_int_equal(third_lap(&small, a, 17, MODEL_STLB).misses, 0);
	/* 262144 bytes of 4 ways: the set of 16 pages comes again after 16 lines */
	assert_int_equal(third_lap(&small, a, 20, MODEL_L2).accesses, 20);
	assert_int_equal(third_lap(&small, a, 20, MODEL_L2).misses, 0);
	free(a);
}

/* As on Firestorm: 512 sets of 2 by PC[10:2], so only two branches 2 KiB apart are remembered. */
static void branches(void **state)
{
	(void)state;
	for (size_t n = 2; n <= 3; n++) {
		struct trace_access *a = strided(n + 1, 2048);
		a[n] = fetch(base); /* back to the first: the last one's branch */
		struct model_count c = third_lap(&small, a, n + 1, MODEL_BTB);
		assert_int_equal(c.accesses, n);
		assert_int_equal(c.misses, n == 2 ? 0 : 3);
		free(a);
	}
	struct trace_access line[] = { fetch(base), fetch(base + 4), fetch(base + 8) };
	assert_int_equal(third_lap(&small, line, 3, MODEL_BTB).accesses, 0);
}

/* Sixteen ways of decoded lines before eight of bytes: page starts are missed from 17 on. */
static void decoded(void **state)
{
	struct machine k = small;

	(void)state;
	k.ops = (struct machine_ops){ 1024, 16, SOURCE_LOCAL };
	for (size_t n = 8; n <= 17; n++) {
		struct trace_access *a = strided(n, 4096);
		struct model_count c = third_lap(&k, a, n, MODEL_L1I);
		assert_int_equal(c.accesses, n <= 16 ? 0 : n);
		assert_int_equal(c.misses, n <= 16 ? 0 : n);
		free(a);
	}
}

/* Worked out on paper: after A B C D A the tree points at C, while the oldest is B. */
static void tree_plru(void **state)
{
	(void)state;
	struct cache_geometry g = { 4, 4, CACHE_PLRU };
	struct cache c;
	char error[CACHE_ERROR];

	assert_int_equal(cache_open(&c, "c", &g, false, error), 0);
	for (const char *k = "ABCDAE"; *k; k++)
		cache_touch(&c, (uint64_t)*k, 0);
	assert_int_equal(cache_touch(&c, 'B', 0), CACHE_HIT);
	assert_int_equal(cache_touch(&c, 'D', 0), CACHE_HIT);
	assert_int_equal(cache_touch(&c, 'C', 0), CACHE_MISS);
	cache_close(&c);
	g.policy = CACHE_LRU;
	assert_int_equal(cache_open(&c, "c", &g, false, error), 0);
	for (const char *k = "ABCDAE"; *k; k++)
		cache_touch(&c, (uint64_t)*k, 0);
	assert_int_equal(cache_touch(&c, 'C', 0), CACHE_HIT);
	assert_int_equal(cache_touch(&c, 'B', 0), CACHE_MISS);
	cache_close(&c);
}

static void causes(void **state)
{
	(void)state;
	struct cache_geometry g = { 4, 1, CACHE_LRU };
	struct cache c;
	char error[CACHE_ERROR];

	assert_int_equal(cache_open(&c, "c", &g, true, error), 0);
	assert_int_equal(cache_touch(&c, 0, 0), CACHE_COMPULSORY);
	assert_int_equal(cache_touch(&c, 4, 4), CACHE_COMPULSORY); /* in 0's place */
	assert_int_equal(cache_touch(&c, 0, 0), CACHE_CONFLICT);   /* four would hold both */
	for (uint64_t k = 1; k < 6; k++)
		cache_touch(&c, k, k);
	assert_int_equal(cache_touch(&c, 0, 0), CACHE_CAPACITY); /* five others since */
	cache_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_stub_more_than_ways),
		cmocka_unit_test(packed_stubs),
		cmocka_unit_test(two_pages_one_frame),
		cmocka_unit_test(synonyms),
		cmocka_unit_test(page_sizes),
		cmocka_unit_test(across_lines_and_pages),
		cmocka_unit_test(data_side),
		cmocka_unit_test(branches),
		cmocka_unit_test(decoded),
		cmocka_unit_test(tree_plru),
		cmocka_unit_test(causes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
