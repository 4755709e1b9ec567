/* fault.c - counts the faults that there is room for, and puts one in. */
#include "corpora/fault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const gc_fault_names[GC_FAULT_KINDS] = {
	[GC_FAULT_NONE] = "none", [GC_FAULT_EMPTY] = "empty", [GC_FAULT_MAP] = "map",
	[GC_FAULT_SLOT] = "slot", [GC_FAULT_PC] = "pc",
};

/* How many faults of a kind one safepoint can have. */
static uint32_t room(const struct safepoint *p, enum gc_fault_kind kind)
{
	switch (kind) {
	case GC_FAULT_EMPTY:
		return p->nlive == 0;
	case GC_FAULT_MAP:
		return p->nlive != 0;
	case GC_FAULT_SLOT:
		return p->nlive;
	case GC_FAULT_PC:
		return 1;
	default:
		return 0;
	}
}

uint64_t gc_fault_room(const struct corpus *c, enum gc_fault_kind kind)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->nsafepoints; i++)
		n += room(&c->safepoints[i], kind);
	return n;
}

/* Copies p's places without the k-th. */
static void without(struct safepoint *p, uint32_t k, uint32_t *places)
{
	memcpy(places, p->live, k * sizeof(*places));
	memcpy(places + k, p->live + k + 1, (p->nlive - k - 1) * sizeof(*places));
	p->live = places;
	p->nlive--;
}

int gc_fault_apply(const struct corpus *c, const struct gc_fault *fault, struct safepoint **points,
		   size_t *n)
{
	uint32_t at = 0, most = 0;
	uint64_t k = fault->n;

	for (uint32_t i = 0; i < c->nsafepoints; i++)
		most = c->safepoints[i].nlive > most ? c->safepoints[i].nlive : most;
	/* Behind the safepoints there is room for the one list of places that changes. */
	*n = c->nsafepoints;
	*points = malloc(*n * sizeof(**points) + most * sizeof(uint32_t) + 1);
	if (!*points)
		return -ENOMEM;
	memcpy(*points, c->safepoints, *n * sizeof(**points));
	if (fault->kind == GC_FAULT_NONE)
		return 0;
	for (; at < *n && k >= room(&(*points)[at], fault->kind); at++)
		k -= room(&(*points)[at], fault->kind);
	if (at == *n) {
		free(*points);
		*points = NULL;
		return -ERANGE;
	}
	struct safepoint *p = &(*points)[at];
	if (fault->kind == GC_FAULT_PC)
		p->pc++; /* the next call is at least two bytes long */
	else if (fault->kind == GC_FAULT_SLOT)
		without(p, (uint32_t)k, (uint32_t *)(void *)(*points + *n));
	else
		memmove(p, p + 1, (--*n - at) * sizeof(*p));
	return 0;
}
