/*
 * watch.c - a line on stderr at each phase, and one more from the handler of SIGTERM.
 *
 * The interrupted instruction may lie in a stub or in a C function, which have no name here: then
 * the handler lets the program go on and looks again a millisecond later, a few times.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/watch.h"

enum { LOOKS = 50, LOOK_US = 1000 };

/* A signal handler gets no argument of ours: it can only read globals. */
static struct {
	unsigned looks;
	const char *volatile phase;
	watch_namer *volatile name;
	void *volatile arg;
} watch;

/* Compilation in the main thread is a phase; compilation beside callers is not. */
static _Thread_local bool tells;

static void write_line(const char *a, const char *b, const char *c)
{
	const char *const parts[] = { a, b, c, "\n" };
	char line[160];
	size_t n = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (const char *p = parts[i]; *p && n + 1 < sizeof line; p++)
			line[n++] = *p;
	line[n - 1] = '\n';
	/* if nobody reads the line, nothing else is lost */
	if (write(2, line, n) < 0)
		return;
}

static void on_end(int number, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	const void *pc = (const void *)(uintptr_t)u->uc_mcontext.gregs[REG_RIP];
	watch_namer *namer = watch.name;
	const char *name = namer ? namer(watch.arg, pc) : NULL;
	const struct itimerval soon = { .it_value = { .tv_usec = LOOK_US } };

	(void)info;
	(void)number;
	if (namer && !name && watch.looks++ < LOOKS && !setitimer(ITIMER_REAL, &soon, NULL))
		return;
	write_line(watch.phase, name ? ", in function " : "", name ? name : "");
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

void watch_begin(void)
{
	struct sigaction action = { .sa_sigaction = on_end, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGALRM);
	watch.phase = "beginning";
	tells = true;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
}

void watch_phase(const char *phase)
{
	if (!tells || !strcmp(watch.phase, phase))
		return;
	watch.phase = phase;
	write_line(phase, "", "");
}

bool watch_measures(const char *phase)
{
	return !strncmp(phase, "measuring", 9) || !strncmp(phase, "running", 7);
}

struct watched watch_code(struct watched code)
{
	const struct watched before = { watch.name, watch.arg };

	if (!tells)
		return before;
	/* the handler must never see a namer with another's argument */
	watch.name = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	watch.arg = code.arg;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	watch.name = code.name;
	return before;
}
