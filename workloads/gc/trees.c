/*
 * trees.c - binary trees: one long-lived tree, and many short-lived ones. Objects are small, and
 * the stack has as many frames as a tree is deep.
 */
#include "rt.h"

struct node {
	REF struct node *left, *right;
	uint64_t value;
};

static NOINLINE REF struct node *make(rt *c, uint32_t depth, uint64_t value)
{
	REF struct node *n = rt_alloc(c, 2, 8);

	n->value = value;
	if (depth) {
		n->left = make(c, depth - 1, 2 * value);
		n->right = make(c, depth - 1, 2 * value + 1);
	}
	return n;
}

static NOINLINE uint64_t sum(REF struct node *n)
{
	return n ? n->value + 3 * sum(n->left) + 5 * sum(n->right) : 1;
}

GC_EXPORT uint64_t gc_main(rt *c, uint32_t depth)
{
	REF struct node *old = make(c, depth, 1);

	for (uint32_t d = 1; d <= depth; d += 2)
		for (uint32_t i = 0; i < 1u << (depth - d) / 2; i++)
			rt_emit(c, sum(make(c, d, i)));
	return sum(old);
}
