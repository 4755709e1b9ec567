/* test_claims.c - claims on runs whose numbers are known: verdicts of one run and of several,
 * machines that disagree, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/trial.h"
#include "claim_runs.h"

/* ---- One run --------------------------------------------------------------------------------- */

static void one_run_makes_no_headline(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	shows(0, "claims @/a.jsonl -c @/claims.json", "holds, 1 run\n");
	shows(0, "claims @/a.jsonl -c @/claims.json",
	      "accepted: load 1, steal 0 %, shared 0 %, A/A ");
	make("a.jsonl", MADE(.ratio = 2));
	shows(1, "claims @/a.jsonl -c @/claims.json", "refuted, 1 run\n");
	make("a.jsonl", MADE(.ratio = 3));
	shows(0, "claims @/a.jsonl -c @/claims.json", "open, 1 run\n");
}

static void a_superseded_claim_is_shown_and_apart(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	shows(0, "claims @/a.jsonl -c @/past.json",
	      "u (superseded on 2026-01-02: a reason; last: refuted)\n");
	shows(0, "claims @/a.jsonl -c @/past.json", "refuted, 1 run\n");
	shows(0, "claims @/a.jsonl -c @/past.json --markdown",
	      "| b | u (superseded 2026-01-02: a reason) |");
	shows(0, "claims @/a.jsonl -c @/past.json --json", "\"when\":\"2026-01-02\"");
}

/* A table of a text with a bar has as many columns as its head. */
static void a_bar_in_a_text_ends_no_cell(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	shows(0, "claims @/a.jsonl -c @/claims.json --markdown", "| more than 3 \\| times |");
}

static void a_claims_file_is_that_of_the_plan(void **state)
{
	char home[1000];

	(void)state;
	assert_non_null(getcwd(home, sizeof home));
	make("a.jsonl", MADE(.plan = "first"));
	assert_int_equal(chdir("/"), 0); /* wherever one stands */
	shows(0, "claims @/a.jsonl", "\nconflict-indirect ");
	assert_int_equal(chdir(home), 0);
	make("a.jsonl", MADE(.plan = "mine"));
	refuse_claims("claims @/a.jsonl",
		      "there is no scripts/claims-mine.json for plan 'mine'; name the claims");
	make("a.jsonl", MADE(.plan = "../x"));
	refuse_claims("claims @/a.jsonl", "there is no scripts/claims-../x.json");
}

/* The exit status was 0 with "no data" in each row: a green light with nothing tested. */
static void no_data_is_a_wrong_call(void **state)
{
	(void)state;
	put("other.json",
	    "[{\"id\": \"a\", \"text\": \"t\", " FIGURE "\"of\": {\"live\": 7}, \"above\": 3}]");
	make("a.jsonl", MADE(.seed = 1));
	refuse_claims("claims @/a.jsonl -c @/other.json", "none of the 1 claims of ");
	refuse_claims("claims @/a.jsonl -c @/other.json", "(plan 't'); name others with -c");
	make("a.jsonl", MADE(.plan = "first"));
	refuse_claims("claims @/a.jsonl -c @/other.json", "; leave -c out for those of ");
}

static void faults_of_a_claims_file_are_plain(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "{}", "must be an array of claims" },
		{ "[3]", "claim 1 must be an object" },
		{ "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"abvoe\": 3}]",
		  "claim a: no key in a claim 'abvoe'; did you mean 'above'?" },
		{ "[{\"id\": \"a\", " RATIO "\"above\": 3}]", "claim a: text is missing" },
		{ "[{\"text\": \"t\", " RATIO "\"above\": 3}]", "claim 1: id is missing" },
		{ "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": \"3\"}]",
		  "claim a: above must be a number" },
		{ "[{\"id\": \"a\", \"text\": \"t\", " FIGURE OF "\"to\": 3, \"above\": 3}]",
		  "claim a: to must be an object" },
		{ "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"below\": 3, \"above\": 3}]",
		  "claim a: nothing is above 3 and below 3" },
		{ "[{\"id\": \"a\", \"text\": \"t\", \"since\": \"2026-13-01\", " RATIO
		  "\"above\": 3}]",
		  "claim a: since must be a time such as 2026-12-01T11:30" },
		{ "[{\"id\": \"a\", \"text\": \"t\", \"since\": \"yesterday\", " RATIO
		  "\"above\": 3}]",
		  "claim a: since must be a time such as 2026-12-01T11:30" },
		{ "[{\"id\": \"a\", \"text\": \"t\", \"superseded\": {}, " RATIO "\"above\": 3}]",
		  "claim a: superseded needs when, why and last" },
		{ "[{\"id\": \"a\", \"text\": \"t\", \"superseded\": {\"yb\": \"b\"}, " RATIO
		  "\"above\": 3}]",
		  "claim a: no key in superseded 'yb'; did you mean 'by'?" },
		{ "[{\"id\": \"a\", \"text\": \"t\", \"superseded\": {\"by\": 3}, " RATIO
		  "\"above\": 3}]",
		  "claim a: superseded: by must be a text" },
		{ "[{\"id\": \"a\", \"text\": \"t\", \"formerly\": [3], " RATIO "\"above\": 3}]",
		  "claim a: formerly must be a list of texts" },
		{ "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3},"
		  "{\"id\": \"a\", \"text\": \"u\", " RATIO "\"above\": 4}]",
		  "two claims are called a" },
	};

	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put("bad.json", bad[i].text);
		refuse_claims("claims @/a.jsonl -c @/bad.json", bad[i].says);
	}
}

/* Earlier runs tell nothing about an arm that was changed. */
static void a_claim_may_begin(void **state)
{
	(void)state;
	put("since.json",
	    "[{\"id\": \"a\", \"text\": \"t\", \"since\": \"2026-01-02T10:00\", " RATIO
	    "\"above\": 3}]");
	make("a.jsonl", MADE(.seed = 1, .ratio = 2, .started = "2026-01-02T09:59:59Z"));
	refuse_claims("claims @/a.jsonl -c @/since.json", "none of the 1 claims of ");
	make("b.jsonl", MADE(.seed = 2, .started = "2026-01-02T10:00:00Z"));
	shows(0, "claims @/a.jsonl @/b.jsonl -c @/since.json", "holds, 1 run\n");
	shows(0, "claims @/b.jsonl -c @/since.json", "t (runs since 2026-01-02T10:00)\n");
	shows(0, "claims @/b.jsonl -c @/since.json --markdown",
	      "| t (runs since 2026-01-02T10:00) |");
}

/* ---- Several runs ---------------------------------------------------------------------------- */

#define THREE "claims @/a.jsonl @/b.jsonl @/c.jsonl -c @/claims.json"

static void three_runs_that_agree_make_a_headline(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	make("b.jsonl", MADE(.seed = 2, .ratio = 4.01));
	make("c.jsonl", MADE(.seed = 3, .ratio = 3.99));
	shows(0, THREE, "  holds\n");
	shows(0, THREE " --markdown", "| **holds** |");
	shows(0, THREE " --json", "\"headline\":true");
	shows(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json", "  holds, 2 runs\n");
	/* One seed repeats one order of cells, one colouring, one set of offsets. */
	make("c.jsonl", MADE(.seed = 2, .started = "2026-01-02T00:00:00Z"));
	shows(0, THREE, "  holds, 3 runs\n");
}

static void a_run_that_was_not_accepted_does_not_count(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	make("b.jsonl", MADE(.seed = 2));
	make("c.jsonl", MADE(.seed = 3, .load = 5));
	shows(0, THREE, "  holds, 3 runs\n");
	shows(0, THREE, "c.jsonl\nrun: not accepted, load 5 is above 2: load 5, ");
	shows(0, THREE " --json", "\"headline\":false");
	/* A run that does not count is shown if it says the contrary, and
	 * does not change the value. */
	make("c.jsonl", MADE(.seed = 3, .load = 5, .ratio = 3));
	shows(0, THREE, "  holds, 2 of 3 runs\n");
	make("c.jsonl", MADE(.seed = 3, .load = 5, .ratio = 2));
	shows(0, THREE, "holds, 3 runs disagree\n");
	shows(0, THREE " --json", "\"verdict\":\"refuted\"");
	make("c.jsonl", MADE(.seed = 3, .accept = ""));
	shows(0, THREE, "c.jsonl\nrun: not accepted, its plan has no rule: load 1,");
	shows(0, THREE, "  holds, 3 runs\n");
}

/* Eight of nine hold, and so do all together. */
static void one_that_says_the_contrary_makes_no_headline(void **state)
{
	char name[] = "n0.jsonl", all[300] = "claims";

	(void)state;
	for (int i = 0; i < 9; i++) {
		name[1] = (char)('0' + i);
		make(name, MADE(.seed = i + 1, .ratio = i ? 4 + 0.001 * i : 2.99));
		snprintf(all + strlen(all), sizeof all - strlen(all), " @/%s", name);
	}
	snprintf(all + strlen(all), sizeof all - strlen(all), " -c @/claims.json");
	shows(0, all, "  holds, 9 runs disagree\n");
	make("n0.jsonl", MADE(.seed = 1, .ratio = 3));
	shows(0, all, "  holds\n");
}

/* The interval is that of three runs: it holds the difference between them. */
static void runs_that_disagree_hold_nothing(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1, .ratio = 3.5));
	make("b.jsonl", MADE(.seed = 2, .ratio = 2.5));
	make("c.jsonl", MADE(.seed = 3, .ratio = 3.6));
	shows(0, THREE, "open, 3 runs disagree\n");
}

static void machines_are_shown_one_by_one(void **state)
{
	struct result r;
	char line[LINE];

	(void)state;
	assert_int_equal(system(expand("mkdir -p @/zen @/lake", line)), 0);
	put("two.json", "[{\"id\": \"same\", \"text\": \"t\", " RATIO "\"above\": 1},"
			" {\"id\": \"differs\", \"text\": \"u\", " RATIO "\"above\": 3}]");
	make("zen/t.jsonl", MADE(.cpu = "1"));
	make("lake/t.jsonl", MADE(.cpu = "2", .seed = 2, .ratio = 2));
	r = claims(1, "claims @/zen/t.jsonl @/lake/t.jsonl -c @/two.json");
	assert_true(strstr(r.out, "\ndiffers  zen ") < strstr(r.out, "\nsame     zen "));
	assert_non_null(strstr(r.out, "\ndiffers  zen "));
	assert_non_null(strstr(r.out, "\n         lake "));
	done(&r);
	shows(1, "claims @/zen/t.jsonl @/lake/t.jsonl -c @/two.json --markdown",
	      "| differs | u |  | lake | 2.00 (2.00 to 2.00) | > 3.00 | refuted, 1 run |");
	/* A machine whose runs lie in two folders has the name of neither. */
	assert_int_equal(system(expand("mkdir -p @/sea", line)), 0);
	make("sea/t.jsonl", MADE(.cpu = "1", .seed = 3));
	r = claims(1, "claims @/zen/t.jsonl @/lake/t.jsonl @/sea/t.jsonl -c @/two.json");
	assert_non_null(strstr(r.out, "\n         lake "));
	assert_non_null(strstr(r.out, "\ndiffers  Some CPU, family 1 model ?"));
	done(&r);
	/* Nor is a folder that has no name of its own one. */
	shows(0, "claims @/./zen/../zen/t.jsonl -c @/claims.json --json", "\"machine\":\"zen\"");
	make("a.jsonl", MADE(.cpu = "1"));
	shows(0, "claims @/./a.jsonl -c @/claims.json --json", "\"machine\":\"Some CPU, family 1");
	/* In one folder, the processor names it. */
	make("a.jsonl", MADE(.cpu = "1"));
	make("b.jsonl", MADE(.cpu = "2", .seed = 2));
	shows(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json", "Some CPU, family 2 model ?");
}

/* Each line of JSON was empty. */
static void a_folder_need_not_be_text(void **state)
{
	char line[LINE];

	(void)state;
	assert_int_equal(system(expand("mkdir -p '@/z\377n'", line)), 0);
	make("z\377n/t.jsonl", MADE(.seed = 1));
	shows(0, "claims @/z\377n/t.jsonl -c @/claims.json --json", "\"machine\":\"z\\\\xffn\"");
	shows(0, "claims @/z\377n/t.jsonl -c @/claims.json --json", "/z\\\\xffn/t.jsonl\"");
}

static void runs_that_do_not_belong_together_are_refused(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	make("b.jsonl", MADE(.plan = "u"));
	refuse_claims("claims @/a.jsonl --json --markdown", "exclude each other");
	refuse_claims("claims @/a.jsonl @/a.jsonl -c @/claims.json", "are one run: name it once");
	refuse_claims("claims @/a.jsonl @/b.jsonl -c @/claims.json",
		      "claims are tested on runs of one plan");
	refuse_claims("claims @/a.jsonl @/none.jsonl -c @/claims.json", "none.jsonl: No such file");
}

static void runs_of_two_programs_are_told(void **state)
{
	struct result r;
	char line[LINE];

	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	make("b.jsonl", MADE(.seed = 2));
	r = claims(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json");
	assert_non_null(strstr(r.out, "program: commit aaaaaaaaaaaa"));
	assert_null(strstr(r.out, "another program"));
	done(&r);
	make("b.jsonl", MADE(.seed = 2, .commit = "cccccccccccccccccccccccccccccccccccccccc"));
	shows(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json",
	      "note: another program than that of the run above");
	/* Of another machine it is no news. */
	make("b.jsonl",
	     MADE(.seed = 2, .cpu = "2", .commit = "cccccccccccccccccccccccccccccccccccccccc"));
	r = claims(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json");
	assert_null(strstr(r.out, "another program"));
	done(&r);
	/* Old records name their program's tree. */
	make("b.jsonl", MADE(.seed = 2));
	assert_int_equal(system(expand("cd @; for f in a b; do sed -i \"s/.program.: {[^}]*}/"
				       "\\\"git_commit\\\": \\\"$f\\\"/\" $f.jsonl; done",
				       line)),
			 0);
	shows(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json",
	      "note: another program than that of the run above");
	/* One run of two programs is no run. */
	make("b.jsonl", MADE(.segment = "cccccccccccccccccccccccccccccccccccccccc"));
	refuse_claims("claims @/b.jsonl -c @/claims.json",
		      "b.jsonl: its segments 0 (there) and 1 (here) are not of one program");
}

enum { MANY = 30000 };

/* Sixty claims of these bounds, as many.json. */
static void many_claims(char many[MANY], const char *bounds)
{
	size_t n = 0;

	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(many + n, MANY - n,
				      "%s{\"id\": \"a%d\", \"text\": \"t\", " RATIO "%s}",
				      i ? "," : "[", i, bounds);
	snprintf(many + n, MANY - n, "]");
	put("many.json", many);
}

/* Many claims, each with a chance of its own to come out wrong. */
static void a_chance_is_corrected_for_the_number_of_claims(void **state)
{
	static char many[MANY];
	size_t n;

	(void)state;
	make("a.jsonl", MADE(.ratio = 3.003));
	put("one.json", "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3}]");
	shows(0, "claims @/a.jsonl -c @/one.json", "holds, 1 run\n");
	many_claims(many, "\"above\": 3");
	shows(0, "claims @/a.jsonl -c @/many.json", "holds, 1 run; corrected p ");
	/* Of two bounds the nearer one counts, on whichever side of it the ratio lies. */
	many_claims(many, "\"above\": 3, \"below\": 9");
	shows(0, "claims @/a.jsonl -c @/many.json", "holds, 1 run; corrected p ");
	many_claims(many, "\"above\": 1, \"below\": 3");
	shows(1, "claims @/a.jsonl -c @/many.json", "refuted, 1 run; corrected p ");
	/* Open claims were asked as well, though their own chance needs no correction. */
	n = (size_t)snprintf(many, sizeof many,
			     "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3}");
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(
		    many + n, sizeof many - n,
		    ", {\"id\": \"a%d\", \"text\": \"t\", " RATIO "\"above\": 3.003}", i);
	snprintf(many + n, sizeof many - n, "]");
	put("many.json", many);
	shows(0, "claims @/a.jsonl -c @/many.json", "holds, 1 run; corrected p ");
	shows(0, "claims @/a.jsonl -c @/many.json", "open, 1 run\n");
	/* A superseded claim is not claimed any more. */
	n = (size_t)snprintf(many, sizeof many,
			     "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3}");
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(
		    many + n, sizeof many - n,
		    ", {\"id\": \"a%d\", \"text\": \"t\", " PAST RATIO "\"above\": 3.003}", i);
	snprintf(many + n, sizeof many - n, "]");
	put("many.json", many);
	shows(0, "claims @/a.jsonl -c @/many.json", "holds, 1 run\n");
}

/* A count has an interval without a width: a value at a bound is not beyond it. */
static void a_bound_is_not_within(void **state)
{
	static const char form[] = "[{\"id\": \"a\", \"text\": \"t\", \"phase\": \"steady\", "
				   "\"event\": \"samples_shared\", " OF "%s}]";
	static const struct {
		const char *bounds, *verdict;
	} cases[] = {
		{ "\"above\": 0", "holds" },
		{ "\"above\": 1", "refuted" },
		{ "\"below\": 1", "refuted" },
		{ "\"below\": 2", "holds" },
	};
	char text[400];

	(void)state;
	make("a.jsonl", MADE(.shared = 1));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text, form, cases[i].bounds);
		put("bound.json", text);
		shows(*cases[i].verdict == 'r', "claims @/a.jsonl -c @/bound.json",
		      cases[i].verdict);
	}
}

/* Only summary said so before. */
static void a_cut_last_line_is_told(void **state)
{
	char line[LINE], command[LINE + 100];

	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	snprintf(command, sizeof command, "head -c -9 %s", expand("@/a.jsonl >@/cut.jsonl", line));
	assert_int_equal(system(command), 0);
	shows(0, "claims @/cut.jsonl -c @/claims.json", "the last line is cut off, and left out");
	shows(0, "claims @/cut.jsonl -c @/claims.json", "1 of 18 invocations are missing");
}

/* By each fact of the processor alone; a setting that an administrator
 * may change is no such fact. */
static void a_machine_is_its_processor(void **state)
{
	static const char *const facts[] = { "cpu_vendor",   "cpu_family", "cpu_model_number",
					     "cpu_stepping", "cpu_model",  "cores" };
	json_t *a = json_object(), *b;

	(void)state;
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		json_object_set_new(a, facts[i], json_integer(4));
	b = json_copy(a);
	json_object_set_new(b, "kernel", json_integer(6));
	assert_true(trial_same_machine(a, b));
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		json_object_set_new(b, facts[i], json_integer(2));
		assert_false(trial_same_machine(a, b));
		json_object_del(b, facts[i]);
		assert_false(trial_same_machine(a, b));
		json_object_set_new(b, facts[i], json_integer(4));
	}
	json_decref(a);
	json_decref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_run_makes_no_headline),
		cmocka_unit_test(a_superseded_claim_is_shown_and_apart),
		cmocka_unit_test(a_bar_in_a_text_ends_no_cell),
		cmocka_unit_test(a_claims_file_is_that_of_the_plan),
		cmocka_unit_test(no_data_is_a_wrong_call),
		cmocka_unit_test(faults_of_a_claims_file_are_plain),
		cmocka_unit_test(a_claim_may_begin),
		cmocka_unit_test(three_runs_that_agree_make_a_headline),
		cmocka_unit_test(a_run_that_was_not_accepted_does_not_count),
		cmocka_unit_test(one_that_says_the_contrary_makes_no_headline),
		cmocka_unit_test(runs_that_disagree_hold_nothing),
		cmocka_unit_test(machines_are_shown_one_by_one),
		cmocka_unit_test(a_folder_need_not_be_text),
		cmocka_unit_test(runs_of_two_programs_are_told),
		cmocka_unit_test(runs_that_do_not_belong_together_are_refused),
		cmocka_unit_test(a_chance_is_corrected_for_the_number_of_claims),
		cmocka_unit_test(a_bound_is_not_within),
		cmocka_unit_test(a_cut_last_line_is_told),
		cmocka_unit_test(a_machine_is_its_processor),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
