/*
 * test_cache.c - the cache that keeps compiled code between processes, and that all is measured
 * without a cache. Runs the program beside it (build/san/stubmap).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "program_helpers.h"
#include "runs/sweep.h"
#include "wasm/program.h"

enum { PATH = 4096 };

static char folder[] = "/tmp/stubmap-no-cache-XXXXXX", program[PATH];

static int set_up(void **unused)
{
	(void)unused;
	if (program_above(2, program, sizeof program) || !mkdtemp(folder) || chdir(folder))
		return -1;
	return 0;
}

static int tear_down(void **unused)
{
	char command[64];

	(void)unused;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

static void set(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

/* ---- Where it is ----------------------------------------------------------------------------- */

static void test_place(void **unused)
{
	static char longest[PATH + 8];
	static const struct {
		const char *xdg, *home, *is;
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "", "", NULL },
		{ NULL, "/h", "/h/.cache/stubmap" },
		{ "/x", "/h", "/x/stubmap" },
		{ "/x", NULL, "/x/stubmap" },
		/* XDG: a path that is not absolute is to be ignored. */
		{ "x", "/h", "/h/.cache/stubmap" },
		{ "./x", NULL, NULL },
		{ NULL, "h", NULL },
		{ NULL, "/\xff", NULL },
		{ longest, "/h", NULL },
	};
	char *before[] = { getenv("XDG_CACHE_HOME"), getenv("HOME") }, out[PATH];

	(void)unused;
	for (size_t i = 0; i < 2; i++)
		before[i] = before[i] ? strdup(before[i]) : NULL;
	memset(longest, '/', sizeof longest - 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		set("XDG_CACHE_HOME", cases[i].xdg);
		set("HOME", cases[i].home);
		const char *is = sweep_default_cache(out, sizeof out);
		if (!is != !cases[i].is || (is && strcmp(is, cases[i].is)))
			fail_msg("case %zu: %s", i, is ? is : "none");
	}
	set("XDG_CACHE_HOME", before[0]);
	set("HOME", before[1]);
	free(before[0]);
	free(before[1]);
}

/* ---- What is measured without ---------------------------------------------------------------- */

static void read_file(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* `stubmap ARGS` in that environment ends well; whether `says` stands on stderr. */
static bool measures(const char *environment, const char *args, const char *says)
{
	char command[3 * PATH], text[4096], table[4096];

	snprintf(command, sizeof command, "env %s '%s' %s >out 2>err </dev/null", environment,
		 program, args);
	int status = system(command);
	read_file("err", text, sizeof text);
	read_file("out", table, sizeof table); /* why a cell failed stands there */
	if (status)
		fail_msg("%s: %s: status %d: %s%s", environment, args, WEXITSTATUS(status), text,
			 table);
	return strstr(text, says) != NULL;
}

static void test_cells(void **unused)
{
	static const char *const environments[] = {
		"-u HOME -u XDG_CACHE_HOME",	    "-u XDG_CACHE_HOME HOME=",
		"-u XDG_CACHE_HOME HOME=/dev/null", /* no folder */
		"-u XDG_CACHE_HOME HOME=/proc",	    /* nobody may write there, nor root */
		"-u HOME XDG_CACHE_HOME=relative",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof environments / sizeof *environments; i++)
		measures(environments[i], "run -s pool -n 4 -b 1 -i 1", "");
	assert_int_not_equal(access("relative", F_OK), 0);
	measures(environments[0], "run -w gc:lisp --size 1 -m exact -b 1 -i 1", "");
	measures(environments[0], "faults -w gc:sort -m exact --mode never", "");
}

static void test_sweep(void **unused)
{
	FILE *f = fopen("plan.json", "w");

	(void)unused;
	assert_non_null(f);
	fputs("{\"name\": \"p\", \"seed\": 1, \"blocks\": 1, \"iterations\": 1,"
	      " \"baseline\": {\"stubs\": \"pool\"}, \"cells\": [{\"stubs\": \"pool\"}]}",
	      f);
	assert_int_equal(fclose(f), 0);
	measures("-u HOME -u XDG_CACHE_HOME", "sweep plan.json -o run.jsonl", "");
}

/* A reader's module is built all the same; a line says that it will take longer. */
static void test_own_module(void **unused)
{
	char from[WASM_PATH], command[2 * PATH];

	(void)unused;
	wasm_program_folder(wasm_program_find("wasm:kernel"), from);
	snprintf(command, sizeof command, "cp '%.4000s/module.wasm' own.wasm", from);
	assert_int_equal(system(command), 0);
	assert_true(measures("-u HOME -u XDG_CACHE_HOME", "run -w wasm:own.wasm -s pool -b 1 -i 1",
			     "no cache (XDG_CACHE_HOME and HOME name no folder)"));
	assert_true(measures("-u HOME XDG_CACHE_HOME=/proc",
			     "run -w wasm:own.wasm -s pool -b 1 -i 1", "no cache (/proc/stubmap)"));
	snprintf(command, sizeof command, "XDG_CACHE_HOME='%s'", folder);
	assert_false(measures(command, "run -w wasm:own.wasm -s pool -b 1 -i 1", "no cache"));
}

/* A limit that was given holds for what is compiled ahead, too. */
static void test_limit(void **unused)
{
	char text[4096];

	(void)unused;
	assert_int_equal(system("mkdir -p fresh"), 0);
	setenv("PROGRAM", program, 1);
	assert_int_not_equal(
	    system("XDG_CACHE_HOME=\"$PWD/fresh\" timeout 60 \"$PROGRAM\" run -w "
		   "wasm:sqlite -s pool -b 1 -i 1 --timeout 1 >out 2>err </dev/null"),
	    0);
	read_file("out", text, sizeof text);
	if (!strstr(text, "no end after 1 s"))
		fail_msg("%s", text);
	read_file("err", text, sizeof text); /* before that, the line about what was cut */
	if (!strstr(text, "stubmap run: wasm:sqlite: no end after 1 s") ||
	    !strstr(text, "(--timeout sets the limit)"))
		fail_msg("%s", text);
	assert_int_equal(system("! ls fresh/stubmap | grep -q ."),
			 0); /* and nothing half-written */
}

static int count_of(const char *command)
{
	char text[64];

	if (system(command))
		fail_msg("%s", command);
	read_file("count", text, sizeof text);
	return atoi(text);
}

/* A recorded program is compiled once before the first invocation, for each sort of callers that it
 * has here: through stubs, to the targets themselves, through sites. */
static void test_recorded(void **unused)
{
	char environment[PATH];

	(void)unused;
	snprintf(environment, sizeof environment, "XDG_CACHE_HOME='%s/empty'", folder);
	measures(environment,
		 "run -w replay:treesitter -s null,pool,page,near --wx dual --tier 0"
		 " --max-events 1000 -b 1 -i 1 -o recorded.jsonl",
		 "");
	assert_int_equal(count_of("ls empty/stubmap | wc -l >count"), 4);
	assert_int_equal(count_of("grep -c '\"status\":\"ok\"' recorded.jsonl >count"), 5);
	assert_int_equal(count_of("grep -c 'the object came from the cache' recorded.jsonl >count"),
			 5);
}

/* A ring's targets are compiled once, its callers before each block: no invocation compiles. */
static void test_ring(void **unused)
{
	char environment[PATH];

	(void)unused;
	snprintf(environment, sizeof environment, "XDG_CACHE_HOME='%s/ring'", folder);
	measures(environment, "run -s null,pool,page,near --wx dual -n 20 -b 2 -i 1 -o ring.jsonl",
		 "");
	assert_int_equal(count_of("ls ring/stubmap | wc -l >count"), 1 + 2 * 3);
	assert_int_equal(count_of("grep -c '\"status\":\"ok\"' ring.jsonl >count"), 2 * 5);
	assert_int_equal(count_of("grep -c 'the object came from the cache' ring.jsonl >count"),
			 2 * 5);
	/* A run that is continued finds its first blocks whole, and maybe no cache. */
	assert_int_equal(
	    system("echo '{\"name\": \"more\", \"baseline\": {\"stubs\": \"pool\"}, "
		   "\"blocks\": 2, \"iterations\": 1, \"cells\": [{\"stubs\": \"pool\", "
		   "\"workload\": \"ring\", \"live\": 20}]}' >more.json"),
	    0);
	measures(environment, "sweep more.json -o more.jsonl --blocks 1", "");
	assert_int_equal(system("rm -r ring/stubmap"), 0);
	measures(environment, "sweep more.json -o more.jsonl", "");
	assert_int_equal(count_of("ls ring/stubmap | wc -l >count"), 1 + 1);
	assert_int_equal(count_of("grep -c 'the object came from the cache' more.jsonl >count"),
			 2 * 2);
	assert_int_equal(system("rm -r ring/stubmap"), 0);
	/* Rings that differ have code of their own. */
	measures(environment, "run -s pool -w ring,ring:chosen -n 20 -k exit_js --tier 0 -b 1 -i 1",
		 "");
	assert_int_equal(count_of("ls ring/stubmap | wc -l >count"), 1 + 2);
}

/* Ctrl-C while several are compiled: no process goes on, and no half of a file is left. */
static void test_stopped(void **unused)
{
	(void)unused;
	assert_int_equal(system("mkdir -p stopped"), 0);
	setenv("PROGRAM", program, 1);
	int status = system("XDG_CACHE_HOME=\"$PWD/stopped\" timeout --preserve-status -s INT 1 "
			    "\"$PROGRAM\" run -w replay:pyodide,replay:sqljs -s null,pool -b 1 "
			    "-i 1 >out 2>err </dev/null");
	assert_int_equal(WEXITSTATUS(status), SWEEP_STOPPED);
	assert_int_equal(system("! grep -lsa \"$PWD/stopped/[s]tubmap\" /proc/[0-9]*/cmdline"), 0);
	assert_int_equal(system("! ls stopped/stubmap | grep -v '\\.o$'"), 0);
}

/* Nor is the module lost where the build is another user's: it goes to a folder of one's own. */
static void test_unwritable_build(void **unused)
{
	char tree[PATH], command[6 * PATH], kept[PATH];

	(void)unused;
	assert_int_equal(home_tree(tree, sizeof tree), 0);
	snprintf(command, sizeof command,
		 "mkdir -p b/build temp && cp '%s' b/build/stubmap && ln -s /proc b/build/wasm && "
		 "ln -s '%s' b/build/tree",
		 program, tree);
	assert_int_equal(system(command), 0);
	strcpy(kept, program);
	strcpy(program, "b/build/stubmap");
	measures("TMPDIR=\"$PWD/temp\"", "run -w wasm:own.wasm --tier 0 -s pool -b 1 -i 1", "");
	strcpy(program, kept);
	assert_int_equal(system("test -n \"$(ls temp/stubmap-*/*/module.bc)\""), 0);
}

/* A folder that others may write to is not taken. */
static void test_own_folder(void **unused)
{
	char *before = getenv("TMPDIR"), out[PATH];

	(void)unused;
	before = before ? strdup(before) : NULL;
	assert_int_equal(mkdir("t", 0777), 0);
	set("TMPDIR", "t");
	assert_int_equal(home_temp(out, sizeof out), 0);
	assert_int_equal(home_temp(out, sizeof out), 0);
	assert_int_equal(chmod(out, 0777), 0);
	assert_int_equal(home_temp(out, sizeof out), -EPERM);
	assert_int_equal(rename(out, "t/another"), 0);
	assert_int_equal(symlink("another", out), 0);
	assert_int_equal(home_temp(out, sizeof out), -EPERM);
	set("TMPDIR", "nowhere");
	assert_int_equal(home_temp(out, sizeof out), -ENOENT);
	set("TMPDIR", before);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_own_module),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_unwritable_build),
		cmocka_unit_test(test_own_folder),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
