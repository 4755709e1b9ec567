/*
 * test_code.c - executable memory under every policy and quantum: real code runs, nothing is ever
 * writable and executable at once, memory that is given back is gone, and a plain model agrees on
 * where each quantum lies.
 */
#include "code_helpers.h"
#include "running_helpers.h"
#include "strategies/code/internal.h"

/* ---- Life of a quantum ----------------------------------------------------------------------- */

static void life_in(struct code_memory *code, const struct code_config *config, enum code_area area)
{
	const char *writable[] = { "rw-", "r-x", "rwx", "rwx" };
	const char *ready[] = { "r-x", "r-x", "rwx", "rwx" };
	const char *gone[] = { "---", "r-x", "rwx", "rwx" };
	uint32_t quantum = config->quantum;
	uint8_t *p = code_reserve(code, area, quantum + 1);

	assert_non_null(p);
	assert_int_equal((uintptr_t)p % quantum, 0);
	assert_protection(p, writable[config->wx]);
	assert_protection(p + 2 * quantum - 1, writable[config->wx]);
	assert_never_both(config);
	write_code(code, p, 1);
	write_code(code, p + 2 * quantum - 6, 2);
	if (config->wx == CODE_DUAL) {
		assert_ptr_not_equal(code_writable(code, p), p);
		assert_protection(code_writable(code, p), "rw-");
	} else {
		assert_ptr_equal(code_writable(code, p), p);
	}

	assert_int_equal(code_commit(code, p, 2 * quantum), 0);
	assert_protection(p, ready[config->wx]);
	assert_never_both(config);
	assert_int_equal(run(p), 1);
	assert_int_equal(run(p + 2 * quantum - 6), 2);

	/* Twelve bytes across the quanta's border touch one page of each;
	 * large ones change whole. */
	assert_int_equal(code_patch(code, p + quantum - 6, 12), 0);
	assert_protection(p + quantum - 1, writable[config->wx]);
	assert_protection(p + quantum, writable[config->wx]);
	if (quantum > 4096)
		assert_protection(p,
				  (quantum == CODE_LARGE_QUANTUM ? writable : ready)[config->wx]);
	assert_never_both(config);
	write_code(code, p + quantum - 6, 3);
	write_code(code, p + quantum, 4);
	assert_int_equal(code_commit(code, p + quantum - 6, 12), 0);
	assert_int_equal(run(p + quantum - 6), 3);
	assert_int_equal(run(p + quantum), 4);
	assert_int_equal(run(p), 1);

	assert_true(resident(p));
	code_release(code, p + quantum, quantum);
	assert_protection(p + quantum, gone[config->wx]);
	assert_int_equal(run(p), 1);
	code_release(code, p, 1);
	assert_protection(p, gone[config->wx]);
	assert_false(resident(p));
	assert_never_both(config);

	assert_ptr_equal(code_reserve(code, area, 1), p);
	const uint8_t *clean = code_writable(code, p);
	for (uint32_t i = 0; i < quantum; i++)
		assert_int_equal(clean[i], 0);
	code_release(code, p, 1);
	assert_protection(p, gone[config->wx]);
}

static void life(struct code_memory *code, const struct code_config *config)
{
	life_in(code, config, CODE_STUBS);
	life_in(code, config, CODE_MODULES);

	struct code_stats stats = stats_of(code);
	assert_int_equal(stats.quanta_stubs, 0);
	assert_int_equal(stats.quanta_modules, 0);
	assert_int_equal(code_get_config(code)->quantum, config->quantum);
}

static void test_life(void **state)
{
	(void)state;
	each(life);
}

/* ---- The picture ----------------------------------------------------------------------------- */

static void layout(struct code_memory *code, const struct code_config *config)
{
	size_t distance = code_literal_distance(code);
	uintptr_t from[CODE_AREAS], to[CODE_AREAS], a, b;
	uint8_t *p = code_reserve(code, CODE_STUBS, 1);

	for (int i = 0; i < CODE_AREAS; i++) {
		code_range(code, (enum code_area)i, &from[i], &to[i]);
		assert_true(from[i] < to[i]);
		if (i)
			assert_true(to[i - 1] < from[i]); /* a guard between */
		code_range_alias(code, (enum code_area)i, &a, &b);
		bool doubled = config->wx == CODE_DUAL && i <= CODE_MODULES;
		assert_int_equal(b - a, doubled ? to[i] - from[i] : 0);
	}
	assert_true(to[CODE_DATA] - from[CODE_STUBS] <= INT32_MAX);
	assert_int_equal(from[CODE_STUBS], (uintptr_t)p);
	assert_int_equal((uintptr_t)p % (2 << 20), 0); /* colour 0 */

	uintptr_t last = to[CODE_STUBS] - 8; /* the last stub's literals exist too */
	assert_int_equal((uintptr_t)p + distance, from[CODE_LITERALS]);
	assert_true(last + 2 * distance + 8 <= to[CODE_LITERALS]);
	for (uint64_t i = 1; i <= 2; i++) {
		uint64_t *near = (uint64_t *)((uintptr_t)p + i * distance);
		uint64_t *far = (uint64_t *)(last + i * distance);
		assert_int_equal(*near, 0);
		assert_int_equal(*far, 0);
		*near = *far = i;
	}
	assert_protection((void *)to[CODE_STUBS], "---");
	assert_protection((void *)to[CODE_MODULES], "---");
	assert_protection((void *)to[CODE_LITERALS], "---");
	assert_protection((void *)to[CODE_DATA], "---");
}

static void test_layout(void **state)
{
	(void)state;
	each(layout);
}

/* Every mapping that begins in an area ends in it, whatever lies around the reservation. */
static void edges(struct code_memory *code, const struct code_config *config)
{
	char line[MAPS_LINE];
	uintptr_t from, to, start, end;
	unsigned seen = 0;

	(void)config;
	assert_non_null(code_reserve(code, CODE_STUBS, 1));
	FILE *f = fopen("/proc/self/maps", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end), 2);
		for (int i = 0; i < 2 * CODE_AREAS; i++) {
			if (i < CODE_AREAS)
				code_range(code, (enum code_area)i, &from, &to);
			else
				code_range_alias(code, (enum code_area)(i - CODE_AREAS), &from,
						 &to);
			bool within = start >= from && end <= to;
			assert_true(within || end <= from || start >= to);
			seen += within;
		}
	}
	fclose(f);
	assert_true(seen >= CODE_AREAS);
}

static void test_edges(void **state)
{
	(void)state;
	size_t bytes = (size_t)1 << 30;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *before = mmap(NULL, bytes, PROT_NONE, flags, -1, 0);
	each(edges);
	assert_int_equal(munmap(before, bytes), 0);
}

static void test_colour(void **state)
{
	(void)state;
	for (int q = 0; q < QUANTA; q++) {
		for (uint32_t colour = 0; colour < 512; colour += 73) {
			struct code_config config = { .quantum = quanta[q], .colour = colour };
			struct code_memory *code = open_or_skip(&config);
			if (!code)
				continue;
			uintptr_t p = (uintptr_t)code_reserve(code, CODE_STUBS, 1);
			assert_int_equal(p % (2 << 20), colour * 4096 / quanta[q] * quanta[q]);
			code_close(code);
		}
	}
}

static void test_data(void **state)
{
	(void)state;
	struct code_config config = { .wx = CODE_DUAL, .quantum = 4096 };
	struct code_memory *code = open_or_skip(&config);
	if (!code)
		skip();
	uintptr_t from, to;
	code_range(code, CODE_DATA, &from, &to);
	uint8_t *a = code_data(code, 3);
	uint8_t *b = code_data(code, 40);
	assert_non_null(a);
	assert_int_equal((uintptr_t)a % 16, 0);
	assert_ptr_equal(b, a + 16);
	assert_int_equal(b[39], 0);
	b[39] = 1;
	assert_null(code_data(code, 0));
	assert_null(code_data(code, to - from));
	assert_null(code_data(code, SIZE_MAX));
	assert_ptr_equal(code_data(code, to - from - 64), a + 64);
	assert_null(code_data(code, 1));
	assert_ptr_equal(code_writable(code, a), a);
	code_close(code);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void test_bad_config(void **state)
{
	(void)state;
	const struct code_config bad[] = {
		{ .wx = CODE_WX_POLICIES, .quantum = 4096 },
		{ .wx = (enum code_wx) - 1, .quantum = 4096 },
		{ .quantum = 0 },
		{ .quantum = 8192 },
		{ .quantum = 131072 },
		{ .quantum = 1 << 20 },
		{ .quantum = 4 << 20 },
		{ .wx = CODE_DUAL, .quantum = CODE_LARGE_QUANTUM, .share = true },
		{ .quantum = 4096, .colour = 512 },
		{ .quantum = 4096, .faults = "ab" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct code_memory *code = (struct code_memory *)&bad;
		assert_int_equal(code_open(&code, &bad[i]), -EINVAL);
		assert_null(code);
	}
	code_close(NULL);
}

static void bad_ranges(struct code_memory *code, const struct code_config *config)
{
	uint32_t q = config->quantum;
	uint8_t *p = code_reserve(code, CODE_STUBS, q);
	uintptr_t from, to;

	code_range(code, CODE_STUBS, &from, &to);
	assert_int_equal(code_commit(code, p, q + 1), -EINVAL);
	assert_int_equal(code_commit(code, p, 0), -EINVAL);
	assert_int_equal(code_commit(code, p, SIZE_MAX), -EINVAL);
	assert_int_equal(code_patch(code, p + q, 1), -EINVAL);
	assert_int_equal(code_patch(code, p - 1, 1), -EINVAL);
	assert_int_equal(code_commit(code, &from, 1), -EINVAL);
	assert_null(code_reserve(code, CODE_STUBS, 0));
	assert_null(code_reserve(code, CODE_STUBS, SIZE_MAX));
	assert_null(code_reserve(code, CODE_LITERALS, q));
	assert_null(code_reserve(code, CODE_STUBS, to - from));
	if (q == CODE_LARGE_QUANTUM)
		return; /* all of them would take the memory that they may need */
	uint8_t *rest = code_reserve(code, CODE_STUBS, to - from - q);
	assert_ptr_equal(rest, p + q);
	assert_null(code_reserve(code, CODE_STUBS, 1));
	assert_int_equal(stats_of(code).committed_stubs, to - from);
	code_release(code, rest, to - from - q);
	assert_int_equal(stats_of(code).quanta_stubs, 1);
	code_release(code, p, q);
}

static void test_bad_ranges(void **state)
{
	(void)state;
	each(bad_ranges);
}

static void test_limit(void **state)
{
	(void)state;
	struct code_config config = { .quantum = 16384, .limit_stubs = 3 * 16384 + 100 };
	struct code_memory *code = open_or_skip(&config);
	if (!code)
		skip();
	assert_null(code_reserve(code, CODE_STUBS, 4 * 16384));
	void *p = code_reserve(code, CODE_STUBS, 3 * 16384);
	assert_non_null(p);
	assert_null(code_reserve(code, CODE_STUBS, 1));
	assert_non_null(code_reserve(code, CODE_MODULES, 16 * 16384));
	code_release(code, p, 1);
	assert_non_null(code_reserve(code, CODE_STUBS, 1));
	code_close(code);
}

/* What each of ten reserves does, in the letters of the fault string. */
static void test_faults(void **state)
{
	(void)state;
	const char *const cases[][2] = {
		{ "", "aaaaaaaaaa" },	  { "f", "faaaaaaaaa" },   { "aaf", "aafaaaaaaa" },
		{ "F", "ffffffffff" },	  { "aF", "afffffffff" },  { "fA", "faaaaaaaaa" },
		{ "fafa", "fafaaaaaaa" }, { "Aff", "aaaaaaaaaa" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char given[8];
		strcpy(given, cases[i][0]);
		struct code_config config = { .quantum = 4096, .faults = given };
		struct code_memory *code = open_or_skip(&config);
		if (!code)
			skip();
		memset(given, 'F', sizeof(given) - 1); /* the string was copied */
		for (int n = 0; n < 10; n++) {
			void *p = code_reserve(code, n % 2 ? CODE_STUBS : CODE_MODULES, 1);
			assert_int_equal(!p, cases[i][1][n] == 'f');
		}
		code_close(code);
	}
}

/* ---- Accounts and the model ------------------------------------------------------------------ */

static void test_account(void **state)
{
	(void)state;
	struct code_config config = { .wx = CODE_DUAL, .quantum = 65536 };
	struct code_memory *code = open_or_skip(&config);
	if (!code)
		skip();
	code_account(code, CODE_STUBS, 100);
	code_account(code, CODE_STUBS, -40);
	code_account(code, CODE_LITERALS, 16);
	struct code_stats stats = stats_of(code);
	assert_int_equal(stats.used_stubs, 60);
	assert_int_equal(stats.used_literals, 16);
	assert_true(stats.reserved > (size_t)2 << 30); /* both views */

	uint8_t *p = code_reserve(code, CODE_STUBS, 65536);
	uint8_t *a = p + code_literal_distance(code), *b = a + code_literal_distance(code);
	*a = *b = 1;
	assert_true(resident(a) && resident(b));
	code_release(code, p, 65536);
	assert_false(resident(a) || resident(b));
	assert_int_equal(*a | *b, 0);
	code_close(code);
}

enum { MODEL = 300 }; /* quanta that the model follows: reserves stay below */

struct model {
	struct code_memory *code;
	uint8_t *base;
	uint32_t quantum, run_of[MODEL]; /* length at a run's start, ~0 inside, 0 free */
	uint32_t n, most;		 /* quanta; of a run */
	uint64_t random;
};

static uint32_t next(struct model *m)
{
	m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(m->random >> 33);
}

static uint32_t lowest_fit(const struct model *m, uint32_t n)
{
	for (uint32_t at = 0, free = 0; at < m->n; at++) {
		free = m->run_of[at] ? 0 : free + 1;
		if (free == n)
			return at + 1 - n;
	}
	return MODEL;
}

static void model_reserve(struct model *m)
{
	uint32_t n = next(m) % 4 ? 1 : 1 + next(m) % m->most;
	uint32_t at = lowest_fit(m, n);

	if (at == MODEL) /* no run of free ones is long enough */
		return;
	uint8_t *p = code_reserve(m->code, CODE_STUBS, (size_t)n * m->quantum - next(m) % 4096);
	assert_ptr_equal(p, m->base + (size_t)at * m->quantum);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(*(uint64_t *)code_writable(m->code, p + i * m->quantum), 0);
		write_code(m->code, p + (size_t)i * m->quantum, at + i);
		m->run_of[at + i] = ~0u;
	}
	m->run_of[at] = n;
	assert_int_equal(code_commit(m->code, p, (size_t)n * m->quantum), 0);
}

static void model_release(struct model *m)
{
	uint32_t at = next(m) % m->n, n = m->run_of[at];

	if (!n || n == ~0u)
		return;
	uint8_t *p = m->base + (size_t)at * m->quantum;
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(run(p + (size_t)i * m->quantum), at + i);
		m->run_of[at + i] = 0;
	}
	code_release(m->code, p, (size_t)n * m->quantum);
}

static void model(struct code_memory *code, const struct code_config *config)
{
	const bool large = config->quantum == CODE_LARGE_QUANTUM;
	struct model m = { .code = code,
			   .quantum = config->quantum,
			   .n = large ? 20 : MODEL,
			   .most = large ? 4 : 70,
			   .random = 1 + config->wx };
	uintptr_t to;

	code_range(code, CODE_STUBS, (uintptr_t *)&m.base, &to);
	for (int i = 0; i < (large ? 200 : 5000); i++) {
		if (next(&m) % 3)
			model_release(&m);
		else
			model_reserve(&m);
		if (i % 100 == 0)
			assert_never_both(config);
	}
	uint32_t held = 0;
	for (uint32_t i = 0; i < MODEL; i++)
		held += m.run_of[i] != 0;
	assert_true(held > 0);
	assert_int_equal(stats_of(code).quanta_stubs, held);
}

static void test_model(void **state)
{
	(void)state;
	each(model);
}

/* Toggle: committed code stays as it is. Dual, rwx: one system call more a commit. */
static void running(struct code_memory *code, const struct code_config *config)
{
	bool toggle = config->wx == CODE_TOGGLE;

	if (!can_run(config->wx)) { /* it is open: there is no barrier */
		assert_int_equal(code_set_running(code), -ENOSYS);
		return;
	}
	uint8_t *p = code_reserve(code, CODE_STUBS, config->quantum);

	assert_non_null(p);
	assert_false(code_frozen(code));
	assert_int_equal(code_set_running(code), 0);
	uint64_t before = stats_of(code).syscalls;
	assert_int_equal(code_set_running(code), 0);
	assert_int_equal(code_commit(code, p, 16), 0);
	assert_int_equal(stats_of(code).syscalls - before, 1);
	assert_int_equal(code_frozen(code), toggle);
	assert_int_equal(code_patch(code, p, 16), toggle ? -EBUSY : 0);
	before = stats_of(code).syscalls;
	if (!toggle)
		assert_int_equal(code_commit(code, p, 16), 0);
	assert_int_equal(stats_of(code).syscalls - before, !toggle);
	code_account(code, CODE_STUBS, 48);
	code_retire(code, 32);
	assert_int_equal(stats_of(code).used_stubs, 16);
	assert_int_equal(stats_of(code).retired, 32);
	code_retire(code, -32);
	code_account(code, CODE_STUBS, -48);
	code_release(code, p, config->quantum);
	assert_int_equal(stats_of(code).used_stubs + stats_of(code).retired, 0);
}

static void test_running(void **state)
{
	(void)state;
	each(running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),	   cmocka_unit_test(test_layout),
		cmocka_unit_test(test_edges),	   cmocka_unit_test(test_colour),
		cmocka_unit_test(test_data),	   cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_bad_ranges), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_faults),	   cmocka_unit_test(test_account),
		cmocka_unit_test(test_model),	   cmocka_unit_test(test_running),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
