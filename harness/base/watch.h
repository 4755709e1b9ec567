/*
 * watch.h - what this process is at, for the one that waits for it. A line on stderr where a phase
 * begins; and when the process is told to end (SIGTERM, at its time limit), one line more that says
 * which phase it was in and which compiled function ran. Nothing is written before watch_begin:
 * only an invocation's child calls that.
 */
#ifndef STUBMAP_BASE_WATCH_H
#define STUBMAP_BASE_WATCH_H

/* From now on phases are told, and SIGTERM is answered; once a process. */
void watch_begin(void);
/* A few words, of static storage: "running". Nothing where it is that phase already, or in another
 * thread than that which began; else a system call, so outside of what is timed. */
void watch_phase(const char *phase);

/* What the compiled function at pc is called, or NULL. Called in a signal handler while that code,
 * or what it called, is interrupted: it may only read. */
typedef const char *watch_namer(void *arg, const void *pc);
/* Who is asked while compiled code runs; NULL: nobody. What was there before is put back by a
 * second call. */
struct watched {
	watch_namer *name;
	void *arg;
};
struct watched watch_code(struct watched);

#endif
