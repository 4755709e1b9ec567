/*
 * guard.c - turns a fault of compiled code into a result instead of the process's end.
 *
 * The handler runs on a stack of its own, since the fault may be that the stack is used up, and
 * jumps out of it: the frames in between are compiled code, stubs and the runtime's functions, none
 * of which has anything to undo.
 */
#include "gc/guard.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { STACK = 64 << 10 };

static const int signals[GUARD_SIGNALS] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };

/* A signal handler gets no argument of ours: this one variable must be global, per thread. */
static _Thread_local struct guard *current;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct guard *g = current;
	const ucontext_t *u = context;

	g->signal = signal;
	g->address = (uintptr_t)info->si_addr;
	g->pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
	siglongjmp(g->env, GUARD_FAULTED);
}

static void install(struct guard *g)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	const stack_t stack = { .ss_sp = g->stack, .ss_size = STACK };

	sigaltstack(&stack, &g->old_stack);
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < GUARD_SIGNALS; i++)
		sigaction(signals[i], &action, &g->old[i]);
	g->outer = current;
	current = g;
}

static void remove_handlers(struct guard *g)
{
	current = g->outer;
	for (int i = 0; i < GUARD_SIGNALS; i++)
		sigaction(signals[i], &g->old[i], NULL);
	sigaltstack(&g->old_stack, NULL);
}

enum guard_end guard_run(struct guard *g, void (*body)(void *), void *arg)
{
	int end;

	memset(g, 0, sizeof(*g));
	g->stack = malloc(STACK);
	if (!g->stack)
		return GUARD_NO_MEMORY;
	install(g);
	end = sigsetjmp(g->env, 1);
	if (!end)
		body(arg);
	remove_handlers(g);
	free(g->stack);
	g->stack = NULL;
	return (enum guard_end)end;
}

void guard_abandon(struct guard *g)
{
	siglongjmp(g->env, GUARD_ABANDONED);
}
