/*
 * test_chunks.c - two sets of chunks in one table, taken and given back in random order: what a
 * taken chunk holds stays, a page that lies in free chunks of one set is dropped, and the lowest
 * free chunk is taken.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "strategies/parts/chunks.h"

enum { PAGE = 4096, SETS = 2, MOST = 40, STEPS = 2000 };

struct set {
	struct chunks chunks;
	uint8_t *at[MOST]; /* all that were ever handed out, by address */
	bool taken[MOST];
	unsigned n, live;
};

static void fill(struct set *s, uint8_t *at)
{
	memset(at, 1 + (int)((uintptr_t)at / 16 % 250), s->chunks.bytes);
}

static bool all_are(const uint8_t *at, size_t bytes, uint8_t value)
{
	return at[0] == value && !memcmp(at, at + 1, bytes - 1);
}

static void take(struct set *s)
{
	unsigned i = 0;

	assert_int_equal(chunks_provide(&s->chunks, 1), 0);
	uint8_t *at = chunks_take(&s->chunks);
	while (i < s->n && s->taken[i])
		i++;
	if (i < s->n) {
		assert_ptr_equal(at, s->at[i]);
	} else {
		assert_true(i < MOST && (!i || at > s->at[i - 1]));
		s->at[s->n++] = at;
	}
	s->taken[i] = true;
	s->live++;
	fill(s, at);
}

static void give(struct set *s, unsigned i)
{
	while (!s->taken[i % s->n])
		i++;
	i %= s->n;
	chunks_give(&s->chunks, s->at[i]);
	s->taken[i] = false;
	s->live--;
}

/* Whether a page lies in free chunks. */
static bool free_page(const struct set *s, uintptr_t page)
{
	uintptr_t at = page;

	for (unsigned i = 0; i < s->n && at < page + PAGE; i++)
		if (!s->taken[i] && at >= (uintptr_t)s->at[i] &&
		    at < (uintptr_t)s->at[i] + s->chunks.bytes)
			at = (uintptr_t)s->at[i] + s->chunks.bytes;
	return at >= page + PAGE;
}

/* Returns how many pages are free. */
static unsigned check(const struct set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		if (s->taken[i])
			assert_true(
			    all_are(s->at[i], s->chunks.bytes, 1 + (uintptr_t)s->at[i] / 16 % 250));
	if (!s->n)
		return 0;
	const uintptr_t end = (uintptr_t)s->at[s->n - 1] + s->chunks.bytes;
	for (uintptr_t page = (uintptr_t)s->at[0] / PAGE * PAGE; page < end; page += PAGE)
		if (free_page(s, page)) {
			assert_true(all_are((const uint8_t *)page, PAGE, 0));
			n++;
		}
	return n;
}

static void of_sizes(size_t first, size_t second, uint64_t seed)
{
	struct code_memory *code;
	struct set *sets = calloc(SETS, sizeof(*sets));
	struct prng rng;
	unsigned dropped = 0;

	assert_non_null(sets);
	prng_seed(&rng, seed);
	assert_int_equal(code_open(&code, &(struct code_config){ .quantum = 4096 }), 0);
	sets[0].chunks = (struct chunks){ .code = code, .bytes = first };
	sets[1].chunks = (struct chunks){ .code = code, .bytes = second };
	for (unsigned step = 0; step < STEPS; step++) {
		struct set *s = &sets[prng_next(&rng) % SETS];
		const unsigned wanted = step / 250 % 2 ? 4 : MOST;

		if (s->live < wanted && (!s->live || prng_next(&rng) % 3))
			take(s);
		else if (s->live)
			give(s, (unsigned)(prng_next(&rng) % s->n));
		dropped += check(&sets[0]) + check(&sets[1]);
	}
	assert_true(dropped > 0);
	for (unsigned i = 0; i < SETS; i++) {
		while (sets[i].live)
			give(&sets[i], 0);
		check(&sets[i]);
		chunks_close(&sets[i].chunks);
	}
	free(sets);
	code_close(code);
}

static void pages_come_back(void **state)
{
	(void)state;
	of_sizes(6656, 13312, 1);
	of_sizes(7040, 28160, 2);
	of_sizes(1664, 4096, 3); /* several in a page; whole pages */
	of_sizes(16, 65536, 4);
}

/* Many at once lie side by side, after the free ones. */
static void many_at_once(void **state)
{
	struct code_memory *code;
	uint8_t *at[8];

	(void)state;
	assert_int_equal(code_open(&code, &(struct code_config){ .quantum = 4096 }), 0);
	struct chunks c = { .code = code, .bytes = 7040 };
	assert_int_equal(chunks_provide(&c, 8), 0);
	for (unsigned i = 0; i < 8; i++) {
		at[i] = chunks_take(&c);
		assert_ptr_equal(at[i], at[0] + 7040 * i);
	}
	chunks_give(&c, at[5]);
	chunks_give(&c, at[2]);
	assert_int_equal(chunks_provide(&c, 3), 0);
	assert_ptr_equal(chunks_take(&c), at[2]);
	assert_ptr_equal(chunks_take(&c), at[5]);
	assert_ptr_equal(chunks_take(&c), at[7] + 7040);
	/* More than the area holds: none is made, and what there is stays. */
	assert_int_equal(chunks_provide(&c, 1 << 20), -ENOMEM);
	assert_int_equal(chunks_provide(&c, 1), 0);
	assert_ptr_equal(chunks_take(&c), at[7] + 2 * 7040);
	chunks_close(&c);
	code_close(code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_come_back),
		cmocka_unit_test(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
