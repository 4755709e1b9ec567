/*
 * progress.h - how far, and how long still, on stderr, for what takes more than two seconds. On a
 * terminal one line that changes; elsewhere a line at the start, one a tenth of the way or every 30
 * seconds, and one at the end, so that a log is short and yet never silent for long.
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
/* One more is done; what names it. */
void progress_step(struct progress *, const char *what);
/* No more is done than before, but time went by: for who waits for one long step. */
void progress_tick(struct progress *, const char *what);
/* Clears the line; or says that this was the end, if there was a start. */
void progress_end(struct progress *);

#endif
