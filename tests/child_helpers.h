/* child_helpers.h - child processes of a test: says how one ended,
 * and fails the test for a bad end. */
#ifndef STUBMAP_TEST_CHILD_HELPERS_H
#define STUBMAP_TEST_CHILD_HELPERS_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHILD_SIGNALS = 5 };
static const int child_signals[CHILD_SIGNALS] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS };
static struct sigaction child_actions[CHILD_SIGNALS];

/* Before main: a sanitizer's handlers, or none. */
static void __attribute__((constructor)) child_keep_signals(void)
{
	for (int i = 0; i < CHILD_SIGNALS; i++)
		sigaction(child_signals[i], NULL, &child_actions[i]);
}

/* fork, and in the child a signal means what it did before cmocka took it: there, cmocka would go
 * on with the next test. */
static inline pid_t child_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail_msg("no child process");
	for (int i = 0; !pid && i < CHILD_SIGNALS; i++)
		sigaction(child_signals[i], &child_actions[i], NULL);
	return pid;
}

static inline const char *child_ending(int status, char text[64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, 64, "exit status %d", WEXITSTATUS(status));
	return text;
}

/* Waits; the child's exit status. A child that has none fails the test. */
static inline int child_wait(pid_t pid)
{
	char text[64];
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("the child process was %s", child_ending(status, text));
	return WEXITSTATUS(status);
}

/* Fails, with all that a program said: cmocka itself cuts a message off. */
#define fail_saying(out, err, ...)                                      \
	do {                                                            \
		fprintf(stderr, "---- it said:\n%s%s----\n", out, err); \
		fail_msg(__VA_ARGS__);                                  \
	} while (0)

/* Whether a program wrote a sanitizer's report. */
static inline int child_reported(const char *err)
{
	return strstr(err, "runtime error: ") || strstr(err, "Sanitizer: ");
}

#endif
