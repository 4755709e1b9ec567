/*
 * arms.h - the arms that a test goes through: all of list.h, or the one that STUBMAP_TEST_ARM names
 * (`make check ARM=pool`), if it is of that list. '+', '-' and '_' are one letter there.
 */
#ifndef STUBMAP_TEST_ARMS_H
#define STUBMAP_TEST_ARMS_H

#include <stdbool.h>
#include <stdlib.h>

#include <stubmap/map.h>
#include <stubmap/stub.h>

static inline bool arm_is(const char *name, const char *asked)
{
	while (*name && (*name == *asked || (*asked == '_' && (*name == '+' || *name == '-')) ||
			 (*asked == '+' && *name == '-') || (*asked == '-' && *name == '+')))
		name++, asked++;
	return !*name && !*asked;
}

/* The first row from i on that is to be tested; the list's length if there is none. */
#define ARM_NEXT(of, list)                                              \
	static inline unsigned of(unsigned i)                           \
	{                                                               \
		const char *asked = getenv("STUBMAP_TEST_ARM");         \
		bool any = false;                                       \
                                                                        \
		for (unsigned k = 0; asked && list[k]; k++)             \
			any |= arm_is(list[k]->name, asked);            \
		while (any && list[i] && !arm_is(list[i]->name, asked)) \
			i++;                                            \
		return i;                                               \
	}
ARM_NEXT(next_stub, stub_strategies)
ARM_NEXT(next_map, map_encoders)

#endif
