/*
 * test_reproduce.c - scripts/reproduce with a program of a few lines in place of stubmap: its
 * seeds, and its tables when a command fails. Also the locale of all scripts, and their help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/home.h"

static char folder[] = "/tmp/stubmap-reproduce-XXXXXX";
static char text[1 << 16];

/* Says what it is asked; the command that $FAIL names does half of it, and fails with $STATUS. */
static const char fake[] = "#!/bin/sh\n"
			   "echo \"$*\" >>\"$LOG\"\n"
			   "echo half\n"
			   "[ \"$FAIL\" != \"$1\" ] || exit \"$STATUS\"\n"
			   "echo whole\n";

/* A shell's command in the folder, $R the script; its exit status, its output in text. */
static int sh(const char *command)
{
	char line[1000];

	snprintf(line, sizeof line, "{ %s\n} >out 2>&1", command);
	int status = system(line);
	FILE *f = fopen("out", "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	return WEXITSTATUS(status);
}

static int set_up(void **state)
{
	char tree[4000], script[4096], log[100];

	(void)state;
	if (home_tree(tree, sizeof tree) || !mkdtemp(folder) || chdir(folder))
		return -1;
	snprintf(script, sizeof script, "%s/scripts/reproduce", tree);
	snprintf(log, sizeof log, "%s/log", folder);
	FILE *f = fopen("fake", "w");
	if (!f || fputs(fake, f) < 0 || fclose(f))
		return -1;
	return setenv("R", script, 1) || setenv("LOG", log, 1) || system("chmod +x fake") ||
	       setenv("STATUS", "2", 1);
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

#define REPRODUCE "STUBMAP=$PWD/fake \"$R\" "

static void seeds_are_fresh_and_kept(void **state)
{
	char first[40];

	(void)state;
	assert_int_equal(sh("rm -f log; " REPRODUCE "$PWD/a kinds live"), 0);
	assert_int_equal(sh("grep -c '^sweep .* --seed [0-9]* --blocks 5 --iterations 3$' log"), 0);
	assert_string_equal(text, "2\n");
	/* Each plan has another one. */
	sh("sed -n 's/^sweep .*--seed \\([0-9]*\\).*/\\1/p' log | sort -u | wc -l");
	assert_string_equal(text, "2\n");
	sh("cat a/seed");
	snprintf(first, sizeof first, "%.20s", text);
	sh("mv log log.1; " REPRODUCE "$PWD/a kinds live; cmp log log.1 && cat a/seed");
	assert_non_null(strstr(text, first)); /* gone on with */
	sh(REPRODUCE "$PWD/b kinds; cat b/seed");
	assert_null(strstr(text, first));

	assert_int_equal(sh(REPRODUCE "--seed 77 $PWD/c kinds"), 0);
	sh("cat c/seed");
	assert_string_equal(text, "77\n");
	assert_int_equal(sh(REPRODUCE "--seed 77 $PWD/c kinds"), 0);
	/* All of a plan, where it is asked for; not in a folder that has less of others. */
	assert_int_equal(sh("rm log; " REPRODUCE "--whole $PWD/w kinds; "
			    "grep -c 'sweep.*--\\(blocks\\|iterations\\)' log"),
			 1);
	assert_int_equal(sh(REPRODUCE "--whole $PWD/c kinds"), 2);
	assert_non_null(strstr(text, "c are brief ones, without --whole; name another folder"));
	assert_int_equal(sh(REPRODUCE "$PWD/w kinds"), 2);
	assert_non_null(strstr(text, "w are whole ones, with --whole; name another folder"));
	assert_int_equal(sh(REPRODUCE "--seed 78 $PWD/c kinds"), 2);
	assert_non_null(strstr(text, "were begun with 77"));
	assert_int_equal(sh(REPRODUCE "--seed x $PWD/d kinds"), 2);
	assert_non_null(strstr(text, "a whole number"));
	/* Known before anything runs, and no folder is made. */
	assert_int_equal(sh("rm log; " REPRODUCE "$PWD/d kinds kimds"), 2);
	assert_non_null(strstr(text, "no part 'kimds'"));
	assert_int_equal(sh(REPRODUCE "--help"), 2);
	assert_non_null(
	    strstr(text, "usage: scripts/reproduce [--seed N] [--whole] [FOLDER [PART...]]\n"));
	assert_int_not_equal(access("log", F_OK), 0);
	assert_int_not_equal(access("d", F_OK), 0);
}

static void a_table_is_whole_or_the_old_one(void **state)
{
	static const struct {
		const char *command, *table; /* what the failing command's was to be */
	} cases[] = { { "summary", "live.txt" }, { "claims", "live-claims.txt" } };
	char command[300];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(sh("rm -rf e; mkdir e; echo old >e/live.txt;"
				    "echo old >e/live-claims.txt"),
				 0);
		snprintf(command, sizeof command, "FAIL=%s " REPRODUCE "$PWD/e live",
			 cases[i].command);
		assert_int_equal(sh(command), 2);
		snprintf(command, sizeof command, "cat e/%s", cases[i].table);
		sh(command);
		assert_string_equal(text, "old\n");
		assert_int_equal(sh("ls e | grep new"), 1);
	}
	/* A failed result stands in a table that is whole. */
	assert_int_equal(sh("FAIL=summary STATUS=1 " REPRODUCE "$PWD/e live"), 1);
	sh("cat e/live.txt");
	assert_string_equal(text, "half\n");
	assert_int_equal(sh("FAIL=claims STATUS=1 " REPRODUCE "$PWD/e live"), 0);
	assert_int_equal(sh("FAIL=sweep STATUS=1 " REPRODUCE "$PWD/e live"), 1);
	assert_int_equal(sh("FAIL=sweep STATUS=2 " REPRODUCE "$PWD/e live"), 2);
}

/* Where each figure and table of the paper comes from: a part with its minutes, or a plan. */
static void a_map_is_of_the_paper(void **state)
{
	(void)state;
	assert_int_equal(sh("\"$R\" --map"), 0);
	assert_non_null(strstr(text, "| Figure 1 | ring.svg | "));
	assert_non_null(strstr(text, "| Appendix A.1 | first-claims.txt | "));
	assert_int_equal(
	    sh("\"$R\" --map | grep -vE '^[|] what|^[|]---' |"
	       " grep -vE 'results [a-z]+` \\| [0-9]+ \\|$|sweep scripts/plans/[a-z]+.json'"),
	    1);
}

/* Where 1.5 is written 1,5 awk and sort would read other numbers. */
static void scripts_have_one_locale(void **state)
{
	(void)state;
	sh("cd \"${R%/*}\" && for s in $(grep -lsE \"^[^#]*(awk (-[Fv]|')|\\bsort\\b)\" *); do"
	   " sed -n '1!q;/^#!.*sh$/q1' \"$s\" || grep -q 'LC_ALL=C' \"$s\" || echo \"$s\"; done");
	assert_string_equal(text, "");
	sh("cd \"${R%/*}\" && grep -lsE '^export LC_ALL=C' * | wc -l");
	assert_true(atoi(text) > 10);
}

/* The scripts that a person runs; without this they would begin minutes of work. */
static void scripts_say_how_they_are_called(void **state)
{
	(void)state;
	sh("cd \"${R%/*}\" && command -v node >/dev/null || without=engines\n"
	   "for s in elsewhere traces populations maps-reproduce corpora upgrades"
	   " unseen record-trace peers/readers peers/engines peers/wasmtime-corpora; do"
	   " [ \"${s#*/}\" = \"${without-}\" ] ||"
	   " timeout 20 ./\"$s\" --help </dev/null 2>&1 | grep -q \"scripts/$s\" || echo \"$s\"; "
	   "done");
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_are_fresh_and_kept),
		cmocka_unit_test(a_table_is_whole_or_the_old_one),
		cmocka_unit_test(a_map_is_of_the_paper),
		cmocka_unit_test(scripts_have_one_locale),
		cmocka_unit_test(scripts_say_how_they_are_called),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
