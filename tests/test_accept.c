/* test_accept.c - the limits that a run must keep to count, as its plan said beforehand;
 * and the notes on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/accept.h"
#include "analysis/notes.h"
#include "claim_runs.h"

static struct acceptance judge_file(void)
{
	struct acceptance a;
	char error[RUN_ERROR], path[200];
	struct run run;

	snprintf(path, sizeof path, "%s/x.jsonl", folder);
	assert_int_equal(run_load(path, &run, error), 0);
	assert_int_equal(accept_judge(&run, &a), 0);
	run_close(&run);
	return a;
}

static struct acceptance judge(struct made m)
{
	make("x.jsonl", m);
	return judge_file();
}

static void a_plan_says_beforehand_what_a_run_must_keep(void **state)
{
	char text[LINE];
	struct acceptance a = judge(MADE(.seed = 1));

	(void)state;
	assert_int_equal(a.state, RUN_ACCEPTED);
	assert_string_equal(a.why, "");
	a = judge(MADE(.load = 2)); /* at the limit */
	assert_int_equal(a.state, RUN_ACCEPTED);
	a = judge(MADE(.load = 2.5));
	assert_int_equal(a.state, RUN_MARKED);
	assert_string_equal(a.why, "load 2.5 is above 2");
	a = judge(MADE(.steal_ms = 20));
	assert_string_equal(a.why, "steal 2 % is above 1 %");
	a = judge(MADE(.shared = 1, .accept = "{\"shared\": 5}"));
	assert_string_equal(a.why, "shared 33.3 % is above 5 %");
	assert_int_equal(system(expand("sed -i s/steady/run/g @/x.jsonl", text)), 0);
	assert_string_equal(judge_file().why, a.why); /* programs have no steady state */
	a = judge(MADE(.accept = "{\"shared\": 5}"));
	assert_int_equal(a.state, RUN_ACCEPTED);
	a = judge(MADE(.wobble = 0.2));
	assert_non_null(strstr(a.why, "A/A "));
	/* A person who stops or prolongs a run may have seen its numbers. */
	a = judge(MADE(.blocks = 5));
	assert_int_equal(a.state, RUN_MARKED);
	assert_string_equal(a.why, "3 of 18 invocations are missing");
	a = judge(MADE(.blocks = 4));
	assert_string_equal(a.why, "6 of 18 invocations are missing; A/A is not known");
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

/* A run of this head, as many segments and three invocations, of which the first ones stood still:
 * its notes have these words, or, without any, there are none. */
static void notes(const char *head, size_t segments, size_t stopped, struct run run,
		  const char *words)
{
	struct invocation all[3] = { 0 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	run.head = json_loads(head, 0, NULL);
	run.segments = json_array();
	for (size_t i = 0; i < segments; i++)
		json_array_append(run.segments, run.head);
	for (size_t i = 0; i < stopped; i++)
		all[i].stopped = true;
	run.invocations = all;
	run.n = 3;
	notes_print(f, &run);
	fclose(f);
	if (!text || !strstr(text, words) || (*text && !*words))
		fail_msg("no '%s': %s", words, text);
	free(text);
	json_decref(run.segments);
	json_decref(run.head);
}

static void what_is_not_as_usual_is_noted(void **state)
{
#define HEAD(dirty, more) \
	"{\"machine\": {\"program\": {\"commit\": \"aa\", \"dirty\": " dirty "}}" more "}"
	static const char head[] = HEAD("false", "");
	struct run none = { .fd = -1 }, again = { .superseded = 2 }, torn = { .torn = true };

	(void)state;
	notes(head, 1, 0, none, "");
	notes(head, 2, 0, none, "made in 2 segments, of one program");
	notes(head, 1, 2, none, "2 of 3 invocations stood still");
	notes(head, 1, 0, again, "2 invocations failed and were run again");
	notes(head, 1, 0, torn, "the last line is cut off");
	notes(HEAD("false", ", \"shard\": \"2/4\""), 1, 0, none, "shard 2/4: a part");
	notes(HEAD("true", ""), 1, 0, none, "changes that are in no commit");
}

/* The middle of all invocations' loads, and of all groups' noise. */
static void the_middle_counts(void **state)
{
	char line[LINE];

	(void)state;
	make("x.jsonl", MADE(.load = 1));
	assert_int_equal(system(expand("sed -i '2s/.load.: 1/\"load\": 9/' @/x.jsonl", line)), 0);
	assert_int_equal(judge_file().state, RUN_ACCEPTED);
	double calm = judge_file().aa;
	make("y.jsonl", MADE(.wobble = 0.4));
	assert_int_equal(system(expand("cd @; sed -i '1s/.live.: 64/\"live\": [64, 8]/' x.jsonl;"
				       "sed '1d; s/.live.: 64/\"live\": 8/' y.jsonl >>x.jsonl",
				       line)),
			 0);
	assert_true(judge_file().aa > 10 && judge_file().aa > 2 * calm);
	assert_int_equal(judge_file().state, RUN_MARKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_says_beforehand_what_a_run_must_keep),
		cmocka_unit_test(what_is_not_as_usual_is_noted),
		cmocka_unit_test(the_middle_counts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
