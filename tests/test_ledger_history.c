/* test_ledger_history.c - ways to bend claims and runs that only a history shows: a claim that went
 * with its line in ledger.tsv, a claim that a merge left out, data of another plan, a sort that got
 * better, limits that came after the run, runs that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_helpers.h"

/* claim ID WRITTEN SORT [MORE]; put FILE CLAIM...; run PLAN; save: a commit */
#define BEGIN                                                                                      \
	"rm -rf h; mkdir -p h/scripts/plans h/results/m; cd h; git init -q .;"                     \
	"cp \"$ROOT/scripts/ledger\" \"$ROOT/scripts/provenance\" scripts; : >scripts/ledger.tsv;" \
	"export GIT_COMMITTER_DATE=$(date +%Y-%m-%dT12:00) GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t;"  \
	"export GIT_AUTHOR_DATE=$GIT_COMMITTER_DATE GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t;"   \
	"claim() { printf '{\"id\": \"%s\", \"text\": \"t\", \"written\": \"%s\", \"sort\": "      \
	"\"%s\", \"added\": \"%s\", \"phase\": \"steady\", \"event\": \"ns\", \"of\": {\"live\": " \
	"4}, \"above\": 1%s}' $1 $2 $3 $(date +%Y-%m-%d) \"$4\"; };"                               \
	"put() { f=scripts/claims-$1.json; shift; (IFS=,; echo \"[$*]\") >$f; scripts/ledger "     \
	"--add; };"                                                                                \
	"save() { git add -A; git commit -qm x --allow-empty; };"                                  \
	"run() { printf '%s\\n' '{\"type\": \"run\", \"plan\": {\"name\": \"'$1'\"}}'"             \
	" '{\"type\": \"invocation\", \"cell\": {\"live\": 4}, \"figures\": [{\"phase\": "         \
	"\"steady\", \"event\": \"ns\", \"samples\": [1]}]}' >results/m/$1.jsonl; }; save;"

static void finds(int status, const char *script, const char *words)
{
	char command[3500];

	snprintf(command, sizeof command, "%s%s; scripts/ledger --check", BEGIN, script);
	if (sh(command) != status || !strstr(said, words))
		fail_msg("%s: said: %s", script, said);
}

static void a_claim_that_left_with_its_line_is_found(void **state)
{
	(void)state;
	finds(1,
	      "put x \"$(claim a before predicted)\" \"$(claim b before predicted)\"; save;"
	      ": >scripts/ledger.tsv; put x \"$(claim a before predicted)\"; save",
	      "b, of scripts/claims-x.json in ");
	/* In another plan's file no run tests it. */
	finds(1,
	      "put x \"$(claim a before predicted)\"; save; : >scripts/ledger.tsv; rm "
	      "scripts/claims-x.json; put y \"$(claim a before predicted)\"; save",
	      "has a line of a that is gone");
}

static void a_branch_that_a_merge_left_out_counts(void **state)
{
	(void)state;
	finds(1,
	      "put x \"$(claim a before predicted)\"; save; git checkout -qb side;"
	      "put x \"$(claim a before predicted)\" \"$(claim b before predicted)\"; save;"
	      "git checkout -q -; git merge -q -s ours -m m side",
	      "b, of scripts/claims-x.json in ");
	/* Neither on the other's branch: the claim's author could have seen the run. */
	finds(1,
	      "git checkout -qb side; run x; save; git checkout -q -;"
	      "put x \"$(claim a before predicted)\"; save; git merge -q -m m side",
	      "a: \"written\" must be after: added in ");
}

/* Whichever plan made the run, it can test the claim. */
static void data_of_another_plan_are_data(void **state)
{
	(void)state;
	finds(1, "run x; save; put y \"$(claim a before predicted)\"; save",
	      "a is not predicted: it was written after its first data");
	finds(0, "run x; save; put y \"$(claim a after fitted)\"; save", "1 claims stand");
	/* A run that has one of the two cells can't test their ratio. */
	finds(0,
	      "run x; save; put y \"$(claim a before predicted ', \"to\": {\"live\": 5}')\"; save",
	      "1 claims stand");
}

static void a_claim_gets_no_better(void **state)
{
	(void)state;
	finds(1,
	      "put x \"$(claim a before tautological)\"; save;"
	      "put x \"$(claim a before predicted)\"; save",
	      "a was tautological once, and is predicted now");
	finds(0,
	      "put x \"$(claim a before predicted)\"; save;"
	      "put x \"$(claim a before tautological)\"; save",
	      "1 claims stand");
	finds(1,
	      "b=$(claim b before predicted); put x \"$b\" \"$(claim a before predicted ', "
	      "\"superseded\": {\"by\": \"b\"}')\"; save;"
	      "put x \"$b\" \"$(claim a before predicted)\"; save",
	      "a was superseded once; a claim does not come back");
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* made NAME PLAN ACCEPT: a run of the program of the last commit */
#define MADE                                                                             \
	"made() { echo \"{\\\"plan\\\": {\\\"name\\\": \\\"$2\\\", \\\"accept\\\": "     \
	"{\\\"load\\\": "                                                                \
	"$3}}, \\\"machine\\\": {\\\"program\\\": {\\\"commit\\\": \\\"$(git rev-parse " \
	"HEAD)\\\", "                                                                    \
	"\\\"dirty\\\": false}}}\" >results/m/$1; };"                                    \
	"echo '{\"name\": \"x\", \"accept\": {\"load\": 1}}' >scripts/plans/x.json; save;"

static void keeps(int status, const char *script, const char *words)
{
	char command[3500];

	snprintf(command, sizeof command, "%s%s; scripts/provenance --check", BEGIN MADE, script);
	if (sh(command) != status || !strstr(said, words))
		fail_msg("%s: said: %s", script, said);
}

/* A limit that was set after the run was made is no limit. */
static void a_runs_plan_is_that_of_its_program(void **state)
{
	(void)state;
	keeps(0, "made x.jsonl x 1", "x.jsonl: 0 commits and 0 source files behind\n");
	keeps(1, "made x.jsonl x 9", "x.jsonl: its plan is not scripts/plans/x.json of ");
	keeps(1, "made y.jsonl y 1", "y.jsonl: its plan is not scripts/plans/y.json of ");
	/* It was made by a known program: its age is no excuse. */
	keeps(1, "made x.jsonl x 9; printf 'results/m/x.jsonl\\told\\n' >results/historic.tsv",
	      "x.jsonl: its plan is not ");
}

static void no_run_is_left_out(void **state)
{
	(void)state;
	keeps(0, "made x-12.jsonl x 1", "x-12.jsonl: 0 commits");
	keeps(1, "made x-bad.jsonl x 1", "x-bad.jsonl: its name is none of a run of 'x'");
	keeps(1, "made x-123.jsonl x 1", "x-123.jsonl: its name is none of a run of 'x'");
	keeps(1, "made x-old-1.jsonl x 1", "x-old-1.jsonl: a run that names its program is not");
	keeps(1,
	      "made x-1.jsonl x 1; made x-2.jsonl x 1; echo >>results/m/x-2.jsonl; save;"
	      "rm results/m/x-2.jsonl; save",
	      "results/m/x-2.jsonl of ");
	keeps(1, "made x-1.jsonl x 1; save; echo >>results/m/x-1.jsonl", "is gone or edited;");
	keeps(0, "made x-1.jsonl x 1; save; git mv results/m/x-1.jsonl results/m/x-2.jsonl; save",
	      "x-2.jsonl: 2 commits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_that_left_with_its_line_is_found),
		cmocka_unit_test(a_branch_that_a_merge_left_out_counts),
		cmocka_unit_test(data_of_another_plan_are_data),
		cmocka_unit_test(a_claim_gets_no_better),
		cmocka_unit_test(a_runs_plan_is_that_of_its_program),
		cmocka_unit_test(no_run_is_left_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
