/* test_sentence.c - what a table says in a sentence, of runs whose ratios are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/report.h"
#include "run_helpers.h"

/* ns of an arm with so many live stubs in a block; the replica takes what its baseline does. */
typedef double timing(const struct cell *, unsigned block);

static void add(struct run *run, const struct plan *p, unsigned block, size_t i, double ns)
{
	char error[RUN_ERROR];
	json_t *record = make_record(p, block, i, "ok");

	json_object_set_new(record, "figures",
			    json_pack("[{s:s, s:s, s:s, s:s, s:i, s:i, s:[f]}]", "phase", "steady",
				      "event", "ns", "unit", "call", "source", "clock", "per", 1,
				      "warmup", 0, "samples", ns));
	if (run_append(run, record, error))
		fail_msg("%s", error);
	json_decref(record);
}

/* Whether the table of a run of these arms ends in this sentence. */
static void expect_of(const char *stubs, const char *live, unsigned blocks, timing *time,
		      const char *sentence)
{
	const struct report_options o = { .form = REPORT_TABLE };
	char error[PLAN_ERROR], cells[400], *text = NULL;
	struct plan p;
	struct run run;
	size_t size;

	snprintf(cells, sizeof cells,
		 "{\"name\": \"t\", \"seed\": 1, \"blocks\": %u, \"iterations\": 1, \"baseline\": "
		 "{\"stubs\": \"page\"}, \"cells\": [{\"live\": %s, \"stubs\": [%s]}]}",
		 blocks, live, stubs);
	json_t *json = json_loads(cells, 0, NULL);
	if (plan_from_json(json, &p, error))
		fail_msg("%s", error);
	json_decref(json);
	assert_int_equal(run_begin(&run, &p, NULL), 0);
	for (unsigned block = 0; block < blocks; block++)
		for (size_t i = 0; i < p.n; i++)
			add(&run, &p, block, i, time(&p.cells[i], block));
	FILE *f = open_memstream(&text, &size);
	assert_int_equal(report_summary(f, &run, &o), 0);
	fclose(f);
	for (char *at = text; (at = strchr(at, '\n')) && at[1]; at++)
		if (at[1] != '\n' && at[1] != ' ' && at[-1] != '\n')
			*at = ' '; /* a line that goes on */
	if (!strstr(text, sentence))
		fail_msg("no '%s' in:\n%s", sentence, text);
	free(text);
	run_close(&run);
	plan_free(&p);
}

static void expect(const char *live, unsigned blocks, timing *time, const char *sentence)
{
	expect_of("\"null\", \"page\", \"pool\"", live, blocks, time, sentence);
}

static double halves(const struct cell *cell, unsigned block)
{
	(void)block;
	return !strcmp(cell->stubs, "pool") ? 10 : 20;
}

/* pool's half as many with many stubs, with few twice as many. */
static double crossing(const struct cell *cell, unsigned block)
{
	(void)block;
	return strcmp(cell->stubs, "pool") ? 20 : cell->live < 100 ? 40 : 10;
}

static double noise(const struct cell *cell, unsigned block)
{
	return block % 2 != cell->replica ? 40 : 20;
}

static double even(const struct cell *cell, unsigned block)
{
	return 20 + 0.01 * (double)(block % 2) * (*cell->stubs == 'n');
}

static void one_group_has_its_ratios(void **state)
{
	(void)state;
	expect(
	    "8", 6, halves,
	    "\npool's calls take 0.500 (0.500 to 0.500) of page's time; no difference from page is "
	    "found for null.\n");
}

static void several_are_counted(void **state)
{
	(void)state;
	expect("[8, 64, 1000]", 6, crossing,
	       "\npool's calls take less time in 1 of 3 groups, more in 2 of 3 (0.500 to 2.00 of "
	       "page's); no difference from page is found for null.\n");
}

static void where_nothing_differs_it_says_what_would_be_found(void **state)
{
	(void)state;
	expect("8", 6, even, "\nNo difference from page is found; one of 0.0");
}

/* With few stubs and many: near less, template and the lazy ones more, pool both, null alike. */
static double of_many(const struct cell *cell, unsigned block)
{
	if (!strcmp(cell->stubs, "near"))
		return cell->live < 100 ? 4 : 10;
	if (!strcmp(cell->stubs, "island"))
		return 12;
	if (!strcmp(cell->stubs, "template"))
		return 40;
	if (!strncmp(cell->stubs, "lazy", 4))
		return cell->live < 100 ? 20 : 60;
	return crossing(cell, block);
}

static double only_more(const struct cell *cell, unsigned block)
{
	return fmax(of_many(cell, block), 20);
}

static void many_are_counted_together(void **state)
{
	static const char arms[] = "\"null\", \"page\", \"page+stagger\", \"near\", \"island\", "
				   "\"template\", \"lazy+page\", \"lazy+pool\", \"lazy+template\"";
	char all[200];

	(void)state;
	snprintf(all, sizeof all, "%s, \"pool\"", arms);
	expect_of(all, "[8, 1000]", 6, of_many,
		  "\nWhere a difference is found, of 9 arms beside page: 2 take less time (the "
		  "least: near's calls, 0.200 of page's), 4 more (the most: lazy+page's, 3.00), 1 "
		  "less in some groups and more in others (0.500 to 2.00); for 2 none is found.\n");
	snprintf(all, sizeof all, "%s, \"lazy+island\", \"lazy+near\", \"pool\"", arms);
	expect_of(
	    all, "[8, 1000]", 6, only_more,
	    "\nWhere a difference is found, of 11 arms beside page: 7 take more time (the most: "
	    "lazy+page's calls, 3.00 of page's); for 4 none is found.\n");
}

/* The noise of the baseline, and what would be enough blocks. */
static void noise_is_the_reason(void **state)
{
	(void)state;
	expect("8", 6, noise,
	       "\nNo difference from page can be told: page differs from itself by up to ");
	expect("8", 6, noise, " blocks (-b ");
	expect("8", 6, noise, ") would find 10 %.\n");
}

static void few_blocks_tell_nothing(void **state)
{
	(void)state;
	expect("8", 3, halves, "\nNo ratio has an interval: that takes 5 blocks.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_group_has_its_ratios),
		cmocka_unit_test(several_are_counted),
		cmocka_unit_test(many_are_counted_together),
		cmocka_unit_test(where_nothing_differs_it_says_what_would_be_found),
		cmocka_unit_test(noise_is_the_reason),
		cmocka_unit_test(few_blocks_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
