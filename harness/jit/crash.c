/* crash.c - the handler of faults. It reads memory that may be damaged,
 * but does not write to it. */
#include "jit/crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "names/names.h"

enum { STACK = 64 << 10 };

static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
enum { SIGNALS = sizeof signals / sizeof *signals };

/* A signal handler gets no argument of ours: it can only read globals. */
static const struct code_memory *volatile memories[CRASH_MEMORIES];
static struct sigaction before[SIGNALS];

static void replace(const struct code_memory *old, const struct code_memory *new)
{
	for (int i = 0; i < CRASH_MEMORIES; i++)
		if (memories[i] == old) {
			memories[i] = new;
			return;
		}
}

void crash_opened(const struct code_memory *code)
{
	replace(NULL, code);
}

void crash_closed(const struct code_memory *code)
{
	if (code)
		replace(code, NULL);
}

/* " in WHAT, byte N"; false: pc is in none of the areas. */
static bool locate(const void *pc, char *out, size_t size)
{
	static const char *const areas[] = { "the area of stubs", "the area of modules" };
	uintptr_t at = (uintptr_t)pc, from, to;
	char name[STUB_PIECE_NAME];
	size_t byte;

	for (int i = 0; i < CRASH_MEMORIES; i++) {
		const struct code_memory *code = memories[i];

		for (int area = CODE_STUBS; code && area <= CODE_MODULES; area++) {
			code_range(code, area, &from, &to);
			if (at < from || at >= to)
				continue;
			const struct names *names = names_of(code);

			if (names && names_find(names, pc, name, &byte))
				snprintf(out, size, "in %s, byte %zu", name, byte);
			else
				snprintf(out, size, "in %s, byte %#zx", areas[area],
					 (size_t)(at - from));
			return true;
		}
	}
	return false;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	const greg_t *regs = ((const ucontext_t *)context)->uc_mcontext.gregs;
	const void *pc = (const void *)(uintptr_t)regs[REG_RIP];
	char where[120] = "in C, or nowhere", line[200];
	const bool ours = locate(pc, where, sizeof where);
	const int n =
	    snprintf(line, sizeof line, "pc %p, address %p: %s\n", pc, info->si_addr, where);

	/* if nobody reads the line, nothing else is lost */
	if (write(2, line, (size_t)n) < 0)
		signal(number, SIG_DFL);
	/* The instruction is executed again; the fault then meets the earlier handler, or none. */
	for (int i = 0; i < SIGNALS; i++) {
		if (ours)
			signal(signals[i], SIG_DFL);
		else
			sigaction(signals[i], &before[i], NULL);
	}
	if (info->si_code <= 0) /* sent by a process: it does not come again */
		raise(number);
}

void crash_begin(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static _Alignas(16) char stack[STACK];
	const stack_t own = { .ss_sp = stack, .ss_size = STACK };

	sigaltstack(&own, NULL);
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &before[i]);
}
