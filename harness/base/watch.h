/*
 * watch.h - tells the parent process what this process is doing. It writes a line to stderr when a
 * phase begins; and when the process is told to end (SIGTERM, at its time limit), a line that names
 * the phase and the compiled function that ran. It writes nothing before watch_begin, which only an
 * invocation's child calls.
 */
#ifndef STUBMAP_BASE_WATCH_H
#define STUBMAP_BASE_WATCH_H

#include <stdbool.h>

/* From now on phases are written and SIGTERM is answered. Call it once in a process. */
void watch_begin(void);
/* phase: a few words of static storage, such as "running". Does nothing in the same
 * phase again, or in another thread than the one that began; else makes a system call,
 * so call it outside timed code. */
void watch_phase(const char *phase);
/* Whether a phase, as the parent reads it, measures; the phases before only prepare. */
bool watch_measures(const char *phase);

/* The name of the compiled function at pc, or NULL. It is called in a signal handler that has
 * interrupted this code or a function that it called: it may only read. */
typedef const char *watch_namer(void *arg, const void *pc);
/* Sets the namer to ask while compiled code runs; NULL: none. Returns the old one, which a second
 * call puts back. */
struct watched {
	watch_namer *name;
	void *arg;
};
struct watched watch_code(struct watched);

#endif
