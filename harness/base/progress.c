/* progress.c - estimates the time left from the average of the steps so far. */
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/say.h"

enum { SPAN = 24, WHAT = 50, QUIET_S = 2, TERMINAL_MS = 200, TENTH_S = 5, LINE_S = 30 };

static const uint64_t second = 1000000000u, millisecond = 1000000u;

/* 4:05, 1:00:00 */
static const char *span(uint64_t ns, char text[SPAN])
{
	unsigned long long s = ns / second;

	if (s < 3600)
		snprintf(text, SPAN, "%llu:%02llu", s / 60, s % 60);
	else
		snprintf(text, SPAN, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
	return text;
}

void progress_begin(struct progress *p, const char *name, size_t total)
{
	*p = (struct progress){ .name = name,
				.begun_ns = clock_ns(),
				.total = total,
				.terminal = isatty(2),
				.out = stderr,
				.now = clock_ns };
}

static bool is_due(const struct progress *p, uint64_t now)
{
	uint64_t since = now - p->shown_ns;

	if (now - p->begun_ns < QUIET_S * second)
		return false;
	if (!p->shown)
		return true;
	if (p->terminal)
		return since >= TERMINAL_MS * millisecond;
	return since >= LINE_S * second ||
	       (p->done * 10 / p->total > p->shown_done * 10 / p->total &&
		since >= TENTH_S * second);
}

void progress_tick(struct progress *p, const char *what)
{
	uint64_t now = p->now();
	char left[SPAN] = "", plain[WHAT + 1];

	/* the end prints the last step's line */
	if (p->done >= p->total || !is_due(p, now))
		return;
	if (p->done)
		span((now - p->begun_ns) / p->done * (p->total - p->done), left);
	if (p->terminal)
		fputs("\r\033[K", p->out);
	else
		fprintf(p->out, "%s: ", p->name);
	fprintf(p->out, "%zu of %zu, %s%s%s%s", p->done, p->total, left, *left ? " left, " : "",
		say_plain(plain, sizeof plain, what), p->terminal ? "" : "\n");
	fflush(p->out);
	p->shown_ns = now;
	p->shown_done = p->done;
	p->shown = true;
}

void progress_step(struct progress *p, const char *what)
{
	p->done++;
	progress_tick(p, what);
}

void progress_waited(void *wait, const char *phase, unsigned seconds)
{
	const struct progress_wait *w = wait;
	char line[128];

	snprintf(line, sizeof line, "%.24s %.80s, %u s", *phase ? phase : "starting", w->what,
		 seconds);
	progress_tick(w->progress, line);
}

void progress_end(struct progress *p)
{
	char taken[SPAN];

	if (!p->shown)
		return;
	p->shown = false;
	if (p->terminal)
		fputs("\r\033[K", p->out);
	else
		fprintf(p->out, "%s: %zu of %zu done after %s\n", p->name, p->done, p->total,
			span(p->now() - p->begun_ns, taken));
}
