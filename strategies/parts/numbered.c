/* numbered.c - a set of strings, and where each begins; these ascend, as all are appended. */
#include "numbered.h"

#include <errno.h>
#include <stdlib.h>

int map_number(struct map_numbered *s, const uint8_t *string, uint32_t len, size_t *number)
{
	size_t before = s->strings.bytes.len, at, low = 0, high = s->n;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		size_t *p = realloc(s->at, cap * sizeof *p);
		if (!p)
			return -ENOMEM;
		s->at = p;
		s->cap = cap;
	}
	int error = map_strings_put(&s->strings, string, len, 1, &at);
	if (error)
		return error;
	if (at == before) {
		*number = s->n;
		s->at[s->n++] = at;
		return 0;
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (s->at[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	*number = low;
	return 0;
}

void map_numbered_clear(struct map_numbered *s)
{
	map_strings_clear(&s->strings);
	s->n = 0;
}

void map_numbered_free(struct map_numbered *s)
{
	map_strings_free(&s->strings);
	free(s->at);
	*s = (struct map_numbered){ 0 };
}
