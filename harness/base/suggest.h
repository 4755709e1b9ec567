/* suggest.h - the known name nearest to a mistyped one. */
#ifndef STUBMAP_BASE_SUGGEST_H
#define STUBMAP_BASE_SUGGEST_H

#include <stddef.h>

/* The name with the fewest edits from word (a swap of neighbours is one edit), or NULL if no name
 * is within a third of the word's length, but at least one and at most three edits. */
const char *suggest_nearest(const char *word, const char *const *names, size_t n);

/* Writes one line into error[size]: "no WHAT 'word'; did you mean 'x'? allowed: a, b, c". */
void suggest_refuse(char *error, size_t size, const char *what, const char *word,
		    const char *const *names, size_t n);

#endif
