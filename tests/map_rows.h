/*
 * map_rows.h - safepoints in a row, for the tests of formats at their limits.
 */
#ifndef STUBMAP_MAP_ROWS_H
#define STUBMAP_MAP_ROWS_H

#include <glob.h>

#include "corpora/import.h"
#include "map_samples.h"
#include "strategies/parts/compare.h"

/* n safepoints at consecutive pcs; of every `period` the first has no live place. */
static inline struct safepoint *row(size_t n, uint32_t first, size_t period)
{
	static const uint32_t places[] = { 0, 2, 4, 6, 8, 10, 12, 14 };
	struct safepoint *points = calloc(n, sizeof *points);
	for (size_t i = 0; i < n; i++)
		points[i] = (struct safepoint){ .pc = first + (uint32_t)i,
						.frame_size = 64,
						.nlive = i % period ? 1 + i % 8 : 0,
						.live = places };
	return points;
}

/* n maps of one frame that differ in two slots, at pcs `apart`, and in a
 * register if there is one. */
static inline struct safepoint *differing(size_t n, uint32_t apart, uint32_t registers)
{
	struct safepoint *points = calloc(n, sizeof *points);
	uint32_t *places = calloc(3 * n, sizeof *places);
	for (size_t i = 0; i < n; i++) {
		uint32_t *live = places + 3 * i;
		live[0] = 2 * (uint32_t)(i % 300);
		live[1] = 600 + 2 * (uint32_t)(i / 300);
		live[2] = MAP_REGISTER + (uint32_t)i % 32;
		points[i] = (struct safepoint){ apart * (uint32_t)i, 8000, 2 + registers, live };
	}
	return points;
}

static inline void release_differing(struct safepoint *points)
{
	free((void *)points[0].live);
	free(points);
}

/* A lookup by all readers of a format. */
typedef enum map_answer look_fn(const struct map_bytes *table, uint32_t pc, struct map_live *);

/* Each safepoint, and each pc up to 50 behind the last. */
static inline void check_row(look_fn *look, const struct map_bytes *table,
			     const struct safepoint *points, size_t n)
{
	size_t next = 0;
	for (uint64_t pc = points[0].pc; pc <= points[n - 1].pc + (uint64_t)50; pc++) {
		struct map_live live;
		enum map_answer answer = look(table, (uint32_t)pc, &live);
		if (next < n && points[next].pc == pc)
			assert_int_equal(map_judge(&points[next++], answer, &live), MAP_CORRECT);
		else
			assert_int_equal(answer, MAP_NO_SAFEPOINT);
	}
	assert_int_equal(next, n);
}

/* The same answer, from the same bytes. */
static inline bool same_answer(enum map_answer a, const struct map_live *x, enum map_answer b,
			       const struct map_live *y)
{
	return a == b &&
	       (a != MAP_FOUND ||
		(x->frame_size == y->frame_size && x->first == y->first && x->nbytes == y->nbytes &&
		 x->registers == y->registers && x->stride == y->stride && x->bitmap == y->bitmap));
}

/* The encoder's answer, which every reader that this processor can run must give, too. */
static inline enum map_answer look_by_readers(const struct map_ops *ops,
					      const struct map_reader *readers,
					      const struct map_bytes *table, uint32_t pc,
					      struct map_live *live)
{
	enum map_answer answer = ops->lookup(table->data, table->len, pc, NULL, live);
	for (const struct map_reader *r = readers; r->name; r++) {
		struct map_live other;
		if (!r->runs_here())
			continue;
		enum map_answer its = r->lookup(table->data, table->len, pc, &other);
		if (!same_answer(answer, live, its, &other))
			fail_msg("%s at pc %u: another answer", r->name, pc);
	}
	return answer;
}

/* One lookup of many says what all readers say. */
static inline void check_lanes(const struct map_ops *ops, look_fn *look,
			       const struct map_bytes *table, const uint32_t *pcs, size_t n)
{
	struct map_live *many = calloc(n + 1, sizeof *many), one;
	enum map_answer *answers = calloc(n + 1, sizeof *answers);
	ops->lookup_many(table->data, table->len, pcs, n, NULL, many, answers);
	for (size_t i = 0; i < n; i++) {
		enum map_answer answer = look(table, pcs[i], &one);
		assert_true(same_answer(answer, &one, answers[i], &many[i]));
	}
	free(many);
	free(answers);
}

/* ---- Whole tables -------------------------------------------------------------------------- */

/* Safepoints and the pcs around them, at random, through one lookup of many. */
static inline void check_corpus_lanes(const struct map_ops *ops, look_fn *look,
				      const struct map_bytes *table, const struct corpus *c)
{
	enum { N = 3000 };
	uint32_t pcs[N];
	struct prng r;
	prng_seed(&r, 1);
	for (int i = 0; i < N; i++)
		pcs[i] = c->safepoints[prng_below(&r, c->nsafepoints)].pc + prng_below(&r, 3) - 1;
	check_lanes(ops, look, table, pcs, N);
}

/* Every safepoint of every corpus, by all readers. */
static inline void check_corpora(const struct map_ops *ops, look_fn *look)
{
	glob_t files;
	assert_int_equal(glob("workloads/corpora/*.corpus", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct corpus c;
		char error[CORPUS_ERROR];
		assert_int_equal(corpus_import(files.gl_pathv[i], &c, error), 0);
		struct map_bytes table = encode(ops, c.safepoints, c.nsafepoints);
		for (uint32_t k = 0; k < c.nsafepoints; k++) {
			struct map_live live;
			enum map_answer answer = look(&table, c.safepoints[k].pc, &live);
			assert_int_equal(map_judge(&c.safepoints[k], answer, &live), MAP_CORRECT);
		}
		check_corpus_lanes(ops, look, &table, &c);
		free(table.data);
		corpus_close(&c);
	}
	globfree(&files);
}

/* More than 4 GiB: refused before any of it is made. */
static inline void check_too_large(const struct map_ops *ops)
{
	enum { N = 40 };
	static uint32_t places[N][3];
	static struct safepoint points[N];
	struct map_bytes out = { 0 };
	size_t bad;
	for (uint32_t i = 0; i < N; i++) {
		memcpy(places[i], (const uint32_t[]){ 0, 1 + i, (1u << 30) - 2 }, sizeof *places);
		points[i] = (struct safepoint){ i, UINT32_MAX, 3, places[i] };
	}
	assert_int_equal(map_encode(ops, points, N, &out, &bad), -EFBIG);
	assert_int_equal(bad, N);
	assert_int_equal(out.len, 0);
	free(out.data);
}

/* All readers say the same of spoilt bytes, too, wherever the bytes end. */
static inline void check_spoilt(const struct map_ops *ops, look_fn *look)
{
	static const struct shape shape = { "dense", 400, 5, 6, 70, 60, 30, 25, 20 };
	struct sample s = make(&shape, 3);
	struct map_bytes whole = encode(ops, s.points, s.n);
	struct prng r;
	prng_seed(&r, 11);
	for (int round = 0; round < 3000; round++) {
		size_t len = round % 3 ? whole.len : prng_below(&r, (uint32_t)whole.len);
		struct map_bytes b = { malloc(len + !len), len, len };
		uint32_t pcs[40];
		memcpy(b.data, whole.data, len);
		for (uint32_t flips = prng_below(&r, 8); len && flips; flips--) {
			size_t most = prng_below(&r, 2) ? len : len < 300 ? len : 300;
			b.data[prng_below(&r, (uint32_t)most)] = (uint8_t)prng_next(&r);
		}
		b = exactly(b);
		for (int i = 0; i < 40; i++)
			pcs[i] = s.points[prng_below(&r, (uint32_t)s.n)].pc + (i % 4 == 0);
		check_lanes(ops, look, &b, pcs, 40);
		free(b.data);
	}
	free(whole.data);
	release(&s, &shape);
}

#endif
