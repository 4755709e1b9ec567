/*
 * test_cli_files.c - the command line with files of the wrong kind: pipes, devices, names with
 * control characters or commas, full devices, limits. Runs the program beside it through a shell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-files-XXXXXX";

#define RECORD                                                                                     \
	"{\"maps\": 1, \"machine\": null}\n"                                                       \
	"{\"file\": \"a\\u001b[31m\\nb\", \"encoder\": null, \"event\": \"safepoints\","           \
	" \"corpus\": \"c\\u001b[2J\\td\", \"value\": 3, \"note\": \"n\\u001b[1m\\n\"}\n"          \
	"{\"file\": \"a\\u001b[31m\\nb\", \"encoder\": \"exact\\u001b[3m\", \"event\": \"bytes\"," \
	" \"value\": 30}\n"

static int set_up(void **state)
{
	(void)state;
	if (shell_enter(folder))
		return -1;
	FILE *f = fopen("record.jsonl", "w");
	if (!f || fputs(RECORD, f) < 0 || fclose(f))
		return -1;
	return system(
	    "mkfifo fifo fifo.wasm fifo.trace.zst;"
	    "printf '%s' '{\"name\":\"p\",\"seed\":1,\"blocks\":1,\"iterations\":1,"
	    "\"baseline\":{\"stubs\":\"null\"},\"cells\":[{\"stubs\":\"null\"}]}' >plan.json;"
	    "echo '[{\"id\": \"i\", \"text\": \"t\", \"phase\": \"steady\", \"event\": \"ns\","
	    " \"of\": {\"stubs\": \"null\"}, \"above\": 0}]' >claims.json;"
	    "\"$S\" sweep plan.json -o run.jsonl 2>/dev/null");
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

/* ---- What is no file ------------------------------------------------------------------------- */

static void pipes_and_devices_are_told(void **state)
{
	static const char *const pipes[] = {
		"maps fifo",
		"show map fifo 1",
		"model -m zen5 fifo",
		"run -w wasm:fifo.wasm",
		"run -w flood:wasm:fifo.wasm",
		"run -w replay:fifo.trace.zst",
		"model -m zen5 -w replay:fifo.trace.zst",
	};
	static const char *const devices[] = {
		"maps /dev/zero",
		"show map /dev/zero 1",
		"model -m zen5 /dev/zero",
		"summary /dev/zero",
		"claims /dev/zero -c claims.json",
		"claims run.jsonl -c /dev/zero",
		"compare run.jsonl /dev/zero",
		"sweep /dev/zero -o x.jsonl",
		"model --predict /dev/zero",
	};
	static const char *const written[] = {
		"maps --no-time record.jsonl -o",
		"report run.jsonl -o",
		"plot run.jsonl -o",
	};
	char command[200];

	(void)state;
	for (size_t i = 0; i < sizeof pipes / sizeof *pipes; i++) {
		snprintf(command, sizeof command, "\"$S\" %s", pipes[i]);
		refused(command, ": a pipe; it must be a regular file");
	}
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
		snprintf(command, sizeof command, "\"$S\" %s", devices[i]);
		refused(command, "/dev/zero: a device; it must be a regular file");
	}
	refused("\"$S\" sweep plan.json -o fifo", "fifo is no regular file");
	/* A file that is not regular is not replaced by a regular one. */
	for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
		snprintf(command, sizeof command, "ln -sf x out.svg; \"$S\" %s out.svg",
			 written[i]);
		refused(command, "out.svg: a link; it must be a regular file");
		snprintf(command, sizeof command,
			 "rm -f out.svg; mkfifo out.svg; \"$S\" %s out.svg", written[i]);
		refused(command, "out.svg: a pipe; it must be a regular file");
		snprintf(command, sizeof command,
			 "test -p out.svg && rm out.svg && mkdir out.svg; \"$S\" %s out.svg",
			 written[i]);
		refused(command, "out.svg: Is a directory");
		good("rmdir out.svg; test ! -e x");
	}
	refused("\"$S\" summary .", ".: Is a directory");
	refused("\"$S\" claims -c . run.jsonl", ".: Is a directory");
}

static void text_may_come_through_a_pipe(void **state)
{
	(void)state;
	assert_int_equal(sh("cat run.jsonl | \"$S\" summary /dev/stdin"), 0);
	assert_non_null(strstr(out, "null"));
	assert_int_equal(sh("cat claims.json | \"$S\" claims -c /dev/stdin run.jsonl"), 0);
	assert_int_equal(sh("(cat plan.json >fifo &); \"$S\" sweep fifo -o run.jsonl"), 0);
}

/* ---- What others wrote ----------------------------------------------------------------------- */

/* The end of a run says whether it kept its plan's limits: too few
 * blocks for a noise break them. */
static void a_sweep_says_what_it_kept(void **state)
{
	(void)state;
	assert_int_equal(
	    sh("sed 's/\"iterations\"/\"accept\":{\"load\":9999},&/' plan.json >kept.json;"
	       "\"$S\" sweep kept.json -o kept.jsonl"),
	    0);
	assert_non_null(strstr(err, "accepted: load "));
	assert_null(strstr(err, "not accepted"));
	assert_int_equal(sh("sed 's/\"iterations\"/\"accept\":{\"aa\":5},&/' plan.json >noisy.json;"
			    "\"$S\" sweep noisy.json -o noisy.jsonl"),
			 0);
	assert_non_null(strstr(err, "not accepted, A/A is not known: load "));
	assert_int_equal(sh("\"$S\" summary noisy.jsonl"), 0);
	assert_non_null(strstr(out, "run: not accepted, A/A is not known: load "));
}

static void names_and_texts_can_not_break_a_line(void **state)
{
	static const char *const calls[] = {
		"maps \"$N\"",
		"show map \"$N\" 1",
		"summary \"$N\"",
		"compare \"$N\" x",
		"claims \"$N\" -c claims.json",
		"claims run.jsonl -c \"$N\"",
		"sweep \"$N\" -o x.jsonl",
		"sweep plan.json -o \"none/$N\"",
		"model -m zen5 \"$N\"",
		"model -m zen5 --keep \"$N\"",
		"run -w \"wasm:$N.wasm\"",
		"run -w \"replay:$N.trace.zst\"",
		"run -s \"$N\"",
		"run \"--$N\"",
		"list \"$N\"",
		"show \"$N\"",
		"\"$N\"",
		"maps x --encoders \"$N\"",
		"faults -m \"$N\"",
		"child \"$N\"",
		"lookups \"$N\"",
	};
	char command[200];

	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		snprintf(command, sizeof command, "N=$(printf 'a\\nb\\033[31mc'); \"$S\" %s",
			 calls[i]);
		refused(command, strncmp(calls[i], "child", 5) ? "a\\nb\\x1b[31m" : "job");
	}
	refused("printf '[{\"id\": \"\\033[31m' >bad.json; \"$S\" claims -c bad.json run.jsonl",
		"bad.json:1: ");
	refused("printf '{\"na\\377me\": \"\\033[31m' >bad.json; \"$S\" sweep bad.json -o x.jsonl",
		"bad.json:1:");
	refused("printf '{\"x\\\\u001b\\\\n\": 1}' >bad.json; \"$S\" sweep bad.json -o x.jsonl",
		"no key in a plan 'x\\x1b\\n'");
}

/* ---- A user's own module or trace ------------------------------------------------------------ */

#define MODULE "\\0asm\\1\\0\\0\\0\\1\\4\\1\\140\\0\\0\\3\\2\\1\\0"
#define BODY   "\\12\\4\\1\\2\\0\\13"
/* One exports nothing, one _start of another signature, one what it takes. */
#define NOTHING MODULE BODY
#define OTHER	"\\0asm\\1\\0\\0\\0\\1\\5\\1\\140\\1\\177\\0\\3\\2\\1\\0" EXPORT BODY
#define EXPORT	"\\7\\12\\1\\6_start\\0\\0"
#define START	MODULE EXPORT BODY

/* They are read before anything is built, compiled or written. */
static void an_own_file_is_read_first(void **state)
{
	static const char *const files[][2] = {
		{ "wasm:nothing.wasm", "nothing.wasm: exports neither _start() nor both steps()" },
		{ "flood:wasm:nothing.wasm", "nothing.wasm: exports neither _start() nor both" },
		{ "wasm:other.wasm", "other.wasm: exports neither _start() nor both steps()" },
		{ "replay:cut.trace.zst", "cut.trace.zst: cut off: " },
		{ "replay:text.trace.zst", "text.trace.zst: damaged or no zstd file: " },
	};
	char command[300];

	(void)state;
	assert_int_equal(sh("printf '" NOTHING "' >nothing.wasm; printf '" OTHER "' >other.wasm;"
			    "echo 'no trace at all' >text.trace.zst;"
			    "yes | head -c 100000 | zstd -qc | head -c 20 >cut.trace.zst"),
			 0);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(command, sizeof command, "\"$S\" run -b 1 -i 1 -s pool -o new -w %s",
			 files[i][0]);
		refused(command, files[i][1]);
		snprintf(command, sizeof command,
			 "printf '%s' '{\"name\":\"p\",\"seed\":1,\"blocks\":1,\"iterations\":1,"
			 "\"baseline\":{\"stubs\":\"null\"},\"cells\":[{\"stubs\":\"null\","
			 "\"workload\":\"%s\"}]}' >own.json; \"$S\" sweep own.json -o new",
			 "%s", files[i][0]);
		refused(command, files[i][1]);
		snprintf(command, sizeof command, "\"$S\" model -m zen5 -w %s", files[i][0]);
		if (!strncmp(files[i][0], "replay", 6))
			refused(command, files[i][1]);
	}
	assert_int_equal(sh("ls | grep ^new"), 1);
}

/* An existing file is one workload, and no list of two. */
static void a_name_may_have_a_comma(void **state)
{
	(void)state;
	refused("\"$S\" run --workload wasm:not,there.wasm", "no workload 'wasm:not'");
	refused(
	    "echo >'not,a.wasm'; \"$S\" run -b 1 -i 1 --stubs pool --workload 'wasm:not,a.wasm'",
	    "not,a.wasm: not a wasm module");
}

/* No text of a file makes a terminal do anything: the line feeds,
 * and the returns of CSV, are ours. */
static void expect_no_control(const char *text, const char *command)
{
	for (const char *p = text; *p; p++) {
		const unsigned char c = (unsigned char)*p, next = (unsigned char)p[1];

		if ((c < ' ' && c != '\n' && (c != '\r' || next != '\n') && c != '\t') ||
		    c == 127 || (c == 0xc2 && next < 0xa0))
			fail_msg("%s: a control character in: %.60s", command, p);
	}
}

/* Texts of a run and a plan that may be anybody's. */
static void a_run_is_shown_and_not_obeyed(void **state)
{
	static const char *const calls[] = {
		"summary bad.jsonl",
		"summary bad.jsonl --json",
		"summary bad.jsonl --csv",
		"summary bad.jsonl --markdown",
		"compare bad.jsonl bad.jsonl",
		"compare bad.jsonl bad.jsonl --json",
		"compare run.jsonl bad.jsonl",
		"compare run.jsonl bad.jsonl --csv",
		"claims bad.jsonl -c claims.json",
		"claims bad.jsonl -c claims.json --json",
		"power bad.jsonl",
		"variance bad.jsonl",
		"merge -o merged.jsonl bad.jsonl run.jsonl",
		"sweep plan.json -o bad.jsonl",
		"maps record.jsonl --csv",
		"maps record.jsonl --json",
		"maps record.jsonl --markdown",
		"sweep bad.json -o other.jsonl",
	};
	static const char *const edits[] = {
		/* a machine, a start, a source, a unit, the plan's name, a key of nobody's */
		"s/\"cpu\":\"[^\"]*\"/\"cpu\":\"X\"/;s/\"started\":\"[^\"]*\"/\"started\":\"X\"/;"
		"s/\"source\":\"clock\"/\"source\":\"X\"/;s/\"unit\":\"[a-z]*\"/\"unit\":\"X\"/g;"
		"s/\"commit\":\"[^\"]*\"/\"commit\":\"X\"/;s/\"name\":\"p\"/\"name\":\"X\"/;"
		"s/\"schema\":1/\"schema\":1,\"X\":\"X\"/",
		/* an arm and a kind */
		"s/\"stubs\":\"null\"/\"stubs\":\"X\"/g;s/\"kind\":\"[^\"]*\"/\"kind\":\"X\"/",
		/* a reason */
		"s/\"status\":\"ok\"/\"status\":\"failed\"/;s/\"why\":null/\"why\":\"X\"/",
	};
	char command[800];

	(void)state;
	for (size_t e = 0; e < sizeof edits / sizeof *edits; e++) {
		snprintf(command, sizeof command,
			 "for f in run.jsonl plan.json; do sed '%s' $f |"
			 " sed 's/\"X\"/\"x\\\\u001b[2J\\\\u007f\\\\u009b\"/g'"
			 " >bad.${f#*.}; done",
			 edits[e]);
		assert_int_equal(sh(command), 0);
		for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
			snprintf(command, sizeof command, "\"$S\" %s", calls[i]);
			assert_true(sh(command) <= 2);
			expect_no_control(out, command);
			expect_no_control(err, command);
		}
	}
}

static void a_record_is_shown_and_not_obeyed(void **state)
{
	(void)state;
	assert_int_equal(sh("\"$S\" maps record.jsonl"), 0);
	assert_null(strchr(out, '\033'));
	assert_non_null(strstr(out, "a\\x1b[31m\\nb: c\\x1b[2J\\td"));
	assert_non_null(strstr(out, "\nn\\x1b[1m\\n\n"));
	assert_int_equal(sh("\"$S\" maps record.jsonl --tsv bytes"), 0);
	assert_null(strchr(out, '\033'));
	assert_non_null(strstr(out, "\n1\tc\\x1b[2J\\td\texact\\x1b[3m\t30"));
	assert_int_equal(sh("sed 's/\"t\"/\"t\\\\u001b\"/' claims.json >bad.json;"
			    "\"$S\" claims -c bad.json run.jsonl;"
			    "\"$S\" claims --markdown -c bad.json run.jsonl"),
			 0);
	assert_null(strchr(out, '\033'));
	assert_non_null(strstr(out, "\nt\\x1b\n"));
	assert_non_null(strstr(out, "| i | t\\x1b |"));
}

/* ---- What could not be written --------------------------------------------------------------- */

static void a_full_standard_output_is_told(void **state)
{
	static const char *const calls[] = {
		"--help",
		"--version",
		"list",
		"list --json",
		"run --help",
		"show --help",
		"show stub",
		"show stub --json",
		"doctor",
		"summary run.jsonl",
		"summary run.jsonl --json",
		"summary run.jsonl --tsv ring",
		"summary run.jsonl --csv",
		"summary run.jsonl --markdown",
		"compare run.jsonl run.jsonl",
		"compare run.jsonl run.jsonl --json",
		"compare run.jsonl run.jsonl --markdown",
		"claims run.jsonl -c claims.json",
		"claims run.jsonl -c claims.json --json",
		"maps record.jsonl",
		"maps record.jsonl --json",
		"maps record.jsonl --tsv bytes",
		"maps record.jsonl --csv",
		"maps record.jsonl --markdown",
		"run -s null -b 1 -i 1",
		"run -s null -b 1 -i 1 --json",
		"sweep plan.json -o run.jsonl --json",
		"doctor --json",
		"merge --help",
		"claims run.jsonl -c claims.json --markdown",
		"model --help",
		"faults --help",
	};
	char command[200];

	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		/* A machine under load may hold a child up; a sweep then says so. */
		snprintf(command, sizeof command,
			 "(\"$S\" %s >/dev/full) 2>said; s=$?; grep -v 'stood still' said >&2; "
			 "(exit $s)",
			 calls[i]);
		refused(command, ": standard output: No space left on device");
	}
	refused("\"$S\" list >&-", "stubmap list: standard output: Bad file descriptor");
	assert_int_equal(sh("(ulimit -f 0; \"$S\" list >small) 2>&1 | cat"), 0);
	assert_string_equal(out, "stubmap list: standard output: File too large\n");
}

static void a_limit_on_files_is_told(void **state)
{
	(void)state;
	assert_int_equal(sh("(ulimit -f 1; \"$S\" sweep plan.json -o small.jsonl) 2>&1 | cat"), 0);
	assert_string_equal(out, "stubmap sweep: small.jsonl: cannot write: File too large\n");
	assert_int_equal(sh("(ulimit -f 1; \"$S\" maps record.jsonl -o m.jsonl) 2>&1 | cat"), 0);
	assert_string_equal(out, "stubmap maps: m.jsonl: File too large\n");
	assert_int_equal(sh("ls | grep ^m.jsonl"), 1); /* nor a part of it */
	assert_int_equal(sh("\"$S\" run -s null -b 9 -i 1 -o whole.jsonl --json"), 0);
	refused("ulimit -f 1; \"$S\" merge whole.jsonl -o small.jsonl.2",
		"small.jsonl.2: cannot write: File too large");
	assert_int_equal(sh("ls | grep ^small.jsonl.2"), 1);
	assert_int_equal(sh("ulimit -f 1; \"$S\" run -s pool --wx dual -b 1 -i 1 --json | grep -c "
			    "\"a file's size\""),
			 0);
}

/* However few files may be open: the command works, or says that this is why it failed. */
static void a_limit_on_open_files_is_told(void **state)
{
	char command[200];
	int worked = 0;

	(void)state;
	assert_int_equal(sh("printf '" START "' >none.wasm; ulimit -n 8; "
			    "\"$S\" run -w wasm:none.wasm -s pool -b 1 -i 1 --json"),
			 1);
	has(out, "none.wasm: not built");
	has(out, "ulimit -n");
	for (int n = 4; n <= 16; n += n < 10 ? 1 : 3) {
		snprintf(command, sizeof command,
			 "(ulimit -n %d; exec \"$S\" run -s null -b 1 -i 1 --json)", n);
		int status = sh(command);
		worked += !status;
		if (status && !strstr(err, "Too many open files") && !strstr(err, "Error 24") &&
		    !strstr(out, "Too many open files") && !strstr(out, "Error 24"))
			fail_msg("%d: status %d, said: %s%s", n, status, err, out);
	}
	assert_true(worked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipes_and_devices_are_told),
		cmocka_unit_test(text_may_come_through_a_pipe),
		cmocka_unit_test(a_sweep_says_what_it_kept),
		cmocka_unit_test(names_and_texts_can_not_break_a_line),
		cmocka_unit_test(an_own_file_is_read_first),
		cmocka_unit_test(a_name_may_have_a_comma),
		cmocka_unit_test(a_record_is_shown_and_not_obeyed),
		cmocka_unit_test(a_run_is_shown_and_not_obeyed),
		cmocka_unit_test(a_full_standard_output_is_told),
		cmocka_unit_test(a_limit_on_files_is_told),
		cmocka_unit_test(a_limit_on_open_files_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
