/* test_corpora.c - the committed corpora against numbers that other tools found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "corpora/import.h"
#include "import_samples.h"

/*
 * Found by independent extractors, written before ours. For Go they numbered places by the bit in
 * the map, ours by the distance from SP, so that equal bitmaps of different frames differ: there
 * the sets are from our extractor, and all else from theirs. maps 0: they did not count them. Of
 * Cranelift's, sets, maps and live places are ours; safepoints and text bytes are of a script
 * that reads .cwasm files.
 */
static const struct {
	const char *name;
	uint32_t safepoints, sets, maps, empties;
	uint64_t live;
	uint32_t text_bytes; /* 0: ours spans the gaps between functions, theirs does not */
} known[] = {
	{ "haxe", 109784, 11425, 13243, 15396, 425687, 6663900 },
	{ "frama-c", 77581, 6755, 8288, 14374, 240847, 5383446 },
	{ "why3", 57221, 5511, 6849, 10297, 162158, 3859148 },
	{ "ocamlopt.opt", 56036, 5549, 6848, 8614, 172499, 3668481 },
	{ "go", 83015, 7651, 10817, 40529, 154314, 5516906 },
	{ "compile", 157148, 15996, 21411, 76066, 313054, 8875057 },
	{ "wonderous-turbofan", 418619, 50130, 57472, 169879, 1678635, 0 },
	{ "wonderous-liftoff", 202903, 8367, 9202, 71053, 1299004, 0 },
	{ "flute-turbofan", 177024, 21515, 24554, 74793, 643094, 0 },
	{ "flute-liftoff", 78442, 3959, 4447, 28512, 522146, 0 },
	{ "javac-hotspot", 79864, 20342, 0, 9933, 373377, 0 },
	{ "dart-sass", 50507, 5076, 0, 14207, 139408, 0 },
	{ "flute-cranelift", 70682, 12434, 15112, 0, 19799834, 10309632 },
	{ "flute-cranelift-rest", 53027, 3620, 6261, 0, 276202, 10309632 - 2973817 },
	{ "transfer-cranelift", 3216, 994, 1161, 0, 357534, 516096 },
	{ "transfer-cranelift-rest", 2011, 150, 305, 0, 5512, 516096 - 184324 },
};

static void test_corpora(void **state)
{
	char path[100], error[CORPUS_ERROR];
	struct corpus_stats s;
	struct corpus c;

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		snprintf(path, sizeof path, "workloads/corpora/%s.corpus", known[i].name);
		if (corpus_import(path, &c, error))
			fail_msg("%s", error);
		assert_string_equal(c.name, known[i].name);
		const char *wrong = sample_check(&c);
		if (wrong)
			fail_msg("%s: %s", path, wrong);
		assert_int_equal(corpus_stats(&c, &s), 0);
		assert_int_equal(c.nsafepoints, known[i].safepoints);
		assert_int_equal(s.sets, known[i].sets);
		assert_int_equal(s.empties, known[i].empties);
		assert_int_equal(s.live, known[i].live);
		if (known[i].maps)
			assert_int_equal(s.maps, known[i].maps);
		if (known[i].text_bytes)
			assert_int_equal(c.text_bytes, known[i].text_bytes);
		corpus_close(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpora) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
