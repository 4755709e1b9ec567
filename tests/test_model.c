/* test_model.c - the cache model against cases worked out by hand, against a plain reference, and
 * against properties that every such model has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/model.h"
#include "../harness/prng.h"

/* 32 KiB, 8 ways, lines of 64: 64 sets, a way is a page. */
static const struct machine small = {
	.name = "small",
	.line = 64,
	.page = 4096,
	.l1i = { 32768, 8, INDEX_VIRTUAL, SOURCE_LOCAL },
	.l1d = { 32768, 8, INDEX_VIRTUAL, SOURCE_LOCAL },
	.l2 = { 262144, 4, INDEX_PHYSICAL, SOURCE_LOCAL },
	.itlb = { 64, 64, SOURCE_LOCAL },
	.dtlb = { 16, 4, SOURCE_LOCAL },
	.stlb = { 128, 8, SOURCE_LOCAL },
	.btb = { 1024, 2, 2, SOURCE_LOCAL },
};

static const uint64_t base = 0x7f0000000000;

static struct trace_access fetch(uint64_t address)
{
	return (struct trace_access){ address, address, 4, TRACE_FETCH, TRACE_STUB, false };
}

/* n fetches, stride bytes apart. */
static struct trace_access *strided(size_t n, uint64_t stride)
{
	struct trace_access *a = calloc(n, sizeof *a);

	assert_non_null(a);
	for (size_t i = 0; i < n; i++)
		a[i] = fetch(base + i * stride);
	return a;
}

static void model_of(struct model *m, const struct machine *k, bool classify)
{
	char error[CACHE_ERROR];

	assert_int_equal(
	    model_open(m, &(struct model_options){ .machine = k, .classify = classify }, error), 0);
}

/* What the third of three laps misses in the L1I. */
static struct model_count third_lap(const struct machine *k, const struct trace_access *a, size_t n,
				    enum model_unit u)
{
	struct model m;

	model_of(&m, k, true);
	model_run(&m, a, n);
	model_run(&m, a, n);
	model_forget_counts(&m);
	model_run(&m, a, n);
	struct model_count c = m.counts[u];
	model_close(&m);
	return c;
}

/* ---- By hand ---------------------------------------------------------------------------- */

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
	/* the 513th line is the ninth of set 0 alone: 9 misses, and a full cache has none to spare
	 */
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

/* ---- Properties ------------------------------------------------------------------------- */

enum { RANDOM_N = 20000 };

/* Keys as programs make them: near ones and far ones. */
static uint64_t random_key(struct prng *r)
{
	return prng_below(r, 3) ? prng_below(r, 100) : prng_below(r, 3000);
}

static uint64_t misses(struct cache_geometry g, uint64_t seed, uint64_t *distinct)
{
	struct prng r;
	struct cache c;
	char error[CACHE_ERROR];
	uint64_t n = 0;

	prng_seed(&r, seed);
	assert_int_equal(cache_open(&c, "c", &g, true, error), 0);
	*distinct = 0;
	for (int i = 0; i < RANDOM_N; i++) {
		uint64_t k = random_key(&r);
		enum cache_outcome o = cache_touch(&c, k, k);
		n += o != CACHE_HIT;
		*distinct += o == CACHE_COMPULSORY;
		/* fully associative: nothing to conflict with */
		assert_false(g.ways == g.entries && g.policy == CACHE_LRU && o == CACHE_CONFLICT);
	}
	cache_close(&c);
	return n;
}

static void larger_never_misses_more(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		uint64_t before = UINT64_MAX, distinct;
		for (uint32_t n = 1; n <= 4096; n = n < 20 ? n + 1 : 2 * n) {
			uint64_t now = misses((struct cache_geometry){ n, n, 0 }, seed, &distinct);
			assert_true(now <= before);
			before = now;
		}
		/* one that holds all there is misses each key once */
		uint64_t all = misses((struct cache_geometry){ 4096, 4096, 0 }, seed, &distinct);
		assert_int_equal(all, distinct);
	}
}

/* The plainest LRU there is: a time for each entry. */
static uint64_t reference_misses(struct cache_geometry g, uint64_t seed)
{
	uint64_t *keys = malloc(g.entries * sizeof *keys), n = 0;
	int *used = calloc(g.entries, sizeof *used);
	struct prng r;

	assert_non_null(keys);
	assert_non_null(used);
	prng_seed(&r, seed);
	for (int now = 1; now <= RANDOM_N; now++) {
		uint64_t k = random_key(&r);
		uint32_t from = (uint32_t)(k % (g.entries / g.ways)) * g.ways, at = from;
		for (uint32_t i = from; i < from + g.ways; i++)
			if (used[i] && keys[i] == k) {
				at = i;
				break;
			} else if (used[i] < used[at]) {
				at = i;
			}
		n += !used[at] || keys[at] != k;
		keys[at] = k;
		used[at] = now;
	}
	free(keys);
	free(used);
	return n;
}

static void as_the_reference(void **state)
{
	static const struct cache_geometry all[] = { { 64, 1, 0 },  { 64, 8, 0 },    { 512, 8, 0 },
						     { 96, 6, 0 },  { 192, 192, 0 }, { 15, 15, 0 },
						     { 16, 16, 0 }, { 256, 64, 0 } };
	uint64_t distinct;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		assert_int_equal(misses(all[i], 7, &distinct), reference_misses(all[i], 7));
}

static void sets_are_independent(void **state)
{
	(void)state;
	for (int policy = CACHE_LRU; policy <= CACHE_PLRU; policy++) {
		struct cache_geometry g = { 64, 4, (enum cache_policy)policy };
		struct cache mixed, sorted;
		char error[CACHE_ERROR];
		struct prng r;
		uint64_t keys[4000], a = 0, b = 0;

		prng_seed(&r, 3);
		for (size_t i = 0; i < 4000; i++)
			keys[i] = random_key(&r);
		assert_int_equal(cache_open(&mixed, "c", &g, false, error), 0);
		assert_int_equal(cache_open(&sorted, "c", &g, false, error), 0);
		for (size_t i = 0; i < 4000; i++)
			a += cache_touch(&mixed, keys[i], keys[i]) != CACHE_HIT;
		/* set after set, the last first, each in its own order */
		for (uint64_t set = 16; set-- > 0;)
			for (size_t i = 0; i < 4000; i++)
				if (keys[i] % 16 == set)
					b += cache_touch(&sorted, keys[i], keys[i]) != CACHE_HIT;
		assert_int_equal(a, b);
		assert_true(a > 100);
		cache_close(&mixed);
		cache_close(&sorted);
	}
}

/* Random frames change no count where the index lies within a page. */
static void frames(void **state)
{
	(void)state;
	struct trace_access *a = strided(9, 4096);
	struct model_options o = { .machine = &small };
	char error[CACHE_ERROR];
	uint64_t l1[2], l2[2];

	for (size_t i = 0; i < 2; i++) {
		struct model m;
		o.frames = i * 12345;
		assert_int_equal(model_open(&m, &o, error), 0);
		for (int lap = 0; lap < 50; lap++)
			model_run(&m, a, 9);
		l1[i] = m.counts[MODEL_L1I].misses;
		l2[i] = m.counts[MODEL_L2].misses;
		model_close(&m);
	}
	assert_int_equal(l1[0], 9 * 50);
	assert_int_equal(l1[1], l1[0]);
	assert_int_equal(l2[0], 9);
	assert_true(l2[1] >= 9);
	free(a);
}

/* ---- Bad geometry, and the table -------------------------------------------------------- */

static void refused(void **state)
{
	static const struct {
		struct cache_geometry g;
		const char *says;
	} bad[] = {
		{ { 0, 1, 0 }, "c: 0 entries" },     { { 8, 0, 0 }, "0 ways" },
		{ { 8, 16, 0 }, "16 ways" },	     { { 9, 2, 0 }, "power of two" },
		{ { 48, 4, 0 }, "power of two" },    { { 48, 6, CACHE_PLRU }, "tree-PLRU" },
		{ { UINT32_MAX, 1, 0 }, "entries" },
	};
	char error[CACHE_ERROR];
	struct cache c;
	struct model m;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(cache_open(&c, "c", &bad[i].g, true, error), -22);
		assert_non_null(strstr(error, bad[i].says));
		assert_null(strchr(error, '\n'));
	}
	struct model_options o = { .machine = &small, .page = 5000 };
	assert_int_equal(model_open(&m, &o, error), -22);
	assert_non_null(strstr(error, "page of 5000"));
	struct machine k = small;
	k.line = 48;
	o = (struct model_options){ .machine = &k };
	assert_int_equal(model_open(&m, &o, error), -22);
	assert_non_null(strstr(error, "line of 48"));
}

static void every_machine(void **state)
{
	(void)state;
	assert_true(machines_n >= 10);
	struct trace_access *a = strided(100, 4096);
	for (size_t i = 0; i < machines_n; i++) {
		const struct machine *k = &machines[i];
		struct model m;
		assert_ptr_equal(machine_find(k->name), k);
		assert_true(k->l1i.source && k->itlb.source && k->core && k->note);
		for (uint32_t page = 4096; page <= 65536; page *= 4) {
			char error[CACHE_ERROR];
			struct model_options o = { .machine = k, .page = page };
			assert_int_equal(model_open(&m, &o, error), 0);
			model_run(&m, a, 100);
			assert_int_equal(m.counts[MODEL_L1I].misses, 100);
			model_close(&m);
		}
		/* page starts: what the ways hold, more where a way is larger than a page */
		uint32_t fit =
		    k->l1i.ways *
		    (k->l1i.size / k->l1i.ways > 4096 ? k->l1i.size / k->l1i.ways / 4096 : 1);
		if (k->ops.ways > fit)
			fit = k->ops.ways; /* decoded lines that the L1I may forget */
		assert_int_equal(third_lap(k, a, fit, MODEL_L1I).misses, 0);
		assert_true(third_lap(k, a, fit + 1, MODEL_L1I).misses > 0);
	}
	assert_null(machine_find("z80"));
	free(a);
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
		cmocka_unit_test(larger_never_misses_more),
		cmocka_unit_test(as_the_reference),
		cmocka_unit_test(sets_are_independent),
		cmocka_unit_test(frames),
		cmocka_unit_test(refused),
		cmocka_unit_test(every_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
