/* test_compare.c - what `stubmap compare` says of runs whose numbers are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analysis/comparison.h"
#include "cli/commands.h"
#include "command_helpers.h"
#include "tests/run_files.h"

enum { LINE = 1200 };

/* "@" is the folder. */
static const char *expand(const char *words, char line[LINE])
{
	size_t n = 0;

	for (; *words && n + sizeof run_folder < LINE; words++)
		n += (size_t)(*words == '@' ? snprintf(line + n, LINE - n, "%s", run_folder)
					    : snprintf(line + n, LINE - n, "%c", *words));
	return line;
}

static struct result compare(int status, const char *words)
{
	char line[LINE];

	return run_to(status, cmd_compare, expand(words, line));
}

/* The output has these parts. */
static void expect(int status, const char *words, const char *const *parts)
{
	struct result r = compare(status, words);

	for (; *parts; parts++)
		if (!strstr(r.out, *parts))
			fail_saying(r.out, r.err, "`%s`: no '%s'", words, *parts);
	done(&r);
}

#define EXPECT(status, words, ...) expect(status, words, (const char *const[]){ __VA_ARGS__, NULL })

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* It once printed every row, and called 4096 less than 4096. */
static void a_run_is_like_itself(void **state)
{
	(void)state;
	make_run("a", MADE(.cells = 20));
	struct result r = compare(0, "compare @/a @/a");
	if (strncmp(r.out, "0 less, 0 more, 80 no difference; ", 34) || lines(r.out) != 1)
		fail_saying(r.out, r.err, "not one line, or not equal");
	assert_string_equal(r.err, "");
	done(&r);
	r = compare(0, "compare @/a @/a --all");
	assert_in_range(lines(r.out), 20 * 5 + 1, 20 * 6 + 3);
	assert_null(strstr(r.out, "B less"));
	done(&r);
	r = compare(0, "compare @/a @/a --json");
	assert_int_equal(lines(r.out), 1);
	assert_non_null(strstr(r.out, "\"no_difference\":80"));
	done(&r);
}

/* Two runs of one program: at most one row in twenty may differ; none does, for the verdict is
 * corrected for all. */
static void two_runs_of_one_program_are_alike(void **state)
{
	(void)state;
	make_run("a", MADE(.cells = 150));
	make_run("b", MADE(.cells = 150, .seed = 2));
	EXPECT(0, "compare @/a @/b", "0 less, 0 more, 600 no difference; ");
}

static void changes_are_told(void **state)
{
	(void)state;
	make_run("a", MADE(.cells = 3));
	make_run("b", MADE(.cells = 3, .seed = 2, .pool = 0.6, .pss = 65));
	EXPECT(0, "compare @/a @/b", "pool", "steady ns", "space pss", "exact", "more",
	       "0 less, 6 more, 6 no difference; ", "one run a side");
	EXPECT(0, "compare @/b @/a", "6 less, 0 more, 6 no difference; ");
	EXPECT(0, "compare @/a @/b --json", "\"verdict\":\"more\"", "\"a\":64.0,\"b\":65.0",
	       "\"more\":6");
}

/* From 0 there is no ratio, but a difference. */
static void exact_counts_may_be_0(void **state)
{
	static const char none[] = ", {\"phase\": \"space\", \"event\": \"quanta\", \"unit\": "
				   "\"stub\", \"source\": \"code\", \"per\": 1, \"warmup\": 0, "
				   "\"samples\": [0]}",
			  one[] = ", {\"phase\": \"space\", \"event\": \"quanta\", \"unit\": "
				  "\"stub\", \"source\": \"code\", \"per\": 1, \"warmup\": 0, "
				  "\"samples\": [1]}";

	(void)state;
	make_run("a", MADE(.more = none));
	make_run("b", MADE(.more = one));
	EXPECT(0, "compare @/a @/a", "0 less, 0 more, 5 no difference; ");
	EXPECT(1, "compare @/a @/b --fail-above 5%", "space quanta", "0 less, 1 more, 4 no",
	       "1 certainly more by over 5 %");
}

/* One reading of a clock a side is no count, though it is constant. */
static void one_reading_is_not_exact(void **state)
{
	static const char form[] = ", {\"phase\": \"run\", \"event\": \"ns\", \"unit\": \"run\", "
				   "\"source\": \"clock\", \"per\": 1, \"warmup\": 0, \"samples\": "
				   "[%d]}";
	char first[300], second[300];

	(void)state;
	snprintf(first, sizeof first, form, 1000);
	snprintf(second, sizeof second, form, 1100);
	make_run("a", MADE(.blocks = 1, .more = first, .workload = "wasm:kernel"));
	make_run("b", MADE(.blocks = 1, .more = second, .workload = "wasm:kernel"));
	EXPECT(0, "compare @/a @/b --fail-above 5%", "0 less, 0 more, ", "not comparable",
	       "0 certainly more by over 5 %");
	EXPECT(0, "compare @/a @/b --all", "fewer than 5 blocks: no interval");
}

static void a_regression_can_fail(void **state)
{
	(void)state;
	make_run("a", MADE(.cells = 2));
	make_run("b", MADE(.cells = 2, .seed = 2, .pool = 0.56));
	EXPECT(1, "compare @/a @/b --fail-above 5%", "2 certainly more by over 5 %");
	EXPECT(0, "compare @/a @/b --fail-above 20%", "2 more", "0 certainly more by over 20 %");
	EXPECT(0, "compare @/b @/a --fail-above 5", "2 less");
	EXPECT(1, "compare @/a @/b --fail-above 5% --json", "\"exceeding\":2");
}

/* What a record says of the machine is no result. */
static void remarks_are_not_compared(void **state)
{
	static const char form[] = ", {\"phase\": \"steady\", \"event\": \"samples_shared\", "
				   "\"unit\": \"process\", \"source\": \"clock\", \"per\": 1, "
				   "\"warmup\": 0, \"samples\": [%d]}";
	char first[300], second[300];

	(void)state;
	snprintf(first, sizeof first, form, 1);
	snprintf(second, sizeof second, form, 2);
	make_run("a", MADE(.more = first));
	make_run("b", MADE(.more = second));
	EXPECT(0, "compare @/a @/b --all --fail-above 5%", "0 less, 0 more, 4 no difference");
}

/* It once knew four figures, none of them of programs, collections or lives. */
static void every_figure_is_known(void **state)
{
	static const char form[] = ", {\"phase\": \"run\", \"event\": \"ns\", \"unit\": \"run\", "
				   "\"source\": \"clock\", \"per\": 1, \"warmup\": 0, \"samples\": "
				   "[%d]}, {\"phase\": \"cold\", \"event\": \"made\", \"unit\": "
				   "\"run\", \"source\": \"code\", \"per\": 1, \"warmup\": 0, "
				   "\"samples\": [%d]}, {\"phase\": \"space\", \"event\": "
				   "\"mappings\", \"unit\": \"stub\", \"source\": \"kernel\", "
				   "\"per\": 1, \"warmup\": 0, \"samples\": [%d]}";
	char first[900], second[900];

	(void)state;
	snprintf(first, sizeof first, form, 1000, 3, 7);
	snprintf(second, sizeof second, form, 2000, 4, 8);
	make_run("a", MADE(.more = first, .workload = "wasm:kernel"));
	make_run("b", MADE(.more = second, .workload = "wasm:kernel"));
	EXPECT(0, "compare @/a @/b", "run ns", "cold made", "2 more");
	EXPECT(0, "compare @/a @/b --all", "run ns", "cold made", "space mappings", "3 more");
}

/* The number of changes, and by alike that of rows without one. */
static unsigned count_changes(const char *words, unsigned *alike)
{
	struct result r = compare(0, words);
	const char *at = strstr(r.out, " less, ");
	unsigned less = 0, more = 0;

	while (at && at > r.out && at[-1] != '\n')
		at--;
	if (!at || sscanf(at, "%u less, %u more, %u no difference", &less, &more, alike) != 3)
		fail_saying(r.out, r.err, "`%s`: no sentence", words);
	done(&r);
	return less + more;
}

/* Runs that differ by themselves: one a side shows changes all over, three a side in at most one
 * row in twenty. A change that is larger than the runs' own differences is found. */
static void several_runs_a_side(void **state)
{
	static const char three[] = "compare @/r0 @/r1 @/r2 : @/r3 @/r4 @/r5";
	enum { CELLS = 60, TIMES = 2 * CELLS };
	char name[8];
	unsigned alike;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "r%u", i);
		make_run(name, MADE(.seed = i + 1, .between = 0.2, .cells = CELLS));
	}
	assert_true(count_changes("compare @/r0 @/r3", &alike) > TIMES / 2);
	unsigned changes = count_changes(three, &alike);
	assert_int_equal(changes + alike, 2 * TIMES);
	assert_in_range(changes, 0, TIMES / 20);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "r%u", i);
		make_run(name, MADE(.seed = i + 1, .between = 0.01, .pool = i < 3 ? 0.5 : 0.7));
	}
	EXPECT(0, three, "0 less, 1 more, 3 no difference");
}

static void two_machines_are_told(void **state)
{
	(void)state;
	make_run("a", MADE(.seed = 1));
	make_run("b", MADE(.seed = 2, .cpu = "2", .pool = 0.9));
	EXPECT(0, "compare @/a @/b", "B/A is of machines that are not alike");
	EXPECT(0, "compare @/a @/b --json", "\"unlike_machines\":true");
	struct result r = compare(0, "compare @/a @/b");
	assert_non_null(strstr(r.err, "cpu_family"));
	done(&r);
	/* Why something is missing is no fact of a machine. */
	char line[LINE];
	assert_int_equal(system(expand("sed 's/\"cpu_model\"/\"missing\": {\"l3\": \"why\"}, "
				       "&/' @/a >@/c",
				       line)),
			 0);
	r = compare(0, "compare @/c @/a");
	assert_string_equal(r.err, "");
	done(&r);
}

static void make_record(const char *name, int bytes, double ns)
{
	char path[200];

	run_path(name, path);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f,
		"{\"maps\": 1, \"machine\": {\"cpu_model\": \"Some CPU\"}}\n"
		"{\"file\": \"f\", \"corpus\": \"c\", \"encoder\": \"exact\", \"event\": "
		"\"bytes\", \"unit\": \"bytes\", \"source\": \"count\", \"value\": %d}\n"
		"{\"file\": \"f\", \"corpus\": \"c\", \"encoder\": \"exact\", \"event\": "
		"\"cold_live\", \"unit\": \"ns/lookup\", \"source\": \"tsc\", \"value\": %g}\n"
		"{\"file\": \"f\", \"corpus\": \"c\", \"encoder\": \"exact\", \"event\": \"walk\", "
		"\"unit\": \"ns/lookup\", \"source\": null, \"value\": null}\n",
		bytes, ns);
	assert_int_equal(fclose(f), 0);
}

/* Counts are exact; of times, five records a side tell. */
static void records_of_maps_are_compared(void **state)
{
	char line[LINE], name[8];

	(void)state;
	make_record("m", 1000, 50);
	make_record("n", 1100, 60);
	make_run("a", MADE(.seed = 1));
	EXPECT(0, "compare @/m @/m", "0 less, 0 more, 1 no difference, 1 not comparable");
	EXPECT(1, "compare @/m @/n --fail-above 5%", "exact", "bytes", "0 less, 1 more, 0 no",
	       "1 certainly more by over 5 %");
	EXPECT(0, "compare @/n @/m --json", "\"encoder\":\"exact\"", "\"verdict\":\"less\"");
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "m%u", i);
		make_record(name, 1000, i < 5 ? 50 + i : 70 + i);
	}
	EXPECT(0, "compare @/m0 @/m1 @/m2 @/m3 @/m4 : @/m5 @/m6 @/m7 @/m8 @/m9", "cold_live",
	       "0 less, 1 more, 1 no difference");
	refused(cmd_compare, expand("compare @/m @/a", line), "no record of stack maps");
	refused(cmd_compare, expand("compare @/a @/m", line), "is a record of stack maps");
}

/* A baseline is all its invocations; failures are counted of the first replica alone. */
static void the_replica_counts_with_its_baseline(void **state)
{
	static const struct figure_id ns = { "steady", "ns" };
	char path[200], error[RUN_ERROR];
	struct census census;
	struct samples s;
	struct run run;
	size_t base;

	(void)state;
	make_run("a", MADE(.blocks = 7));
	run_path("a", path);
	assert_int_equal(run_load(path, &run, error), 0);
	assert_int_equal(census_take(&run, &census), 0);
	base = census_find(&census, &census.groups[0]);
	assert_int_equal(samples_gather_own(&census, base, ns, &s), 0);
	assert_int_equal(s.n, 7);
	samples_free(&s);
	s = (struct samples){ 0 };
	for (uint32_t number = 3; number < 5; number++)
		assert_int_equal(samples_add(&census, base, ns, number, &s), 0);
	assert_true(s.n == 28 && s.invocations == 14 && s.units[13].run == 3 &&
		    s.units[14].run == 4);
	samples_free(&s);
	for (size_t cell = 0; cell < census.n; cell++) {
		assert_int_equal(samples_gather(&census, cell, ns, &s), 0);
		assert_int_equal(s.n, cell == base ? 14 : 7);
		samples_free(&s);
	}
	census_free(&census);
	run_close(&run);
}

/* The interval's lower limit counts, not the value; of exact counts, the value. */
static void a_share_is_exceeded_by_the_whole_interval(void **state)
{
	struct comparison c = { .change = CHANGE_MORE,
				.a = 100,
				.b = 108,
				.ratio = { .value = 1.08, .low = 1.04, .high = 1.12 } };

	(void)state;
	assert_true(comparison_exceeds(&c, 0.03));
	assert_false(comparison_exceeds(&c, 0.05));
	c.exact = true;
	assert_true(comparison_exceeds(&c, 0.05));
	assert_false(comparison_exceeds(&c, 0.08));
	c.change = CHANGE_NONE;
	assert_false(comparison_exceeds(&c, 0));
}

/* Ten rows that are alike, and one that can't tell: the difference that one row would have found
 * is that of one among ten. */
static void what_would_have_been_found_is_of_all_rows(void **state)
{
	enum { ROWS = 10 };
	struct comparisons all = { 0 };
	struct comparison *row;

	(void)state;
	for (int i = 0; i <= ROWS; i++) {
		assert_non_null(row = comparisons_add(&all));
		row->change = i < ROWS ? CHANGE_NONE : CHANGE_UNKNOWN;
		row->ratio = (struct estimate){ .known = true,
						.interval = i < ROWS,
						.value = 1.01,
						.low = 0.98,
						.high = 1.04,
						.n = 10,
						.of_blocks = { 0.013, 9 } };
		row->chance = stats_chance(&row->ratio);
	}
	double alone = stats_detectable(&all.rows[0].ratio, 0.05),
	       among = stats_detectable(&all.rows[0].ratio, 0.05 / ROWS);
	assert_int_equal(comparisons_judge(&all), 0);
	assert_true(among > alone && all.counts[CHANGE_NONE] == ROWS);
	for (int i = 0; i < ROWS; i++)
		assert_true(all.rows[i].detectable <= among && all.rows[i].detectable >= among);
	assert_true(all.found <= among && all.found >= among);
	comparisons_free(&all);
}

static void refusals(void **state)
{
	static const struct {
		const char *words, *part;
	} calls[] = {
		{ "compare @/a :", "a side has no run" },
		{ "compare : @/a", "a side has no run" },
		{ "compare @/a @/a @/a", "a : stands between the sides" },
		{ "compare @/a : @/a : @/a", "one : is allowed" },
		{ "compare @/a @/other", "no cell in common" },
		{ "compare @/a @/none", "No such file" },
		{ "compare @/a @/a --fail-above -1%", "--fail-above" },
	};
	char line[LINE];

	(void)state;
	make_run("a", MADE(.seed = 1));
	make_run("other", MADE(.workload = "wasm:kernel"));
	/* A second line once said in what the machines differ. */
	make_run("older", MADE(.workload = "wasm:kernel", .cpu = "2"));
	refused(cmd_compare, expand("compare @/a @/older", line), "no cell in common");
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		refused(cmd_compare, expand(calls[i].words, line), calls[i].part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_like_itself),
		cmocka_unit_test(two_runs_of_one_program_are_alike),
		cmocka_unit_test(changes_are_told),
		cmocka_unit_test(exact_counts_may_be_0),
		cmocka_unit_test(one_reading_is_not_exact),
		cmocka_unit_test(a_regression_can_fail),
		cmocka_unit_test(every_figure_is_known),
		cmocka_unit_test(remarks_are_not_compared),
		cmocka_unit_test(several_runs_a_side),
		cmocka_unit_test(two_machines_are_told),
		cmocka_unit_test(records_of_maps_are_compared),
		cmocka_unit_test(the_replica_counts_with_its_baseline),
		cmocka_unit_test(a_share_is_exceeded_by_the_whole_interval),
		cmocka_unit_test(what_would_have_been_found_is_of_all_rows),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
