/* progress.c - the time left is what the average of the steps so far makes likely. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "progress.h"

static const uint64_t second = 1000000000u;

void progress_begin(struct progress *p, size_t total)
{
	*p = (struct progress){ .begun_ns = clock_ns(), .total = total, .terminal = isatty(2) };
}

void progress_step(struct progress *p, const char *what)
{
	uint64_t now = clock_ns(), left;

	p->done++;
	if (!p->terminal || now - p->begun_ns < 2 * second || now - p->shown_ns < second / 5)
		return;
	left = (now - p->begun_ns) / p->done * (p->total - p->done) / second;
	fprintf(stderr, "\r\033[K%zu of %zu, %llu:%02llu left, %.50s", p->done, p->total,
		(unsigned long long)left / 60, (unsigned long long)left % 60, what);
	p->shown_ns = now;
	p->shown = true;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
