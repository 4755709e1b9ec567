/*
 * test_churn.c - the reader of code-cache logs against files that are cut off, damaged or absurd,
 * the committed logs against the totals in their README, and the stream against its promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "workloads/churn.h"
#include "workloads/scenario.h"

static const char *const names[] = { "javac-16m",    "javac-240m", "javac-32m", "v8-box2d",
				     "v8-canvaskit", "v8-dart",	   "v8-duckdb", "v8-pyodide",
				     "v8-rapier",    "v8-sqljs" };
enum { NAMES = sizeof names / sizeof *names };

static void open_log(const char *name, struct churn *c)
{
	char path[100], error[CHURN_ERROR] = "";

	snprintf(path, sizeof path, "workloads/churn/%s.churn.zst", name);
	if (churn_read(path, c, error))
		fail_msg("%s", error);
	assert_string_equal(c->name, name);
}

/* ---- Totals ---------------------------------------------------------------------------------- */

/* The n-th column of a Markdown row, without its thousands separators. */
static uint64_t column(const char *row, int n)
{
	uint64_t value = 0;

	for (; n; row++)
		n -= *row == '|';
	for (; *row != '|'; row++)
		if (*row >= '0' && *row <= '9')
			value = 10 * value + (uint64_t)(*row - '0');
	return value;
}

static bool find_row(const char *name, char *row, int size)
{
	FILE *f = fopen("workloads/churn/README.md", "r");
	char start[40];
	bool found = false;

	assert_non_null(f);
	snprintf(start, sizeof start, "| %s |", name);
	while (!found && fgets(row, size, f))
		found = !strncmp(row, start, strlen(start));
	fclose(f);
	return found;
}

static void test_totals(void **unused)
{
	(void)unused;
	for (int i = 0; i < NAMES; i++) {
		uint64_t kinds[CHURN_MAX_KINDS] = { 0 };
		struct churn c;
		char row[400];

		open_log(names[i], &c);
		if (!find_row(names[i], row, sizeof row))
			fail_msg("%s is not in the README", names[i]);
		assert_int_equal(c.created, column(row, 2));
		assert_int_equal(c.released, column(row, 3));
		assert_int_equal(c.peak, column(row, 4));
		assert_int_equal(c.bytes, column(row, 5));
		assert_int_equal(c.peak_bytes, column(row, 6));
		for (uint32_t k = 0; k < c.created; k++)
			kinds[c.objects[k].kind]++;
		for (uint32_t k = 0; k < c.nkinds; k++)
			assert_true(kinds[k] > 0 && (!k || kinds[k] <= kinds[k - 1]));
		churn_free(&c);
	}
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void test_cut_off(void **unused)
{
	static const char whole[] = "workloads/churn/v8-box2d.churn.zst";
	char path[] = "/tmp/test_churn.XXXXXX", error[CHURN_ERROR];
	uint8_t bytes[4096];
	FILE *f = fopen(whole, "rb");
	struct churn c;

	(void)unused;
	assert_non_null(f);
	size_t len = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(len > 0 && len < sizeof bytes);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	for (size_t cut = 0; cut <= len; cut++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bytes, cut, 0), cut);
		int status = churn_read(path, &c, error);
		assert_true(cut < len ? status < 0 : status == 0);
		if (status && (!strstr(error, path) || strchr(error, '\n')))
			fail_msg("'%s' is not one line that names the file", error);
		churn_free(&c);
	}
	close(fd);
	unlink(path);
	assert_true(churn_read(path, &c, error) < 0);
	assert_non_null(strstr(error, "No such file"));
}

/* By hand: two objects, the first released, the checksum still to come. */
static const uint8_t tiny[] = "stubmap-churn 1\n\1t\1p\2\1a\2bb"
			      "\2\1\55" /* created, released, bytes */
			      "\0\0\12\0"
			      "\5\0\43\1"
			      "\3\2"
			      "end\n01234567";
enum { TINY = sizeof tiny - 1, HEAD = 16, TAIL = 12, COUNTS = HEAD + 2 + 2 + 1 + 2 + 3 };

/* Makes the checksum right, so that the parser behind it has to see the damage; parses a block of
 * exactly that size, so that a sanitizer sees a step beyond. */
static int parse_sealed(const uint8_t *from, size_t len, struct churn *c, char error[CHURN_ERROR])
{
	uint64_t h = 0xcbf29ce484222325u;
	uint8_t *bytes = malloc(len);
	int status;

	assert_non_null(bytes);
	memcpy(bytes, from, len);
	for (size_t i = 0; i < len - 8; i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	for (size_t i = 0; i < 8; i++)
		bytes[len - 8 + i] = (uint8_t)(h >> (8 * i));
	status = churn_parse(bytes, len, c, error);
	free(bytes);
	return status;
}

static void test_parser(void **unused)
{
	uint8_t bytes[TINY];
	char error[CHURN_ERROR];
	struct churn c;
	int good = 0;

	(void)unused;
	assert_true(churn_parse(tiny, TINY, &c, error) < 0);
	assert_non_null(strstr(error, "checksum"));
	if (parse_sealed(tiny, TINY, &c, error))
		fail_msg("%s", error);
	assert_int_equal(c.nevents, 3);
	assert_int_equal(c.objects[1].size, 35);
	assert_string_equal(c.kinds[c.objects[1].kind], "bb");
	assert_false(c.events[2].create);
	assert_int_equal(c.events[2].object, 0);
	assert_int_equal(c.events[2].us, 8);
	assert_int_equal(c.peak, 2);
	churn_free(&c);

	for (size_t bit = 0; bit < 8 * (TINY - TAIL); bit++) {
		memcpy(bytes, tiny, TINY);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!parse_sealed(bytes, TINY, &c, error))
			good++; /* a letter of a name, a time */
		else
			assert_non_null(strstr(error, "churn log"));
		churn_free(&c);
	}
	assert_true(good > 0 && good < 8 * TINY / 2);
	for (size_t cut = 1; cut <= TINY - TAIL - HEAD; cut++) {
		memcpy(bytes, tiny, TINY - cut - TAIL);
		memcpy(bytes + TINY - cut - TAIL, tiny + TINY - TAIL, TAIL);
		assert_true(parse_sealed(bytes, TINY - cut, &c, error) < 0);
	}
}

/* The tiny log with other bytes at a place. */
static void expect_refused(size_t at, const char *put, size_t len, const char *part)
{
	uint8_t bytes[TINY];
	char error[CHURN_ERROR] = "";
	struct churn c;

	memcpy(bytes, tiny, TINY);
	memcpy(bytes + at, put, len);
	assert_true(parse_sealed(bytes, TINY, &c, error) < 0);
	if (!strstr(error, part))
		fail_msg("'%s' does not say '%s'", error, part);
	assert_null(c.events);
}

static void test_absurd(void **unused)
{
	(void)unused;
	expect_refused(COUNTS, "\377\377\377\17", 4, "number of creations");
	expect_refused(COUNTS, "\14", 1, "fewer bytes than its events need");
	expect_refused(COUNTS, "\1", 1, "more creations than it states");
	expect_refused(COUNTS + 1, "\3", 1, "number of releases");
	expect_refused(COUNTS + 1, "\0", 1, "bytes between");
	expect_refused(COUNTS + 2, "\56", 1, "totals");
	expect_refused(COUNTS + 5, "\0", 1, "no size");
	expect_refused(COUNTS + 6, "\2", 1, "kind");
	expect_refused(COUNTS + 12, "\3", 1, "never created");
	expect_refused(COUNTS + 8, "\1\0\1", 3, "released twice");
	expect_refused(HEAD + 4, "\21", 1, "number of kinds");
}

/* ---- The stream ------------------------------------------------------------------------------ */

/* Replays all of it, holding each step to what was promised. */
static void check_stream(const struct churn *c, uint32_t most)
{
	uint32_t *object_in, live = 0, made = 0, gone = 0, evicted = 0;
	bool *created = calloc(c->created, sizeof *created);
	struct churn_stream s;
	struct churn_step step;
	uint64_t us = 0;

	assert_int_equal(churn_start(&s, c, most), 0);
	assert_true(s.slots == c->peak || s.slots == most);
	object_in = calloc(s.slots, sizeof *object_in);
	assert_non_null(created);
	assert_non_null(object_in);
	while (churn_next(&s, &step)) {
		assert_true(step.slot < s.slots && step.us >= us);
		assert_int_equal(step.size, c->objects[step.object].size);
		us = step.us;
		if (step.create) {
			assert_false(created[step.object]);
			assert_int_equal(object_in[step.slot], 0);
			created[step.object] = true;
			object_in[step.slot] = step.object + 1;
			made++;
			live++;
		} else {
			assert_int_equal(object_in[step.slot], step.object + 1);
			assert_true(!step.evicted || live == s.slots);
			object_in[step.slot] = 0;
			evicted += step.evicted;
			gone++;
			live--;
		}
		assert_true(live <= s.slots);
	}
	assert_int_equal(made, c->created);
	assert_int_equal(s.created, made);
	assert_int_equal(s.released, gone);
	assert_int_equal(s.evicted, evicted);
	if (!most || most >= c->peak)
		assert_true(gone == c->released && !evicted);
	else
		assert_true(evicted > 0 && made - gone <= most);
	churn_stop(&s);
	free(object_in);
	free(created);
}

static void test_stream(void **unused)
{
	static const uint32_t bounds[] = { 0, 1, 2, 64, 1000, UINT32_MAX };

	(void)unused;
	for (int i = 0; i < NAMES; i++) {
		struct churn c;

		open_log(names[i], &c);
		for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
			check_stream(&c, bounds[b]);
		churn_free(&c);
	}
}

/* Of three objects the first is evicted for the third, so its release in the log is passed over. */
static void test_eviction(void **unused)
{
	static const struct churn_event events[] = {
		{ 0, 0, true }, { 1, 1, true }, { 2, 2, true }, { 3, 0, false }, { 4, 1, false }
	};
	struct churn_object objects[3] = { { 8, 0 }, { 16, 0 }, { 32, 0 } };
	struct churn c = {
		.objects = objects, .created = 3, .released = 2, .nevents = 5, .peak = 3
	};
	static const char *const expected[] = { "+0 in 0", "+1 in 1", "-0 in 0 evicted", "+2 in 0",
						"-1 in 1" };
	struct churn_stream s;
	struct churn_step step;
	int n = 0;

	(void)unused;
	c.events = (struct churn_event *)events;
	assert_int_equal(churn_start(&s, &c, 2), 0);
	for (; churn_next(&s, &step); n++) {
		char line[40];

		snprintf(line, sizeof line, "%c%u in %u%s", step.create ? '+' : '-', step.object,
			 step.slot, step.evicted ? " evicted" : "");
		assert_true(n < 5);
		assert_string_equal(line, expected[n]);
	}
	assert_int_equal(n, 5);
	churn_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_totals), cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_parser), cmocka_unit_test(test_absurd),
		cmocka_unit_test(test_stream), cmocka_unit_test(test_eviction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
