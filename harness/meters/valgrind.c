/* valgrind.c - runs valgrind as a child that never outlives us; the
 * program's own output is dropped. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meters/valgrind.h"

enum { NO_PROGRAM = 99 };

static int fail(char error[VALGRIND_ERROR], const char *what, int e)
{
	snprintf(error, VALGRIND_ERROR, "valgrind: %.150s: %s", what, strerror(e));
	return -e;
}

static int absent(char error[VALGRIND_ERROR])
{
	snprintf(
	    error, VALGRIND_ERROR,
	    "valgrind is not here: `scripts/setup all` installs it (apt-get install valgrind)");
	return -ENOENT;
}

int valgrind_version(char version[64], char error[VALGRIND_ERROR])
{
	FILE *f = popen("valgrind --version 2>/dev/null", "r");
	bool told = f && fgets(version, 64, f);

	if (f && pclose(f))
		told = false;
	if (!told)
		return absent(error);
	version[strcspn(version, "\n")] = 0;
	return 0;
}

static _Noreturn void run_valgrind(char *const argv[], int log)
{
	char number[32];
	char *with_log[VALGRIND_ARGUMENTS + 3];
	size_t n = 0;

	/* The caller may have blocked these signals to end in order; Ctrl-C must
	 * end valgrind all the same. */
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(NO_PROGRAM);
	snprintf(number, sizeof number, "--log-fd=%d", log);
	with_log[n++] = argv[0];
	with_log[n++] = number;
	with_log[n++] = (char[]){ "--vgdb=no" }; /* its pipes stay behind if a signal ends it */
	for (size_t i = 1; argv[i]; i++)
		with_log[n++] = argv[i];
	with_log[n] = NULL;
	fcntl(log, F_SETFD, 0);
	execvp("valgrind", with_log);
	_exit(NO_PROGRAM);
}

int valgrind_start(struct valgrind *v, char *const argv[], char error[VALGRIND_ERROR])
{
	int log[2];

	if (pipe2(log, O_CLOEXEC))
		return fail(error, "pipe", errno);
	fcntl(log[0], F_SETPIPE_SZ, 1 << 20); /* fewer context switches; a refusal does no harm */
	v->pid = fork();
	if (!v->pid)
		run_valgrind(argv, log[1]);
	close(log[1]);
	v->log = v->pid < 0 ? NULL : fdopen(log[0], "r");
	if (v->log)
		return 0;
	close(log[0]);
	return fail(error, "fork", errno);
}

int valgrind_finish(struct valgrind *v, const char *program, char error[VALGRIND_ERROR])
{
	int status = 0;

	fclose(v->log);
	while (waitpid(v->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
		return absent(error);
	snprintf(error, VALGRIND_ERROR, "valgrind on %.120s: %s %d", program,
		 WIFSIGNALED(status) ? "killed by signal" : "exit status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return -EIO;
}
