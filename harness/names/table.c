/* table.c - pieces of code by address. */
#include <stdlib.h>
#include <string.h>

#include "names/internal.h"

/* The first name at or behind an address. */
static size_t find(const struct names_table *t, uint64_t at)
{
	size_t low = 0, high = t->n;

	if (t->n && t->names[t->n - 1].at < at)
		return t->n;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->names[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void table_drop_dead(struct names_table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!t->names[i].dead)
			t->names[kept++] = t->names[i];
	t->n = kept;
	t->dead = 0;
}

static bool make_room(struct names_table *t)
{
	size_t n = t->capacity ? t->capacity * 2 : 256;

	if (t->n < t->capacity)
		return true;
	if (t->dead > t->n / 2) {
		table_drop_dead(t);
		return true;
	}
	struct named *names = realloc(t->names, n * sizeof *names);
	if (!names)
		return false;
	t->names = names;
	t->capacity = n;
	return true;
}

void table_add(struct names_table *t, const uint8_t *at, size_t bytes, const char *name)
{
	if (!make_room(t))
		return;
	size_t i = find(t, (uintptr_t)at);

	if (i == t->n || t->names[i].at != (uintptr_t)at)
		memmove(&t->names[i + 1], &t->names[i], (t->n++ - i) * sizeof *t->names);
	else
		t->dead -= t->names[i].dead;
	t->names[i] = (struct named){ .at = (uintptr_t)at, .bytes = bytes };
	strcpy(t->names[i].name, name);
}

void table_remove(struct names_table *t, const uint8_t *at, size_t bytes)
{
	const uint64_t end = (uintptr_t)at + bytes;

	for (size_t i = find(t, (uintptr_t)at); i < t->n && t->names[i].at < end; i++) {
		t->dead += !t->names[i].dead;
		t->names[i].dead = true;
	}
}

const struct named *table_find(const struct names_table *t, const void *pc)
{
	const uint64_t at = (uintptr_t)pc;
	size_t i = find(t, at + 1);

	return i && !t->names[i - 1].dead && at - t->names[i - 1].at < t->names[i - 1].bytes
		   ? &t->names[i - 1]
		   : NULL;
}
