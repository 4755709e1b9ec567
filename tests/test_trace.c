/*
 * test_trace.c - the reader of traces against files that are cut off, damaged, foreign or absurd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <cmocka.h>

#include "workloads/scenario.h"
#include "workloads/trace.h"

static void expect_error(int status, const char *error, const char *part)
{
	assert_true(status < 0);
	assert_null(strchr(error, '\n'));
	if (!strstr(error, part))
		fail_msg("'%s' does not say '%s'", error, part);
}

struct folder {
	char root[64], traces[80], file[120];
};

static int make_folder(void **state)
{
	struct folder *f = calloc(1, sizeof *f);

	if (!f)
		return -1;
	strcpy(f->root, "/tmp/test_workloads.XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	snprintf(f->traces, sizeof f->traces, "%s/traces", f->root);
	snprintf(f->file, sizeof f->file, "%s/sqljs.trace.zst", f->traces);
	*state = f;
	return mkdir(f->traces, 0700);
}

static int drop_folder(void **state)
{
	struct folder *f = *state;

	unlink(f->file);
	rmdir(f->traces);
	rmdir(f->root);
	free(f);
	return 0;
}

static void spill(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static uint8_t *load(const char *path, size_t *len)
{
	static const size_t most = 1 << 20;
	uint8_t *bytes = malloc(most);
	FILE *f = fopen(path, "rb");

	assert_non_null(bytes);
	assert_non_null(f);
	*len = fread(bytes, 1, most, f);
	assert_true(*len > 0 && *len < most);
	fclose(f);
	return bytes;
}

static void expect_refused(const struct folder *f, const char *part)
{
	struct trace t;
	char error[200] = "";

	expect_error(trace_read(f->file, &t, error), error, part);
	if (!strstr(error, "sqljs.trace.zst"))
		fail_msg("'%s' does not name the file", error);
	assert_null(t.events);
}

static void test_cut_off(void **state)
{
	static const char *const names[] = { "sqljs",	   "sqlite3oo", "dart-todomvc",
					     "treesitter", "rapier",	"esbuild",
					     "duckdb",	   "hashwasm",	"javamark" };
	const struct folder *f = *state;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[200];
		size_t len;

		snprintf(path, sizeof path, "workloads/traces/%s.trace.zst", names[i]);
		uint8_t *bytes = load(path, &len);
		for (size_t cut = 0; cut < 200; cut++) {
			spill(f->file, bytes, cut < 100 ? cut : len * cut / 200);
			expect_refused(f, "");
		}
		spill(f->file, bytes, len - 1);
		expect_refused(f, "cut off");
		free(bytes);
	}
}

static bool same_trace(const struct trace *a, const struct trace *b)
{
	return a->nevents == b->nevents && a->nstubs == b->nstubs &&
	       !memcmp(a->stubs, b->stubs, a->nstubs * sizeof *a->stubs) &&
	       !memcmp(a->events, b->events, a->nevents * sizeof *a->events);
}

static void test_flipped(void **state)
{
	const struct folder *f = *state;
	uint64_t random = 20;
	static const char path[] = "workloads/traces/sqljs.trace.zst";
	char error[200];
	struct trace whole;
	size_t len;

	assert_int_equal(trace_read(path, &whole, error), 0);
	uint8_t *bytes = load(path, &len);
	for (unsigned i = 0; i < 200; i++) {
		/* The head, where the lengths are, gets every bit; the rest a sample. */
		uint32_t bit = i < 100 ? i : random_below(&random, (uint32_t)(8 * len));
		struct trace t;

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		spill(f->file, bytes, len);
		if (!trace_read(f->file, &t, error))
			assert_true(same_trace(&t, &whole));
		else
			expect_error(-1, error, "sqljs.trace.zst");
		trace_free(&t);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bytes);
	trace_free(&whole);
}

static void spill_padded(const struct folder *f, const void *plain, size_t len,
			 const uint8_t *padding, size_t npadding)
{
	size_t cap = ZSTD_compressBound(len);
	uint8_t *packed = malloc(cap + npadding);

	assert_non_null(packed);
	cap = ZSTD_compress(packed, cap, plain, len, 1);
	assert_false(ZSTD_isError(cap));
	if (npadding)
		memcpy(packed + cap, padding, npadding);
	spill(f->file, packed, cap + npadding);
	free(packed);
}

static void spill_packed(const struct folder *f, const void *plain, size_t len)
{
	spill_padded(f, plain, len, NULL, 0);
}

static void test_foreign(void **state)
{
	struct folder *f = *state;
	struct workload_params p = { .data = f->root };
	struct workload w;
	const size_t bomb = (size_t)65 << 20;
	struct scenario s;
	char error[200];
	size_t len;

	assert_true(workload_named("replay:sqljs", &w));
	unlink(f->file);
	expect_refused(f, "No such file");
	spill(f->file, "WTRC1\n", 6);
	expect_refused(f, "no zstd file");
	spill_packed(f, "WTRC1\nand so on, with more bytes than a head has", 48);
	expect_refused(f, "does not begin with");
	void *zeros = calloc(1, bomb);
	assert_non_null(zeros);
	spill_packed(f, zeros, bomb);
	expect_refused(f, "more than 9");
	/* a small file holds little: 8 MiB, and 512 bytes for one of its own */
	spill_packed(f, zeros, 9 << 20);
	expect_refused(f, "more than 8");
	spill_packed(f, zeros, 8 << 20);
	expect_refused(f, "does not begin with");
	/* a skippable frame behind it, as long as the contents ask, and one that is cut off */
	static uint8_t padding[8 + 2048] = { 0x50, 0x2a, 0x4d, 0x18, 0, 8 };
	spill_padded(f, zeros, 9 << 20, padding, sizeof padding);
	expect_refused(f, "does not begin with");
	spill_padded(f, zeros, 9 << 20, padding, sizeof padding - 1);
	expect_refused(f, "bytes after the end");
	free(zeros);
	/* Few bytes that ask for much memory before there is any. */
	static const uint8_t window[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0 };
	spill(f->file, window, sizeof window);
	expect_refused(f, "too much memory");

	/* A good trace under another's name. */
	uint8_t *bytes = load("workloads/traces/sqlite3oo.trace.zst", &len);
	spill(f->file, bytes, len);
	free(bytes);
	expect_error(w.open(&w, &p, &s, error), error, "holds the trace 'sqlite3oo'");
	p.data = NULL;
	expect_error(w.open(&w, &p, &s, error), error, "no folder");
}

/* A trace by hand: one instance, two stubs, three events (0 1 0), the checksum still to come. */
static const uint8_t tiny[] = "stubmap-trace 1\n\1t\1p\1"
			      "\144\12\3\1\2\2\0\4\3" /* bytes ... table slots filled */
			      "\2\1\0\2\3i>i\2"	      /* entry_js 0.2 "i>i", twice */
			      "\3\0\1\2r>\1"	      /* indirect 0.1 "r>", once */
			      "\3\0\2\1"	      /* +0 +1 -1 */
			      "end\n01234567";
enum { TINY = sizeof tiny - 1 };

/* Makes the checksum right, so that the parser behind it has to see the damage. */
static void seal(uint8_t *bytes, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len - 8; i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	for (size_t i = 0; i < 8; i++)
		bytes[len - 8 + i] = (uint8_t)(h >> (8 * i));
}

/* From a block of exactly that size, so that a sanitizer sees a step beyond. */
static int parse_copy(const uint8_t *from, size_t len, struct trace *t, char error[200])
{
	uint8_t *copy = malloc(len);
	int status;

	assert_non_null(copy);
	memcpy(copy, from, len);
	status = trace_parse(copy, len, t, error);
	free(copy);
	return status;
}

static void test_parser(void **unused)
{
	uint8_t bytes[TINY];
	struct trace t;
	char error[200];
	int good = 0;

	(void)unused;
	memcpy(bytes, tiny, TINY);
	assert_true(parse_copy(bytes, TINY, &t, error) < 0);
	expect_error(-1, error, "checksum");
	seal(bytes, TINY);
	if (parse_copy(bytes, TINY, &t, error))
		fail_msg("%s", error);
	assert_int_equal(t.nevents, 3);
	assert_int_equal(t.stubs[0].count, 2);
	assert_string_equal(t.stubs[1].signature, "r>");
	trace_free(&t);

	for (size_t bit = 0; bit < 8 * (TINY - 12); bit++) {
		memcpy(bytes, tiny, TINY);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		seal(bytes, TINY);
		if (!parse_copy(bytes, TINY, &t, error))
			good++; /* a letter of a name, a count that nothing contradicts */
		else
			assert_non_null(strstr(error, "trace"));
		trace_free(&t);
	}
	assert_true(good > 0 && good < 8 * TINY / 2);
	for (size_t cut = 1; cut < TINY - 12; cut++) {
		memcpy(bytes, tiny, TINY - cut - 12);
		memcpy(bytes + TINY - cut - 12, tiny + TINY - 12, 12);
		seal(bytes, TINY - cut);
		assert_true(parse_copy(bytes, TINY - cut, &t, error) < 0);
	}
}

/* The program imports two host functions and calls neither: their stubs take what it did cross. */
static void test_a_kind_never_crossed(void **state)
{
	const struct folder *f = *state;
	const struct workload_params params = { .data = NULL };
	char name[140], error[WORKLOAD_ERROR];
	unsigned exits = 0, entries = 0;
	uint8_t bytes[TINY];
	struct scenario s;

	memcpy(bytes, tiny, TINY);
	seal(bytes, TINY);
	spill_packed(f, bytes, TINY);
	snprintf(name, sizeof name, "replay:%s", f->file);
	struct workload w;
	assert_true(workload_named(name, &w));
	if (w.open(&w, &params, &s, error))
		fail_msg("%s", error);
	for (uint32_t i = 0; i < s.nboundaries; i++) {
		const struct boundary *b = &s.boundaries[i];

		assert_true(!strcmp(b->signature, "i>i") || !strcmp(b->signature, "r>"));
		exits += b->kind == BOUNDARY_EXIT_JS;
		entries += b->kind == BOUNDARY_ENTRY_JS;
	}
	assert_int_equal(exits, 2);
	assert_int_equal(entries, 1);
	assert_int_equal(s.nevents, 3);
	scenario_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_kind_never_crossed, make_folder,
						drop_folder),
		cmocka_unit_test_setup_teardown(test_cut_off, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_flipped, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_foreign, make_folder, drop_folder),
		cmocka_unit_test(test_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
