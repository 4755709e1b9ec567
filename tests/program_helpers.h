/* program_helpers.h - the program that tests run as a user would:
 * the one that was built with them. */
#ifndef STUBMAP_TEST_PROGRAM_HELPERS_H
#define STUBMAP_TEST_PROGRAM_HELPERS_H

#include <string.h>
#include <unistd.h>

#include "base/home.h"

/* The stubmap that lies so many folders above this executable: 2 of BUILD/san/tests/X is
 * BUILD/san/stubmap. 0, or -1: it is not there. */
static inline int program_above(unsigned folders, char *out, size_t size)
{
	static const char name[] = "/stubmap";

	if (home_executable(out, size - sizeof name))
		return -1;
	while (folders--)
		*strrchr(out, '/') = 0;
	strcat(out, name);
	return access(out, X_OK);
}

#endif
