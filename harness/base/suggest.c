/* suggest.c - edit distance with swaps (optimal string alignment), three rows of a small matrix. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

enum { LONGEST = 64 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][LONGEST + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > LONGEST || nb > LONGEST)
		return UINT_MAX;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *upper = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] =
			    least(least(up[j], row[j - 1]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], upper[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

const char *suggest_nearest(const char *word, const char *const *names, size_t n)
{
	unsigned most = (unsigned)strlen(word) / 3, best;
	const char *nearest = NULL;

	most = most < 1 ? 1 : most > 3 ? 3 : most;
	best = most + 1;
	for (size_t i = 0; i < n; i++) {
		unsigned d = distance(word, names[i]);
		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

void suggest_refuse(char *error, size_t size, const char *what, const char *word,
		    const char *const *names, size_t n)
{
	const char *near = suggest_nearest(word, names, n);
	size_t at;

	at = (size_t)snprintf(error, size, "no %s '%s'; ", what, word);
	if (near && at < size)
		at += (size_t)snprintf(error + at, size - at, "did you mean '%s'? ", near);
	if (at < size)
		at += (size_t)snprintf(error + at, size - at, "allowed:");
	for (size_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(error + at, size - at, "%s %s", i ? "," : "", names[i]);
	if (at >= size && size > 4) /* cut: say so */
		memcpy(error + size - 4, "...", 4);
}
