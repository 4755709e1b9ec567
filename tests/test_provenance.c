/*
 * test_provenance.c - which sources a record says that its program was made of: the stamp of a tree
 * (scripts/stamp) as it is changed, and a program whose tree went on without it. Runs the program
 * beside it (build/san/stubmap), and git, in a folder of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "meters/provenance.h"
#include "program_helpers.h"

static char folder[] = "/tmp/stubmap-provenance-XXXXXX";
static char out[1 << 16];

/* A shell's command in the folder, $S the program and $T its tree; its output. */
static const char *sh(const char *command)
{
	char line[2000];
	int status;

	snprintf(line, sizeof line, "set -e; { %s\n} >../out", command);
	status = system(line);
	if (status)
		fail_msg("status %d: %s", status, command);
	FILE *f = fopen("../out", "r");
	assert_non_null(f);
	out[fread(out, 1, sizeof out - 1, f)] = 0;
	fclose(f);
	out[strcspn(out, "\n")] = 0;
	return out;
}

static int set_up(void **state)
{
	char program[4000], tree[4000];

	(void)state;
	if (home_tree(tree, sizeof tree) || program_above(2, program, sizeof program) ||
	    !mkdtemp(folder) || chdir(folder) || setenv("S", program, 1) || setenv("T", tree, 1) ||
	    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1) || setenv("HOME", folder, 1) ||
	    setenv("GIT_AUTHOR_NAME", "a", 1) || setenv("GIT_AUTHOR_EMAIL", "a@b", 1) ||
	    setenv("GIT_COMMITTER_NAME", "a", 1) || setenv("GIT_COMMITTER_EMAIL", "a@b", 1))
		return -1;
	return system("mkdir -p tree/scripts tree/harness/base tree/strategies tree/workloads"
		      " tree/build && cp \"$T/scripts/stamp\" tree/scripts") ||
	       chdir("tree");
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

static void begin(void)
{
	sh("rm -rf .git strategies/* harness/base/*; git init -q; echo 1 >harness/base/a.c;"
	   "echo 1 >README; echo '*.ignored.c' >.gitignore; echo /build/ >>.gitignore;"
	   "git add -A; git commit -qm 1");
}

static bool is(const char *word)
{
	const char *said = sh("scripts/stamp tree");
	size_t n = strlen(said), m = strlen(word);

	return n > m && !strcmp(said + n - m, word);
}

static void what_programs_are_made_of_is_dirt(void **state)
{
	static const struct {
		const char *change, *undo, *says;
	} cases[] = {
		{ "echo 2 >harness/base/a.c", "git checkout -q .", " dirty" },
		{ "echo 1 >strategies/new.c", "rm strategies/new.c", " dirty" },
		{ "echo 1 >strategies/x.ignored.c", "rm strategies/x.ignored.c", " dirty" },
		{ "echo 1 >harness/base/x.ignored.c", "rm harness/base/x.ignored.c", " dirty" },
		{ "echo 1 >workloads/x.ignored.c", "rm workloads/x.ignored.c", " dirty" },
		{ "rm harness/base/a.c", "git checkout -q .", " dirty" },
		{ "echo 2 >harness/base/a.c; git add -A", "git reset -q --hard", " dirty" },
		{ "echo 2 >README; echo 1 >note", "rm note; git checkout -q .", " clean" },
		{ "echo 1 >build/x.c", "rm build/x.c", " clean" },
		{ "echo 'all:' >GNUmakefile", "rm GNUmakefile", " dirty" }, /* make prefers it */
		{ "git update-index --assume-unchanged harness/base/a.c; echo 2 >harness/base/a.c",
		  "git update-index --no-assume-unchanged harness/base/a.c; git checkout -q .",
		  " dirty" },
		{ "git update-index --skip-worktree harness/base/a.c; echo 2 >harness/base/a.c",
		  "git update-index --no-skip-worktree harness/base/a.c; git checkout -q .",
		  " dirty" },
	};

	(void)state;
	begin();
	assert_true(is(" clean"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sh(cases[i].change);
		if (!is(cases[i].says))
			fail_msg("%s: %s", cases[i].change, out);
		sh(cases[i].undo);
		assert_true(is(" clean"));
	}
	/* Another repository, as a hook of it has it. */
	setenv("GIT_DIR", "/nowhere", 1);
	assert_true(is(" clean"));
	unsetenv("GIT_DIR");
	sh("mv .git ../elsewhere");
	assert_string_equal(sh("scripts/stamp tree"), "- not built in a git tree");
	sh("mkdir .git"); /* git finds nothing in it */
	assert_string_equal(sh("scripts/stamp tree"), "- git does not answer");
	sh("git -C .. init -q; git -C .. commit -q --allow-empty -m above");
	assert_string_equal(sh("scripts/stamp tree"), "- git does not answer");
	sh("rm -rf ../.git; rmdir .git; mv ../elsewhere .git");
}

/* This program is linked as anyone's own would be: scripts/stamp has not been asked. */
static void a_program_without_a_stamp_says_so(void **state)
{
	char why[PROVENANCE_WHY] = "";

	(void)state;
	assert_null(provenance_program(why));
	assert_string_equal(why, "the program was linked without a stamp");
}

static void a_stamp_names_what_was_linked(void **state)
{
	char first[200];

	(void)state;
	begin();
	sh("scripts/stamp tree >build/tree.txt; echo a >build/a.o; echo b >build/b.o");
	const char *link = "scripts/stamp \"$PWD/build/tree.txt\" \"$PWD/build/a.o\" "
			   "\"$PWD/build/b.o\" | tail -1";
	snprintf(first, sizeof first, "%s", sh(link));
	assert_non_null(strstr(first, " clean\";"));
	assert_string_equal(sh(link), first);
	sh("echo c >build/b.o");
	assert_string_not_equal(sh(link), first);
	/* Changed, or committed, while it was compiled: neither state is the program's. */
	sh("echo b >build/b.o; echo 2 >harness/base/a.c");
	assert_non_null(strstr(sh(link), " dirty\";"));
	sh("git commit -qam 2");
	assert_non_null(strstr(sh(link), " dirty\";"));
	sh("scripts/stamp tree >build/tree.txt");
	assert_non_null(strstr(sh(link), " clean\";"));
}

static json_t *doctor(void)
{
	sh("build/stubmap doctor --json || [ $? = 1 ]");
	json_t *all = json_loads(out, 0, NULL);
	json_t *machine = json_incref(json_object_get(all, "machine"));

	assert_true(json_is_object(machine));
	json_decref(all);
	return machine;
}

static const char *commit_of(const json_t *machine, const char *which)
{
	return json_string_value(json_object_get(json_object_get(machine, which), "commit"));
}

/* `git checkout` without make: the record names the commit that was built, and the tree's. */
static void a_program_keeps_its_commit(void **state)
{
	char line[PROVENANCE], here[80];

	(void)state;
	begin();
	sh("cp \"$S\" build/stubmap");
	json_t *machine = doctor();
	json_t *program = json_incref(json_object_get(machine, "program"));

	assert_true(json_is_string(json_object_get(program, "hash")));
	snprintf(here, sizeof here, "%s", sh("git rev-parse HEAD"));
	assert_string_equal(commit_of(machine, "tree"), here);
	assert_true(provenance_differs(machine, line)); /* this tree is not the program's */
	json_decref(machine);
	sh("echo 2 >harness/base/a.c; git commit -qam 2");
	machine = doctor();
	assert_true(json_equal(json_object_get(machine, "program"), program));
	assert_string_equal(commit_of(machine, "tree"), sh("git rev-parse HEAD"));
	assert_string_not_equal(commit_of(machine, "tree"), here);
	sh("build/stubmap doctor | sed -n '/^program/,/^$/p' | tr -s '\\n ' ' '");
	assert_true(strstr(out, "tree was at") || strstr(out, "not known"));
	json_decref(machine);
	sh("mv .git ../elsewhere");
	machine = doctor();
	assert_true(json_is_null(json_object_get(machine, "tree")));
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(machine, "missing"), "tree")),
	    "not built in a git tree");
	json_decref(machine);
	json_decref(program);
	sh("mv ../elsewhere .git");
}

#define PROGRAM(commit, dirty) "\"program\": {\"commit\": \"" commit "\", \"dirty\": " dirty "}"
#define TREE(commit, dirty)    "\"tree\": {\"commit\": \"" commit "\", \"dirty\": " dirty "}"

static void doubts_are_one_line(void **state)
{
	static const struct {
		const char *machine, *says; /* NULL: nothing */
	} cases[] = {
		{ "null", NULL },
		{ "{" PROGRAM("aaa", "false") ", " TREE("aaa", "false") "}", NULL },
		{ "{" PROGRAM("aaa", "false") ", \"tree\": null}", NULL },
		{ "{" PROGRAM("aaa", "false") ", " TREE("bbb", "false") "}",
		  "the program is of commit aaa, its tree was at bbb" },
		{ "{" PROGRAM("aaa", "true") ", " TREE("bbb", "true") "}",
		  "the program is of commit aaa and changes, its tree was at bbb and changes" },
		{ "{" PROGRAM("aaa", "true") ", " TREE("aaa", "true") "}",
		  "the program is of commit aaa and changes that are in no commit" },
		{ "{" PROGRAM("aaa", "false") ", " TREE("aaa", "true") "}",
		  "the program is of commit aaa, its tree was changed after the build" },
		{ "{\"program\": {\"commit\": null, \"hash\": \"5\"}}", "outside of a git tree" },
		{ "{\"program\": null}", "without a stamp" },
		{ "{\"git_commit\": \"aaa\", \"git_dirty\": true}", "(aaa, changed)" },
	};
	char line[PROVENANCE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *machine = json_loads(cases[i].machine, JSON_DECODE_ANY, NULL);
		bool differs = provenance_differs(machine, line);

		if (differs != !!cases[i].says || (differs && !strstr(line, cases[i].says)))
			fail_msg("%s: %s", cases[i].machine, differs ? line : "nothing");
		json_decref(machine);
	}
}

static void a_program_has_a_name(void **state)
{
	static const struct {
		const char *machine, *is;
	} cases[] = {
		{ "{}", "not known" },
		{ "{\"program\": {\"commit\": \"0123456789abcdef\", \"dirty\": false, \"hash\": "
		  "\"fedcba9876543210\"}}",
		  "commit 0123456789ab, clean; linked from fedcba987654" },
		{ "{\"program\": {\"commit\": \"0123\", \"dirty\": true, \"hash\": \"4\"}}",
		  "commit 0123 and changes; linked from 4" },
		{ "{\"program\": {\"commit\": null, \"dirty\": null, \"hash\": \"4\"}}",
		  "commit unknown; linked from 4" },
	};
	char line[PROVENANCE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *machine = json_loads(cases[i].machine, 0, NULL);

		assert_string_equal(provenance_name(machine, line), cases[i].is);
		json_decref(machine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_programs_are_made_of_is_dirt),
		cmocka_unit_test(a_program_without_a_stamp_says_so),
		cmocka_unit_test(a_stamp_names_what_was_linked),
		cmocka_unit_test(a_program_keeps_its_commit),
		cmocka_unit_test(doubts_are_one_line),
		cmocka_unit_test(a_program_has_a_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
