/*
 * test_collector.c - the programs of workloads/gc under the moving collector, with every map
 * judged: all modes, tiers, encoders and stub allocators give the native answer, and what should
 * fail fails with the right message. The sanitizers do not instrument the compiled code, but
 * everything that walks, looks up and moves.
 */
#include <stdlib.h>
#include <unistd.h>

#include "arms.h"
#include "cache_helpers.h"
#include "gc_helpers.h"
#include "running_helpers.h"

static struct gc_task task_of(const char *program, const char *maps)
{
	struct gc_task j = gc_task_of(gc_program_find(program), maps);

	j.cache = cache;
	return j;
}

/* The same safepoints as at the small size, with fewer collections: lisp has 2,730 there. */
static struct gc_task short_task_of(const struct gc_program *program, const char *maps)
{
	struct gc_task j = task_of(program->name, maps);

	j.size = (program->small + 1) / 2;
	return j;
}

static void expect_words(const char *why, const char *words)
{
	if (!strstr(why, words))
		fail_msg("'%s' does not say '%s'", why, words);
}

/* ---- Right answers --------------------------------------------------------------------------- */

/* Both tiers, with and without polls. LLVM takes seconds for wide, which goes two of the four. */
static void all_ways(struct gc_task *j, void (*each)(const struct gc_task *))
{
	const bool slow = !strcmp(j->program->name, "wide");

	for (unsigned way = 0; way < 4; way += slow ? 3 : 1) {
		j->tier = way & 2;
		j->polls = way & 1;
		each(j);
	}
}

static void expect_moves(const struct gc_task *j)
{
	struct gc_result r = gc_expect_ok(j);

	assert_int_equal(r.answer, r.expected);
	assert_true(r.stats.collections > 0 && r.stats.roots > 0 && r.stats.moved_bytes > 0);
	assert_true(r.stats.frames >= r.stats.collections);
	assert_int_equal(r.stats.wrong + r.stats.missing + r.stats.extra + r.stats.bad_roots, 0);
	assert_true(r.map_bytes > 0 && r.index_bytes > 0 && r.text_bytes > 0);
	assert_true(r.stats.total_ns >= r.stats.walk_ns + r.stats.lookup_ns);
	assert_true(r.program_ns >= r.stats.total_ns);
}

static void test_modes(void **unused)
{
	(void)unused;
	for (size_t i = 0; gc_programs[i]; i++) {
		struct gc_task j = task_of(gc_programs[i]->name, "exact");

		j.mode = GC_EVERY;
		all_ways(&j, expect_moves);
		j.mode = GC_RANDOM;
		j.size = j.program->small + (j.program->usual - j.program->small) / 8;
		for (j.seed = 1; j.seed <= 3; j.seed++)
			all_ways(&j, expect_moves);
	}
}

static void test_normal(void **unused)
{
	(void)unused;
	for (size_t i = 0; gc_programs[i]; i++) {
		struct gc_task j = task_of(gc_programs[i]->name, "exact");

		j.mode = GC_NORMAL;
		j.size = j.program->usual;
		all_ways(&j, expect_moves);
	}
}

/* Collects only where the program says so. */
static void test_never(void **unused)
{
	struct gc_task j = task_of("trees", "none");
	struct gc_result r;

	(void)unused;
	j.mode = GC_NEVER;
	r = gc_expect_ok(&j);
	assert_int_equal(r.stats.collections, 0);
	j = task_of("gaps", "exact");
	j.mode = GC_NEVER;
	assert_true(gc_expect_ok(&j).stats.collections > 0);
}

static void test_encoders(void **unused)
{
	(void)unused;
	for (unsigned m = next_map(0); map_encoders[m]; m = next_map(m + 1)) {
		if (map_encoders[m]->flags & (MAP_UNSAFE | MAP_FLOOR))
			continue;
		for (size_t i = 0; gc_programs[i]; i++) {
			struct gc_task j = short_task_of(gc_programs[i], map_encoders[m]->name);

			all_ways(&j, expect_moves);
		}
	}
}

static void expect_hops(const struct gc_task *j)
{
	struct gc_result r = gc_expect_ok(j);

	/* Down 12: four steps by the host, three by an indirect call, five direct. */
	assert_true(r.hops > j->size / 3);
	/* Each collection crosses the entry of the program; deep ones one more a hop. */
	assert_true(r.stats.stubs > 3 * r.stats.collections);
	assert_true(r.stats.most_frames > j->size);
}

static void test_allocators(void **unused)
{
	static const uint32_t quanta[CODE_WX_POLICIES] = { 4096, CODE_LARGE_QUANTUM, 16384, 65536 };

	(void)unused;
	for (unsigned s = next_stub(0); stub_strategies[s]; s = next_stub(s + 1)) {
		struct gc_task j = task_of("nest", "exact");

		j.stubs = stub_strategies[s];
		for (unsigned wx = 0; wx < CODE_WX_POLICIES; wx++) {
			if (!can_open(wx))
				continue;
			j.wx = (enum code_wx)wx;
			j.quantum = quanta[wx];
			all_ways(&j, expect_hops);
			j.mode = j.mode == GC_EVERY ? GC_RANDOM : GC_EVERY;
		}
		for (size_t i = 0; gc_programs[i]; i++) {
			j = short_task_of(gc_programs[i], "exact-consed");
			j.stubs = stub_strategies[s];
			expect_moves(&j);
		}
	}
}

/* Without judging: the same answers, nothing compared. */
static void test_unchecked(void **unused)
{
	(void)unused;
	for (size_t i = 0; gc_programs[i]; i++) {
		struct gc_task j = short_task_of(gc_programs[i], "ranged");

		j.check = false;
		all_ways(&j, expect_moves);
	}
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void expect_floor_fails(const struct gc_task *j)
{
	char why[GC_ERROR];
	struct gc_result r = gc_expect(j, GC_FAULT, why);

	expect_words(why, "old space touched at ");
	expect_words(why, "none answered no map, should be {");
	assert_true(r.stats.wrong > 0 && r.stats.missing >= r.stats.wrong && r.stats.extra == 0);
}

/* An encoder that answers nothing: every root is missed, and the program
 * runs into the old space. */
static void test_no_maps(void **unused)
{
	static const char *const programs[] = { "trees", "sort", "map", "wide", "gaps" };

	(void)unused;
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		struct gc_task j = task_of(programs[i], "none");

		all_ways(&j, expect_floor_fails);
		j.check = false;
		char why[GC_ERROR];
		gc_expect(&j, GC_FAULT, why);
		expect_words(why, "maps of none were not checked");
	}
}

static void expect_unsafe_fails(const struct gc_task *j)
{
	char why[GC_ERROR];
	struct gc_result r = gc_expect(j, GC_BAD_ROOT, why);

	/* The words that smear() left: never written by this call. */
	expect_words(why, "0x5b5a5a5a5a5a5a5a in place ");
	expect_words(why, "is no reference, at gap+0x");
	expect_words(why, "ranged-unsafe answered {");
	expect_words(why, "should be {}");
	assert_true(r.stats.wrong > 0 && r.stats.extra > 0 && r.stats.missing == 0);
}

static void test_unsafe_maps(void **unused)
{
	struct gc_task j = task_of("gaps", "ranged-unsafe");

	(void)unused;
	for (unsigned mode = GC_NORMAL; mode <= GC_RANDOM; mode++) {
		j.mode = (enum gc_mode)mode;
		all_ways(&j, expect_unsafe_fails);
	}
	/* Passed over where nothing is compared, but not overlooked. */
	char why[GC_ERROR];
	j.check = false;
	struct gc_result r = gc_expect(&j, GC_BAD_ROOT, why);
	assert_true(r.stats.bad_roots > 0 && r.answer == r.expected);
	expect_words(why, "roots were no references");
}

/* Runs every fault of a kind; counts how they ended. Returns how many there were. */
static uint64_t faults(struct gc_task j, enum gc_fault_kind kind, uint64_t ends[GC_STATUSES])
{
	struct gc_result r = { .fault_room = 1 };
	uint64_t n = 0;

	memset(ends, 0, GC_STATUSES * sizeof *ends);
	for (; n < r.fault_room; n++) {
		char why[GC_ERROR];

		j.fault = (struct gc_fault){ kind, n };
		enum gc_status status = gc_execute(&j, &r, why);
		ends[status]++;
		/* Whatever happens, it is the encoder's answer that is named. */
		assert_true(status == GC_OK ? r.stats.wrong == 0 : r.stats.wrong > 0);
		if (status != GC_OK && !strstr(why, "answered "))
			fail_msg("%s %llu: %s", gc_fault_names[kind], (unsigned long long)n, why);
		if (status == GC_DETECTED)
			expect_words(why, "answered no safepoint, should be {");
	}
	assert_int_equal(ends[GC_REFUSED] + ends[GC_BROKEN], 0);
	return n;
}

static void test_faults(void **unused)
{
	struct gc_task j = task_of("sort", "exact");
	uint64_t ends[GC_STATUSES], n;

	(void)unused;
	/* An exact table can't tell an empty map from a missing one, and does not need to. */
	n = faults(j, GC_FAULT_EMPTY, ends);
	assert_true(n > 1 && ends[GC_OK] == n);
	/* Nearly every map is needed, and what is lost goes undetected until it is used. */
	for (j.tier = 0; j.tier <= 2; j.tier += 2) {
		n = faults(j, GC_FAULT_MAP, ends);
		assert_true(ends[GC_OK] < n / 3 && ends[GC_FAULT] > 0);
		n = faults(j, GC_FAULT_SLOT, ends);
		assert_true(ends[GC_OK] < n / 3 && ends[GC_FAULT] > 0);
		n = faults(j, GC_FAULT_PC, ends);
		assert_true(ends[GC_OK] < n / 2 && ends[GC_FAULT] > 0);
		assert_int_equal(ends[GC_DETECTED], 0);
	}
	j = task_of("lisp", "exact");
	j.size = 1;
	n = faults(j, GC_FAULT_MAP, ends);
	assert_true(n > 30 && ends[GC_OK] < n / 3 && ends[GC_FAULT] > n / 4);
}

/* Ranges with two ends notice some return addresses that they were not told of. */
static void test_faults_detected(void **unused)
{
	struct gc_task j = task_of("sort", "ranged");
	uint64_t ends[GC_STATUSES];

	(void)unused;
	faults(j, GC_FAULT_MAP, ends);
	assert_true(ends[GC_DETECTED] > 0);
	faults(j, GC_FAULT_PC, ends);
	assert_true(ends[GC_DETECTED] > 0);
	faults(j, GC_FAULT_SLOT, ends);
	assert_int_equal(ends[GC_DETECTED], 0);
}

static void test_bad_tasks(void **unused)
{
	struct gc_task j = task_of("trees", "exact");
	char why[GC_ERROR];

	(void)unused;
	j.size = 0;
	gc_expect(&j, GC_REFUSED, why);
	expect_words(why, "trees: size (depth) is 0: 1 to 20 are allowed");
	j.size = 21;
	gc_expect(&j, GC_REFUSED, why);
	expect_words(why, "is 21");
	j = task_of("trees", "exact");
	j.tier = 1;
	gc_expect(&j, GC_REFUSED, why);
	expect_words(why, "no tier 1: 0 and 2 are allowed");
	j = task_of("trees", "exact");
	j.fault = (struct gc_fault){ GC_FAULT_EMPTY, 1000 };
	gc_expect(&j, GC_REFUSED, why);
	expect_words(why, "no fault empty 1000: below ");
	j = task_of("trees", "exact");
	j.quantum = 5000;
	gc_expect(&j, GC_BROKEN, why);
	expect_words(why, "code memory");
	assert_null(gc_program_find("tree"));
}

static void test_lint_refuses(void **unused)
{
	static const char source[] = "@root = global ptr addrspace(1) null\n";
	struct gc_program p = *gc_program_find("trees");
	struct gc_task j = gc_task_of(&p, "exact");
	char why[GC_ERROR];

	(void)unused;
	p.bitcode = (const uint8_t *)source;
	p.bitcode_end = p.bitcode + strlen(source);
	gc_expect(&j, GC_REFUSED, why);
	expect_words(why, "root: a reference in a global");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),	   cmocka_unit_test(test_normal),
		cmocka_unit_test(test_never),	   cmocka_unit_test(test_encoders),
		cmocka_unit_test(test_allocators), cmocka_unit_test(test_unchecked),
		cmocka_unit_test(test_no_maps),	   cmocka_unit_test(test_unsafe_maps),
		cmocka_unit_test(test_faults),	   cmocka_unit_test(test_faults_detected),
		cmocka_unit_test(test_bad_tasks),  cmocka_unit_test(test_lint_refuses),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
