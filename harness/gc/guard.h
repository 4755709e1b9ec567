/*
 * guard.h - runs something that may fault or be given up half way, and comes back either way.
 */
#ifndef STUBMAP_GC_GUARD_H
#define STUBMAP_GC_GUARD_H

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

enum guard_end {
	GUARD_RETURNED,
	GUARD_ABANDONED, /* by guard_abandon */
	GUARD_FAULTED,	 /* by a signal: the fields below say where */
	GUARD_NO_MEMORY, /* not begun */
};

enum { GUARD_SIGNALS = 5 };

struct guard {
	int signal;
	uintptr_t address; /* that was touched; 0 where the processor does not say */
	uintptr_t pc;
	/* private */
	sigjmp_buf env;
	struct guard *outer;
	struct sigaction old[GUARD_SIGNALS];
	stack_t old_stack;
	void *stack;
};

/*
 * Runs body(arg). What it allocated when it is left otherwise than by returning is the caller's to
 * find: keep it in *arg. One thread; may be nested.
 */
enum guard_end guard_run(struct guard *, void (*body)(void *), void *arg);
/* Ends the innermost guard_run that uses this guard, from anywhere below it. */
_Noreturn void guard_abandon(struct guard *);

#endif
