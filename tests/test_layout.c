/*
 * test_layout.c - `show stub --layout`: the picture fits a terminal and counts what the strategy
 * placed, for every strategy of list.h.
 */
#include <stubmap/stub.h>

#include "cli/commands.h"
#include "command_helpers.h"

struct counts {
	unsigned lines, pages, sets, most, stubs;
};

/* Reads the last line, and the stubs in the rows of pages. */
static struct counts read_text(const char *text)
{
	struct counts c = { 0 };
	const char *last = strstr(text, " of 64 sets; ");

	assert_non_null(last);
	while (last > text && last[-1] != '\n')
		last--;
	assert_int_equal(sscanf(last,
				" %u line%*[s ]in %u page%*[s ]and %u of 64 sets; at most %u in a "
				"set",
				&c.lines, &c.pages, &c.sets, &c.most),
			 4);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		assert_true(strcspn(line, "\n") <= 100);
		if (strncmp(line, "  page ", 7) != 0)
			continue;
		assert_int_equal(strcspn(line, "\n"), 14 + 64);
		for (const char *p = line + 14; *p != '\n'; p++)
			c.stubs += *p >= '1' && *p <= '9'   ? (unsigned)(*p - '0')
				   : *p >= 'A' && *p <= 'Z' ? (unsigned)(*p - 'A') + 10
							    : 0;
	}
	return c;
}

static void every_arm_is_drawn(void **state)
{
	char line[120];

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++) {
		const struct stub_ops *ops = stub_strategies[i];

		for (unsigned k = 0; k < 2; k++) {
			snprintf(
			    line, sizeof line,
			    "show stub --layout --live 16 --kind %s --signature iid>l --stubs %s",
			    k ? "exit_js" : "indirect", ops->name);
			struct result r = run_to(0, cmd_show, line);
			struct counts c = read_text(r.out);
			/* none of its own for a deferred stub, or where bodies are shared */
			const bool none = ops->flags & (STUB_DEFERRED | STUB_DIRECT) ||
					  (k && !strcmp(ops->name, "island"));

			assert_true(c.lines >= 1 && c.pages >= 1 && c.sets >= 1);
			assert_true(c.most >= 1 && c.most <= c.pages && c.lines <= c.most * c.sets);
			assert_int_equal(c.stubs, none ? 0 : 16);
			assert_int_equal(strstr(r.out, "no code of their own") != NULL, none);
			done(&r);
		}
		snprintf(line, sizeof line, "show stub --svg --live 16 --stubs %s", ops->name);
		struct result r = run_to(0, cmd_show, line);
		assert_memory_equal(r.out, "<svg ", 5);
		assert_string_equal(r.out + strlen(r.out) - 7, "</svg>\n");
		done(&r);
	}
}

/* The picture is the reason for all of this. */
static void one_look_explains(void **state)
{
	struct result page = run_to(0, cmd_show, "show stub --layout --stubs page");
	struct result pool = run_to(0, cmd_show, "show stub --layout --stubs pool");
	struct counts a = read_text(page.out), b = read_text(pool.out);

	(void)state;
	assert_int_equal(a.pages, 64);
	assert_int_equal(a.most, 64);
	assert_int_equal(a.sets, 1);
	assert_non_null(strchr(page.out, '!'));
	assert_int_equal(b.sets, 16);
	assert_true(b.most <= 2 && b.pages <= 2);
	struct result stagger = run_to(0, cmd_show, "show stub --layout --stubs page+stagger");
	struct counts c = read_text(stagger.out);
	assert_int_equal(c.pages, 64);
	assert_true(c.sets >= 48 && c.most <= 2);
	done(&stagger);
	done(&page);
	done(&pool);
}

/* An arm that needs no stub where a call is direct says whose stubs these are. */
static void stubs_of_other_callers(void **state)
{
	struct result near = run_to(0, cmd_show, "show stub --layout --stubs near");
	struct result pool = run_to(0, cmd_show, "show stub --layout --stubs pool");

	(void)state;
	assert_non_null(strstr(near.out, "KiB; direct calls need none\n"));
	assert_null(strstr(pool.out, "; direct"));
	done(&near);
	done(&pool);
}

static void bad_calls(void **state)
{
	(void)state;
	refused(cmd_show, "show stub --layout --json", "leave out one of them");
	refused(cmd_show, "show stub --svg --json", "leave out one of them");
	refused(cmd_show, "show stub --live 4", "add --layout");
	refused(cmd_show, "show stub --layout --live 0", "1");
	refused(cmd_show, "show stub --layout --stubs pol", "did you mean 'pool'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_arm_is_drawn),
		cmocka_unit_test(one_look_explains),
		cmocka_unit_test(stubs_of_other_callers),
		cmocka_unit_test(bad_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
