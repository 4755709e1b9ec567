/*
 * chunks.c - chunks in the order of their addresses, as the table hands them out.
 */
#include <errno.h>
#include <stdlib.h>

#include "chunks.h"

enum { PAGE = 4096 };

void chunks_close(struct chunks *s)
{
	free(s->all);
}

int chunks_provide(struct chunks *s, uint32_t n)
{
	const uint32_t have = s->n - s->taken;

	if (n <= have)
		return 0;
	const uint32_t more = n - have;
	if (s->capacity < s->n + more) {
		const uint32_t capacity =
		    s->n + more > 2 * s->capacity ? s->n + more : 2 * s->capacity;
		struct chunk *bigger = realloc(s->all, capacity * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		s->all = bigger;
		s->capacity = capacity;
	}
	uint8_t *at = code_table(s->code, more * s->bytes);
	if (!at)
		return -ENOMEM;
	for (uint32_t i = 0; i < more; i++)
		s->all[s->n++] = (struct chunk){ at + i * s->bytes, false };
	return 0;
}

uint8_t *chunks_take(struct chunks *s)
{
	while (s->all[s->low].taken)
		s->low++;
	s->all[s->low].taken = true;
	s->taken++;
	return s->all[s->low].at;
}

/* Whether chunks i and i + 1 are there, side by side. */
static bool joined(const struct chunks *s, uint32_t i)
{
	return i + 1 < s->n && s->all[i].at + s->bytes == s->all[i + 1].at;
}

/* Drops what it can of the pages that chunk i touches. */
static void drop(const struct chunks *s, uint32_t i)
{
	const uintptr_t at = (uintptr_t)s->all[i].at;
	const uintptr_t first = at & ~(uintptr_t)(PAGE - 1);
	const uintptr_t last = (at + s->bytes + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t from = at, to = at + s->bytes;

	for (uint32_t k = i; from > first && k && joined(s, k - 1) && !s->all[k - 1].taken; k--)
		from -= s->bytes;
	for (uint32_t k = i; to < last && joined(s, k) && !s->all[k + 1].taken; k++)
		to += s->bytes;
	from = from < first ? first : from;
	to = to > last ? last : to;
	code_table_drop(s->code, (void *)from, to - from);
}

static int compare(const void *at, const void *chunk)
{
	const uint8_t *a = at, *b = ((const struct chunk *)chunk)->at;

	return (a > b) - (a < b);
}

void chunks_give(struct chunks *s, const uint8_t *at)
{
	struct chunk *chunk = bsearch(at, s->all, s->n, sizeof(*chunk), compare);
	const uint32_t i = (uint32_t)(chunk - s->all);

	chunk->taken = false;
	s->taken--;
	s->low = i < s->low ? i : s->low;
	drop(s, i);
}
