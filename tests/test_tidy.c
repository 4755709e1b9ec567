/* test_tidy.c - rows as JSON lines and as CSV (RFC 4180). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/tidy.h"

static char *text;
static size_t size;

static struct tidy begin(bool csv)
{
	return (struct tidy){ .out = open_memstream(&text, &size), .csv = csv };
}

static void expect(struct tidy *t, const char *wanted)
{
	tidy_end(t);
	fclose(t->out);
	assert_string_equal(text, wanted);
	free(text);
}

static void json_is_an_object_a_line(void **state)
{
	struct tidy t = begin(false);

	(void)state;
	assert_int_equal(tidy_put(&t, json_pack("{s:s, s:f}", "a", "x,\"y\"", "b", 0.1)), 0);
	assert_int_equal(tidy_put(&t, json_pack("{s:n}", "c")), 0);
	expect(&t, "{\"a\":\"x,\\\"y\\\"\",\"b\":0.1}\n{\"c\":null}\n");
}

static void csv_quotes_what_would_break_a_row(void **state)
{
	struct tidy t = begin(true);

	(void)state;
	assert_int_equal(tidy_put(&t, json_pack("{s:s, s:s, s:s, s:s}", "a", "x,y", "b",
						"say \"no\"", "c", "two\nlines", "d", "plain")),
			 0);
	expect(&t, "a,b,c,d\r\n\"x,y\",\"say \"\"no\"\"\",\"two\nlines\",plain\r\n");
}

/* A command for a terminal is shown as text; in JSON its meaning is the same. */
static void no_control_character_is_written(void **state)
{
	static const char hostile[] = "a\033[2J\r\177\xc2\x9b"
				      "b\tc\nd\xc2\xa0\xc3\xbc\\\177";
	struct tidy t = begin(false);

	(void)state;
	assert_int_equal(tidy_put(&t, json_pack("{s:s, s:i}", "k\177", hostile, "n", 1)), 0);
	tidy_end(&t);
	fclose(t.out);
	assert_string_equal(text,
			    "{\"k\\u007F\":\"a\\u001B[2J\\r\\u007F\\u009Bb\\tc\\nd\u00a0\u00fc"
			    "\\\\\\u007F\",\"n\":1}\n");
	json_t *again = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(again, "k\177")), hostile);
	json_decref(again);
	free(text);
	t = begin(true);
	assert_int_equal(tidy_put(&t, json_pack("{s:s, s:s}", "a", hostile, "b", "\033\"")), 0);
	expect(&t, "a,b\r\n\"a\\x1b[2J\\r\\x7f\\xc2\\x9bb\\tc\nd\u00a0\u00fc\\\\x7f\","
		   "\"\\x1b\"\"\"\r\n");
}

/* The first row's keys are the columns; numbers, truth and null as JSON writes them, null empty. */
static void csv_has_the_first_rows_columns(void **state)
{
	struct tidy t = begin(true);

	(void)state;
	assert_int_equal(tidy_put(&t, json_pack("{s:i, s:{s:s, s:b}, s:n}", "n", 7, "cell", "stubs",
						"page", "share", true, "why")),
			 0);
	assert_int_equal(tidy_put(&t, json_pack("{s:f, s:i}", "n", 1.5, "other", 1)), 0);
	expect(&t, "n,cell.stubs,cell.share,why\r\n7,page,true,\r\n1.5,,,\r\n");
}

static void no_row_is_no_header(void **state)
{
	struct tidy t = begin(true);

	(void)state;
	assert_int_equal(tidy_put(&t, NULL), -ENOMEM);
	expect(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_an_object_a_line),
		cmocka_unit_test(csv_quotes_what_would_break_a_row),
		cmocka_unit_test(no_control_character_is_written),
		cmocka_unit_test(csv_has_the_first_rows_columns),
		cmocka_unit_test(no_row_is_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
