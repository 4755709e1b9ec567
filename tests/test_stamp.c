/* test_stamp.c - the stamp in a program, as the linker leaves it, as a record has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "meters/provenance.h"

/* In place of the one that scripts/stamp writes. */
extern char program_stamp[];
char program_stamp[200];

static void expect(const char *stamp, const char *json, const char *says)
{
	char why[PROVENANCE_WHY] = "";
	json_t *wanted = json ? json_loads(json, 0, NULL) : NULL;

	strcpy(program_stamp, stamp);
	json_t *program = provenance_program(why);
	if (json ? !json_equal(program, wanted) : program != NULL)
		fail_msg("'%s': not %s", stamp, json ? json : "nothing");
	assert_string_equal(why, says);
	json_decref(program);
	json_decref(wanted);
}

static void a_stamp_is_read(void **state)
{
	(void)state;
	expect("77 abc clean", "{\"commit\": \"abc\", \"dirty\": false, \"hash\": \"77\"}", "");
	expect("77 abc dirty", "{\"commit\": \"abc\", \"dirty\": true, \"hash\": \"77\"}", "");
	expect("77 - not built in a git tree",
	       "{\"commit\": null, \"dirty\": null, \"hash\": \"77\"}", "not built in a git tree");
	expect("77 abc", NULL, "the program was linked without a stamp");
	expect("", NULL, "the program was linked without a stamp");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_stamp_is_read) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
