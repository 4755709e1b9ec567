/* cache_helpers.h - a folder for the objects of one test program, made and removed by its group. */
#ifndef CACHE_HELPERS_H
#define CACHE_HELPERS_H

#include <stdio.h>
#include <stdlib.h>

static char cache[] = "/tmp/stubmap-objects-XXXXXX";

static inline int make_cache(void **unused)
{
	(void)unused;
	return mkdtemp(cache) ? 0 : -1;
}

static inline int remove_cache(void **unused)
{
	char command[64];

	(void)unused;
	snprintf(command, sizeof command, "rm -rf %s", cache);
	return system(command);
}

#endif
