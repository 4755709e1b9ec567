/*
 * cache_helpers.h - a folder for the objects that the JIT makes: the folder of all test
 * programs, where make gives one (STUBMAP_TEST_OBJECTS), or a folder of this program alone, made
 * and removed by its group.
 */
#ifndef CACHE_HELPERS_H
#define CACHE_HELPERS_H

#include <stdio.h>
#include <stdlib.h>

static char cache[4096] = "/tmp/stubmap-objects-XXXXXX";

static inline int make_cache(void **unused)
{
	const char *given = getenv("STUBMAP_TEST_OBJECTS");

	(void)unused;
	if (given)
		return snprintf(cache, sizeof cache, "%s", given) >= (int)sizeof cache;
	return mkdtemp(cache) ? 0 : -1;
}

static inline int remove_cache(void **unused)
{
	char command[sizeof cache + 16];

	(void)unused;
	if (getenv("STUBMAP_TEST_OBJECTS"))
		return 0;
	snprintf(command, sizeof command, "rm -rf %s", cache);
	return system(command);
}

#endif
