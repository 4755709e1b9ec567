/*
 * wide.c - frames of hundreds of live slots: every one of 192 references stays live across calls,
 * so a map has as many places, in one frame.
 */
#include "rt.h"

struct box {
	REF struct box *next;
	uint64_t value;
};

#define EIGHT(X, p) X(p##0) X(p##1) X(p##2) X(p##3) X(p##4) X(p##5) X(p##6) X(p##7)
/* clang-format off */
#define ALL(X) \
	EIGHT(X, a) EIGHT(X, b) EIGHT(X, c) EIGHT(X, d) EIGHT(X, e) EIGHT(X, f) EIGHT(X, g) EIGHT(X, h) \
	EIGHT(X, i) EIGHT(X, j) EIGHT(X, k) EIGHT(X, l) EIGHT(X, m) EIGHT(X, n) EIGHT(X, o) EIGHT(X, p) \
	EIGHT(X, q) EIGHT(X, r) EIGHT(X, s) EIGHT(X, t) EIGHT(X, u) EIGHT(X, v) EIGHT(X, w) EIGHT(X, x)
/* clang-format on */

static NOINLINE REF struct box *box(rt *rt, uint64_t value)
{
	REF struct box *b = rt_alloc(rt, 1, 8);

	b->value = value;
	return b;
}

static NOINLINE uint64_t frame(rt *rt, uint64_t value, uint32_t depth)
{
	uint64_t sum = 0;

#define MAKE(name) REF struct box *name = box(rt, value++ * 0x9e3779b9u);
	ALL(MAKE)
	if (depth)
		sum = frame(rt, value, depth - 1);
	rt_emit(rt, sum);
#define ADD(name) sum = 31 * sum + name->value;
	ALL(ADD)
	return sum;
}

GC_EXPORT uint64_t gc_main(rt *rt, uint32_t rounds)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < rounds; i++)
		sum += frame(rt, i + sum, i % 3);
	return sum;
}
