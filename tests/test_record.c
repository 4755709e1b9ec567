/*
 * test_record.c - scripts/record-trace on a program whose crossings are known (record/program.js,
 * record/main.wat), its table of instructions against the engine's, and wrong calls. Needs node and
 * zstd, and is skipped without.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "workloads/scenario.h"
#include "workloads/trace.h"

static char folder[] = "/tmp/test_record.XXXXXX";

/* A shell's command in the folder, $R the recorder and $T the test's programs; all of its output if
 * text is given. Its exit status. */
__attribute__((format(printf, 3, 4))) static int run(char *text, size_t size, const char *format,
						     ...)
{
	char command[1200];
	va_list args;
	int n = snprintf(command, sizeof command,
			 "R=\"$PWD\"/scripts/record-trace T=\"$PWD\"/tests/record;"
			 " cd %s; exec 2>&1; ",
			 folder);

	va_start(args, format);
	vsnprintf(command + n, sizeof command - (size_t)n, format, args);
	va_end(args);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	char dropped[4096];
	size_t len = fread(text ? text : dropped, 1, text ? size - 1 : sizeof dropped, f);
	if (text)
		text[len] = 0;
	int status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool have_node(void)
{
	return !run(NULL, 0, "command -v node && command -v zstd");
}

#define NEEDS_NODE()                                              \
	do {                                                      \
		if (!have_node()) {                               \
			print_message("needs nodejs and zstd\n"); \
			skip();                                   \
		}                                                 \
	} while (0)

static int make_folder(void **unused)
{
	(void)unused;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **unused)
{
	(void)unused;
	return run(NULL, 0, "rm -rf %s", folder);
}

/* ---- A program that is known ----------------------------------------------------------------- */

/* The program's instances: 0 side, 1 main, 2 user, 3 clash, 4 a second
 * side (if node can stream). */
static const struct {
	enum boundary_kind kind;
	uint32_t instance, place;
	const char *signature;
	uint64_t count;
} expected[] = {
	{ BOUNDARY_EXIT_JS, 1, 0, "i>", 12 },  /* log: from start, run and its export */
	{ BOUNDARY_ENTRY_JS, 1, 6, "i>i", 1 }, /* run */
	{ BOUNDARY_INDIRECT, 1, 3, "i>i",
	  11 }, /* slot 0 of the second table, behind the first's 3 */
	{ BOUNDARY_INDIRECT, 1, 1, "i>i", 10 },
	{ BOUNDARY_INDIRECT, 1, 13, "i>i", 10 }, /* side's twice, behind the slots */
	{ BOUNDARY_BUILTIN, 1, 0, "iii>", 10 },	 /* memory.fill */
	{ BOUNDARY_BUILTIN, 1, 1, "iii>", 10 },	 /* memory.copy */
	{ BOUNDARY_ENTRY_JS, 1, 7, "i>l", 1 },	 /* pairs: of two results one is kept */
	{ BOUNDARY_EXIT_JS, 1, 1, "i>i", 1 },
	{ BOUNDARY_ENTRY_JS, 1, 8, "r>r", 2 }, /* pass */
	{ BOUNDARY_EXIT_JS, 1, 2, "r>r", 2 },
	{ BOUNDARY_ENTRY_JS, 0, 0, "i>i", 2 },	/* twice, and again under main's name for it */
	{ BOUNDARY_ENTRY_JS, 1, 5, "i>i", 1 },	/* hidden, out of the table */
	{ BOUNDARY_ENTRY_JS, 1, 0, "i>", 1 },	/* log again */
	{ BOUNDARY_ENTRY_JS, 1, 9, "ii>i", 5 }, /* slot, three times into a trap */
	{ BOUNDARY_INDIRECT, 1, 6, "i>i", 2 },	/* slot 3: set by the program; once from user */
	{ BOUNDARY_INDIRECT, 1, 8, "i>i", 1 },
	{ BOUNDARY_INDIRECT, 1, 5, "i>i", 1 },	/* slot 2: traps, as its signature is another */
	{ BOUNDARY_ENTRY_JS, 1, 10, ">i", 1 },	/* grow */
	{ BOUNDARY_BUILTIN, 1, 2, "ri>i", 1 },	/* table.grow */
	{ BOUNDARY_BUILTIN, 1, 3, "i>i", 1 },	/* memory.grow */
	{ BOUNDARY_ENTRY_JS, 1, 11, "d>d", 2 }, /* lanes */
	{ BOUNDARY_ENTRY_JS, 1, 4, "i>i", 4 },	/* square; once while the process exits */
	{ BOUNDARY_ENTRY_JS, 2, 0, "ii>i", 2 }, /* through */
	{ BOUNDARY_ENTRY_JS, 3, 1, ">", 1 },	/* clash can't be rewritten: */
	{ BOUNDARY_EXIT_JS, 3, 0, "i>", 1 },	/* its memory.fill is not seen */
};
enum { EXPECTED = sizeof expected / sizeof *expected };

static void check_main(const struct trace_instance *in)
{
	assert_int_equal(in->bytes, 620);
	assert_int_equal(in->functions, 13);
	assert_int_equal(in->exports, 9); /* 7 of its own, log again, hidden */
	assert_int_equal(in->imports, 4);
	assert_int_equal(in->host_imports, 3);
	assert_int_equal(in->builtins, 4);
	assert_int_equal(in->table_size, 3 + 10 + 1);
	assert_int_equal(in->table_filled, 1 + 6 + 1);
}

static void test_known(void **unused)
{
	char path[80], error[TRACE_ERROR], said[2000];
	struct trace t;

	(void)unused;
	NEEDS_NODE();
	if (run(said, sizeof said, "node \"$T\"/program.js >plain"))
		fail_msg("%s", said);
	int status = run(said, sizeof said,
			 "\"$R\" -o known.trace.zst -p 'a test' -- node \"$T\"/program.js"
			 " >recorded");
	if (status || !strstr(said, "crossings of") || !strstr(said, " of CPU), and packing ") ||
	    !strstr(said, "a module of 108 bytes: only"))
		fail_msg("status %d: %s", status, said);
	if (run(said, sizeof said, "diff plain recorded"))
		fail_msg("the program's output has changed: %s", said);
	snprintf(path, sizeof path, "%s/known.trace.zst", folder);
	if (trace_read(path, &t, error))
		fail_msg("%s", error);
	assert_string_equal(t.name, "known");
	assert_string_equal(t.program, "a test");
	assert_true(t.ninstances == 4 || t.ninstances == 5);
	check_main(&t.instances[1]);
	for (uint32_t i = 0; i < t.nstubs && i < EXPECTED; i++)
		if (t.stubs[i].kind != expected[i].kind ||
		    t.stubs[i].instance != expected[i].instance ||
		    t.stubs[i].place != expected[i].place ||
		    strcmp(t.stubs[i].signature, expected[i].signature) != 0 ||
		    t.stubs[i].count != expected[i].count)
			fail_msg("stub %u: kind %d, instance %u, place %u, %s, %u times", i,
				 t.stubs[i].kind, t.stubs[i].instance, t.stubs[i].place,
				 t.stubs[i].signature, (unsigned)t.stubs[i].count);
	assert_int_equal(t.nstubs, EXPECTED);
	trace_free(&t);
}

static void test_opcodes(void **unused)
{
	char said[4000];

	(void)unused;
	NEEDS_NODE();
	if (run(said, sizeof said, "node \"$T\"/opcodes.js"))
		fail_msg("%s", said);
	assert_true(atoi(said) > 400);
}

static void test_mutants(void **unused)
{
	char said[4000];

	(void)unused;
	NEEDS_NODE();
	if (run(said, sizeof said, "node \"$T\"/mutants.js"))
		fail_msg("%s", said);
	assert_true(atoi(said) > 500);
}

/* ---- What happens to a program --------------------------------------------------------------- */

static void write_program(const char *text)
{
	char path[80], cwd[400];
	FILE *f;

	assert_non_null(getcwd(cwd, sizeof cwd));
	snprintf(path, sizeof path, "%s/ö o.js", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"const wasm = require('fs').readFileSync('%s/tests/record/side.wasm');\n"
		"const e = () => new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports;\n"
		"%s\n",
		cwd, text);
	fclose(f);
}

static void test_endings(void **unused)
{
	static const struct {
		const char *program, *says;
		int status;
		bool trace;
	} cases[] = {
		{ "e().twice(1); process.exit(7);", "ended with status 7", 7, true },
		{ "e().twice(1); throw new Error('oh');", "oh", 1, true },
		/* The glue of older Emscripten: its handler throws what it does not know. */
		{ "e().twice(1); process.on('uncaughtException', (x) => { e().twice(2); throw x; "
		  "});"
		  " throw new Error('oh');",
		  "2 crossings", 7, true },
		{ "e().twice(1); process.on('uncaughtException', () => nothing); throw 1;",
		  "nothing is not defined", 7, true },
		{ "e().twice(1); process.on('uncaughtException', (x) => { throw x; });"
		  " process.on('unhandledRejection', (x) => { throw x; }); Promise.reject(7);",
		  "ended with status 7", 7, true },
		{ "e().twice(1); process.setUncaughtExceptionCaptureCallback((x) => { throw x; });"
		  " setTimeout(() => { throw new Error('oh'); });",
		  "ended with status 7", 7, true },
		{ "e().twice(1); process.on('exit', () => { e().twice(2); throw new Error('oh'); "
		  "});",
		  "2 crossings", 1, true },
		{ "e().twice(1); process.on('exit', () => { e().twice(2); process.exit(5); });",
		  "2 crossings", 5, true },
		{ "e().twice(1); process.on('uncaughtException', () => { e().twice(2); });"
		  " setTimeout(() => e().twice(3), 1); throw new Error('oh');",
		  "3 crossings", 0, true },
		{ "e().twice(1); process.kill(process.pid, 'SIGKILL');", "no trace", 2, false },
		{ "e(); console.log('out');", "nothing crossed", 2, false },
		{ "console.log('out');", "nothing crossed", 2, false },
		{ "this is no program", "SyntaxError", 2, false },
		{ "const m = new WebAssembly.Module(wasm); const f = e().twice;"
		  " for (let i = 0; i < 65542; i++) f(new "
		  "WebAssembly.Instance(m).exports.twice(i));",
		  "7 instances beyond", 0, true },
		/* so like each other that they pack to a few hundred bytes: padded */
		{ "const f = e().twice; for (let i = 0; i < 9e6; i++) f(1);", "9,000,000 crossings",
		  0, true },
	};
	char said[4000], path[80];

	(void)unused;
	NEEDS_NODE();
	snprintf(path, sizeof path, "%s/some.trace.zst", folder);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trace t;
		char error[TRACE_ERROR];

		write_program(cases[i].program);
		int status = run(said, sizeof said, "\"$R\" -o some.trace.zst -- node 'ö o.js'");
		if (status != cases[i].status || !strstr(said, cases[i].says))
			fail_msg("%s: status %d: %s", cases[i].program, status, said);
		assert_int_equal(!access(path, F_OK), cases[i].trace);
		if (cases[i].trace && trace_read(path, &t, error))
			fail_msg("%s", error);
		if (cases[i].trace) {
			assert_string_equal(t.program, "node ?? o.js"); /* ASCII, in a head */
			trace_free(&t);
		}
		unlink(path);
		if (run(said, sizeof said, "! ls | grep part"))
			fail_msg("left behind: %s", said);
	}
}

/* A module with a function f and an empty table t. */
#define WITH_TABLE                                                                                \
	"const { f, t } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0, 97," \
	" 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 4, 4, 1, 112, 0, 0, 7, 9, 2, 1,"   \
	" 102, 0, 0, 1, 116, 1, 0, 10, 4, 1, 2, 0, 11]))).exports; f(); "

/* What no reader or no replay takes is said as it is recorded, and says so when it is read. */
static void test_limits(void **unused)
{
	char said[4000], path[80], error[WORKLOAD_ERROR];
	const struct workload w = { .name = "replay:some", .trace = path };
	const struct workload_params params = { .seed = 1 };
	struct scenario s;
	struct trace t;

	(void)unused;
	NEEDS_NODE();
	snprintf(path, sizeof path, "%s/some.trace.zst", folder);
	write_program(WITH_TABLE "t.grow(2000000);");
	int status = run(said, sizeof said, "\"$R\" -o some.trace.zst -- node 'ö o.js'");
	assert_int_equal(status, 2);
	assert_string_equal(said, "record-trace: instance 0 has 2,000,000 table slots;"
				  " a trace takes 1,048,576 at most: no trace\n");
	assert_int_equal(access(path, F_OK), -1);
	/* As many as there may be: without a function in them they are no boundaries. */
	write_program(WITH_TABLE "t.grow(1 << 20);");
	status = run(said, sizeof said, "\"$R\" -o some.trace.zst -- node 'ö o.js'");
	if (status || strstr(said, "replay will refuse"))
		fail_msg("status %d: %s", status, said);
	if (replay_open(&w, &params, &s, error))
		fail_msg("%s", error);
	scenario_close(&s);
	write_program(WITH_TABLE "t.grow(200000, f);");
	status = run(said, sizeof said, "\"$R\" -o some.trace.zst -- node 'ö o.js'");
	if (status || !strstr(said, "200,001 boundaries, 1 crossings: replay will refuse it"))
		fail_msg("status %d: %s", status, said);
	if (trace_read(path, &t, error))
		fail_msg("%s", error);
	trace_free(&t);
	assert_int_equal(replay_open(&w, &params, &s, error), -EINVAL);
	assert_non_null(strstr(error, ": 200001 boundaries, 1 crossings; allowed: 65536,"
				      " or as many as crossings, to 1048576"));
	unlink(path);
}

static void test_wrong_calls(void **unused)
{
	static const struct {
		const char *arguments, *says;
	} cases[] = {
		{ "", "no output" },
		{ "-x", "'-x' is no option" },
		{ "-o", "needs a value" },
		{ "-o a.trace.zst", "no program" },
		{ "-o a.trace.zst -- node", "no program" },
		{ "-o a.trace -- node a.js", "ends in .trace.zst" },
		{ "-o 'a b.trace.zst' -- node a.js", "letters, digits" },
		{ "-o none/a.trace.zst -- node a.js", "can't be written: " },
		{ "-o a.trace.zst -- python3 a.js", "'python3' is not node" },
		{ "-o a.trace.zst -- none/node a.js", "not found" },
		{ "-o a.trace.zst -p \"$(printf '\\t')\" -- node a.js", "not printable" },
	};

	(void)unused;
	NEEDS_NODE();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char said[4000];
		int status = run(said, sizeof said, "\"$R\" %s", cases[i].arguments);
		if (status != 2 || !strstr(said, cases[i].says) ||
		    strchr(said, '\n') != said + strlen(said) - 1)
			fail_msg("%s: status %d: %s", cases[i].arguments, status, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_mutants), cmocka_unit_test(test_endings),
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_wrong_calls),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
