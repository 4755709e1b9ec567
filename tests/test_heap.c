/*
 * test_heap.c - the moving heap by itself: what is reached moves with its contents, pointers into
 * objects keep their place in them, old space faults; and the guard that turns faults into results.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "corpora/fault.h"
#include "gc/guard.h"
#include "gc/heap.h"

struct node {
	struct node *left, *right;
	uint64_t value;
};

static struct node *node(struct heap *h, struct node *left, struct node *right, uint64_t value)
{
	struct node *n = heap_alloc(h, 2, sizeof(uint64_t));

	assert_non_null(n);
	assert_true(!n->left && !n->right && !n->value);
	*n = (struct node){ left, right, value };
	return n;
}

static void collect(struct heap *h, void **roots, size_t n, size_t budget)
{
	assert_int_equal(heap_flip(h, budget), 0);
	for (size_t i = 0; i < n; i++)
		heap_forward(h, &roots[i]);
	assert_int_equal(heap_scan(h), 0);
	assert_int_equal(heap_retire(h), 0);
	heap_budget(h, budget);
}

static void test_moves(void **unused)
{
	struct heap h;
	void *roots[3];

	(void)unused;
	assert_int_equal(heap_open(&h, 4096), 0);
	struct node *leaf = node(&h, NULL, NULL, 7), *garbage = node(&h, leaf, NULL, 8);
	struct node *top = node(&h, leaf, leaf, 9);
	top->right = top; /* a cycle */
	roots[0] = top;
	roots[1] = leaf;
	roots[2] = NULL;
	assert_int_equal(heap_used(&h), 3 * heap_need(2, 8));
	collect(&h, roots, 3, 4096);

	struct node *moved = roots[0];
	assert_true(moved != top && heap_is_retired(&h, garbage) && !heap_is_retired(&h, moved));
	assert_int_equal(moved->value, 9);
	assert_ptr_equal(moved->left, roots[1]);
	assert_ptr_equal(moved->right, moved);
	assert_int_equal(moved->left->value, 7);
	assert_int_equal(heap_used(&h), 2 * heap_need(2, 8));
	assert_int_equal(h.moved_objects, 2);
	heap_close(&h);
}

/* Every address in an object, and its end, keeps its distance from the start. */
static void test_inside(void **unused)
{
	static const uint32_t sizes[] = { 0, 8, 16, 24, 504, 512, 4000, 40 };
	enum { N = sizeof sizes / sizeof *sizes };
	struct heap h;

	(void)unused;
	for (unsigned i = 0; i < N; i++) {
		for (uint32_t at = sizes[i] ? 0 : 8; at <= sizes[i]; at++) {
			void *roots[2] = { 0 };
			assert_int_equal(heap_open(&h, 1 << 16), 0);
			for (unsigned k = 0; k < N; k++) {
				uint8_t *p = heap_alloc(&h, 0, sizes[k]);
				memset(p, (int)k + 1, sizes[k]);
				if (k == i)
					roots[0] = p;
			}
			roots[1] = (uint8_t *)roots[0] + at;
			collect(&h, roots, 2, 0);
			assert_int_equal((uint8_t *)roots[1] - (uint8_t *)roots[0], at);
			assert_int_equal(h.moved_objects, 1);
			for (uint32_t b = 0; b < sizes[i]; b++)
				assert_int_equal(((uint8_t *)roots[0])[b], i + 1);
			heap_close(&h);
		}
	}
}

static void test_outside(void **unused)
{
	struct heap h;
	uint64_t local;

	(void)unused;
	assert_int_equal(heap_open(&h, 4096), 0);
	struct node *a = node(&h, NULL, NULL, 1);
	void *refs[] = { &local, (char *)a - 8, (char *)(a + 1) + 8, (void *)16 };
	assert_int_equal(heap_flip(&h, 4096), 0);
	for (int i = 0; i < 4; i++) {
		void *before = refs[i];
		assert_int_equal(heap_forward(&h, &refs[i]), HEAP_OUTSIDE);
		assert_ptr_equal(refs[i], before);
	}
	/* A stale reference in an object is found by the scan. */
	a->left = (struct node *)&local;
	void *root = a;
	assert_int_equal(heap_forward(&h, &root), HEAP_MOVED);
	assert_int_equal(heap_scan(&h), 1);
	heap_close(&h);
}

static void test_budget(void **unused)
{
	struct heap h;
	void *none[1] = { NULL };

	(void)unused;
	assert_int_equal(heap_open(&h, 4 * heap_need(2, 8)), 0);
	for (int i = 0; i < 4; i++)
		node(&h, NULL, NULL, 1);
	assert_null(heap_alloc(&h, 2, 8));
	assert_null(heap_alloc(&h, UINT32_MAX, UINT32_MAX));
	collect(&h, none, 1, heap_need(1000, 100));
	assert_int_equal(heap_used(&h), 0);
	assert_non_null(heap_alloc(&h, 1000, 100));
	assert_null(heap_alloc(&h, 0, 0));
	heap_close(&h);
	assert_int_equal(heap_open(&h, (size_t)1 << 40), -ENOMEM);
}

/* So many collections that the addresses are used up and come again. */
static void test_addresses_come_again(void **unused)
{
	struct heap h;
	const size_t budget = (size_t)6 << 30;

	(void)unused;
	assert_int_equal(heap_open(&h, budget), 0);
	void *root = node(&h, NULL, NULL, 5), *first = root;
	bool again = false;
	for (int i = 0; i < 40; i++) {
		collect(&h, &root, 1, budget);
		assert_int_equal(((struct node *)root)->value, 5);
		again |= root == first;
	}
	assert_true(again);
	heap_close(&h);
}

/* ---- The guard ------------------------------------------------------------------------------- */

struct guarded {
	struct guard outer, inner;
	const volatile uint64_t *address;
	volatile int steps;
};

static void touch(void *arg)
{
	struct guarded *g = arg;

	g->steps++;
	(void)*g->address;
	g->steps++;
}

static void touch_within(void *arg)
{
	struct guarded *g = arg;

	assert_int_equal(guard_run(&g->inner, touch, g), GUARD_FAULTED);
	g->steps += 10;
	guard_abandon(&g->outer);
}

static void test_guard(void **unused)
{
	struct guarded g = { 0 };
	struct heap h;
	void *root;
	uint64_t good = 1;

	(void)unused;
	assert_int_equal(heap_open(&h, 4096), 0);
	struct node *old = root = node(&h, NULL, NULL, 1);
	collect(&h, &root, 1, 4096);

	g.address = &good;
	assert_int_equal(guard_run(&g.outer, touch, &g), GUARD_RETURNED);
	assert_int_equal(g.steps, 2);
	g.address = &old->value;
	assert_int_equal(guard_run(&g.outer, touch, &g), GUARD_FAULTED);
	assert_int_equal(g.steps, 3);
	assert_int_equal(g.outer.signal, SIGSEGV);
	assert_ptr_equal((void *)g.outer.address, &old->value);
	assert_true(heap_is_retired(&h, (void *)g.outer.address) && g.outer.pc);
	assert_int_equal(guard_run(&g.outer, touch_within, &g), GUARD_ABANDONED);
	assert_int_equal(g.steps, 14);
	heap_close(&h);
}

/* ---- Faults of a producer -------------------------------------------------------------------- */

static void test_faults(void **unused)
{
	uint32_t places[] = { 2, 4, 8 };
	struct safepoint points[] = { { 10, 64, 0, places },
				      { 20, 64, 3, places },
				      { 30, 64, 1, places + 1 },
				      { 40, 64, 0, places } };
	const struct corpus c = { .safepoints = points, .nsafepoints = 4 };
	static const uint64_t room[GC_FAULT_KINDS] = { 0, 2, 2, 4, 4 };
	struct safepoint *out;
	size_t n;

	(void)unused;
	for (unsigned kind = 0; kind < GC_FAULT_KINDS; kind++) {
		struct gc_fault f = { (enum gc_fault_kind)kind, room[kind] };

		assert_int_equal(gc_fault_room(&c, f.kind), room[kind]);
		assert_int_equal(gc_fault_apply(&c, &f, &out, &n), kind ? -ERANGE : 0);
		if (!kind) {
			assert_int_equal(n, 4);
			assert_memory_equal(out, points, sizeof points);
		}
		free(out);
	}
	assert_int_equal(gc_fault_apply(&c, &(struct gc_fault){ GC_FAULT_EMPTY, 1 }, &out, &n), 0);
	assert_true(n == 3 && out[2].pc == 30);
	free(out);
	assert_int_equal(gc_fault_apply(&c, &(struct gc_fault){ GC_FAULT_MAP, 0 }, &out, &n), 0);
	assert_true(n == 3 && out[0].pc == 10 && out[1].pc == 30);
	free(out);
	assert_int_equal(gc_fault_apply(&c, &(struct gc_fault){ GC_FAULT_SLOT, 1 }, &out, &n), 0);
	assert_true(n == 4 && out[1].nlive == 2 && out[1].live[0] == 2 && out[1].live[1] == 8);
	free(out);
	assert_int_equal(gc_fault_apply(&c, &(struct gc_fault){ GC_FAULT_SLOT, 3 }, &out, &n), 0);
	assert_true(out[1].nlive == 3 && out[2].nlive == 0);
	free(out);
	assert_int_equal(gc_fault_apply(&c, &(struct gc_fault){ GC_FAULT_PC, 2 }, &out, &n), 0);
	assert_true(n == 4 && out[1].pc == 20 && out[2].pc == 31 && points[2].pc == 30);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_addresses_come_again),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
