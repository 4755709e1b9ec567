/*
 * gaps.c - the case that a table without the empty maps gets wrong: a call site without a live
 * reference right behind a call site with one. An encoder that answers the second with the map of
 * the first gives the collector a dead slot: left over from an earlier call, or never written.
 */
#include "rt.h"

struct box {
	REF struct box *next;
	uint64_t value;
};

/* Leaves words that are not references where the next calls will have their frames. */
static NOINLINE uint64_t smear(uint64_t x)
{
	volatile uint64_t words[96];

	for (uint32_t i = 0; i < 96; i++)
		words[i] = 0x5a5a5a5a5a5a5a5au ^ x << 56;
	return words[x % 96];
}

/* With take, a reference is live across the middle call; across the last call none is. */
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
