/*
 * test_maps.c - every stack-map encoder: what its flags promise, on made safepoints of many shapes;
 * Wasmtime's own bytes; what is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arms.h"
#include "map_samples.h"

static const struct shape shapes[] = {
	{ "none", 0, 0, 1, 1, 1, 0, 0, 0 },
	{ "one at 0", 1, 0, 1, 8, 1, 0, 0, 0 },
	{ "one at the last pc", 1, 0xffffffff, 1, 8, 1, 0, 0, 0 },
	{ "one empty", 1, 100, 1, 8, 1, 100, 0, 0 },
	{ "up to the last pc", 1000, 0xffffffff - 999, 1, 40, 10, 40, 30, 0 },
	{ "all empty", 300, 5, 60, 8, 1, 100, 0, 0 },
	{ "all the same", 300, 5, 60, 8, 1, 0, 100, 0 },
	{ "small frames", 3000, 5, 60, 12, 40, 45, 25, 0 },
	{ "middling frames", 2000, 5, 200, 300, 500, 20, 10, 0 },
	{ "every pc", 500, 0, 1, 20, 10, 30, 30, 0 },
	{ "huge frames", 30, 7, 60, 100000, 5, 10, 10, 0 },
	{ "registers", 1000, 5, 60, 40, 100, 30, 20, 15 },
	{ "many registers", 500, 5, 60, 200, 300, 10, 10, 60 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* ---- Conformance --------------------------------------------------------------------------- */

static bool is_map_of(const struct safepoint *p, enum map_answer answer,
		      const struct map_live *live)
{
	return p && answer == MAP_FOUND && map_judge(p, answer, live) == MAP_CORRECT;
}

static bool is_empty(enum map_answer answer, const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t place;
	return answer == MAP_FOUND && !map_next(live, &at, &place);
}

/* prev: the last safepoint before pc; full: the last with live places;
 * next: the first behind pc. NULL: none. */
static void check_stranger(const struct map_ops *ops, const struct map_bytes *table, uint32_t pc,
			   const struct safepoint *prev, const struct safepoint *full,
			   const struct safepoint *next)
{
	struct map_live live;
	enum map_answer answer = look(ops, table, pc, &live);
	if (ops->flags & MAP_EXACT && ops->flags & MAP_EMPTIES)
		assert_int_equal(answer, MAP_NO_SAFEPOINT);
	else if (ops->flags & (MAP_EXACT | MAP_FLOOR))
		assert_int_equal(answer, MAP_ABSENT);
	else if (ops->flags & MAP_UNSAFE)
		assert_true(full ? is_map_of(full, answer, &live) : answer == MAP_ABSENT);
	else if (ops->flags & MAP_NEAR)
		assert_true(answer == MAP_NO_SAFEPOINT || is_map_of(prev, answer, &live) ||
			    is_map_of(next, answer, &live) || is_empty(answer, &live));
	else
		assert_true(answer == MAP_NO_SAFEPOINT || is_map_of(prev, answer, &live));
}

static void check_points(const struct map_ops *ops, const struct map_bytes *table,
			 const struct sample *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct map_live live;
		enum map_answer answer = look(ops, table, s->points[i].pc, &live);
		if (ops->flags & (MAP_UNSAFE | MAP_FLOOR) && !s->points[i].nlive)
			continue;
		if (ops->flags & MAP_FLOOR)
			assert_int_equal(answer, MAP_ABSENT);
		else
			assert_int_equal(map_judge(&s->points[i], answer, &live), MAP_CORRECT);
		if (ops->flags & MAP_EMPTIES)
			assert_int_equal(answer, MAP_FOUND);
	}
}

/* pcs from `from` to `to` that are no safepoint. */
static size_t check_strangers(const struct map_ops *ops, const struct map_bytes *table,
			      const struct sample *s, uint64_t from, uint64_t to)
{
	const struct safepoint *prev = NULL, *full = NULL;
	size_t next = 0, strangers = 0;
	for (uint64_t pc = from; pc <= to; pc++) {
		for (; next < s->n && s->points[next].pc < pc; next++) {
			prev = &s->points[next];
			full = prev->nlive ? prev : full;
		}
		if (next < s->n && s->points[next].pc == pc)
			continue;
		check_stranger(ops, table, (uint32_t)pc, prev, full,
			       next < s->n ? &s->points[next] : NULL);
		strangers++;
	}
	return strangers;
}

/* The same places; where the bitmap lies is the reader's affair. */
static void assert_same_map(const struct map_live *a, const struct map_live *b)
{
	struct map_cursor at_a = { 0 }, at_b = { 0 };
	uint32_t x, y;
	bool more;
	assert_int_equal(a->frame_size, b->frame_size);
	/* Of the same form they are the same bytes: quicker to see than place by place. */
	if (a->first == b->first && a->nbytes == b->nbytes && a->registers == b->registers &&
	    a->stride == b->stride && !(a->nbytes && memcmp(a->bitmap, b->bitmap, a->nbytes)))
		return;
	do {
		more = map_next(a, &at_a, &x);
		assert_int_equal(map_next(b, &at_b, &y), more);
		if (more)
			assert_int_equal(x, y);
	} while (more);
}

/* Pcs of safepoints and others. `order`: as they come, ascending, descending; or runs of equal ones
 * as they come. */
static void choose_pcs(const struct sample *s, int order, uint32_t *pcs, size_t n)
{
	struct prng r;
	prng_seed(&r, 7);
	for (size_t i = 0; i < n; i++)
		pcs[i] = s->n && prng_below(&r, 4)
			     ? s->points[prng_below(&r, (uint32_t)s->n)].pc + !prng_below(&r, 4)
			     : (uint32_t)prng_next(&r);
	if (order == 3)
		for (size_t i = 0; i < n; i++)
			pcs[i] = pcs[i - i % 3];
	for (size_t i = 0; order && order < 3 && i < n; i++)
		for (size_t k = i; k; k--) {
			uint32_t before = pcs[k - 1];
			if (order == 1 ? before <= pcs[k] : before >= pcs[k])
				break;
			pcs[k - 1] = pcs[k];
			pcs[k] = before;
		}
}

static void check_many(const struct map_ops *ops, const struct map_bytes *table,
		       const struct sample *s)
{
	enum { N = 1000 };
	const size_t room = ops->scratch ? ops->scratch(table->data, table->len) : 0;
	uint32_t pcs[N];
	struct map_live many[N], one[N];
	enum map_answer answers[N], alone[N];
	uint8_t *scratch, *kept = malloc(N * room + 1);
	if (!ops->lookup_many) {
		free(kept);
		return;
	}
	for (int order = 0; order < 4; order++) {
		size_t most = order ? N / 5 : N;
		choose_pcs(s, order, pcs, most);
		for (size_t i = 0; i < most; i++)
			alone[i] =
			    ops->lookup(table->data, table->len, pcs[i], kept + i * room, &one[i]);
		for (size_t n = order ? most : 0; n <= most; n = n < 40 ? n + 1 : n + 160) {
			scratch = ops->scratch ? malloc(n * room) : NULL;
			ops->lookup_many(table->data, table->len, pcs, n, scratch, many, answers);
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(answers[i], alone[i]);
				if (answers[i] == MAP_FOUND)
					assert_same_map(&many[i], &one[i]);
			}
			free(scratch);
		}
	}
	free(kept);
}

static void check_bytes(const struct map_ops *ops, const struct sample *s, size_t nfunctions)
{
	struct map_bytes table = encode_file(ops, s->points, s->n, s->functions, nfunctions);
	size_t index, data, bad = 0;
	ops->split(table.data, table.len, &index, &data);
	assert_int_equal(index + data, table.len);
	/* The same again, behind other bytes. */
	struct map_bytes again = { malloc(3), 3, 3 };
	memcpy(again.data, "abc", 3);
	assert_int_equal(
	    map_encode_functions(ops, s->points, s->n, s->functions, nfunctions, &again, &bad), 0);
	assert_int_equal(bad, s->n);
	assert_int_equal(again.len, table.len + 3);
	assert_memory_equal(again.data, "abc", 3);
	if (table.len)
		assert_memory_equal(again.data + 3, table.data, table.len);
	free(again.data);
	free(table.data);
}

/* nfunctions: all, or 0 for one function. */
static void conform(const struct map_ops *ops, const struct sample *s, size_t nfunctions)
{
	struct map_bytes table = encode_functions(ops, s->points, s->n, s->functions, nfunctions);
	check_bytes(ops, s, nfunctions);
	check_points(ops, &table, s);
	check_many(ops, &table, s);
	if (!s->n) {
		assert_int_equal(table.len, 0);
		check_strangers(ops, &table, s, 0, 1000);
	} else {
		uint64_t first = s->points[0].pc, last = s->points[s->n - 1].pc;
		check_strangers(ops, &table, s, first > 50 ? first - 50 : 0,
				last < UINT32_MAX - 50 ? last + 50 : UINT32_MAX);
	}
	free(table.data);
}

static void test_conformance(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		struct sample s = make(&shapes[i], 1000 + (uint64_t)i);
		for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1))
			if (fits(map_encoders[e], &shapes[i])) {
				/* A linear search of one large function takes long. */
				if (!map_encoders[e]->function || s.n <= 1000)
					conform(map_encoders[e], &s, 0);
				if (map_encoders[e]->function)
					conform(map_encoders[e], &s, s.nfunctions);
			}
		release(&s, &shapes[i]);
	}
}

static void test_million_strangers(void **state)
{
	static const struct shape shape = { "large", 17000, 11, 120, 12, 200, 45, 25, 0 };
	struct sample s = make(&shape, 5);
	(void)state;
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1)) {
		struct map_bytes table =
		    encode_functions(map_encoders[e], s.points, s.n, s.functions, s.nfunctions);
		size_t n = check_strangers(map_encoders[e], &table, &s, 0, s.text_bytes);
		assert_true(n > 1000000);
		free(table.data);
	}
	release(&s, &shape);
}

static void test_table(void **state)
{
	(void)state;
	assert_non_null(map_encoders[0]);
	assert_true(map_encoders[0]->flags & MAP_FLOOR);
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1)) {
		assert_ptr_equal(map_encoder(map_encoders[e]->name), map_encoders[e]);
		assert_non_null(map_encoders[e]->summary);
	}
	assert_null(map_encoder("exactly"));
}

/* ---- By hand ------------------------------------------------------------------------------- */

/* Wasmtime's own unit test encodes these maps (frame offsets there are bytes). */
static void test_golden(void **state)
{
	static const char golden[] =
	    "050000000000000004000000c800000020030000b00400000000000003000000070000000a000000"
	    "0d000000040000000100000001000000c80000000200000023000000002000001400000001000000"
	    "0800000014000000010000001f000000d00700000f00000000000000000000000000000000000000"
	    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
	    "1c000008";
	const struct safepoint points[] = {
		{ 0, 4, PLACES(0) },
		{ 4, 200, PLACES(0, 1, 5, 45) },
		{ 200, 20, PLACES(3) },
		{ 600, 24, 0, NULL },
		{ 800, 20, PLACES(0, 1, 2, 3, 4) },
		{ 1200, 2000, PLACES(450, 451, 452, 475) },
	};
	struct map_bytes table = encode(map_encoder("exact"), points, 6);
	struct map_live live;
	char hex[2 * 164 + 1];
	(void)state;
	assert_int_equal(table.len, 164);
	for (size_t i = 0; i < table.len; i++)
		sprintf(hex + 2 * i, "%02x", table.data[i]);
	assert_string_equal(hex, golden);
	for (int i = 0; i < 6; i++) {
		enum map_answer answer =
		    look(map_encoder("exact-consed"), &table, points[i].pc, &live);
		assert_int_equal(answer, i == 3 ? MAP_ABSENT : MAP_FOUND);
		assert_int_equal(map_judge(&points[i], answer, &live), MAP_CORRECT);
	}
	free(table.data);
}

static void check_words(const char *name, const struct safepoint *points, size_t n,
			const uint32_t *words, size_t nwords)
{
	struct map_bytes table = encode(map_encoder(name), points, n);
	assert_int_equal(table.len, 4 * nwords);
	for (size_t i = 0; i < nwords; i++) {
		const uint8_t *p = table.data + 4 * i;
		assert_int_equal(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24, words[i]);
	}
	free(table.data);
}
#define WORDS(...) \
	(const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

static void test_bytes_by_hand(void **state)
{
	const uint32_t e = 0xffffffff; /* the offset of an empty map */
	const struct safepoint points[] = {
		{ 10, 16, PLACES(0, 2) }, { 20, 16, PLACES(0, 2) }, { 30, 16, 0, NULL },
		{ 40, 32, 0, NULL },	  { 50, 16, PLACES(0, 2) }, { 60, 32, PLACES(0, 2) },
	};
	(void)state;
	check_words("none", points, 6, NULL, 0);
	check_words("exact-consed", points, 6,
		    WORDS(4, 10, 20, 50, 60, 0, 0, 0, 3, 16, 1, 5, 32, 1, 5));
	check_words(
	    "ranged", points, 6,
	    WORDS(4, 10, 30, 50, 60, 20, 40, 50, 60, 0, e, 3, 6, 16, 1, 5, 16, 1, 5, 32, 1, 5));
	check_words("ranged-consed", points, 6,
		    WORDS(4, 10, 30, 50, 60, 20, 40, 50, 60, 0, e, 0, 3, 16, 1, 5, 32, 1, 5));
	check_words("ranged-start", points, 6,
		    WORDS(4, 10, 30, 50, 60, 0, e, 0, 3, 16, 1, 5, 32, 1, 5));
	check_words("ranged-unsafe", points, 6, WORDS(2, 10, 60, 0, 3, 16, 1, 5, 32, 1, 5));
}

/* Slots 70 and 99 are in words 2 and 3; a map that begins in word 0 is written as by exact. */
static void test_first_by_hand(void **state)
{
	const struct safepoint points[] = {
		{ 10, 400, PLACES(70, 99) },
		{ 20, 400, PLACES(0, 2) },
		{ 30, 400, PLACES(70, 99) },
	};
	(void)state;
	check_words("exact-first", points, 3,
		    WORDS(3, 10, 20, 30, 0, 4, 7, 400, 2 << 16 | 2, 1 << 6, 8, 400, 1, 5, 400,
			  2 << 16 | 2, 1 << 6, 8));
	check_words("exact-first-consed", points, 3,
		    WORDS(3, 10, 20, 30, 0, 4, 0, 400, 2 << 16 | 2, 1 << 6, 8, 400, 1, 5));
	check_words("exact", points + 1, 1, WORDS(1, 20, 0, 400, 1, 5));
	check_words("exact-first", points + 1, 1, WORDS(1, 20, 0, 400, 1, 5));
}

static void test_ranged_gaps(void **state)
{
	const struct safepoint points[] = {
		{ 10, 16, PLACES(0) },
		{ 20, 16, PLACES(0) },
		{ 30, 16, PLACES(1) },
		{ 40, 16, 0, NULL },
	};
	static const struct {
		const char *name;
		uint32_t pc;
		enum map_answer answer;
		int same; /* as the map of this safepoint; -1: nothing found */
	} rows[] = {
		{ "ranged", 9, MAP_NO_SAFEPOINT, -1 },
		{ "ranged", 15, MAP_FOUND, 0 },
		{ "ranged", 21, MAP_NO_SAFEPOINT, -1 },
		{ "ranged", 35, MAP_NO_SAFEPOINT, -1 },
		{ "ranged", 40, MAP_FOUND, 3 },
		{ "ranged", 41, MAP_NO_SAFEPOINT, -1 },
		{ "ranged-start", 9, MAP_NO_SAFEPOINT, -1 },
		{ "ranged-start", 21, MAP_FOUND, 0 },
		{ "ranged-start", 35, MAP_FOUND, 2 },
		{ "ranged-start", 41, MAP_FOUND, 3 },
		{ "ranged-unsafe", 9, MAP_ABSENT, -1 },
		{ "ranged-unsafe", 40, MAP_FOUND, 2 },
		{ "exact", 15, MAP_ABSENT, -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct map_bytes table = encode(map_encoder(rows[i].name), points, 4);
		struct map_live live;
		enum map_answer answer = look(map_encoder(rows[i].name), &table, rows[i].pc, &live);
		assert_int_equal(answer, rows[i].answer);
		if (rows[i].same >= 0)
			assert_int_equal(map_judge(&points[rows[i].same], answer, &live),
					 MAP_CORRECT);
		free(table.data);
	}
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	const uint32_t r3 = MAP_REGISTER + 3;
	const struct {
		struct safepoint point;
		int error;
	} rows[] = {
		{ { 99, 16, PLACES(1) }, -EINVAL },	  { { 100, 16, PLACES(1) }, -EINVAL },
		{ { 100, 16, 0, NULL }, -EINVAL },	  { { 101, 16, PLACES(4) }, -EINVAL },
		{ { 101, 19, PLACES(4) }, -EINVAL },	  { { 101, 16, PLACES(1, 1) }, -EINVAL },
		{ { 101, 16, PLACES(2, 1) }, -EINVAL },	  { { 101, 0, PLACES(0) }, -EINVAL },
		{ { 101, 16, PLACES(1, r3) }, -ENOTSUP }, { { 101, 16, PLACES(r3, 1) }, -EINVAL },
	};
	const struct safepoint good[] = { { 100, 16, PLACES(3) }, { 101, 16, PLACES(3) } };
	(void)state;
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1)) {
		const struct map_ops *ops = map_encoders[e];
		void *s = calloc(1, ops->state);
		struct map_bytes out = { 0 }, plain = encode_file(ops, good, 2, NULL, 0);
		assert_int_equal(ops->add(s, &good[0]), 0);
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (rows[i].error != -ENOTSUP || !(ops->flags & MAP_REGISTERS))
				assert_int_equal(ops->add(s, &rows[i].point), rows[i].error);
		assert_int_equal(ops->add(s, &good[1]), 0);
		assert_int_equal(ops->finish(s, &out), 0);
		assert_int_equal(out.len, plain.len);
		if (out.len)
			assert_memory_equal(out.data, plain.data, plain.len);
		free(out.data);
		free(plain.data);
		free(s);
	}
}

/* A frame that is too large, or not in whole words: a later safepoint may have the same pc. */
static void test_too_large(void **state)
{
	enum { SLOT = 1 << 25 };
	const struct safepoint rows[] = { { 101, 4 * SLOT + 4, PLACES(SLOT) },
					  { 101, UINT32_MAX, PLACES(1) },
					  { 101, 18, PLACES(1) } };
	const struct safepoint good[] = { { 100, 16, PLACES(3) }, { 101, 16, PLACES(3) } };
	(void)state;
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1))
		for (int i = 0; i < 3; i++) {
			const struct map_ops *ops = map_encoders[e];
			void *s = calloc(1, ops->state);
			struct map_bytes out = { 0 }, plain = encode_file(ops, good, 2, NULL, 0);
			assert_int_equal(ops->add(s, &good[0]), 0);
			int error = ops->add(s, &rows[i]);
			if (error) {
				assert_int_equal(error, -EFBIG);
				assert_non_null(ops->limits);
				assert_int_equal(ops->add(s, &good[1]), 0);
				assert_int_equal(ops->finish(s, &out), 0);
				assert_int_equal(out.len, plain.len);
				if (out.len)
					assert_memory_equal(out.data, plain.data, plain.len);
			} else {
				ops->finish(s, NULL);
			}
			free(out.data);
			free(plain.data);
			free(s);
		}
}

static void test_refused_by_encode(void **state)
{
	const struct safepoint points[] = { { 1, 16, PLACES(0) }, { 1, 16, PLACES(0) } };
	struct map_bytes out = { 0 };
	size_t bad;
	(void)state;
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1)) {
		assert_int_equal(map_encode(map_encoders[e], points, 2, &out, &bad), -EINVAL);
		assert_int_equal(bad, 1);
		assert_int_equal(out.len, 0);
	}
	free(out.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_bytes_by_hand),
		cmocka_unit_test(test_ranged_gaps),
		cmocka_unit_test(test_first_by_hand),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refused_by_encode),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_conformance),
		cmocka_unit_test(test_million_strangers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
