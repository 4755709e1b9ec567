/*
 * gaps.c - what a table of maps without the empty ones gets wrong: a call site that holds no
 * reference right behind one that does. Whoever answers the second with the map of the first hands
 * the collector a slot that is dead: left over from a call before, or never written at all.
 */
#include "rt.h"

struct box {
	REF struct box *next;
	uint64_t value;
};

/* Leaves words that are no references where the next calls will have their frames. */
static NOINLINE uint64_t smear(uint64_t x)
{
	volatile uint64_t words[96];

	for (uint32_t i = 0; i < 96; i++)
		words[i] = 0x5a5a5a5a5a5a5a5au ^ x << 56;
	return words[x % 96];
}

/* With take: a reference is live across the middle call. The last call never has one. */
static NOINLINE uint64_t gap(rt *c, uint32_t take, uint64_t x)
{
	rt_emit(c, x);
	if (__builtin_expect(take, 1)) {
		REF struct box *b = rt_alloc(c, 1, 8);

		b->value = x;
		rt_collect(c);
		x += 3 * b->value;
	}
	rt_collect(c);
	return x + 1;
}

GC_EXPORT uint64_t gc_main(rt *c, uint32_t rounds)
{
	uint64_t x = 1;

	for (uint32_t i = 0; i < rounds; i++) {
		x += smear(x & 1);
		x = gap(c, i % 2, x);
	}
	return x;
}
