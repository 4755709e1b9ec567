/* test_show_map.c - stubmap show map: a map's answers by name, for safepoints and for bogus PCs. */
#include <jansson.h>
#include <stubmap/map.h>

#include "cli/commands.h"
#include "corpora/import.h"
#include "command_helpers.h"

/* Each place of the first safepoint is named, by every encoder that is not wrong by design. */
static void test_show(void **state)
{
	char error[CORPUS_ERROR], line[200];
	struct corpus c;
	(void)state;
	assert_int_equal(corpus_import(CWASM, &c, error), 0);
	for (int e = 0; map_encoders[e]; e++) {
		if (map_encoders[e]->flags & MAP_FLOOR)
			continue;
		snprintf(line, sizeof line, "map " CWASM " %u --encoders %s --json",
			 (unsigned)c.safepoints[0].pc, map_encoders[e]->name);
		struct result r = run_to(0, show_map, line);
		json_t *all = json_loads(r.out, 0, NULL), *live, *place;
		json_t *encoder = json_array_get(json_object_get(all, "encoders"), 0);
		size_t i;
		assert_true(json_is_true(json_object_get(all, "safepoint")));
		assert_string_equal(json_string_value(json_object_get(encoder, "verdict")),
				    "right");
		live = json_object_get(encoder, "live");
		assert_int_equal(json_array_size(live), c.safepoints[0].nlive);
		json_array_foreach(live, i, place) {
			snprintf(line, sizeof line, "SP+%u", (unsigned)c.safepoints[0].live[i] * 4);
			assert_string_equal(json_string_value(place), line);
		}
		json_decref(all);
		done(&r);
	}
	corpus_close(&c);
}

/* Each engine's format names the places that a lookup reads. */
static void test_show_meanings(void **state)
{
	static const struct {
		const char *encoder, *words[3];
	} rows[] = {
		{ "blocks", { "entries: ", "block[0]: the first pc, 0x", "record: of " } },
		{ "v8", { "functions: ", "config: bytes: registers 0, ", "entry[0]: from 0x" } },
		{ "coded-8",
		  { "origin: the pc ", "gap after a page's start: ", "bits of a page" } },
		{ "paged", { "directory: bucket ", "bytes of pcs", "chunk[1]: frame size " } },
		{ "counted",
		  { "directory: block 0 from byte ", "bytes of pcs", "chunk[0]: frame size " } },
		{ "go", { "findfunctab[0]: from function 0 on", "_func[0]: pcsp 0x", "locals: " } },
		{ "ocaml", { "mask: a hash of ", "return address: 0x", "nlive: " } },
		{ "oxcaml", { "bucket[0]: from segment 0", "side[0]: pc 0x", "unit: " } },
		{ "dart", { "entry[0]: starts at 0x", "stack map: ", "the global table: " } },
		{ "art", { "methods: ", "method[0]: its CodeInfo at byte ", "CodeInfo: bits" } },
		{ "hotspot", { "method[0]: frames of ", "pair[0]: pc 0x", "map: " } },
	};
	char error[CORPUS_ERROR], line[200];
	struct corpus c;
	(void)state;
	assert_int_equal(corpus_import(CWASM, &c, error), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(line, sizeof line, "map " CWASM " %u --encoders %s",
			 (unsigned)c.safepoints[0].pc, rows[i].encoder);
		struct result r = run_to(0, show_map, line);
		check_width(r.out);
		for (int k = 0; k < 3; k++)
			assert_non_null(strstr(r.out, rows[i].words[k]));
		done(&r);
	}
	corpus_close(&c);
}

static void test_show_bogus(void **state)
{
	struct result r = run_to(0, show_map, "map " CWASM " 0 --encoders exact,ranged,none");
	(void)state;
	check_width(r.out);
	assert_non_null(strstr(r.out, "no safepoint; the one behind is at 0x"));
	assert_non_null(strstr(r.out, "count: "));
	assert_non_null(strstr(r.out, "silent: "));
	assert_non_null(strstr(r.out, "detected: it is no safepoint"));
	done(&r);
	refused(show_map, "map " CWASM,
		"stubmap show map: an argument is missing; usage: stubmap show");
	refused(show_map, "map " CWASM " 99999999", "allowed: 0 to 0x");
	refused(show_map, "map " CWASM " 12x", "PC '12x'");
	refused(show_map, "map " CWASM " 0 --encoders rangd", "did you mean 'ranged'?");
	refused(show_map, "map Makefile 1", "Makefile: neither");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_show_meanings),
		cmocka_unit_test(test_show_bogus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
