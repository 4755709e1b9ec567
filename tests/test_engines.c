/*
 * test_engines.c - scripts/peers/engines and its table: bad calls, engines that are not there, that
 * fail or never come to a mark; the code that a process gains, where the process is the test's own
 * and its pages are known; node's own V8 for real.
 */
#include "shell_helpers.h"

#define ENGINES "BUILD=\"$PWD/build\" \"$TREE/scripts/peers/engines\" "
#define ALONE	"PATH=\"$PWD/bin\" " ENGINES
#define TABLE	"\"$TREE/scripts/peers/engines-table\" "

static char folder[] = "/tmp/stubmap-engines-XXXXXX";

/* A PATH with node and the shell's own tools alone. */
static int set_up(void **state)
{
	(void)state;
	if (shell_enter(folder))
		return -1;
	return system("mkdir bin && for t in node env sh awk; do"
		      " ln -s \"$(command -v $t)\" bin/$t || exit 1; done");
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

static void bad_calls_are_refused(void **state)
{
	(void)state;
	refused(ENGINES "-n 0", "-n '0': allowed: 1 to 99");
	refused(ENGINES "-l 4,x", "-l '4,x': allowed: numbers from 1 to 16384");
	refused(ENGINES "-l 16385", "allowed: numbers from 1 to 16384");
	refused(ENGINES "-o", "-o needs a value");
	refused(ENGINES "-q", "no option -q; allowed: -n PROCESSES");
	refused(ENGINES "v9", "no engine 'v9'; allowed: spidermonkey, firefox");
	refused(ENGINES "-o /proc/none/x.tsv v8", "/proc/none/x.tsv: can't be written");
	refused(TABLE "none.tsv", "none.tsv: there is no such file");
	refused("echo a >a.tsv; " TABLE "a.tsv", "no table of engines");
	refused(TABLE, "usage: engines-table");
	refused(": >empty.tsv; " TABLE "empty.tsv", "empty.tsv: empty");
	refused("cd \"$TREE/results/golden-cove\" && " TABLE
		"--arms engines.tsv arms-make.tsv arms.tsv",
		"not the two tables of plan arms");
	good("cd \"$TREE/results/golden-cove\" && " TABLE
	     "--arms engines.tsv arms.tsv arms-make.tsv");
	assert_non_null(strstr(out, "| its 1.5 times at N | its make, ns | its bytes |\n"));
	assert_non_null(strstr(out, "| `page+stagger` | 256 | "));
	good(ENGINES "-h >help && grep -q wasmtime-out help && ! grep -q strict help");
}

static void what_is_missing_is_a_row(void **state)
{
	(void)state;
	good(ALONE "-o m.tsv spidermonkey firefox firefox-protected jsc wasmtime-in hotspot");
	has(out, "| spidermonkey | libmozjs-102-dev is not installed |");
	has(out, "| firefox-protected | firefox-esr is not installed |");
	has(out, "| wasmtime-in | python3: not found |");
	has(out, "| hotspot | python3: not found |");
	good("test $(wc -l <m.tsv) = 7 && awk -F'\\t' '$13 == \"\" || NF != 13 {exit 1}' m.tsv");
}

/* A shell that maps pages, and between the marks writes 64 of them: 100 bytes each, at 48 lines. */
static const char source[] =
    "#include <stdio.h>\n"
    "#include <sys/mman.h>\n"
    "int main(void) {\n"
    "	char *p = mmap(0, 80 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC,\n"
    "		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
    "	for (int i = 0; i < 70 * 4096; i++) p[i] = -52;\n"
    "	puts(\"mark before\"); fflush(stdout); getchar();\n"
    "	for (int i = 0; i < 64; i++)\n"
    "		for (int j = 0; j < 100; j++) p[(i + 10) * 4096 + i % 48 * 64 + j] = 1 + j % 50;\n"
    "	puts(\"mark after\"); fflush(stdout); getchar();\n"
    "	puts(\"tell {\\\"n\\\": 64, \\\"make\\\": 8, \\\"call\\\": 4, \\\"one\\\": 2}\");\n"
    "	return 0;\n"
    "}\n";

static void fake_jsc(const char *text)
{
	FILE *f = fopen("jsc.c", "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && !fclose(f));
	good("cc -o bin/jsc jsc.c && printf '#!/bin/sh\\necho 1.0\\n' >bin/dpkg-query &&"
	     " chmod +x bin/dpkg-query");
}

static void gained_code_is_counted(void **state)
{
	(void)state;
	fake_jsc(source);
	good(ALONE "-n 2 -l 64 -o g.tsv jsc");
	has(out, "| jsc | 64 | 8 | 4 (4 to 4) | 2 | 64 | 100 | 48 |");
	good(TABLE "--arms g.tsv >arms && grep -q '| 1.0 | none | 64 | 8 | 100 | 1 | 48 | "
		   "`page+stagger` |' arms");
}

static void a_failure_is_a_row(void **state)
{
	(void)state;
	fake_jsc(
	    "#include <stdio.h>\nint main(void) { fputs(\"no room\\n\", stderr); return 3; }\n");
	assert_int_equal(sh(ALONE "-n 1 -l 4 -o f.tsv jsc v8"), 1);
	has(out, "| jsc | no room |");
	has(out, "| v8 | 4 |");
	fake_jsc("int main(void) { return 3; }\n");
	assert_int_equal(sh(ALONE "-n 1 -l 4 -o f.tsv jsc"), 1);
	has(out, "exit status 3");
}

/* An engine that ends at a mark, tells no figures, or is heard no more behind a child that holds
 * its pipes: the next one runs, and the table is written. */
static void what_an_engine_tells_is_not_believed(void **state)
{
	static const struct {
		const char *does, *row;
	} cases[] = {
		{ "puts(\"mark before\"); return 5;", "| jsc | its memory can't be read: E" },
		{ "puts(\"tell {x\");", "| jsc | it told no times: {x |" },
		{ "puts(\"tell {}\");", "| jsc | it told no times: {} |" },
		{ "puts(\"tell null\"); fflush(stdout); system(\"/bin/sleep 100\");",
		  "| jsc | it told no times: null |" },
		{ "puts(\"tell {\\\"n\\\":4,\\\"make\\\":1,\\\"call\\\":0,\\\"one\\\":2}\");",
		  "| jsc | it told no times: {\"n\":4" },
		{ "puts(\"tell {\\\"n\\\":4,\\\"make\\\":1,\\\"call\\\":1,\\\"one\\\":2}\");",
		  "| jsc | exit status 0 |" },
		{ "puts(\"mark after\"); fflush(stdout); getchar(); puts(\"\\33[2Jno\\33\");",
		  "| jsc | [2Jno |" },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(
		    text, sizeof text,
		    "#include <stdio.h>\n#include <stdlib.h>\nint main(void) { %s return 0; }\n",
		    cases[i].does);
		fake_jsc(text);
		assert_int_equal(sh(ALONE "-n 1 -l 4 -o w.tsv jsc v8"), 1);
		has(out, cases[i].row);
		has(out, "| v8 | 4 |");
		assert_null(strstr(err, "    at "));
		assert_null(strchr(err, '\033'));
	}
}

/* Rows of known means, and of each placement. */
static void the_table_is_right(void **state)
{
	(void)state;
	good("{ printf "
	     "'engine\\tversion\\tn\\tprocess\\tmake\\tcall\\tone\\tpages\\tbytes\\tlines\\tat\\tpa"
	     "rt"
	     "\\tnote\\n';"
	     " row() { printf '%s\\t1\\t%s\\t0\\t%s\\t%s\\t1\\t%s\\t%s\\t%s\\t0\\t1\\t\\n' \"$@\"; "
	     "};"
	     " row a 4 1 2 4 400 1; row a 64 4 2.9 64 6400 1; row a 1024 9 3.1 1024 102400 1;"
	     " row a 1024 4 12.4 1024 102400 1;"
	     " row b 4 1 2 0 0 0; row b 1024 1 2.9 5 5000 2; row c 1024 1 1 100 60000 1; } >t.tsv");
	good(TABLE "t.tsv");
	/* (9 + 4) / 2, sqrt(3.1 * 12.4); the interval is 12.706 times ln 2 either way. */
	has(out, "| a | 1024 | 6.5 | 6.2 (0.00093 to 41427) | 1 | 1024 | 100 | 1 |");
	good(TABLE "--arms t.tsv");
	has(out, "| a | 1 | 1024 | 1024 | 6.5 | 100 | 1 | 1 | `page` |");
	has(out, "| b | 1 | none | 1024 | 1 | 4.9 | 0.0049 | 2 | `null` |");
	has(out, "| c | 1 | none | 1024 | 1 | 58.6 | 0.098 | 1 | `template` |");
	/* A process whose difference of times is none does not pull the others down. */
	good("for make in 310 290 0 300 305; do"
	     " printf 'd\\t1\\t4\\t0\\t%s\\t1\\t1\\t4\\t400\\t1\\t0\\t1\\t\\n' $make; done >d &&"
	     " head -n 1 t.tsv | cat - d >d.tsv");
	good(TABLE "d.tsv");
	has(out, "| d | 4 | 300 | 1 (1 to 1) |");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_calls_are_refused),
		cmocka_unit_test(what_is_missing_is_a_row),
		cmocka_unit_test(gained_code_is_counted),
		cmocka_unit_test(a_failure_is_a_row),
		cmocka_unit_test(what_an_engine_tells_is_not_believed),
		cmocka_unit_test(the_table_is_right),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
