/*
 * test_examples.c - the numbers of README: a command's time and a claim's value come from files
 * that commands wrote, or are refused. stubmap and record-trace are a script of a line here.
 */
#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-examples-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return shell_enter(folder) ||
	       system("mkdir -p scripts examples build results/here results/bare &&"
		      " cp \"$TREE/scripts/examples\" \"$TREE/scripts/value\" scripts &&"
		      " printf '#!/bin/sh\\necho \"ran $*\"; [ \"$1\" != fail ] || exit 2\\n' "
		      ">build/stubmap &&"
		      " chmod +x build/stubmap &&"
		      " printf '# Compare\\nbuild/stubmap run -i \"ii>i\"\\n# Look\\n"
		      "build/stubmap list\\n' >examples/commands.txt");
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

static void a_command_has_its_time(void **state)
{
	(void)state;
	refused("scripts/examples here",
		"there is no results/here/readme.tsv: run scripts/examples --time here");
	refused("scripts/examples", "usage: scripts/examples [--time] MACHINE");
	refused("scripts/examples --time nowhere", "there is no results/nowhere");
	good("scripts/examples --time here && cut -f 2,4 results/here/readme.tsv");
	assert_string_equal(out, "status\tcommand\n0\tbuild/stubmap run -i \"ii>i\"\n"
				 "0\tbuild/stubmap list\n");
	good("cat results/here/readme.txt");
	assert_string_equal(out, "ran run -i ii>i\n");
	good("sed -i '2s/^[0-9.]*/2.34/; 3s/^[0-9.]*/0.06/' results/here/readme.tsv && "
	     "scripts/examples here");
	assert_non_null(strstr(out, "Behind each stand its seconds on here, while the load was "));
	assert_string_equal(strchr(out, '`'),
			    "```\n# Compare\nbuild/stubmap run -i \"ii>i\"    # 2.3 s\n\n"
			    "# Look\nbuild/stubmap list    # 0.1 s\n```\n");
	/* One that is newer than the times, and one that fails. */
	refused("echo 'build/stubmap fail' >>examples/commands.txt && scripts/examples here",
		"readme.tsv has no time of: build/stubmap fail");
	assert_int_equal(sh("scripts/examples --time here"), 1);
	assert_non_null(strstr(err, "status 2: build/stubmap fail"));
	good("cut -f 2 results/here/readme.tsv | tail -n 1");
	assert_string_equal(out, "2\n");
}

static void a_value_is_of_a_run(void **state)
{
	(void)state;
	good("printf '%s\\n' 'claim  value  95 %%' 'What it says' 'few  0.995  0.979..1.01  > 1  "
	     "holds'"
	     " 'one  33.0  33.0..33.0  > 1  holds' 'none  -  -  > 1  no data' "
	     ">results/here/x-claims.txt &&"
	     " printf 'mean\\tpaged\\t16\\t0.4578\\t1\\t2\\t0.3426\\n' "
	     ">results/here/maps_front.tsv");
	good("scripts/value few here && scripts/value -1 few here && scripts/value one here");
	assert_string_equal(out, "0.995 (0.979 to 1.01)\n0.995\n33.0\n");
	good("scripts/value paged bytes here && scripts/value paged time here");
	assert_string_equal(out, "0.46\n0.34\n");
	refused("scripts/value none here", "no run of here tells of a claim none");
	refused("scripts/value few bare", "no machine 'bare' has claims");
	refused("scripts/value coded time here", "no mean of coded on here");
	refused("scripts/value paged time bare", "there is no results/bare/maps_front.tsv");
	assert_int_equal(sh("scripts/value few"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_has_its_time),
		cmocka_unit_test(a_value_is_of_a_run),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
