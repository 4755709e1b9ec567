/* progress.h - how far, and how long still: one line on stderr, on a terminal only, and only for
 * what takes more than two seconds. */
#ifndef STUBMAP_PROGRESS_H
#define STUBMAP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	uint64_t begun_ns, shown_ns;
	size_t total, done;
	bool terminal, shown;
};

void progress_begin(struct progress *, size_t total);
/* One more is done; what names the next. */
void progress_step(struct progress *, const char *what);
/* Clears the line. */
void progress_end(struct progress *);

#endif
