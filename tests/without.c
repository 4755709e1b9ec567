/*
 * without.c - a command on a kernel that refuses system calls:
 *
 *   without CALL=ERROR... -- COMMAND [ARG...]
 *
 * For scripts/elsewhere: tests the paths without a PMU on machines that have one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "forbid.h"

struct name {
	const char *name;
	unsigned value;
};

static const struct name calls[] = {
	{ "perf_event_open", SYS_perf_event_open },
	{ "membarrier", SYS_membarrier },
	{ NULL, 0 },
};

static const struct name errors[] = {
	{ "ENOENT", ENOENT }, /* a guest without PMU */
	{ "ENOSYS", ENOSYS }, /* a kernel without the call */
	{ "EACCES", EACCES }, /* kernel.perf_event_paranoid */
	{ "EPERM", EPERM },   /* a container's filter */
	{ NULL, 0 },
};

static bool find(const struct name *in, const char *name, size_t length, unsigned *value)
{
	for (; in->name; in++)
		if (strlen(in->name) == length && !memcmp(in->name, name, length)) {
			*value = in->value;
			return true;
		}
	return false;
}

static bool refuse(const char *word)
{
	size_t length = strcspn(word, "=");
	unsigned nr, error;

	if (!word[length] || !find(calls, word, length, &nr) ||
	    !find(errors, word + length + 1, strlen(word + length + 1), &error))
		return false;
	forbid(nr, error);
	return true;
}

int main(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--"); i++)
		if (!refuse(argv[i])) {
			fprintf(stderr,
				"without: '%s': allowed is perf_event_open or membarrier, then "
				"=ENOENT, =ENOSYS, =EACCES or =EPERM\n",
				argv[i]);
			return 2;
		}
	if (i + 1 >= argc) {
		fputs("usage: without CALL=ERROR... -- COMMAND [ARG...]\n", stderr);
		return 2;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 127;
}
