/*
 * test_signature.c - signatures: text to word and back, what is refused, and that a damaged word is
 * printed within the text's bounds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <stubmap/stub.h>

static void test_signature(void **state)
{
	(void)state;
	const char *const good[] = { ">", ">i", "i>", "iid>l", "rfdli>r", "llllllllllllllll>d" };
	const char *const bad[] = { "",	   "i",	  "x>i", "i>x",	 "i>ii",
				    "i> ", " >i", "i>>", "i>i ", "lllllllllllllllll>d" };
	stub_signature s;
	char text[20];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(stub_signature_parse(good[i], &s), 0);
		assert_string_equal(stub_signature_format(s, text), good[i]);
		assert_int_equal(stub_nparams(s), strchr(good[i], '>') - good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		s = 77;
		assert_int_equal(stub_signature_parse(bad[i], &s), -EINVAL);
		assert_int_equal(s, 77);
	}
	assert_int_equal(stub_signature_parse("id>l", &s), 0);
	assert_int_equal(stub_result(s), STUB_I64);
	assert_int_equal(stub_param(s, 0), STUB_I32);
	assert_int_equal(stub_param(s, 1), STUB_F64);
	assert_int_equal(s, STUB_I64 | 2 << 3 | STUB_I32 << 8 | STUB_F64 << 11);
	/* A damaged word is shown, within the text's bounds. */
	assert_string_equal(stub_signature_format(~0ull, text), "????????????????"
								">"
								"?");
	assert_string_equal(stub_kind_names[STUB_BUILTIN], "builtin");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
