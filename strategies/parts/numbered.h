/*
 * numbered.h - distinct byte strings with numbers, 0, 1, 2, ... in the order in which they came.
 */
#ifndef STUBMAP_NUMBERED_H
#define STUBMAP_NUMBERED_H

#include "strings.h"

/* Initially {0}. */
struct map_numbered {
	struct map_strings strings;
	size_t *at; /* string i is strings.bytes from at[i] to at[i + 1], or the end */
	size_t n, cap;
};

/* *number of a string of 1 byte or more; it is a new one if n grew. 0, -ENOMEM. */
int map_number(struct map_numbered *, const uint8_t *string, uint32_t len, size_t *number);
static inline size_t map_numbered_end(const struct map_numbered *s, size_t i)
{
	return i + 1 < s->n ? s->at[i + 1] : s->strings.bytes.len;
}
void map_numbered_clear(struct map_numbered *); /* empty again, with its memory */
void map_numbered_free(struct map_numbered *);

#endif
