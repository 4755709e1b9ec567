/*
 * test_run_tests.c - scripts/run-tests says of each test that dies where and how, and counts it.
 *
 * The programs that die are this one, by other names: a link's name says what its second test does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/home.h"
#include "command_helpers.h"

/* ---- The programs that die ------------------------------------------------------------------- */

static const char *program; /* this one's name */

static void passes(void **state)
{
	(void)state;
}

static void skips(void **state)
{
	(void)state;
	skip();
}

static void fails(void **state)
{
	(void)state;
	assert_int_equal(1, 2);
}

static void aborts(void **state)
{
	(void)state;
	abort();
}

static void leaves(void **state)
{
	(void)state;
	exit(1);
}

static void leaves_well(void **state)
{
	(void)state;
	exit(0);
}

static void crashes(void **state)
{
	(void)state;
	raise(SIGSEGV);
}

static void is_killed(void **state)
{
	(void)state;
	raise(SIGKILL);
}

/* As if its time were over: that signal is what timeout's own clock sends it. */
static void hangs(void **state)
{
	(void)state;
	kill(getppid(), SIGALRM);
	for (;;)
		pause();
}

/* The name on a line that is open already. */
static void leaves_a_line_open(void **state)
{
	(void)state;
	print_message("open");
}

static int no_group(void **state)
{
	(void)state;
	return -1;
}

/* Commands that end as no command may, behind the helper that keeps what they say. */

static int undefined(int argc, char **argv)
{
	volatile int most = INT32_MAX;

	(void)argv;
	fputs("on its way\n", stderr);
	return most + argc > 0;
}

static int ends(int argc, char **argv)
{
	(void)argv;
	fputs("words of the command\n", stderr);
	if (argc == 1)
		exit(0);
	abort();
}

static int crashing(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return *(volatile int *)(uintptr_t)8;
}

static int refuses(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fputs("words of the refusal\n", stderr);
	return 2;
}

static void command_undefined(void **state)
{
	(void)state;
	run(undefined, "undefined");
}

static void command_exits(void **state)
{
	(void)state;
	run(ends, "ends");
}

static void command_aborts(void **state)
{
	(void)state;
	run(ends, "ends twice");
}

static void command_crashes(void **state)
{
	(void)state;
	run(crashing, "crashing");
}

static void command_refuses(void **state)
{
	(void)state;
	run_to(0, refuses, "refuses");
}

/* A test that expects a command to fail does not take a sanitizer's report for it. */
static void expects_failure(void **state)
{
	char line[300];

	(void)state;
	snprintf(line, sizeof line, "%.*s/overflows 2>/dev/null",
		 (int)(strrchr(program, '/') - program), program);
	assert_int_equal(WEXITSTATUS(system(line)), 1);
}

static void child_killed(void **state)
{
	pid_t pid = child_fork();

	(void)state;
	if (!pid)
		raise(SIGKILL);
	child_wait(pid);
}

/* What is said of each; a program's three tests are passes, this one, and passes again. */
static const struct dying {
	const char *name;
	void (*test)(void **state);
	const char *says, *also;
	unsigned passed, skipped, failed;
} dying[] = {
	{ "passes", passes, NULL, NULL, 3, 0, 0 },
	{ "skips", skips, NULL, NULL, 2, 1, 0 },
	{ "open", leaves_a_line_open, NULL, NULL, 3, 0, 0 },
	{ "fails", fails, "second", "0x1 != 0x2", 2, 0, 1 },
	{ "aborts", aborts, "second: killed by SIGABRT in this test", NULL, 1, 0, 1 },
	{ "leaves", leaves, "second: exit status 1 in this test", NULL, 1, 0, 1 },
	{ "leaves-well", leaves_well, "second: exit status 0 in this test", NULL, 1, 0, 1 },
	{ "crashes", crashes, "second", "Segmentation fault", 2, 0, 1 },
	{ "is-killed", is_killed, "second: killed by SIGKILL in this test", NULL, 1, 0, 1 },
	{ "hangs", hangs, "second: no end within 590 s in this test", NULL, 1, 0, 1 },
	{ "command-undefined", command_undefined, "second", "signed integer overflow", 2, 0, 1 },
	{ "command-exits", command_exits, "second", "words of the command", 2, 0, 1 },
	{ "command-aborts", command_aborts, "second", "`ends twice`: killed by SIGABRT", 2, 0, 1 },
	{ "command-crashes", command_crashes, "second", "AddressSanitizer: SEGV", 2, 0, 1 },
	{ "command-refuses", command_refuses, "second", "words of the refusal", 2, 0, 1 },
	{ "expects-failure", expects_failure, "second", "0x56 != 0x1", 2, 0, 1 },
	{ "child-killed", child_killed, "second", "the child process was killed by SIGKILL", 2, 0,
	  1 },
	/* Not by a test: */
	{ "silent", NULL, "exit status 0, no test was run", NULL, 0, 0, 1 },
	{ "overflows", NULL, "exit status 86, no test was run", "signed integer overflow", 0, 0,
	  1 },
	{ "missing", NULL, "exit status 127, no test was run", NULL, 0, 0, 1 },
	{ "behind", passes, "exit status 3 behind the last test", NULL, 3, 0, 1 },
	{ "before", passes, "exit status 0, 0 of 3 tests were run", NULL, 0, 0, 1 },
	{ "set-up", passes, "GROUP SETUP", NULL, 0, 0, 1 },
};
enum { DYING = sizeof dying / sizeof *dying };

static int die_as(const struct dying *d)
{
	const struct CMUnitTest tests[] = {
		{ "first", passes, NULL, NULL, NULL },
		{ "second", d->test, NULL, NULL, NULL },
		{ "third", passes, NULL, NULL, NULL },
	};

	if (!strcmp(d->name, "overflows"))
		return undefined(1, NULL);
	if (!d->test)
		return 0;
	if (!strcmp(d->name, "before")) {
		puts("[==========] Running 3 test(s).");
		return 0;
	}
	if (!strcmp(d->name, "set-up"))
		return cmocka_run_group_tests(tests, no_group, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL) + (strcmp(d->name, "behind") ? 0 : 3);
}

/* ---- What is said of them -------------------------------------------------------------------- */

static char folder[] = "/tmp/stubmap-dying-XXXXXX";

static int set_up(void **state)
{
	char path[200], self[4096];

	(void)state;
	if (home_executable(self, sizeof self) || !mkdtemp(folder))
		return -1;
	for (int i = 0; i < DYING; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, dying[i].name);
		if (strcmp(dying[i].name, "missing") && symlink(self, path))
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	char path[200];

	(void)state;
	for (int i = 0; i < DYING; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, dying[i].name);
		unlink(path);
	}
	return rmdir(folder);
}

static int run_script(const char *words, char **out)
{
	char command[8192];
	size_t size = 0;
	FILE *p, *f = open_memstream(out, &size);

	assert_non_null(f);
	snprintf(command, sizeof command, "TEST_SECONDS=590 scripts/run-tests %s 2>&1", words);
	p = popen(command, "r");
	assert_non_null(p);
	for (int c; (c = getc(p)) != EOF;)
		putc(c, f);
	fclose(f);
	return pclose(p);
}

static void check_said(const struct dying *d, const char *out)
{
	char line[300];

	if (d->says) {
		/* At its own output's end, and again among all that failed. */
		snprintf(line, sizeof line, "failed: %s/%s: %s", folder, d->name, d->says);
		if (!strstr(out, line))
			fail_saying(out, "", "%s: not told: %s", d->name, line);
	}
	if (d->also && !strstr(out, d->also))
		fail_saying(out, "", "%s: not told: %s", d->name, d->also);
}

static void check_counts(const char *out, unsigned passed, unsigned skipped, unsigned failed)
{
	char line[200];

	snprintf(line, sizeof line, "\n%u passed, %u failed\n", passed, failed);
	if (strlen(out) < strlen(line) || strcmp(out + strlen(out) - strlen(line), line))
		fail_saying(out, "", "not its last line: %s", line);
	snprintf(line, sizeof line, "\n%u skipped", skipped);
	assert_int_equal(!!strstr(out, line), skipped > 0);
}

static void each_is_told_alone(void **state)
{
	char words[300], *out;

	(void)state;
	for (int i = 0; i < DYING; i++) {
		const struct dying *d = &dying[i];

		snprintf(words, sizeof words, "%s/%s", folder, d->name);
		int status = run_script(words, &out);
		check_said(d, out);
		check_counts(out, d->passed, d->skipped, d->failed);
		assert_int_equal(!!status, d->failed > 0);
		free(out);
	}
}

/* A test's name is no secret to another program: two that fail are two. */
static void all_are_counted(void **state)
{
	unsigned passed = 0, skipped = 0, failed = 0;
	char words[8000] = "", *out;

	(void)state;
	for (int i = 0; i < DYING; i++) {
		size_t used = strlen(words);

		snprintf(words + used, sizeof words - used, "%s/%s ", folder, dying[i].name);
		passed += dying[i].passed;
		skipped += dying[i].skipped;
		failed += dying[i].failed;
	}
	assert_true(run_script(words, &out));
	for (int i = 0; i < DYING; i++)
		check_said(&dying[i], out);
	check_counts(out, passed, skipped, failed);
	free(out);
}

static void nothing_is_no_success(void **state)
{
	char *out;

	(void)state;
	assert_true(run_script("", &out));
	free(out);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_told_alone),
		cmocka_unit_test(all_are_counted),
		cmocka_unit_test(nothing_is_no_success),
	};

	(void)argc;
	program = argv[0];
	for (int i = 0; i < DYING; i++)
		if (!strcmp(name ? name + 1 : argv[0], dying[i].name))
			return die_as(&dying[i]);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
