/* test_html.c - text and pictures in a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/html.h"
#include "base/table.h"

static char *text;
static size_t size;

static void text_ends_no_element(void **state)
{
	FILE *f = open_memstream(&text, &size);

	(void)state;
	html_text(f, "a<b>\"&amp;ü</td>");
	fclose(f);
	assert_string_equal(text, "a&lt;b&gt;&quot;&amp;amp;ü&lt;/td&gt;");
	free(text);
}

static void control_characters_are_shown(void **state)
{
	FILE *f = open_memstream(&text, &size);

	(void)state;
	html_text(f, "\033[2J\a\r\177 \xc2\x9b \xff a\n\tb ü");
	fclose(f);
	assert_string_equal(text, "\\x1b[2J\\x07\\r\\x7f \\xc2\\x9b \\xff a\n\tb ü");
	free(text);
}

static void a_picture_is_an_address(void **state)
{
	FILE *f = open_memstream(&text, &size);

	(void)state;
	html_data_svg(f, "<svg a=\"1%\">\n#ü</svg>");
	fclose(f);
	assert_string_equal(text,
			    "data:image/svg+xml,%3Csvg%20a=%221%25%22%3E%0A%23%C3%BC%3C/svg%3E");
	free(text);
}

static void a_table_is_whole(void **state)
{
	static const char *const headers[] = { "arm", "ns" };
	FILE *f = open_memstream(&text, &size);
	struct table t;

	(void)state;
	table_begin(&t, headers, "lr");
	for (int i = 0; i < 2; i++) {
		table_heading(&t, i ? "a<b" : "first");
		table_row(&t);
		table_cell(&t, "x&y");
		table_missing(&t, "no <PMU>");
	}
	assert_int_equal(table_end_as(&t, f, TABLE_HTML), 0);
	fclose(f);
#define TABLE                                                                                      \
	"<div class=\"wide\"><table><thead><tr><th>arm</th><th class=\"r\">ns</th></tr>\n</thead>" \
	"<tbody>\n<tr><td>x&amp;y</td><td class=\"r\">-a</td></tr>\n</tbody></table></div>\n"
	assert_string_equal(text, "<h4>first</h4>\n" TABLE "<h4>a&lt;b</h4>\n" TABLE
				  "<p class=\"note\">-a: no &lt;PMU&gt;</p>\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_ends_no_element),
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(a_picture_is_an_address),
		cmocka_unit_test(a_table_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
