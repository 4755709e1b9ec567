/* test_ledger.c - scripts/ledger: the claims of today stand as they were added, and each way to
 * bend one is found, without the history and with it; marks in texts and their blocks; and
 * scripts/provenance. More of what only a history shows: test_ledger_history.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger_helpers.h"

/* The copied ledger, after a change of its files by sed, refuses with these words. */
static void found(const char *file, const char *sed, const char *words)
{
	char command[1000];

	snprintf(command, sizeof command,
		 "cp -r scripts kept; sed -i -e '%s' scripts/%s; scripts/ledger --check; r=$?;"
		 "cmp -s scripts/%s kept/%s && r=9; rm -r scripts; mv kept scripts; exit $r",
		 sed, file, file, file);
	int status = sh(command);
	if (status != 1 || !strstr(said, words))
		fail_msg("%s of %s: status %d, said: %s", sed, file, status, said);
}

static void claims_stand_as_they_were_added(void **state)
{
	(void)state;
	assert_int_equal(sh("scripts/ledger --check"), 0);
	assert_non_null(strstr(said, "claims stand as they were added; history skipped ("));
}

/* This repository's own history, where it is there. */
static void the_history_agrees(void **state)
{
	(void)state;
	if (sh("cd \"$ROOT\" && scripts/ledger --check"))
		fail_msg("%s", said);
}

static void a_claim_that_changed_in_place_is_found(void **state)
{
	(void)state;
	found("claims-first.json", "/\"id\": \"conflict\"/s/\"above\": 3/\"above\": 2.9/",
	      "conflict was changed in place; put it back, superseded, and add another");
	found("claims-first.json", "/\"id\": \"few\"/s/\"live\": 4/\"live\": 8/",
	      "few was changed in place");
	found("claims-hardware.json", "/\"id\": \"l2-page\"/s/l2i_miss/l1i_fill/",
	      "l2-page was changed in place");
	found("claims-hardware.json", "/\"id\": \"fills-pool-1024\"/d",
	      "fills-pool-1024 is gone; a claim is superseded, never taken out");
	found("claims-hardware.json", "/\"id\": \"fills-pool-1024\"/s/1024/1023/",
	      "fills-pool-1023 is not in scripts/ledger.tsv: run scripts/ledger --add");
	found("claims-hardware.json", "s/\"by\": \"fills-pool-256\"/\"by\": \"nobody\"/",
	      "fills-pool-1024 is superseded by nobody, which there is not");
	found("claims-hardware.json", "s/\"by\": \"fills-pool-256\"/\"by\": null/",
	      "fills-pool-1024 is superseded by none, which there is not");
	found("claims-hardware.json", "s/\"by\": \"fills-pool-256\"/\"by\": \"fills-pool-1024\"/",
	      "fills-pool-1024 is superseded by fills-pool-1024, and in the end by itself");
	found("claims-first.json", "/\"id\": \"few\"/s/\"sort\": \"predicted\"/\"sort\": \"sure\"/",
	      "few: \"sort\" must be one of predicted, fitted, tautological");
}

/* A text may be reworded. */
static void words_are_free(void **state)
{
	(void)state;
	assert_int_equal(sh("sed -i 's/page takes more than 3 times/page takes over 3 times/' "
			    "scripts/claims-first.json; scripts/ledger --check"),
			 0);
}

/* --add writes what is new, and makes no change good. */
static void added_and_never_changed(void **state)
{
	(void)state;
	found("claims-first.json", "/\"id\": \"conflict\"/s/\"above\": 3/\"above\": 2/",
	      "changed in place");
	assert_int_equal(
	    sh("cp -r scripts kept;"
	       "sed -i 's/^\\[$/[{\"id\": \"new\", \"text\": \"t\", \"written\": \"before\", "
	       "\"sort\": "
	       "\"predicted\", \"phase\": \"steady\", \"event\": \"ns\", \"of\": {}, \"above\": "
	       "1},/' "
	       "scripts/claims-first.json; scripts/ledger --add && scripts/ledger --check &&"
	       "sed -i '/\"id\": \"few\"/s/1.15/1.2/' scripts/claims-first.json;"
	       "scripts/ledger --add; ! scripts/ledger --check; r=$?; rm -r scripts;"
	       "mv kept scripts; exit $r"),
	    0);
	assert_non_null(strstr(said, "few was changed in place"));
}

/* ---- With a history -------------------------------------------------------------------------- */

#define GIT		"git -c user.name=t -c user.email=t@t -c core.hooksPath=/dev/null "
#define COMMIT(message) GIT "add -A && " GIT "commit -qm " message
#define CLAIM(id, bound, written, sort)                                                          \
	"'{\"id\": \"" id "\", \"text\": \"t\", \"written\": \"" written "\", \"sort\": \"" sort \
	"\", \"added\": \"'$(date +%Y-%m-%d)'\", \"phase\": \"steady\", \"event\": \"ns\","      \
	" \"of\": {\"live\": 4}, \"above\": " bound "}'"
#define RUN                                                                               \
	"printf '%s\\n' '{\"type\": \"run\", \"plan\": {\"name\": \"x\"}}'"               \
	" '{\"type\": \"invocation\", \"cell\": {\"live\": 4}, \"figures\": [{\"phase\":" \
	" \"steady\", \"event\": \"ns\", \"samples\": [1]}]}' >results/x.jsonl"
#define BEGIN                                                                                     \
	"rm -rf h; mkdir -p h/scripts h/results; cp scripts/ledger h/scripts; cd h; git init -q " \
	".;"                                                                                      \
	"export GIT_COMMITTER_DATE=$(date +%Y-%m-%dT12:00) GIT_AUTHOR_DATE=$(date "               \
	"+%Y-%m-%dT12:00);"                                                                       \
	": >scripts/ledger.tsv;"

static void the_order_of_commits_is_held_to(void **state)
{
	(void)state;
	/* written before; beside; after its first data */
	assert_int_equal(sh(BEGIN "echo [" CLAIM(
			     "a", "1", "before",
			     "predicted") "] >scripts/claims-x.json;"
					  "scripts/ledger --add;" COMMIT("a") ";" RUN ";" COMMIT(
					      "r") "; scripts/ledger --check"),
			 0);
	assert_non_null(strstr(said, "1 claims stand as they were added; and so does the history"));
	assert_int_equal(sh("cd h; echo [" CLAIM("a", "1", "before", "predicted") "," CLAIM(
			     "b", "2", "before", "predicted") "] >scripts/claims-x.json;"
							      "scripts/ledger --add;" COMMIT(
								  "b") ";"
								       "scripts/ledger --check"),
			 1);
	assert_non_null(strstr(said, "b: \"written\" must be after: added in "));
	assert_non_null(strstr(said, "b is not predicted: it was written after its first data"));
	assert_int_equal(
	    sh(BEGIN "echo [" CLAIM("a", "1", "before",
				    "fitted") "]"
					      " >scripts/claims-x.json; scripts/ledger --add;" RUN
					      ";" COMMIT("a") ";"
							      "scripts/ledger --check"),
	    1);
	assert_non_null(strstr(said, "a: \"written\" must be beside: added in "));
}

/* A claim that was rewritten together with its line in ledger.tsv is found in the history. */
static void a_rewritten_ledger_is_found(void **state)
{
	(void)state;
	assert_int_equal(
	    sh(BEGIN "echo [" CLAIM(
		"a", "1", "before",
		"predicted") "] >scripts/claims-x.json;"
			     "scripts/ledger --add;" COMMIT(
				 "a") ";"
				      "echo [" CLAIM(
					  "a", "2", "before",
					  "predicted") "] >scripts/claims-x.json;"
						       ": >scripts/ledger.tsv; scripts/ledger "
						       "--add;" COMMIT(
							   "b") "; scripts/ledger --check"),
	    1);
	assert_non_null(strstr(said, "a, of scripts/claims-x.json in "));
	assert_non_null(strstr(said, ", is in no claims file of today"));
}

static void a_shallow_history_is_told(void **state)
{
	(void)state;
	assert_int_equal(
	    sh(BEGIN "echo [" CLAIM(
		"a", "1", "before",
		"predicted") "] >scripts/claims-x.json;"
			     "scripts/ledger --add;" COMMIT(
				 "a") ";" GIT "commit -q --allow-empty -m b; cd ..;"
				      "rm -rf s; git clone -q --depth 1 \"file://$PWD/h\" s; cd s; "
				      "scripts/ledger --check"),
	    0);
	assert_non_null(strstr(said, "history skipped (the repository is shallow)"));
}

/* ---- What a text says ------------------------------------------------------------------------ */

/* A program that says: a holds on one and two, b is refuted on one and open on two. */
#define SAY(id, machine, verdict) \
	"'{\"id\": \"" id "\", \"machine\": \"" machine "\", \"verdict\": \"" verdict "\"}'"
#define TEXTS                                                                            \
	"rm -rf t; mkdir -p t/scripts t/results/one; cp scripts/ledger t/scripts; cd t;" \
	"printf '#!/bin/sh\\necho x\\n' >scripts/runs; chmod +x scripts/runs;"           \
	"echo '[{\"id\": \"a\"}]' >scripts/claims-x.json;"                               \
	"printf '%%s\\n' '#!/bin/sh' 'cat <<E' " SAY("a", "one", "holds") " " SAY(       \
	    "a", "two",                                                                  \
	    "holds") " " SAY("b", "one",                                                 \
			     "refuted") " " SAY("b", "two",                              \
						"open") " E >s;"                         \
							"chmod +x s; export STUBMAP=./s;"

static void text(int status, const char *mark, const char *words)
{
	char command[2000];

	snprintf(command, sizeof command,
		 TEXTS "printf '%%b\\n' 'A sentence. %s' >t.md;"
		       "scripts/ledger --findings t.md",
		 mark);
	if (sh(command) != status || !strstr(said, words))
		fail_msg("%s: said: %s", mark, said);
}

static void a_sentence_is_held_to_its_claim(void **state)
{
	(void)state;
	text(0, "<!-- claim: a holds -->", "1 marks of findings, 0 of them wrong");
	text(0, "<!-- claim: a holds; b refuted on one -->", "2 marks of findings, 0 of them");
	text(1, "<!-- claim: a refuted -->",
	     "t.md:1: a is holds on one, and the text says: refuted");
	text(1, "<!-- claim: b refuted -->",
	     "t.md:1: b is open on two, and the text says: refuted");
	text(1, "<!-- claim: c holds -->", "no run tells of a claim c");
	text(1, "<!-- claim: a holds on three -->", "no run of three tells of a claim a");
	text(1, "<!-- claim: a hlods -->", "is no mark; write: ID holds");
	text(1, "\n<!-- claim: a holds --> more", ": a mark that begins a line ends");
	text(0, "<!-- row: test 2 -gt 1 -->", "1 marks of findings, 0 of them wrong");
	text(1, "<!-- row: test 1 -gt 2 -->", "not so: test 1 -gt 2");
	/* A sentence that no row contradicts, because there is no row, is no finding. */
	text(1, "<!-- row: ! grep -q wrong results/none.tsv -->", "so without any data, too: !");
	text(0, "<!-- row: grep -q script t.md -->", "1 marks of findings, 0 of them wrong");
}

/* A text's block is written whole, or the text stays as it was. */
static void fills(int status, const char *block, const char *words)
{
	char command[2000];

	snprintf(
	    command, sizeof command,
	    "rm -rf t; mkdir -p t/scripts; cp \"$ROOT/scripts/fill\" t/scripts; cd t;"
	    "printf '%%b\\n' 'before\\n%s\\nafter' >t.md; cp t.md old; scripts/fill t.md; r=$?;"
	    "[ $r = 0 ] || cmp t.md old; cat t.md; exit $r",
	    block);
	if (sh(command) != status || !strstr(said, words))
		fail_msg("%s: said: %s", block, said);
}

static void a_block_is_filled_whole_or_not_at_all(void **state)
{
	(void)state;
	fills(0, "<!-- from: echo 2; echo 3 -->\\n1\\n<!-- end -->",
	      "-->\n2\n3\n<!-- end -->\nafter\n");
	fills(0, "<!-- from: echo 2; exit 1 -->\\n1\\n<!-- end -->",
	      "-->\n2\n<!-- end -->\nafter\n");
	fills(1, "<!-- from: echo 2; exit 2 -->\\n1\\n<!-- end -->",
	      "t.md:2: failed: echo 2; exit 2");
	/* A pipe has the exit status of its last command: here of grep, on the output
	 * of a command that failed. */
	fills(1, "<!-- from: false | grep x -->\\n1\\n<!-- end -->",
	      "t.md:2: failed: false | grep");
	fills(1, "<!-- from: echo 2 -->\\n1", "t.md:4: a block has no end");
	fills(
	    0,
	    "It takes <!-- value: echo 2 -->1<!-- end --> and <!-- value: echo 3 -->1<!-- end -->.",
	    "takes <!-- value: echo 2 -->2<!-- end --> and <!-- value: echo 3 -->3<!-- end -->.\n");
	fills(1, "It takes <!-- value: false -->1<!-- end -->", "t.md:2: failed: false");
	fills(1, "It takes <!-- value: true -->1<!-- end -->", "t.md:2: failed: true");
	fills(1, "It takes <!-- value: echo 2 -->1", "t.md:2: a value has no end");
	fills(1, "<!-- value: echo 2 -->1<!-- end -->", "t.md:2: a value begins the line");
	fills(1, "<!-- from: echo 2 -->\\n1\\n<!-- from: echo 3 -->\\n<!-- end -->",
	      "t.md:4: a block begins before the last one ended");
}

/* Whatever else is stale or wrong, each is asked, and --check fails. */
static void a_check_asks_all(void **state)
{
	static const char *const asked[] = { "ledger --check", "ledger --findings t.md",
					     "provenance --check", "figures --check one" };
	char command[1000];

	(void)state;
	assert_int_equal(
	    sh("rm -rf t; mkdir -p t/scripts t/results/one; cp \"$ROOT/scripts/fill\" t/scripts;"
	       "cd t; for s in ledger provenance figures; do"
	       " printf '#!/bin/sh\\necho \"%s $*\"; [ \"$FAIL\" != \"%s $*\" ]\\n' $s $s "
	       ">scripts/$s; chmod +x scripts/$s; done;"
	       "printf '<!-- from: echo 1 -->\\n1\\n<!-- end -->\\n' >t.md;"
	       "scripts/fill --check t.md"),
	    0);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		assert_non_null(strstr(said, asked[i]));
		snprintf(command, sizeof command, "cd t; FAIL='%s' scripts/fill --check t.md",
			 asked[i]);
		assert_int_equal(sh(command), 1);
	}
	assert_int_equal(sh("cd t; sed -i 's/^1/2/' t.md; cp t.md old; scripts/fill --check t.md"),
			 1);
	assert_non_null(strstr(said, "t.md: a block is stale; run scripts/fill t.md"));
	assert_int_equal(sh("cd t; cmp t.md old"), 0);
	assert_int_equal(sh("cd t; scripts/fill --chek t.md"), 2);
	assert_non_null(strstr(said, "usage: scripts/fill [--check] [FILE...]\n"));
	assert_int_equal(sh("cd t; scripts/fill none.md"), 2);
	assert_string_equal(said, "fill: none.md: there is no such file\n");
	/* No room for it: the text stays, and nothing beside it. */
	assert_int_equal(sh("cd t; (ulimit -f 0; scripts/fill t.md); cmp t.md old && ls"), 0);
	assert_null(strstr(said, ".new"));
}

/* Faults of files and of the output are a line, and no trace of the program. */
static void what_cannot_be_read_is_a_line(void **state)
{
	static const struct {
		const char *command, *says;
	} cases[] = {
		{ "echo '[{' >scripts/claims-x.json; scripts/ledger --check",
		  "scripts/ledger: scripts/claims-x.json: " },
		{ "echo x >scripts/ledger.tsv; scripts/ledger --check",
		  "scripts/ledger: scripts/ledger.tsv:1: a line has an id, a file and a sum" },
		{ "rm scripts/ledger.tsv; scripts/ledger --check", "ledger.tsv: No such file" },
		{ "scripts/ledger --findings none.md", "none.md: No such file" },
		{ "printf '#!/bin/sh\\necho 1\\n' >scripts/runs; chmod +x scripts/runs;"
		  "echo '[{\"id\": \"a\"}]' >scripts/claims-x.json; "
		  "scripts/ledger",
		  "scripts/ledger: ./none: No such file" },
		{ ": >results/m/x.jsonl; scripts/provenance",
		  "scripts/provenance: results/m/x.jsonl:1: " },
		{ "echo '{\"plan' >results/m/x.jsonl; scripts/provenance --check",
		  "scripts/provenance: results/m/x.jsonl:1: " },
		{ "echo x >results/historic.tsv; scripts/provenance --check",
		  "results/historic.tsv:1: a line has a file and the reason" },
		{ "scripts/provenance >/dev/full",
		  "scripts/provenance: standard output: No space" },
		{ "scripts/ledger --check >/dev/full",
		  "scripts/ledger: standard output: No space" },
	};
	char command[2000];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(command, sizeof command,
			 "rm -rf r; mkdir -p r/scripts r/results/m; cd r; git init -q .;"
			 "cp \"$ROOT/scripts/ledger\" \"$ROOT/scripts/provenance\" scripts;"
			 ": >scripts/ledger.tsv; echo '[]' >scripts/claims-x.json;" COMMIT(
			     "a") "; export STUBMAP=./none; %s",
			 cases[i].command);
		int status = sh(command);
		const char *end = strchr(said, '\n');
		if (status != 2 || !strstr(said, cases[i].says) || !end || end[1])
			fail_msg("%s: status %d, said: %s", cases[i].command, status, said);
	}
}

/* ---- Which program made a run ---------------------------------------------------------------- */

#define RUNS                                                                                     \
	"rm -rf p; mkdir -p p/scripts p/results/one; cp \"$ROOT/scripts/provenance\" p/scripts;" \
	"cd p; git init -q .;" COMMIT(                                                           \
	    "a") "; here=$(git rev-parse HEAD);"                                                 \
		 "run() { echo \"{\\\"machine\\\": $1}\" >results/one/maps.jsonl; };"

static void program(int status, const char *machine, const char *words)
{
	char command[2000];

	snprintf(command, sizeof command,
		 RUNS "run '%s'; sed -i \"s/HERE/$here/\" results/*/*;"
		      "scripts/provenance --check",
		 machine);
	if (sh(command) != status || !strstr(said, words))
		fail_msg("%s: said: %s", machine, said);
}

static void a_reference_names_a_program_of_this_history(void **state)
{
	(void)state;
	program(0, "{\"program\": {\"commit\": \"HERE\", \"dirty\": false}}",
		"results/one/maps.jsonl: 0 commits and 0 source files behind\n");
	program(1, "{\"program\": {\"commit\": \"HERE\", \"dirty\": true}}",
		"maps.jsonl: its program had changes that no commit has: no reference");
	program(1,
		"{\"program\": {\"commit\": \"0123456789012345678901234567890123456789\","
		" \"dirty\": false}}",
		"maps.jsonl: its program\047s commit, 0123456, is not in this history");
	/* A tree without a history, in a folder of another repository, or where there is no git. */
	assert_int_equal(sh(RUNS "run '{\"program\": {\"commit\": \"00\", \"dirty\": false}}';"
				 "mkdir in; mv scripts results in; in/scripts/provenance --check"),
			 0);
	assert_non_null(strstr(said, "skipped: no git history here"));
	assert_int_equal(sh(RUNS "run '{\"program\": {\"commit\": \"00\", \"dirty\": false}}';"
				 "python=$(python3 -c \"import sys; print(sys.executable)\");"
				 "PATH=$PWD/none \"$python\" scripts/provenance --check"),
			 0);
	assert_non_null(strstr(said, "skipped: no git history here"));
	/* A table takes the program. */
	assert_int_equal(sh(RUNS
			    "run '{}'; sed -i 's/}}/}, \"plan\": {\"name\": \"y\"}}/' results/*/*;"
			    "echo '[]' >scripts/claims-y.json; scripts/provenance"),
			 2);
	assert_non_null(strstr(said, "build/stubmap: run make first"));
	assert_null(strstr(said, "Traceback"));
	/* The commit of the tree in which it lay is not that of the program. */
	program(1, "{\"git_commit\": \"HERE\", \"git_dirty\": false}",
		"maps.jsonl: its program is not known: no reference");
	assert_int_equal(sh("cd p; printf 'results/one/maps.jsonl\\told\\n' >results/historic.tsv;"
			    "scripts/provenance --check"),
			 0);
	assert_non_null(strstr(said, "its program is not known (historic)"));
	assert_int_equal(sh("cd p; printf 'results/one/y.jsonl\\told\\n' >>results/historic.tsv;"
			    "scripts/provenance --check"),
			 1);
	assert_non_null(strstr(said, "names results/one/y.jsonl, which needs it no more"));
}

/* A plan's runs are the files of its name, with one number or two; with --all those of old, too. */
static void runs_go_by_their_names(void **state)
{
	(void)state;
	assert_int_equal(sh("rm -rf f; mkdir -p f/scripts f/results/m f/results/n; cd f;"
			    "cp \"$ROOT/scripts/runs\" scripts; cd results;"
			    "for n in x x-1 x-2 x-19 x-123 x-bad x-old-1 x-y-1; do"
			    " echo '{\"plan\":{\"name\":\"x\"}}' >m/$n.jsonl; done;"
			    "echo '{\"plan\":{\"name\":\"y\"}}' >n/y.jsonl; : >n/x-3.jsonl;"
			    "cd ..; scripts/runs x; echo; scripts/runs --all x | grep old;"
			    "scripts/runs --plans; scripts/runs none"),
			 0);
	assert_string_equal(said, "results/m/x.jsonl\nresults/m/x-1.jsonl\nresults/m/x-2.jsonl\n"
				  "results/m/x-19.jsonl\nresults/n/x-3.jsonl\n\n"
				  "results/m/x-old-1.jsonl\nx\ny\n");
	assert_int_equal(sh("cd f; scripts/runs"), 2);
	assert_string_equal(said, "usage: scripts/runs [--all] PLAN\n");
}

/* ---- Figures of several runs ----------------------------------------------------------------- */

/* Of three runs the median of the values, the least low and the greatest high; a row that a run
 * lacks is of the others. */
static void a_figure_is_of_all_runs(void **state)
{
	(void)state;
	assert_int_equal(
	    sh("rm -rf f; mkdir -p f/scripts f/results/m; cd f;"
	       "cp \"$ROOT\"/scripts/figures \"$ROOT\"/scripts/runs scripts;"
	       "for i in 1 2 3; do echo '{\"plan\":{\"name\":\"live\"}}' >results/m/live-$i.jsonl; "
	       "done;"
	       "printf 'a\\t5\\t4\\t6\\nb\\t1\\t1\\t1\\n' >1; printf 'a\\t7\\t3\\t8\\n' >2;"
	       "printf 'a\\t6\\t5\\t7\\nb\\t3\\tNaN\\tNaN\\n' >3;"
	       "printf '%s\\n' '#!/bin/sh' 'n=${2#results/m/live-}' 'printf "
	       "\"arm\\tns\\tlow\\thigh\\n\"'"
	       " 'cat ${n%.jsonl}' >s; chmod +x s; STUBMAP=./s scripts/figures m;"
	       "STUBMAP=./s scripts/figures --check m && cat results/m/live.tsv"),
	    0);
	assert_string_equal(said, "arm\tns\tlow\thigh\na\t6\t3\t8\nb\t2\t1\t1\n");
	assert_int_equal(
	    sh("cd f; echo >>results/m/live.tsv; STUBMAP=./s scripts/figures --check m"), 1);
	assert_non_null(strstr(said, "results/m/live.tsv is stale; run scripts/figures m"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_stand_as_they_were_added),
		cmocka_unit_test(the_history_agrees),
		cmocka_unit_test(a_claim_that_changed_in_place_is_found),
		cmocka_unit_test(words_are_free),
		cmocka_unit_test(added_and_never_changed),
		cmocka_unit_test(the_order_of_commits_is_held_to),
		cmocka_unit_test(a_rewritten_ledger_is_found),
		cmocka_unit_test(a_shallow_history_is_told),
		cmocka_unit_test(a_sentence_is_held_to_its_claim),
		cmocka_unit_test(a_block_is_filled_whole_or_not_at_all),
		cmocka_unit_test(a_check_asks_all),
		cmocka_unit_test(what_cannot_be_read_is_a_line),
		cmocka_unit_test(a_reference_names_a_program_of_this_history),
		cmocka_unit_test(runs_go_by_their_names),
		cmocka_unit_test(a_figure_is_of_all_runs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
