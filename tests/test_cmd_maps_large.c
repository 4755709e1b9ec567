/*
 * test_cmd_maps_large.c - stubmap maps on files with large frames: an encoder that can't hold them
 * has a row that says why, and the others are measured; frames that only damage explains are
 * refused before anything is measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <stubmap/map.h>

#include "cli/commands.h"
#include "corpora/import.h"
#include "command_helpers.h"

static char path[] = "/tmp/stubmap-large-XXXXXX";

struct point {
	uint32_t pc, frame;
	uint32_t places[2], nplaces;
};

static int set_up(void **state)
{
	int fd = mkstemp(path);
	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_corpus(const struct point *points, size_t n)
{
	struct corpus_builder b = { 0 };
	struct corpus c = {
		.name = "large", .producer = "ocamlopt", .text_bytes = 1000, .slot_bytes = 8
	};
	char error[CORPUS_ERROR];

	if (points[0].nplaces && points[0].places[0] >= MAP_REGISTER)
		c.flags = CORPUS_REGISTERS;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(corpus_add(&b, points[i].pc, points[i].frame, points[i].places,
					    points[i].nplaces),
				 0);
	assert_int_equal(corpus_seal(&b, &c, error), 0);
	assert_int_equal(corpus_write(&c, path, error), 0);
	corpus_close(&c);
}

static void refused_file(const char *why)
{
	char line[200];

	snprintf(line, sizeof line, "maps %s", path);
	refused(cmd_maps, line, why);
	snprintf(line, sizeof line, "map %s 10", path);
	refused(show_map, line, why);
}

/* The line of an encoder in a table that begins at text. */
static const char *line_of(const char *text, const char *encoder)
{
	char start[64];

	snprintf(start, sizeof start, "\n%s ", encoder);
	const char *line = strstr(text, start);
	assert_non_null(line);
	return line + strlen(start);
}

/* A frame of 9 MB: too large for exact-first, go, ocaml and art, not for those behind them. */
static void test_rows_go_on(void **state)
{
	static const struct point points[] = { { 10, 16, { 0, 2 }, 2 },
					       { 500, 9000000, { 0, 2249998 }, 2 },
					       { 900, 32, { 2 }, 1 } };
	static const char *const refusing[] = { "exact-first", "go", "ocaml", "art" };
	static const char *const others[] = { "exact", "paged", "dart" };
	char line[200];
	(void)state;
	write_corpus(points, 3);
	snprintf(line, sizeof line,
		 "maps %s --no-time --samples 100 --encoders exact,exact-first,paged,go,ocaml,"
		 "art,dart",
		 path);
	struct result r = run_to(0, cmd_maps, line);
	assert_string_equal(r.err, "");
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof line, ": %s refuses ", refusing[i]);
		assert_non_null(strstr(r.out, line));
		assert_int_equal(
		    line_of(r.out, refusing[i])[strspn(line_of(r.out, refusing[i]), " ")], '-');
	}
	for (int i = 0; i < 3; i++) {
		const char *row = line_of(r.out, others[i]);
		assert_in_range(row[strspn(row, " ")], '1', '9');
		assert_non_null(strstr(line_of(strstr(r.out, "\nbogus"), others[i]), "100"));
	}
	assert_non_null(
	    strstr(r.out, "at pc 500 with 2 live places: File too large; its limits: "));
	assert_non_null(strstr(r.out, "slot below 2,097,120"));
	assert_non_null(strstr(r.out, "(ocaml) can't hold these maps: ocaml refuses safepoint 1"));
	done(&r);
}

/* Bitmaps from SP on, and down from the frame's end. A lookup of a small frame would read through
 * the bits of the large one. */
static void test_damaged_frames(void **state)
{
	static const struct point far[] = { { 10, 16, { 2 }, 1 },
					    { 11, UINT32_MAX, { (1u << 30) - 2 }, 1 } };
	static const struct point low[] = { { 10, 16, { 2 }, 1 }, { 11, 800000000, { 1, 2 }, 2 } };
	static const struct point empty[] = { { 10, 16, { 2 }, 1 }, { 11, 800000000, { 0 }, 0 } };
	struct point many[600];
	char line[200];
	(void)state;
	write_corpus(far, 2);
	refused_file("references in frames of up to 4095 MiB, allowed: 16; the frame at text+0xb");
	write_corpus(low, 2);
	refused_file("references in frames of up to 762 MiB, allowed: 16; the frame at text+0xb");
	for (uint32_t i = 0; i < 600; i++)
		many[i] = (struct point){ 10 + i, 16 << 20, { 1 }, 1 };
	write_corpus(many, 600);
	refused_file("bitmaps of 300 MiB, allowed: 256; the frame at text+0xa");
	write_corpus(empty, 2);
	snprintf(line, sizeof line, "maps %s --no-time --samples 100 --encoders exact,go", path);
	struct result r = run_to(0, cmd_maps, line);
	assert_string_equal(r.err, "");
	done(&r);
}

/* A bad file is found before another is measured: that one would then be refused, too. */
static void test_bad_behind_good(void **state)
{
	static const struct point spilled[] = { { 11, 16, { MAP_REGISTER + 40 }, 1 } };
	char line[200];
	(void)state;
	write_corpus(spilled, 1);
	snprintf(line, sizeof line, "maps %s", path);
	refused(cmd_maps, line, "a live register above 31");
	snprintf(line, sizeof line, "maps %s Makefile", path);
	refused(cmd_maps, line, "Makefile: neither");
	snprintf(line, sizeof line, "maps gc:lisp " CWASM " Makefile");
	refused(cmd_maps, line, "Makefile: neither");
}

/* One reference, one place. */
static void test_words(void **state)
{
	static const struct point odd[] = { { 10, 18, { 2 }, 1 } };
	static const struct point nothing[] = { { 10, 16, { 0 }, 0 } };
	char line[200];
	(void)state;
	write_corpus(odd, 1);
	snprintf(line, sizeof line, "maps %s --no-time --samples 100 --encoders exact,ocaml", path);
	struct result r = run_to(0, cmd_maps, line);
	assert_non_null(strstr(r.out, "at pc 10 with 1 live place: File too large; its limits:"));
	assert_non_null(strstr(r.out, "frames of whole 4-byte words"));
	done(&r);
	write_corpus(nothing, 1);
	snprintf(line, sizeof line,
		 "maps %s --no-time --samples 100 --encoders exact,exact-consed,paged", path);
	r = run_to(0, cmd_maps, line);
	assert_non_null(strstr(r.out, "the encoder compared with writes no bytes"));
	assert_null(strstr(r.out, "is not among those measured"));
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_go_on),
		cmocka_unit_test(test_damaged_frames),
		cmocka_unit_test(test_bad_behind_good),
		cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
