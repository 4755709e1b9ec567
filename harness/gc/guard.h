/*
 * guard.h - runs a function that may fault or be abandoned half way, and returns either way.
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
	uintptr_t address; /* the address touched; 0: unknown */
	uintptr_t pc;
	/* private */
	sigjmp_buf env;
	struct guard *outer;
	struct sigaction old[GUARD_SIGNALS];
	stack_t old_stack;
	void *stack;
};

/*
 * Runs body(arg). If body does not return normally, the caller must free what body allocated: keep
 * it in *arg. For one thread; calls may be nested.
 */
enum guard_end guard_run(struct guard *, void (*body)(void *), void *arg);
/* Ends the innermost guard_run that uses this guard, from anywhere below it. */
_Noreturn void guard_abandon(struct guard *);

#endif
