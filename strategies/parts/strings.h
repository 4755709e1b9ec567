/*
 * strings.h - equal byte strings stored once: the dictionaries of formats whose
 * records have any length.
 */
#ifndef STUBMAP_STRINGS_H
#define STUBMAP_STRINGS_H

#include "../map.h"

/* Initially {0}. */
struct map_strings {
	struct map_bytes bytes; /* the distinct strings in the order in which they came */
	struct map_string {
		uint32_t hash, len;
		size_t at; /* 1 + where it begins in bytes; 0: free */
	} *slots;
	size_t capacity, used; /* capacity: a power of two */
};

/* *at becomes where the string begins in bytes.
 * Each new one begins at a multiple of `align`. 0, -ENOMEM. */
int map_strings_put(struct map_strings *, const uint8_t *string, uint32_t len, size_t align,
		    size_t *at);
void map_strings_clear(struct map_strings *); /* empty again, with its memory */
void map_strings_free(struct map_strings *);

#endif
