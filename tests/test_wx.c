/*
 * test_wx.c - the table of W^X policies that doctor prints: a policy fails where an act that it
 * needs is forbidden, and works where it does not need the act.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "meters/policies.h"
#include "running_helpers.h"

static struct policy_answer answers[CODE_WX_POLICIES];

static void expect(enum code_wx wx, enum policy_hardening hardening, bool works)
{
	const char *got = answers[wx].under[hardening];

	assert_non_null(got);
	if (!strcmp(answers[wx].under[HARDENING_NONE], "works") != can_open(wx))
		fail_msg("%s here: %s", code_wx_names[wx], answers[wx].under[HARDENING_NONE]);
	/* Not there at all; or the kernel can't be asked to forbid it. */
	if (!can_open(wx) || !strcmp(got, "not known"))
		return;
	if (!strcmp(got, "works") != works || (!works && strcmp(got, "forbidden") != 0))
		fail_msg("%s, %s: %s", code_wx_names[wx], policy_hardening_names[hardening], got);
}

static void test_table(void **state)
{
	(void)state;
	policies_try(answers);
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		expect(wx, HARDENING_NONE, true);
		expect(wx, HARDENING_MDWE, wx == CODE_DUAL);
		expect(wx, HARDENING_EXECMEM, wx == CODE_DUAL);
		expect(wx, HARDENING_MEMFD, wx != CODE_DUAL);
		assert_int_equal(answers[wx].large != NULL, can_open(wx));
	}
}

/* The children's restrictions stay theirs. */
static void test_no_trace(void **state)
{
	(void)state;
	policies_try(answers);
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
		expect(wx, HARDENING_NONE, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
