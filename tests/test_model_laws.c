/* test_model_laws.c - the cache model against a plain reference, against properties that every such
 * model has, on all machines; bad geometry. */
#include "base/prng.h"
#include "model_helpers.h"

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
		cmocka_unit_test(larger_never_misses_more),
		cmocka_unit_test(as_the_reference),
		cmocka_unit_test(sets_are_independent),
		cmocka_unit_test(frames),
		cmocka_unit_test(refused),
		cmocka_unit_test(every_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
