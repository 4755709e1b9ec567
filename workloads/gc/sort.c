/*
 * sort.c - a linked list of pseudo-random numbers, merge-sorted by making new cells. The merge
 * keeps four references and a pointer into a cell across each allocation.
 */
#include "rt.h"

struct cell {
	REF struct cell *next;
	uint64_t value;
};

static NOINLINE REF struct cell *cons(rt *c, uint64_t value, REF struct cell *next)
{
	REF struct cell *n = rt_alloc(c, 1, 8);

	n->next = next;
	n->value = value;
	return n;
}

static NOINLINE REF struct cell *merge(rt *c, REF struct cell *a, REF struct cell *b)
{
	REF struct cell *head = cons(c, 0, NULL), *last = head;

	while (a || b) {
		REF struct cell *from = !b || (a && a->value <= b->value) ? a : b;
		REF uint64_t *value = &from->value; /* points into a cell while cons may move it */
		REF struct cell *n = cons(c, 0, NULL);

		n->value = *value;
		if (from == a)
			a = a->next;
		else
			b = b->next;
		last->next = n;
		last = n;
	}
	return head->next;
}

static NOINLINE REF struct cell *sort(rt *c, REF struct cell *list, uint32_t n)
{
	REF struct cell *half = list;

	if (n < 2)
		return n ? cons(c, list->value, NULL) : NULL;
	for (uint32_t i = 0; i < n / 2; i++)
		half = half->next;
	REF struct cell *low = sort(c, list, n / 2);
	return merge(c, low, sort(c, half, n - n / 2));
}

GC_EXPORT uint64_t gc_main(rt *c, uint32_t n)
{
	REF struct cell *list = NULL;
	uint64_t x = 12345, before = 0, wrong = 0;

	for (uint32_t i = 0; i < n; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		list = cons(c, x >> 33, list);
	}
	for (list = sort(c, list, n); list; list = list->next) {
		wrong += list->value < before;
		before = list->value;
		rt_emit(c, before);
	}
	return wrong;
}
