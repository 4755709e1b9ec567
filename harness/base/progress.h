/*
 * progress.h - tells on stderr how far a command is and how long it will still take, if it takes
 * more than two seconds. On a terminal it is one line that changes; elsewhere a line at the start,
 * one for each tenth of the way or every 30 seconds, and one at the end: a log stays short, but
 * never silent for long.
 */
#ifndef STUBMAP_BASE_PROGRESS_H
#define STUBMAP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	const char *name; /* what each line begins with: "stubmap sweep" */
	uint64_t begun_ns, shown_ns;
	size_t total, done, shown_done;
	bool terminal, shown;
	/* progress_begin sets them: stderr, clock_ns. A test puts its own there. */
	FILE *out;
	uint64_t (*now)(void);
};

void progress_begin(struct progress *, const char *name, size_t total);
/* One more step is done; `what` names it. */
void progress_step(struct progress *, const char *what);
/* No further step is done, but time went by: for callers that wait for one long step. */
void progress_tick(struct progress *, const char *what);
/* What a caller waits for in one long step; progress_waited shows it behind the
 * phase and before the seconds. */
struct progress_wait {
	struct progress *progress;
	const char *what;
};
void progress_waited(void *wait, const char *phase, unsigned seconds);
/* Clears the line; or prints a line for the end, if there was one for the start. */
void progress_end(struct progress *);

#endif
