/*
 * test_wasm_sizes.c - modules of few bytes that ask for much: what their tables, locals, values and
 * imports cost follows from the file's size. test_wasm_bad.c has the lines of those refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "wasm/file.h"

#define HEAD	      "\0asm\1\0\0\0"
#define TWO_FUNCTIONS HEAD "\1\4\1\x60\0\0\3\3\2\0\0"

/* What wasm2c and the runtime need for them follows from the file's size. */
static void test_at_the_limits(void **unused)
{
	static const uint8_t file[] = TWO_FUNCTIONS /* and one table of a million entries */
	    "\4\6\1\x6f\0\200\200\100\12\13\2\6\1\320\206\3\x7f\x0b\2\0\x0b";
	char error[WASM_FILE_ERROR];
	struct wasm_file f;

	(void)unused;
	if (wasm_file_parse(&f, "m", file, sizeof file - 1, error))
		fail_msg("%s", error);
	assert_int_equal(f.entries, WASM_MAX_TABLE);
	wasm_file_close(&f);
}

/* A function of 4,000 results that is called n times; wasm2c keeps all that they leave. */
static int parse_calls(uint32_t n, char error[WASM_FILE_ERROR])
{
	static const uint8_t head[] = HEAD "\1\245\37\1\x60\0\240\37";
	static const uint8_t after[] = "\3\3\2\0\0\12\310\1\2\2\0\x0b\302\1\0";
	static uint8_t bytes[sizeof head + 4000 + sizeof after + 193];
	struct wasm_file f;

	memset(bytes, 1, sizeof bytes); /* nop */
	memcpy(bytes, head, sizeof head - 1);
	memset(bytes + sizeof head - 1, 0x7f, 4000);
	uint8_t *at = bytes + sizeof head - 1 + 4000;
	memcpy(at, after, sizeof after - 1);
	at += sizeof after - 1;
	for (uint32_t i = 0; i < n; i++)
		memcpy(at + 2 * i, "\x10\0", 2);
	at[192] = 0x0b;
	int r = wasm_file_parse(&f, "m", bytes, (size_t)(at + 193 - bytes), error);
	wasm_file_close(&f);
	return r;
}

static void test_many_values(void **unused)
{
	char error[WASM_FILE_ERROR];

	(void)unused;
	if (parse_calls(13, error))
		fail_msg("%s", error);
	assert_int_equal(parse_calls(14, error), -EINVAL);
	assert_string_equal(
	    error, "m: too large: function 1: calls and blocks up to its end pass more than "
		   "54224 values, which is 50000 and one for each byte of the file");
}

/* An import that is listed again counts once; sixty thousand of them take no time to speak of. */
static void test_many_imports(void **unused)
{
	enum { IMPORTS = 60000, TWICE = 7, ROOM = 32 + 11 * IMPORTS };
	static const uint8_t head[] = HEAD "\1\4\1\x60\0\0\2\0\0\0\0\0\0\0";
	const uint64_t begun = clock_ns();
	uint8_t *bytes = malloc(ROOM), *at = bytes + sizeof head - 1;
	char error[WASM_FILE_ERROR], name[8];
	struct wasm_file f;

	(void)unused;
	memcpy(bytes, head, sizeof head - 1);
	for (uint32_t i = 0; i < IMPORTS; i++, at += 10) {
		snprintf(name, sizeof name, "%05x", i < IMPORTS - TWICE ? i : i - 100);
		memcpy(at, "\1m\5", 3);
		memcpy(at + 3, name, 5);
		memcpy(at + 8, "\0\0", 2);
	}
	const uint32_t numbers[] = { (uint32_t)(at - bytes) - 19, IMPORTS };
	for (int i = 0; i < 7; i++) /* the section's size takes 4 bytes, the count 3 */
		bytes[15 + i] = (uint8_t)(i < 4 ? numbers[0] >> 7 * i | 128 * (i < 3)
						: numbers[1] >> 7 * (i - 4) | 128 * (i < 6));
	if (wasm_file_parse(&f, "m", bytes, (size_t)(at - bytes), error))
		fail_msg("%s", error);
	assert_int_equal(f.nimports, IMPORTS - TWICE);
	assert_int_equal(f.nfunctions, IMPORTS);
	for (uint32_t i = 0; i < f.nimports; i++) /* in the file's order */
		assert_int_equal(strtoul(f.imports[i].name, NULL, 16), i);
	wasm_file_close(&f);
	free(bytes);
	assert_in_range((clock_ns() - begun) / 1000000, 0, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_the_limits),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_many_imports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
