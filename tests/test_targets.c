/*
 * test_targets.c - make's targets, and the packages that they install: a first answer needs only
 * the first packages; one arm's tests are asked for by its name. apt-get and dpkg-query are
 * scripts of a few lines here.
 */
#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-targets-XXXXXX";

/* Only packages that apt-get was asked for are installed. */
static const char fakes[] =
    "mkdir -p bin && cd bin && printf '#!/bin/sh\\nexec \"$@\"\\n' >sudo &&"
    " printf '#!/bin/sh\\nfor p; do :; done\\ngrep -qx -e \"$p\" \"$HAVE\" && echo installed\\n'"
    " >dpkg-query &&"
    " printf '#!/bin/sh\\n[ \"$1\" = update ] || printf \"%%s\\\\n\" \"$@\" >>\"$HAVE\"\\n' "
    ">apt-get &&"
    " chmod +x * && cd .. && touch have";

static int set_up(void **state)
{
	(void)state;
	return shell_enter(folder) || system(fakes) || setenv("HAVE", "have", 1) ||
	       setenv("M",
		      "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u ONLY -u ARM make "
		      "--no-print-directory -C",
		      1);
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

#define SETUP "HAVE=$PWD/have PATH=$PWD/bin:$PATH \"$TREE/scripts/setup\" "

static void two_steps_install_all(void **state)
{
	(void)state;
	good("! grep -q . have && " SETUP);
	good("grep -qx gcc have && grep -qx clang-19 have && grep -qx llvm-19-dev have");
	/* The packages that only tests, figures, traces, models and wasm programs need. */
	good("! grep -Eqx 'nodejs|valgrind|wabt|wasi-libc|libcmocka-dev|gnuplot-nox|tcl' have");
	good(SETUP);
	assert_string_equal(err, ""); /* nothing is missing of the first */
	good("cp have first && " SETUP "all && grep -Eqx nodejs have && grep -qx wabt have &&"
	     " grep -qx valgrind have && grep -qx gnuplot-nox have");
	good("! tail -n +$(($(wc -l <first) + 1)) have | grep -qx gcc"); /* nothing twice */
	good(SETUP "all && " SETUP);
	assert_string_equal(err, "");
	refused(SETUP "al", "allowed: all, engines, paper");
}

/* The steps for a target, as far as they matter here. */
#define WOULD(target)                                       \
	good("$M \"$TREE\" -n BUILD=\"$PWD/build\" " target \
	     " | grep -oE 'scripts/setup.*|wasm-build [a-z]+|-c -o .*/cli/main.o'")

static void a_first_build_is_small(void **state)
{
	(void)state;
	WOULD("all");
	assert_non_null(strstr(out, "scripts/setup\n"));
	assert_null(strstr(out, "scripts/setup all\n"));
	assert_non_null(strstr(out, "cli/main.o"));
	assert_null(strstr(out, "wasm-build"));
	WOULD("wasm");
	assert_non_null(strstr(out, "scripts/setup all\n"));
	assert_non_null(strstr(out, "wasm-build lua"));
	WOULD("reproduce");
	assert_non_null(strstr(out, "wasm-build sqlite"));
	WOULD("check");
	assert_non_null(strstr(out, "scripts/setup all\n"));
	assert_non_null(strstr(out, "wasm-build table"));
}

static void one_arm_has_its_tests(void **state)
{
	(void)state;
	good("$M \"$TREE\" -s programs BUILD=b ARM=lazy+pool");
	assert_non_null(strstr(out, "b/san/tests/test_stubs_running "));
	assert_non_null(strstr(out, "b/tsan/tests/test_stubs_threads "));
	assert_null(strstr(out, "test_maps"));
	good("$M \"$TREE\" -s programs BUILD=b ARM=exact-consed");
	assert_non_null(strstr(out, "b/san/tests/test_maps_corpora "));
	assert_null(strstr(out, "test_stubs"));
	good("$M \"$TREE\" -s programs BUILD=b ARM=pool ONLY=stubs");
	assert_string_equal(out, "b/san/tests/test_stubs\n");
	refused("$M \"$TREE\" -s programs BUILD=b ARM=poool", "allowed: null page ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_steps_install_all),
		cmocka_unit_test(a_first_build_is_small),
		cmocka_unit_test(one_arm_has_its_tests),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
