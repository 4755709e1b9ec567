/* quiet.h - drops a command's lines of progress: they depend on the time that the command takes. */
#ifndef STUBMAP_TEST_QUIET_H
#define STUBMAP_TEST_QUIET_H

#include <stdio.h>
#include <string.h>

static inline int tells_progress(const char *line)
{
	int comma = 0, done = 0;

	sscanf(line, "stubmap %*[a-z]: %*u of %*u, %n", &comma);
	sscanf(line, "stubmap %*[a-z]: %*u of %*u done after %n", &done);
	return comma || done;
}

/* Takes those lines out of what a command wrote to stderr. */
static inline void drop_progress(char *text)
{
	while (*text) {
		char *end = strchr(text, '\n');
		end = end ? end + 1 : text + strlen(text);
		if (tells_progress(text))
			memmove(text, end, strlen(end) + 1);
		else
			text = end;
	}
}

#endif
