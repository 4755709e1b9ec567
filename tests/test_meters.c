/*
 * test_meters.c - compares the kernel's view with the steps just before: pages touched one by one
 * in each area and under each policy, mappings split, pages given back; and the clocks go forward.
 */
#include <errno.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "meters/memory.h"
#include "measure/space.h"
#include "meters/tlb.h"
#include "meters/valgrind.h"
#include "base/stamp.h"

enum { PAGE = 4096, PAGES = 12 };

static struct memory_view look(const struct code_memory *code)
{
	struct memory_view v;
	char error[METERS_ERROR] = "";

	assert_int_equal(meters_memory(code, &v, error), 0);
	assert_string_equal(error, "");
	return v;
}

/* NULL where the kernel forbids the policy. */
static struct code_memory *open_policy(enum code_wx wx)
{
	struct code_config config = { .wx = wx, .quantum = PAGE };
	struct code_memory *code = NULL;
	int error = code_open(&code, &config);

	assert_true(error == 0 || error == -EACCES || error == -ENOTSUP);
	return code;
}

/* ret, at each page's start. */
static void fill(struct code_memory *code, uint8_t *p)
{
	for (int i = 0; i < PAGES; i++)
		*(uint8_t *)code_writable(code, p + i * PAGE) = 0xc3;
	assert_int_equal(code_commit(code, p, PAGES * PAGE), 0);
}

static void run(uint8_t *p)
{
	for (int i = 0; i < PAGES; i++) {
		void (*f)(void);
		uint8_t *at = p + i * PAGE;
		memcpy(&f, &at, sizeof(f));
		f();
	}
}

static void check_code(struct code_memory *code, enum code_area area, bool doubled)
{
	struct memory_view before = look(code);
	assert_int_equal(before.areas[area].rss, 0);
	assert_int_equal(before.areas[area].pss, 0);
	assert_true(before.areas[area].mappings >= 1);
	assert_int_equal(before.alias[area].mappings, doubled);

	uint8_t *p = code_reserve(code, area, PAGES * PAGE);
	assert_non_null(p);
	fill(code, p);
	struct memory_view written = look(code);
	assert_int_equal(written.areas[area].pss + written.alias[area].pss, PAGES * PAGE);
	if (doubled) {
		assert_int_equal(written.areas[area].pss, 0);
		assert_int_equal(written.alias[area].rss, PAGES * PAGE);
	}

	run(p);
	struct memory_view after = look(code);
	assert_int_equal(after.areas[area].rss, PAGES * PAGE);
	assert_int_equal(after.alias[area].rss, doubled ? PAGES * PAGE : 0);
	/* Once in all, half of it in each of two views. */
	assert_int_equal(after.areas[area].pss, doubled ? PAGES * PAGE / 2 : PAGES * PAGE);
	assert_int_equal(after.alias[area].pss, doubled ? PAGES * PAGE / 2 : 0);
	for (int i = 0; i < CODE_AREAS; i++)
		if (i != (int)area)
			assert_int_equal(after.areas[i].rss, 0);

	code_release(code, p, PAGES * PAGE);
	struct memory_view end = look(code);
	assert_int_equal(end.areas[area].rss + end.alias[area].rss, 0);
	assert_int_equal(end.areas[area].mappings, before.areas[area].mappings);
}

static void test_code_pages(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		for (int area = CODE_STUBS; area <= CODE_MODULES; area++) {
			struct code_memory *code = open_policy((enum code_wx)wx);
			if (code)
				check_code(code, (enum code_area)area, wx == CODE_DUAL);
			code_close(code);
		}
	}
}

static void test_literal_pages(void **state)
{
	(void)state;
	struct code_memory *code = open_policy(CODE_DUAL);
	if (!code)
		skip();
	size_t distance = code_literal_distance(code);
	uint8_t *p = code_reserve(code, CODE_STUBS, 4 * PAGE);
	assert_non_null(p);
	p[distance] = 1;
	p[distance + 3 * PAGE] = 1;
	p[2 * distance + PAGE] = 1;
	uint8_t *data = code_data(code, 2 * PAGE);
	data[0] = data[PAGE] = 1;

	struct memory_view v = look(code);
	assert_int_equal(v.areas[CODE_LITERALS].pss, 3 * PAGE);
	assert_int_equal(v.areas[CODE_LITERALS].mappings, 1);
	assert_int_equal(v.areas[CODE_DATA].rss, 2 * PAGE);
	assert_int_equal(v.areas[CODE_STUBS].rss, 0);
	assert_int_equal(v.alias[CODE_LITERALS].mappings, 0);
	code_close(code);
}

/* Every second page ready, the rest still writable: a mapping each, and one behind them. */
static void test_mappings(void **state)
{
	(void)state;
	struct code_memory *code = open_policy(CODE_TOGGLE);
	if (!code)
		skip();
	uint8_t *p = code_reserve(code, CODE_STUBS, PAGES * PAGE);
	struct memory_view one = look(code);
	for (int i = 0; i < PAGES; i += 2)
		assert_int_equal(code_commit(code, p + i * PAGE, PAGE), 0);
	struct memory_view many = look(code);

	assert_int_equal(one.areas[CODE_STUBS].mappings, 2);
	assert_int_equal(many.areas[CODE_STUBS].mappings, PAGES + 1);
	assert_int_equal(many.mappings - one.mappings, PAGES - 1);
	assert_true(many.mappings_limit == 0 || many.mappings < many.mappings_limit);
	code_close(code);
}

/* A mapping made to cross an edge is refused, not attributed. */
static void test_edge(void **state)
{
	(void)state;
	struct code_memory *code = open_policy(CODE_DUAL);
	struct memory_view v;
	char error[METERS_ERROR] = "";
	uintptr_t from, to;

	if (!code)
		skip();
	code_range(code, CODE_DATA, &from, &to);
	void *over = mmap((void *)(to - PAGE), 2 * PAGE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_ptr_not_equal(over, MAP_FAILED);
	assert_int_equal(meters_memory(code, &v, error), -ERANGE);
	assert_non_null(strstr(error, "crosses an edge"));

	json_t *figures = json_array();
	char why[METERS_ERROR] = "";
	assert_int_equal(measure_space(code, NULL, 1, 0, figures, why), -1);
	assert_string_equal(why, error);
	assert_int_equal(json_array_size(figures), 0);
	json_decref(figures);
	code_close(code);
}

static const json_t *figure(const json_t *figures, const char *event)
{
	size_t i;
	json_t *f;

	json_array_foreach(figures, i, f)
		if (!strcmp(json_string_value(json_object_get(f, "event")), event))
			return f;
	fail_msg("no figure %s", event);
	return NULL;
}

static json_int_t value(const json_t *f)
{
	assert_string_equal(json_string_value(json_object_get(f, "source")), "kernel");
	return json_integer_value(json_array_get(json_object_get(f, "samples"), 0));
}

/* PAGES over what CPUID tells, or its reason. */
static void check_reach(const json_t *f)
{
	struct tlb itlb;

	if (tlb_of_code(&itlb)) {
		assert_true(json_is_null(json_object_get(f, "source")));
		return;
	}
	assert_in_range(itlb.entries, 4, 1 << 16);
	assert_in_range(itlb.ways, 1, itlb.entries);
	assert_int_equal(itlb.entries % itlb.ways, 0);
	assert_int_equal(value(f), PAGES);
	assert_int_equal(json_integer_value(json_object_get(f, "per")), itlb.entries);
}

static void check_space(struct code_memory *code, bool doubled)
{
	json_t *figures = json_array();
	char why[METERS_ERROR] = "";
	uint64_t faults = meters_minor_faults();
	uint8_t *p = code_reserve(code, CODE_STUBS, PAGES * PAGE);

	fill(code, p);
	run(p);
	p[code_literal_distance(code)] = 1;
	assert_int_equal(measure_space(code, NULL, 7, faults, figures, why), 0);
	assert_int_equal(value(figure(figures, "pss")), (PAGES + 1) * PAGE);
	assert_int_equal(value(figure(figures, "pss_code")), PAGES * PAGE);
	assert_int_equal(value(figure(figures, "pss_literals")), PAGE);
	assert_int_equal(value(figure(figures, "rss_code")), PAGES * PAGE);
	assert_int_equal(json_integer_value(json_object_get(figure(figures, "pss"), "per")), 7);
	assert_int_equal(value(figure(figures, "code_pages")), PAGES);
	check_reach(figure(figures, "itlb_reach"));
	assert_true(value(figure(figures, "minor_faults")) >= PAGES + 1);
	assert_true(value(figure(figures, "process_mappings")) > 10);

	const json_t *alias = figure(figures, "rss_alias");
	if (doubled) {
		assert_int_equal(value(alias), PAGES * PAGE);
	} else {
		assert_true(json_is_null(json_object_get(alias, "samples")));
		assert_true(json_is_string(json_object_get(alias, "why")));
	}
	json_decref(figures);
}

static void test_space(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct code_memory *code = open_policy((enum code_wx)wx);
		if (code)
			check_space(code, wx == CODE_DUAL);
		code_close(code);
	}
}

/* Each page touched for the first time is a fault (a sanitizer's own memory adds some); touched
 * again it is none. */
static void test_minor_faults(void **state)
{
	(void)state;
	struct code_memory *code = open_policy(CODE_DUAL);
	if (!code)
		skip();
	volatile uint8_t *p = code_data(code, 100 * PAGE);
	uint64_t start = meters_minor_faults();
	for (int i = 0; i < 100; i++)
		p[i * PAGE] = 1;
	uint64_t first = meters_minor_faults();
	for (int i = 0; i < 100; i++)
		p[i * PAGE] = 2;
	uint64_t second = meters_minor_faults();
	assert_true(first - start >= 100 && first - start < 200);
	assert_true(second - first < 10);
	code_close(code);
}

static void test_clocks(void **state)
{
	(void)state;
	uint64_t ns = clock_ns(), ticks = tsc_begin();
	while (clock_ns() - ns < 1000)
		;
	assert_true(tsc_end() > ticks);
	struct probe_cost cost = meters_probe_cost();
	assert_true(cost.tsc_ticks > 0); /* the counter moves within any bracket */
	print_message("empty bracket: %u ns (clock), %u ticks (tsc)\n", (unsigned)cost.clock_ns,
		      (unsigned)cost.tsc_ticks);
}

/* `stubmap model` blocks the signals that end it; valgrind must not inherit that. */
static void test_a_signal_ends_valgrind(void **unused)
{
	char *const argv[] = { (char[]){ "valgrind" },	  (char[]){ "-q" },
			       (char[]){ "--tool=none" }, (char[]){ "/bin/sleep" },
			       (char[]){ "20" },	  NULL };
	static const int signals[] = { SIGINT, SIGTERM, SIGKILL };
	char error[VALGRIND_ERROR], version[64], folder[] = "/tmp/stubmap-meters-XXXXXX";
	struct valgrind v;
	sigset_t stop, mask;

	(void)unused;
	if (valgrind_version(version, error))
		skip();
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, &mask);
	assert_non_null(mkdtemp(folder));
	setenv("TMPDIR", folder, 1);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		assert_int_equal(valgrind_start(&v, argv, error), 0);
		usleep(300000); /* it starts: nothing that it made may stay behind */
		kill(v.pid, signals[i]);
		assert_int_equal(valgrind_finish(&v, "sleep", error), -EIO);
		assert_non_null(strstr(error, "killed by signal"));
	}
	unsetenv("TMPDIR");
	sigprocmask(SIG_SETMASK, &mask, NULL);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_pages), cmocka_unit_test(test_literal_pages),
		cmocka_unit_test(test_mappings),   cmocka_unit_test(test_edge),
		cmocka_unit_test(test_space),	   cmocka_unit_test(test_minor_faults),
		cmocka_unit_test(test_clocks),	   cmocka_unit_test(test_a_signal_ends_valgrind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
