/* test_table.c - no line is longer than TABLE_WIDTH, and no word is lost by that. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/table.h"
#include "text_helpers.h"

#define EVENT "amd64_fam19h_zen3::CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:IC_FILL_MISS:"

/* What remains of a text in lines of that width, joined by '|'. */
static void check_lines(const char *text, size_t width, const char *expected)
{
	char joined[400] = "";
	size_t next;

	for (const char *at = text; *at; at += next) {
		size_t n = table_break(at, width, &next), used = strlen(joined);

		assert_true(next > 0 && n <= next);
		snprintf(joined + used, sizeof joined - used, "%s%.*s", used ? "|" : "", (int)n,
			 at);
	}
	assert_string_equal(joined, expected);
}

static void lines_end_at_blanks(void **state)
{
	(void)state;
	check_lines("one two three", 13, "one two three");
	check_lines("one two three", 12, "one two|three");
	check_lines("one two three", 7, "one two|three");
	check_lines("one two three", 6, "one|two|three");
	check_lines("one  two   three", 5, "one|two|three");
	check_lines("one two ", 7, "one two");
	check_lines("  one two", 5, "  one|two");
}

static void long_words_are_broken(void **state)
{
	(void)state;
	check_lines("abcdefgh", 3, "abc|def|gh");
	check_lines("ab cdefgh ij", 3, "ab|cde|fgh|ij");
	check_lines("abc", 1, "a|b|c");
	check_lines("a b", 1, "a|b");
	check_lines("ab:cdef", 5, "ab:|cdef");
	check_lines("ab::cdef", 5, "ab::|cdef");
	check_lines("ab.cd:ef", 7, "ab.cd:|ef");
	check_lines("/usr/lib/llvm", 9, "/usr/lib/|llvm");
	check_lines("why: " EVENT " no", 70,
		    "why:|amd64_fam19h_zen3::CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:|"
		    "IC_FILL_MISS: no");
}

/* A character takes one column, whatever its bytes, and is never cut. */
static void characters_stay_whole(void **state)
{
	(void)state;
	check_lines("üüü", 3, "üüü");
	check_lines("üüü", 2, "üü|ü");
	check_lines("üüü", 1, "ü|ü|ü");
	check_lines("für üben", 3, "für|übe|n");
	check_lines("\xbc\xbc", 1, "\xbc\xbc"); /* no text at all */
}

static char *wrapped(const char *prefix, const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	table_wrapf(f, prefix, "%s", text);
	assert_int_equal(fclose(f), 0);
	return out;
}

static void texts_fit_behind_any_prefix(void **state)
{
	static const char text[] = "hardware: " EVENT " the kernel has no such event on this CPU; "
				   "papi: " EVENT EVENT " für und wider";
	char prefix[TABLE_WIDTH + 2] = "", *out;

	(void)state;
	for (int used = 0; used <= TABLE_WIDTH; used++) {
		out = wrapped(prefix, text);
		check_width(out);
		check_holds(out, text);
		free(out);
		strcat(prefix, "-");
	}
	out = wrapped("why: ", "");
	assert_string_equal(out, "why: \n");
	free(out);
	out = wrapped("why: ", "none");
	assert_string_equal(out, "why: none\n");
	free(out);
}

/* ---- Whole tables ---------------------------------------------------------------------------- */

static char *table_of(const char *align, size_t columns, size_t first, size_t other)
{
	static const char *const headers[TABLE_COLUMNS] = { "a", "b", "c", "d", "e", "f",
							    "g", "h", "i", "j", "k", "l" };
	char cell[TABLE_CELL], *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);
	struct table t;

	assert_non_null(f);
	table_begin(&t, headers, align);
	for (int row = 0; row < 3; row++) {
		table_row(&t);
		for (size_t k = 0; k < columns; k++) {
			size_t n = k ? other : first;

			memset(cell, 'a' + (int)k, n);
			cell[n] = 0;
			table_cell(&t, "%s", row == 1 && k ? "1" : cell);
		}
	}
	table_missing(&t, EVENT EVENT);
	table_heading(&t, EVENT EVENT);
	assert_int_equal(table_end(&t, f), 0);
	assert_int_equal(fclose(f), 0);
	return out;
}

static void rows_fit(void **state)
{
	static const size_t widths[] = { 1, 6, 7, 8, 20, 50, TABLE_CELL - 1 };
	char align[TABLE_COLUMNS + 1] = "", *out;

	(void)state;
	for (size_t n = 1; n <= TABLE_COLUMNS; n++) {
		align[n - 1] = n % 3 == 1 ? 'l' : 'r';
		for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
			for (size_t j = 0; j < sizeof widths / sizeof *widths; j++) {
				out = table_of(align, n, widths[i], widths[j]);
				check_width(out);
				check_holds(out, EVENT EVENT);
				/* Nothing of the cells is lost. */
				for (size_t k = 0; k < n; k++) {
					size_t count = 0;
					for (const char *p = out; *p; p++)
						count += *p == 'a' + (int)k;
					assert_true(count >= (k ? 2 * widths[j] : 3 * widths[i]));
				}
				free(out);
			}
	}
}

/* What fits is one line a row, columns aligned, no blank at an end. */
static void narrow_tables_are_plain(void **state)
{
	static const char *const headers[] = { "arm", "ns", "why" };
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);
	struct table t;

	(void)state;
	table_begin(&t, headers, "lrl");
	table_heading(&t, "ring");
	table_row(&t);
	table_cell(&t, "page");
	table_number(&t, 12.345);
	table_cell(&t, "so");
	table_row(&t);
	table_cell(&t, "für");
	table_missing(&t, "none here");
	assert_int_equal(table_end(&t, f), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(out, "arm     ns  why\n"
				 "ring\n"
				 "page  12.3  so\n"
				 "für     -a\n"
				 "  a: none here\n");
	free(out);
}

/* A table a heading, and nothing in a cell that Markdown would take for its own. */
static void markdown_has_a_table_a_heading(void **state)
{
	static const char *const headers[] = { "arm", "ns" };
	char *out;
	size_t size;
	FILE *f = open_memstream(&out, &size);
	struct table t;

	(void)state;
	table_begin(&t, headers, "lr");
	for (int live = 4; live < 6; live++) {
		char heading[20];
		snprintf(heading, sizeof heading, "%d live", live);
		table_heading(&t, heading);
		table_row(&t);
		table_cell(&t, "a|b*");
		if (live == 4)
			table_number(&t, 12.345);
		else
			table_missing(&t, "none here");
	}
	assert_int_equal(table_end_as(&t, f, TABLE_MARKDOWN), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(out, "**4 live**\n\n| arm | ns |\n|---|---:|\n| a\\|b\\* | 12.3 |\n\n"
				 "**5 live**\n\n| arm | ns |\n|---|---:|\n| a\\|b\\* | -a |\n\n"
				 "  a: none here\n");
	free(out);
}

/* A table of one red cell in a terminal, and what that was sent. */
static void print_red(char *sent, size_t size)
{
	static const char *const headers[] = { "arm", "says", "ns" };
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	struct table t;
	FILE *f;

	assert_true(terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal));
	assert_non_null(f = fopen(ptsname(terminal), "r+"));
	table_begin(&t, headers, "lrl");
	table_row(&t);
	table_cell(&t, "pool");
	table_cell(&t, "no");
	table_tint(&t, TINT_BAD);
	table_cell(&t, "1");
	assert_int_equal(table_end(&t, f), 0);
	assert_int_equal(fflush(f), 0);
	/* Two lines, which come in pieces. */
	for (int lines = 0; lines < 2 && size > 1; sent++, size--) {
		assert_int_equal(read(terminal, sent, 1), 1);
		lines += *sent == '\n';
	}
	*sent = 0;
	fclose(f);
	close(terminal);
}

static void terminals_have_colours(void **state)
{
	const char plain[] = "arm   says  ns\r\npool    no  1\r\n";
	char sent[200];

	(void)state;
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	print_red(sent, sizeof sent);
	assert_string_equal(sent, "arm   says  ns\r\npool    \033[31mno\033[0m  1\r\n");
	setenv("NO_COLOR", "", 1); /* empty: as if it were not there */
	print_red(sent, sizeof sent);
	assert_non_null(strchr(sent, '\033'));
	setenv("NO_COLOR", "1", 1);
	print_red(sent, sizeof sent);
	assert_string_equal(sent, plain);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	print_red(sent, sizeof sent);
	assert_string_equal(sent, plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terminals_have_colours),
		cmocka_unit_test(lines_end_at_blanks),
		cmocka_unit_test(long_words_are_broken),
		cmocka_unit_test(characters_stay_whole),
		cmocka_unit_test(texts_fit_behind_any_prefix),
		cmocka_unit_test(rows_fit),
		cmocka_unit_test(narrow_tables_are_plain),
		cmocka_unit_test(markdown_has_a_table_a_heading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
