/*
 * test_maps_corpora.c - every encoder on every committed corpus: each safepoint comes back, and the
 * unsafe control goes wrong exactly where it must.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arms.h"
#include "spilled.h"

/* Empty safepoints that follow one with live places: ranged-unsafe gives them its map. */
static size_t misled(const struct safepoint *points, size_t n)
{
	size_t count = 0, full = 0;
	for (size_t i = 0; i < n; i++) {
		full += points[i].nlive > 0;
		count += full && !points[i].nlive;
	}
	return count;
}

static void check(const struct map_ops *ops, const struct corpus *c, const struct safepoint *points,
		  size_t n)
{
	struct map_bytes table = { 0 };
	size_t outcomes[MAP_OUTCOMES] = { 0 }, empties = 0, bad;
	int error = map_encode_functions(ops, points, n, c->functions, c->nfunctions, &table, &bad);
	if (error == -EFBIG && ops->limits && bad < n && points[bad].frame_size > UINT16_MAX) {
		free(table.data); /* a frame of Go's that OCaml has no number for */
		return;
	}
	assert_int_equal(error, 0);
	assert_int_equal(map_load(ops, &table), 0);
	uint8_t *scratch = malloc(map_scratch(ops, table.data, table.len) + 1);
	for (size_t i = 0; i < n; i++) {
		struct map_live live;
		enum map_answer answer =
		    ops->lookup(table.data, table.len, points[i].pc, scratch, &live);
		outcomes[map_judge(&points[i], answer, &live)]++;
		empties += !points[i].nlive;
	}
	size_t wrong = ops->flags & MAP_UNSAFE ? misled(points, n) : 0;
	size_t silent = ops->flags & MAP_FLOOR ? n - empties : 0;
	assert_int_equal(outcomes[MAP_WRONG], wrong);
	assert_int_equal(outcomes[MAP_SILENT], silent);
	assert_int_equal(outcomes[MAP_CORRECT], n - wrong - silent);
	free(scratch);
	free(table.data);
}

static void test_corpora(void **state)
{
	glob_t files;
	(void)state;
	assert_int_equal(glob("workloads/corpora/*.corpus", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct corpus c;
		char error[CORPUS_ERROR];
		uint32_t *places;
		if (corpus_import(files.gl_pathv[i], &c, error))
			fail_msg("%s", error);
		assert_true(c.nsafepoints > 1000);
		struct safepoint *points = spilled(&c, &places);
		assert_non_null(points);
		for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1))
			check(map_encoders[e], &c,
			      map_encoders[e]->flags & MAP_REGISTERS ? c.safepoints : points,
			      c.nsafepoints);
		free(points);
		free(places);
		corpus_close(&c);
	}
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpora) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
