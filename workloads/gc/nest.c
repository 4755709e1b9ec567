/*
 * nest.c - compiled code that calls itself in turns directly, through an indirect call to another
 * instance, and through the host: a stack of compiled frames, stubs and host frames, with live
 * references at every depth and collections on the way down and up.
 */
#include "rt.h"

struct cell {
	REF struct cell *next;
	uint64_t value;
};

GC_EXPORT REF void *gc_step(rt *c, REF void *p, uint32_t depth);

static NOINLINE REF struct cell *cons(rt *c, uint64_t value, REF struct cell *next)
{
	REF struct cell *n = rt_alloc(c, 1, 8);

	n->next = next;
	n->value = value;
	return n;
}

static uint64_t sum(REF struct cell *list, uint32_t most)
{
	uint64_t s = 0;

	for (; list && most--; list = list->next)
		s = 7 * s + list->value;
	return s;
}

/* Returns a list as long as the recursion is deep. */
GC_EXPORT REF void *gc_step(rt *c, REF void *p, uint32_t depth)
{
	REF struct cell *in = p, *mine = cons(c, depth, in), *other = cons(c, 3 * depth, NULL),
			*out;

	if (!depth)
		return mine;
	if (depth % 4 == 1)
		out = gc_step(c, mine, depth - 1);
	else if (depth % 4 == 3)
		out = rt_cross(c, mine, depth - 1);
	else
		out = rt_hop(c, mine, depth - 1);
	rt_collect(c);
	rt_emit(c, sum(in, 8) + sum(mine, 8) + other->value);
	return cons(c, sum(out, 8), out);
}

GC_EXPORT uint64_t gc_main(rt *c, uint32_t depth)
{
	return sum(gc_step(c, NULL, depth), 4 * depth);
}
