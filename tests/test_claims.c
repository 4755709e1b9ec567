/* test_claims.c - claims on runs whose numbers are known: verdicts of one run and of several,
 * machines that disagree, what a run must keep to count, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/accept.h"
#include "cli/commands.h"
#include "command_helpers.h"

enum { BLOCKS = 6, LINE = 600 };

static char folder[] = "/tmp/stubmap-claims-XXXXXX";

/* A run of page (20 ns, twice) and pool on a ring of 64. */
struct made {
	const char *plan, *started, *cpu, *commit;
	const char *accept;  /* "": none */
	const char *segment; /* NULL, or the commit of the program that went on at half of it */
	int seed;
	double ratio;  /* of page to pool */
	double wobble; /* of the replica, up and down from block to block */
	double load;
	int steal_ms;	 /* of each invocation, which takes a second */
	int shared;	 /* samples of each, of three */
	unsigned blocks; /* that there are; 0: all of its plan's */
};

#define MADE(...) ((struct made){ __VA_ARGS__ })

/* What is left out is of a calm run whose plan has a rule. */
static struct made whole(struct made m)
{
	m.plan = m.plan ? m.plan : "t";
	m.started = m.started ? m.started : "2026-01-01T00:00:00Z";
	m.cpu = m.cpu ? m.cpu : "1";
	m.commit = m.commit ? m.commit : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	m.accept = m.accept ? m.accept : "{\"load\": 2, \"steal\": 1, \"aa\": 10}";
	m.seed = m.seed ? m.seed : 1;
	m.ratio = m.ratio > 0 ? m.ratio : 4;
	m.wobble = m.wobble > 0 ? m.wobble : 0.001;
	m.load = m.load > 0 ? m.load : 1;
	m.blocks = m.blocks ? m.blocks : BLOCKS;
	return m;
}

static void put_row(FILE *f, const struct made *m, unsigned block, const char *arm, int replica,
		    double ns)
{
	fprintf(
	    f,
	    "{\"schema\": 1, \"type\": \"invocation\", \"block\": %u, \"cell\": {\"stubs\": "
	    "\"%s\", \"workload\": \"ring\", \"live\": 64, \"replica\": %d}, \"status\": "
	    "\"ok\", \"why\": null, \"wall_ns\": 1000000000, \"figures\": [{\"phase\": "
	    "\"steady\", \"event\": \"ns\", \"unit\": \"call\", \"source\": \"clock\", \"per\": "
	    "1, \"warmup\": 0, \"samples\": [%.6f, %.6f, %.6f]}, {\"phase\": \"steady\", "
	    "\"event\": \"samples_shared\", \"unit\": \"process\", \"source\": \"count\", \"per\": "
	    "1, \"warmup\": 0, \"samples\": [%d]}], \"environment\": {\"load\": "
	    "%g, \"steal_ms\": %d}}\n",
	    block, arm, replica, ns, ns * 1.0001, ns * 0.9999, m->shared, m->load, m->steal_ms);
}

static void make(const char *name, struct made from)
{
	const struct made m = whole(from);
	char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fprintf(
	    f,
	    "{\"schema\": 1, \"type\": \"run\", \"plan\": {\"name\": \"%s\", \"seed\": %d, "
	    "\"blocks\": 6, \"iterations\": 3, \"baseline\": {\"stubs\": \"page\"}, \"cells\": "
	    "[{\"stubs\": [\"page\", \"pool\"], \"live\": 64}]%s%s}, \"seed\": %d, \"machine\": "
	    "{\"cpu_model\": \"Some CPU\", \"cpu_family\": \"%s\", "
	    "\"program\": {\"commit\": "
	    "\"%s\", \"dirty\": false, \"hash\": \"bb\"}}, "
	    "\"started\": \"%s\"}\n",
	    m.plan, m.seed, *m.accept ? ", \"accept\": " : "", m.accept, m.seed, m.cpu, m.commit,
	    m.started);
	for (unsigned b = 0; b < m.blocks; b++) {
		if (m.segment && b == BLOCKS / 2)
			fprintf(
			    f,
			    "{\"schema\": 1, \"type\": \"segment\", \"segment\": 1, \"started\": "
			    "\"2026-01-01T01:00:00Z\", \"machine\": {\"cpu_model\": \"Some CPU\", "
			    "\"cpu_family\": \"%s\", \"program\": {\"commit\": \"%s\", "
			    "\"dirty\": false, \"hash\": \"cc\"}}}\n",
			    m.cpu, m.segment);
		double off = b % 2 ? 1 + m.wobble : 1 - m.wobble, slow = 1 + 0.001 * b;
		put_row(f, &m, b, "page", 0, 20 * slow);
		put_row(f, &m, b, "page", 1, 20 * slow * off);
		put_row(f, &m, b, "pool", 0, 20 / m.ratio * slow * (1 + 0.0002 * (b % 3)));
	}
	assert_int_equal(fclose(f), 0);
}

static void put(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#define FIGURE "\"phase\": \"steady\", \"event\": \"ns\", "
#define OF     "\"of\": {\"stubs\": \"page\", \"live\": 64}, "
#define TO     "\"to\": {\"stubs\": \"pool\", \"live\": 64}, "
#define RATIO  FIGURE OF TO
#define PAST                                                                               \
	"\"superseded\": {\"by\": null, \"when\": \"2026-01-02\", \"why\": \"a reason\", " \
	"\"last\": \"refuted\"}, "

/* "@" is the folder. */
static const char *expand(const char *words, char line[LINE])
{
	size_t n = 0;

	for (; *words && n + sizeof folder < LINE; words++)
		n += (size_t)(*words == '@' ? snprintf(line + n, LINE - n, "%s", folder)
					    : snprintf(line + n, LINE - n, "%c", *words));
	return line;
}

static struct result claims(int status, const char *words)
{
	char line[LINE];

	return run_to(status, cmd_claims, expand(words, line));
}

static void refuse_claims(const char *words, const char *part)
{
	char line[LINE];

	refused(cmd_claims, expand(words, line), part);
}

static void shows(int status, const char *words, const char *part)
{
	struct result r = claims(status, words);

	if (!strstr(r.out, part))
		fail_saying(r.out, r.err, "`%s`: no '%s'", words, part);
	done(&r);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	put("claims.json",
	    "[{\"id\": \"a\", \"text\": \"more than 3 | times\", " RATIO "\"above\": 3}]");
	put("past.json", "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3},"
			 " {\"id\": \"b\", \"text\": \"u\", " PAST RATIO "\"above\": 9}]");
	return 0;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

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

/* It was exit status 0 with "no data" in each row: a green light with nothing tested. */
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
	/* It is shown where it says the contrary, and does not change the value. */
	make("c.jsonl", MADE(.seed = 3, .load = 5, .ratio = 3));
	shows(0, THREE, "  holds, 2 of 3 runs\n");
	make("c.jsonl", MADE(.seed = 3, .load = 5, .ratio = 2));
	shows(0, THREE, "holds, 3 runs disagree\n");
	shows(0, THREE " --json", "\"verdict\":\"refuted\"");
	make("c.jsonl", MADE(.seed = 3, .accept = ""));
	shows(0, THREE, "c.jsonl\nrun: not accepted, its plan has no rule: load 1,");
}

/* The interval is that of three runs: what differs between them is in it. */
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
	/* In one folder, the processor names it. */
	make("a.jsonl", MADE(.cpu = "1"));
	make("b.jsonl", MADE(.cpu = "2", .seed = 2));
	shows(0, "claims @/a.jsonl @/b.jsonl -c @/claims.json", "Some CPU, family 2 model ?");
}

static void runs_that_do_not_belong_together_are_refused(void **state)
{
	(void)state;
	make("a.jsonl", MADE(.seed = 1));
	make("b.jsonl", MADE(.plan = "u"));
	refuse_claims("claims @/a.jsonl @/a.jsonl -c @/claims.json", "are one run: name it once");
	refuse_claims("claims @/a.jsonl @/b.jsonl -c @/claims.json",
		      "claims are tested on runs of one plan");
	refuse_claims("claims @/a.jsonl @/none.jsonl -c @/claims.json", "none.jsonl: No such file");
}

static void runs_of_two_programs_are_told(void **state)
{
	struct result r;

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
	/* One run of two programs is no run. */
	make("b.jsonl", MADE(.segment = "cccccccccccccccccccccccccccccccccccccccc"));
	refuse_claims("claims @/b.jsonl -c @/claims.json",
		      "b.jsonl: its segments 0 (there) and 1 (here) are not of one program");
}

/* Many claims, each with a chance of its own to come out wrong. */
static void a_chance_is_corrected_for_the_number_of_claims(void **state)
{
	static char many[20000];
	size_t n = 0;

	(void)state;
	make("a.jsonl", MADE(.ratio = 3.003));
	put("one.json", "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3}]");
	shows(0, "claims @/a.jsonl -c @/one.json", "holds, 1 run\n");
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(many + n, sizeof many - n,
				      "%s{\"id\": \"a%d\", \"text\": \"t\", " RATIO "\"above\": 3}",
				      i ? "," : "[", i);
	snprintf(many + n, sizeof many - n, "]");
	put("many.json", many);
	shows(0, "claims @/a.jsonl -c @/many.json", "holds, 1 run; corrected p ");
	/* Open ones were asked as well, though nothing is to be corrected of them. */
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
}

/* ---- Acceptance ------------------------------------------------------------------------------ */

static struct acceptance judge(struct made m)
{
	struct acceptance a;
	char error[RUN_ERROR], path[200];
	struct run run;

	make("x.jsonl", m);
	snprintf(path, sizeof path, "%s/x.jsonl", folder);
	assert_int_equal(run_load(path, &run, error), 0);
	assert_int_equal(accept_judge(&run, &a), 0);
	run_close(&run);
	return a;
}

static void a_plan_says_beforehand_what_a_run_must_keep(void **state)
{
	char text[300];
	struct acceptance a = judge(MADE(.seed = 1));

	(void)state;
	assert_int_equal(a.state, RUN_ACCEPTED);
	assert_string_equal(a.why, "");
	a = judge(MADE(.load = 2.5));
	assert_int_equal(a.state, RUN_MARKED);
	assert_string_equal(a.why, "load 2.5 is above 2");
	a = judge(MADE(.steal_ms = 20));
	assert_string_equal(a.why, "steal 2 % is above 1 %");
	a = judge(MADE(.shared = 1, .accept = "{\"shared\": 5}"));
	assert_string_equal(a.why, "shared 33.3 % is above 5 %");
	a = judge(MADE(.accept = "{\"shared\": 5}"));
	assert_int_equal(a.state, RUN_ACCEPTED);
	a = judge(MADE(.wobble = 0.2));
	assert_non_null(strstr(a.why, "A/A "));
	/* Who stops a run, or goes on with it, may have seen its numbers. */
	a = judge(MADE(.blocks = 5));
	assert_int_equal(a.state, RUN_MARKED);
	assert_string_equal(a.why, "3 of 18 invocations are missing");
	a = judge(MADE(.blocks = 7, .load = 3));
	assert_string_equal(a.why, "3 invocations are beyond its plan's blocks; load 3 is above 2");
	a = judge(MADE(.wobble = 0.2, .load = 3));
	assert_non_null(strstr(a.why, "load 3 is above 2; A/A "));
	a = judge(MADE(.accept = "", .load = 9));
	assert_int_equal(a.state, RUN_WITHOUT_RULE);
	assert_string_equal(a.why, "its plan has no rule");
	a = judge(MADE(.accept = "{\"load\": 3}", .load = 2.5, .steal_ms = 900));
	assert_int_equal(a.state, RUN_ACCEPTED);
	assert_non_null(
	    strstr(accept_format(&a, text, sizeof text), "accepted: load 2.5, steal 90 %"));
	a = judge(MADE(.accept = "{\"laod\": 3}"));
	assert_int_equal(a.state, RUN_WITHOUT_RULE);
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
		cmocka_unit_test(three_runs_that_agree_make_a_headline),
		cmocka_unit_test(a_run_that_was_not_accepted_does_not_count),
		cmocka_unit_test(runs_that_disagree_hold_nothing),
		cmocka_unit_test(machines_are_shown_one_by_one),
		cmocka_unit_test(runs_of_two_programs_are_told),
		cmocka_unit_test(runs_that_do_not_belong_together_are_refused),
		cmocka_unit_test(a_chance_is_corrected_for_the_number_of_claims),
		cmocka_unit_test(a_plan_says_beforehand_what_a_run_must_keep),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
