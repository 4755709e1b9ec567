/*
 * test_watch.c - the message of a process that is told to end: its phase, and the compiled function
 * that runs. Each case is a child with its stderr in a pipe.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/watch.h"
#include "wasm_helpers.h"

enum { TRIES = 40 };

struct child {
	pid_t pid;
	FILE *said;
};

/* A child that does work(arg), which never ends. */
static struct child begin(void (*work)(void *), void *arg)
{
	struct child c;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (!c.pid) {
		alarm(100); /* should the test die before it */
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		work(arg);
		_exit(3);
	}
	close(fds[1]);
	c.said = fdopen(fds[0], "r");
	assert_non_null(c.said);
	return c;
}

static void await(struct child *c, const char *line)
{
	char text[200];

	do
		if (!fgets(text, sizeof text, c->said))
			fail_msg("the child never said '%s'", line);
	while (strcmp(text, line) != 0);
}

/* Tells it to end; its last line. */
static const char *end(struct child *c, char last[200])
{
	char line[200];
	int status;

	assert_int_equal(kill(c->pid, SIGTERM), 0);
	*last = '\0';
	while (fgets(line, sizeof line, c->said))
		strcpy(last, line);
	fclose(c->said);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	return last;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

static const char *after_some(void *arg, const void *pc)
{
	int *looks = arg;

	assert_non_null(pc);
	return (*looks)-- ? NULL : "found";
}

/* Is there by and by, or never (a negative number of looks). */
static void spin(void *arg)
{
	volatile unsigned n = 0;

	watch_begin();
	watch_code((struct watched){ arg ? after_some : NULL, arg });
	watch_phase("first");
	watch_phase("first");
	watch_phase("second");
	for (;;)
		n++;
}

static const char *long_name(void *arg, const void *pc)
{
	static char name[300];

	(void)arg;
	assert_non_null(pc);
	memset(name, 'x', sizeof name - 1);
	return name;
}

static void spin_in_long(void *unused)
{
	volatile unsigned n = 0;

	(void)unused;
	watch_begin();
	watch_code((struct watched){ long_name, NULL });
	watch_phase("first");
	for (;;)
		n++;
}

/* Whatever the name, what follows stands on a line of its own. */
static void test_a_long_name(void **unused)
{
	struct child c = begin(spin_in_long, NULL);
	char last[200];

	(void)unused;
	await(&c, "first\n");
	assert_non_null(strstr(end(&c, last), "first, in function xxx"));
	assert_int_equal(last[strlen(last) - 1], '\n');
}

static void test_phases(void **unused)
{
	static const struct {
		int looks;
		const char *says;
	} cases[] = {
		{ 0, "second, in function found\n" },
		{ 7, "second, in function found\n" },
		{ -1, "second\n" },
	};
	char last[200];

	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int looks = cases[i].looks;
		struct child c = begin(spin, &looks);

		assert_non_null(fgets(last, sizeof last, c.said));
		assert_string_equal(last, "first\n");
		assert_non_null(fgets(last, sizeof last, c.said)); /* once a phase */
		assert_string_equal(last, "second\n");
		assert_string_equal(end(&c, last), cases[i].says);
	}
	struct child c = begin(spin, NULL);
	await(&c, "second\n");
	assert_string_equal(end(&c, last), "second\n");
}

static void *tell_aside(void *arg)
{
	watch_phase("aside");
	return arg;
}

/* A process that nobody waits for says nothing; nor does a thread beside
 * the one that is watched. */
static void silent(void *arg)
{
	pthread_t thread;

	(void)arg;
	watch_phase("too early");
	watch_begin();
	if (!pthread_create(&thread, NULL, tell_aside, NULL))
		pthread_join(thread, NULL);
	watch_phase("now");
	for (;;)
		pause();
}

static void test_silence(void **unused)
{
	struct child c = begin(silent, NULL);
	char line[200];

	(void)unused;
	assert_non_null(fgets(line, sizeof line, c.said));
	assert_string_equal(line, "now\n");
	assert_string_equal(end(&c, line), "now\n");
}

/* ---- Compiled functions ---------------------------------------------------------------------- */

static void drive(void *arg)
{
	struct opened *o = arg;
	struct wasm_instance *in;

	watch_begin();
	if (wasm_instance_open(&in, o->module, &o->space, &o->thread, &o->wasi, o->error))
		_exit(4);
	watch_phase("running");
	wasm_drive(in, o->module, &o->thread, &o->wasi, NULL, o->error);
}

/* The function, if it had been reached when the end came: sooner or later it has. */
static void test_wasm(void **unused)
{
	char folder[WASM_PATH], last[200] = "";
	struct opened o;

	(void)unused;
	wasm_program_folder(wasm_program_find("wasm:kernel"), folder);
	strcpy(strrchr(folder, '/'), "/bad/loop");
	for (unsigned tier = 0; tier <= 2; tier += 2) {
		if (open_module(&o, "loop", folder, stub_strategy("pool"), CODE_TOGGLE, tier))
			fail_msg("%s", o.error);
		/* At tier 2 one is in line in the other. */
		const char *other =
		    tier ? "running, in function _start\n" : "running, in function spin\n";

		for (useconds_t i = 0; i < TRIES && strcmp(last, "running, in function spin\n") &&
				       strcmp(last, other);
		     i++) {
			struct child c = begin(drive, &o);

			await(&c, "running\n");
			usleep(i * 10000);
			end(&c, last);
		}
		if (strcmp(last, other) != 0)
			assert_string_equal(last, "running, in function spin\n");
		close_module(&o);
		*last = '\0';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_a_long_name),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_wasm),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
