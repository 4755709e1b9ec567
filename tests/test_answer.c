/* test_answer.c - the last two sentences of `stubmap maps`: the cost of a file's own format, and of
 * the smallest and the quickest exact encoders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maps/report.h"

static struct maps_rows rows;

static void value(const char *encoder, const char *event, double x, const char *note)
{
	const struct maps_row row = { "f", "c", encoder, event, "u", "count", note };

	maps_rows_value(&rows, &row, x);
}

static void encoder(const char *name, double bytes, double ns)
{
	value(name, "bytes", bytes, NULL);
	if (ns > 0)
		value(name, "warm_alone_live", ns, NULL);
}

static int set_up(void **state)
{
	(void)state;
	return maps_rows_begin(&rows);
}

static int tear_down(void **state)
{
	(void)state;
	maps_rows_end(&rows);
	return 0;
}

static void says(const char *expected)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	maps_answer(f, &rows, "f");
	fclose(f);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(text[i] == '\n' && i + 1 < len ? ' ' : text[i]);
	assert_string_equal(text, expected);
	free(text);
}

static void own_and_the_best_two(void **state)
{
	(void)state;
	value(NULL, "maps", 7, "wasmtime 48");
	value(NULL, "text_bytes", 1000, NULL);
	encoder("exact", 200, 50);
	encoder("exact-consed", 100, 40);
	encoder("exact-first", 150, 30);
	encoder("ranged-unsafe", 1, 1); /* wrong by design */
	encoder("ranged-start", 2, 2);	/* not exact */
	encoder("none", 0, 0.5);	/* holds nothing */
	says("The file's own format (exact) takes 20.0 % of the text, 50.0 ns a lookup. Of the "
	     "exact "
	     "ones, exact-consed would take 10.0 % of the text, 40.0 ns a lookup; exact-first, the "
	     "quickest, 15.0 % of the text, 30.0 ns a lookup.\n");
}

/* LLVM's is none of the encoders: the file says what it takes. */
static void of_no_encoder(void **state)
{
	(void)state;
	value(NULL, "maps", 7, "LLVM statepoints");
	value(NULL, "text_bytes", 1000, NULL);
	value(NULL, "own_bytes", 905, NULL);
	encoder("exact", 200, 0);
	says(
	    "The file's own format (LLVM statepoints) takes 90.5 % of the text. Of the exact ones, "
	    "exact, the smallest, would take 20.0 % of the text.\n");
}

static void without_times(void **state)
{
	(void)state;
	value(NULL, "maps", 7, "wasmtime 48");
	value(NULL, "text_bytes", 1000, NULL);
	encoder("exact", 200, 0);
	encoder("exact-consed", 100, 0);
	says("The file's own format (exact) takes 20.0 % of the text. Of the exact ones, "
	     "exact-consed, the smallest, would take 10.0 % of the text.\n");
}

static void a_format_that_no_encoder_writes(void **state)
{
	(void)state;
	value(NULL, "maps", 7, "LLVM statepoints");
	value(NULL, "text_bytes", 1000, NULL);
	encoder("exact", 200, 50);
	says("The file's own format (LLVM statepoints) is none of the encoders shown. Of the exact "
	     "ones, exact, the smallest and the quickest, would take 20.0 % of the text, 50.0 ns a "
	     "lookup.\n");
}

static void an_own_format_that_was_not_asked_for(void **state)
{
	(void)state;
	value(NULL, "maps", 7, "Go (pclntab)");
	value(NULL, "text_bytes", 1000, NULL);
	encoder("exact", 200, 50);
	says("The file's own format (go) is none of the encoders shown. Of the exact ones, exact, "
	     "the "
	     "smallest and the quickest, would take 20.0 % of the text, 50.0 ns a lookup.\n");
}

static void an_own_format_that_refused(void **state)
{
	const struct maps_row row = { "f", "c", "ocaml", "bytes", "bytes", NULL, "ocaml refuses" };
	(void)state;
	value(NULL, "maps", 7, "ocamlopt 5");
	value(NULL, "text_bytes", 1000, NULL);
	maps_rows_missing(&rows, &row);
	encoder("exact", 200, 50);
	says("The file's own format (ocaml) can't hold these maps: ocaml refuses. Of the exact "
	     "ones, exact, the smallest and the quickest, would take 20.0 % of the text, 50.0 ns a "
	     "lookup.\n");
}

static void nothing_exact_no_answer(void **state)
{
	(void)state;
	value(NULL, "maps", 7, "ocamlopt");
	encoder("ranged-start", 2, 2);
	says("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_and_the_best_two, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_no_encoder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_format_that_no_encoder_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_own_format_that_was_not_asked_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_own_format_that_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_exact_no_answer, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
