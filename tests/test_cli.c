/*
 * test_cli.c - the command line as a stranger uses it: what it refuses, with which line and status,
 * and what it answers. Runs the program beside it (build/san/stubmap) in a folder of its own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <stubmap/version.h>

#include "child_helpers.h"
#include "forbid.h"
#include "program_helpers.h"
#include "running_helpers.h"
#include "quiet.h"
#include "runs/cell.h"
#include "text_helpers.h"

enum { PATH = 4096, OUTPUT = 1 << 20 };

struct cli {
	char program[PATH], folder[64];
	char *out, *err; /* of the last call, OUTPUT bytes each */
};

static void read_file(const char *path, char *text)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, OUTPUT - 1, f);
	text[n] = '\0';
	fclose(f);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

enum { ANY = -1 };

static int call_list(struct cli *c, int expected, const char *form, va_list ap)
{
	char args[1024], command[2 * PATH];
	int status;

	vsnprintf(args, sizeof args, form, ap);
	snprintf(command, sizeof command, "'%s' %s >out 2>err </dev/null", c->program, args);
	status = system(command);
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	read_file("out", c->out);
	read_file("err", c->err);
	drop_progress(c->err);
	if (status > 2 || child_reported(c->err))
		fail_saying(c->out, c->err, "stubmap %s: died, exit status %d", args, status);
	if (expected != ANY && status != expected)
		fail_saying(c->out, c->err, "stubmap %s: exit status %d, not %d", args, status,
			    expected);
	return status;
}

/* Runs `stubmap ARGS` as a shell would; returns its exit status, unless it died. */
static int __attribute__((format(printf, 2, 3))) call(struct cli *c, const char *form, ...)
{
	va_list ap;
	int status;

	va_start(ap, form);
	status = call_list(c, ANY, form, ap);
	va_end(ap);
	return status;
}

/* The same, and it must be that one. */
static void __attribute__((format(printf, 3, 4))) call_to(int expected, struct cli *c,
							  const char *form, ...)
{
	va_list ap;

	va_start(ap, form);
	call_list(c, expected, form, ap);
	va_end(ap);
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Objects are those of all tests, where make gives a folder for them (cache_helpers.h). */
static int share_objects(const char *folder)
{
	const char *given = getenv("STUBMAP_TEST_OBJECTS");
	char from[PATH], to[PATH];

	if (!given)
		return 0;
	snprintf(to, sizeof to, "%s/stubmap", folder);
	return realpath(given, from) ? symlink(from, to) : -1;
}

static int set_up(void **state)
{
	struct cli *c = calloc(1, sizeof *c);

	if (!c || program_above(2, c->program, sizeof c->program))
		return -1;
	strcpy(c->folder, "/tmp/stubmap-cli-XXXXXX");
	c->out = malloc(OUTPUT);
	c->err = malloc(OUTPUT);
	if (!c->out || !c->err || !mkdtemp(c->folder) || share_objects(c->folder) ||
	    chdir(c->folder) || setenv("XDG_CACHE_HOME", c->folder, 1))
		return -1;
	*state = c;
	return 0;
}

static int tear_down(void **state)
{
	struct cli *c = *state;
	char command[128];
	int r;

	snprintf(command, sizeof command, "rm -rf %s", c->folder);
	r = chdir("/") || system(command);
	free(c->out);
	free(c->err);
	free(c);
	return r;
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void wrong_calls_get_one_line(void **state)
{
	static const struct {
		const char *args, *says;
	} wrong[] = {
		{ "rnu", "did you mean 'run'" },
		{ "run --stubs pgae", "did you mean 'page'" },
		{ "model -m zen9", "did you mean 'zen1'" },
		{ "model -p 8K", "4K, 16K, 64K, each once" },
		{ "model -p 4K,4K", "4K, 16K, 64K, each once" },
		{ "model --json --tsv", "exclude each other" },
		{ "run --json --csv", "--json and --csv exclude each other" },
		{ "summary x --csv --tsv ring", "--csv and --tsv exclude each other" },
		{ "compare a b --markdown --json", "--json and --markdown exclude each other" },
		{ "maps x --markdown --tsv bytes", "--markdown and --tsv exclude each other" },
		{ "model --agree --speed", "exclude each other" },
		{ "model --agree --json", "a table only" },
		{ "model x.trace --stubs page", "a trace is of a cell already" },
		{ "model x.trace --max-events 5", "a trace is of a cell already" },
		{ "model x.trace --machines zen5", "No such file" },
		{ "model --machines zen5 --workload gc:lisp", "allowed: ring, replay:NAME" },
		{ "model --machines zen5 --keep /nowhere", "No such file" },
		{ "run --stubs page,pool,pool", "there already" },
		{ "run --live 0", "1 to 1048576" },
		{ "run --live 1048577", "1 to 1048576" },
		{ "run --live 99999999999999999999", "1 to 1048576" },
		{ "run --live x", "1 to 1048576" },
		{ "run --kind indirekt", "did you mean 'indirect'" },
		{ "run --kind 5", "no kind '5'" },
		{ "run --workload churn --max-events 0", "--max-events '0': 1 to" },
		{ "run --wx togle", "did you mean 'toggle'" },
		{ "run --quantum 5000", "4096, 16384, 65536" },
		{ "run --stubs pool --literals baked", "allowed: own, table" },
		{ "run --signature 'zz>i'", "letters i l f d r" },
		{ "run --signature 'iiiiiiiiiiiiiiiii>'", "at most 16" },
		{ "run --workload replay:sqljz", "did you mean 'replay:sqljs'" },
		{ "run --blocks 0", "1 to 1000" },
		{ "run --timeout 0", "1 to 1000000" },
		{ "run --stubs 'zz*'", "no stubs 'zz*'" },
		{ "run --stubs page,zz*", "no stubs 'zz*'" },
		{ "run --tier 1", "0, 2" },
		{ "run --live 4 --targets 5", "targets 5 of 4 live stubs" },
		{ "run --frob", "no option 'frob'" },
		{ "run extra", "there are too many arguments" },
		{ "sweep", "an argument is missing" },
		{ "sweep none.json -o x.jsonl", "none.json" },
		{ "sweep plan.json", "-o RUN.jsonl is missing" },
		{ "sweep plan.json -o none/x.jsonl", "none/x.jsonl" },
		{ "sweep key.json -o x.jsonl", "did you mean 'live'" },
		{ "sweep arm.json -o x.jsonl", "no stubs 'pagge'" },
		{ "sweep cut.json -o x.jsonl", "cut.json:1" },
		{ "sweep plan.json -o plan.json", "plan.json" },
		{ "summary plan.json", "plan.json" },
		{ "summary none.jsonl", "none.jsonl" },
		{ "summary", "an argument is missing" },
		{ "claims none.jsonl -c claims.json", "none.jsonl" },
		{ "claims none.jsonl -c cut.json", "cut.json:1" },
		{ "claims run.jsonl -c figure.json", "did you mean 'steady/ns'" },
		{ "claims run.jsonl -c between.json", "nothing is above 3 and below 2" },
		{ "compare a.jsonl", "an argument is missing" },
		{ "list stbus", "did you mean 'stubs'" },
		{ "show", "stub" },
		{ "show stub --kind x", "allowed: entry_native" },
		{ "doctor extra", "there are too many arguments" },
		{ "child x", "job" },
	};
	struct cli *c = *state;

	write_file("plan.json",
		   "{\"name\":\"p\",\"seed\":1,\"blocks\":1,\"iterations\":1,"
		   "\"baseline\":{\"stubs\":\"page\"},\"cells\":[{\"stubs\":\"page\"}]}");
	write_file("key.json", "{\"name\":\"p\",\"seed\":1,\"blocks\":1,\"iterations\":1,"
			       "\"baseline\":{\"stubs\":\"page\"},\"cells\":[{\"lvie\":4}]}");
	write_file("arm.json",
		   "{\"name\":\"p\",\"seed\":1,\"blocks\":1,\"iterations\":1,"
		   "\"baseline\":{\"stubs\":\"page\"},\"cells\":[{\"stubs\":\"pagge\"}]}");
	write_file("cut.json", "{\"name\":");
	write_file("claims.json", "[]");
	write_file("run.jsonl", "{\"schema\":1,\"type\":\"run\",\"seed\":1,\"plan\":"
				"{\"baseline\":{\"stubs\":\"page\"}}}\n");
	write_file("figure.json",
		   "[{\"id\":\"a\",\"text\":\"A call takes less\",\"phase\":\"steady\","
		   "\"event\":\"nss\",\"of\":{},\"below\":1}]");
	write_file("between.json",
		   "[{\"id\":\"a\",\"text\":\"A call takes less\",\"phase\":\"steady\","
		   "\"event\":\"ns\",\"of\":{},\"above\":3,\"below\":2}]");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int status = call(c, "%s", wrong[i].args);

		if (status != 2 || !strstr(c->err, wrong[i].says) || lines_of(c->err) != 1)
			fail_msg("%s: status %d, said: %s", wrong[i].args, status, c->err);
		assert_string_equal(c->out, "");
		assert_int_not_equal(access("x.jsonl", F_OK), 0);
	}
	call_to(2, c, "%s", "");
}

/* A program that was moved finds its workloads beside it: here, damaged ones. */
static void damaged_traces_are_told_before_anything_runs(void **state)
{
	struct cli *c = *state;
	char moved[PATH], home[PATH], whole[PATH], self[PATH];

	snprintf(self, sizeof self, "%s", c->program);
	snprintf(moved, sizeof moved, "%s/build/stubmap", c->folder);
	snprintf(home, sizeof home, "mkdir -p build workloads/traces && cp '%.2000s' '%.1000s'",
		 self, moved);
	assert_int_equal(system(home), 0);
	snprintf(c->program, sizeof c->program, "%s", moved);
	call_to(2, c, "run --workload replay:sqljs");
	assert_non_null(strstr(c->err, "sqljs.trace.zst"));
	assert_int_equal(lines_of(c->err), 1);
	write_file("workloads/traces/sqljs.trace.zst", "not a trace");
	call_to(2, c, "run --workload replay:sqljs");
	assert_non_null(strstr(c->err, "sqljs.trace.zst"));
	assert_int_equal(lines_of(c->err), 1);
	/* Half of the real one. */
	assert_int_equal(home_tree(home, sizeof home), 0);
	snprintf(whole, sizeof whole,
		 "head -c 5000 '%.4000s/workloads/traces/sqljs.trace.zst' "
		 ">workloads/traces/sqljs.trace.zst",
		 home);
	assert_int_equal(system(whole), 0);
	call_to(2, c, "run --workload replay:sqljs");
	assert_non_null(strstr(c->err, "sqljs.trace.zst"));
	assert_int_equal(lines_of(c->err), 1);
	snprintf(c->program, sizeof c->program, "%s", self);
}

/* ---- What is answered ------------------------------------------------------------------------ */

static void every_command_has_help(void **state)
{
	static const char *const commands[] = { "run",	   "sweep",   "merge",	   "summary",
						"compare", "claims",  "list",	   "doctor",
						"maps",	   "faults",  "model",	   "show",
						"report",  "plot",    "show stub", "show map",
						"power",   "variance" };
	struct cli *c = *state;

	call_to(0, c, "--help");
	check_width(c->out);
	assert_non_null(strstr(c->out, "usage: stubmap"));
	call_to(0, c, "--version");
	assert_ptr_equal(strstr(c->out, "stubmap " STUBMAP_VERSION ", "), c->out);
	call_to(0, c, "list");
	check_width(c->out);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		call_to(0, c, "%s --help", commands[i]);
		check_width(c->out);
		assert_non_null(strstr(c->out, "usage: stubmap"));
		assert_string_equal(c->err, "");
	}
}

/* Each key of a cell is an option, under its group's title, in lines that fit a page. */
static void options_of_cells_are_grouped(void **state)
{
	struct cli *c = *state;
	char option[40];

	for (int model = 0; model < 2; model++) {
		assert_int_equal(call(c, model ? "model --help" : "run --help"), 0);
		for (size_t i = 0; i < CELL_KEYS; i++) {
			const struct cell_key *k = &cell_keys[i];

			snprintf(option, sizeof option, "--%s ", k->name);
			for (char *at = option; (at = strchr(at, '_'));)
				*at = '-';
			assert_true((strstr(c->out, option) != NULL) ==
				    (k->help && (k->model || !model)));
		}
		const char *arms = strstr(c->out, "\narms:\n");
		const char *workload = strstr(c->out, "\nworkload:\n");
		assert_true(arms && workload && arms < strstr(c->out, "--wx ") &&
			    strstr(c->out, "--wx ") < workload &&
			    workload < strstr(c->out, "--live "));
		for (char *line = strtok(c->out, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(strlen(line) <= 100);
	}
}

static void tables_fit_a_page_and_json_is_json(void **state)
{
	struct cli *c = *state;
	json_t *row;

	call_to(0, c, "run --stubs page,pool --live 4 -b 1 -i 2");
	check_width(c->out);
	call_to(0, c, "run --stubs page,pool --live 4 -b 1 -i 2 --json");
	assert_string_equal(c->err, "");
	for (char *line = strtok(c->out, "\n"); line; line = strtok(NULL, "\n")) {
		row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(row);
		assert_non_null(json_object_get(row, "phase"));
		assert_non_null(json_object_get(row, "median"));
		/* A value has a source; a row without one says why. */
		if (json_is_null(json_object_get(row, "source")))
			assert_true(json_is_string(json_object_get(row, "note")));
		json_decref(row);
	}
}

/* A cell that fails is recorded with its reason, the others go on, and the status is 1. */
static void failed_cells_are_recorded(void **state)
{
	struct cli *c = *state;

	call_to(1, c, "run --stubs page,pool --live 200 --quantum 2M -b 1 -i 1");
	assert_non_null(strstr(c->out, "out of code memory"));
	assert_non_null(strstr(c->out, "pool"));
	if (!can_open(CODE_PKEY)) {
		call_to(1, c, "run --stubs pool --live 4 -b 1 -i 1 --wx pkey");
		assert_true(strstr(c->out, "protection") || strstr(c->out, "forbids"));
	}
	setenv("STUBMAP_CODE_TEST", "F", 1);
	call_to(1, c, "run --stubs page --live 4 -b 1 -i 1");
	unsetenv("STUBMAP_CODE_TEST");
	assert_non_null(strstr(c->out, "failed"));
}

/* Commands that need to know the host say so, the others go on; errors of a call come first. */
static void an_unknown_cpu_is_served(void **state)
{
	struct cli *c = *state;
	char was[64];

	snprintf(was, sizeof was, "%s",
		 getenv("STUBMAP_CPU_TEST") ? getenv("STUBMAP_CPU_TEST") : "");
	setenv("STUBMAP_CPU_TEST", "none", 1);
	call_to(2, c, "model --live 4");
	assert_non_null(strstr(c->err, "name a row of `stubmap list machines`"));
	call_to(2, c, "model --page 8K");
	assert_non_null(strstr(c->err, "--page '8K'"));
	call_to(2, c, "model --predict nothing.jsonl");
	assert_non_null(strstr(c->err, "nothing.jsonl"));
	call_to(0, c, "doctor");
	assert_non_null(strstr(c->out, "L1I not known"));
	if (*was)
		setenv("STUBMAP_CPU_TEST", was, 1);
	else
		unsetenv("STUBMAP_CPU_TEST");
}

/* Commands that need no LLVM go on without it. */
static void llvm_is_loaded_when_it_is_needed(void **state)
{
	struct cli *c = *state;

	setenv("LD_BIND_NOW", "1", 1);
	call_to(0, c, "list stubs");
	call_to(1, c, "show stub");
	assert_non_null(strstr(c->err, "needed shared library"));
	setenv("XDG_CACHE_HOME", "/proc/none", 1);
	call_to(1, c, "run --stubs page --live 4 -b 1 -i 1");
	assert_non_null(strstr(c->out, "LLVM can't be used under"));
	unsetenv("LD_BIND_NOW");
	setenv("XDG_CACHE_HOME", c->folder, 1);
}

static void stubs_can_be_looked_at(void **state)
{
	static const char *const arms[] = { "null",	 "page",      "pool",	      "template",
					    "lazy+page", "lazy+pool", "lazy+template" };
	struct cli *c = *state;

	for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
		json_t *blocks;

		call_to(0, c, "show stub --stubs %s --kind exit_js", arms[i]);
		check_width(c->out);
		assert_non_null(strstr(c->out, "bytes"));
		call_to(0, c, "show stub --stubs %s --kind entry_js --json", arms[i]);
		blocks = json_loads(c->out, 0, NULL);
		assert_true(json_array_size(blocks) >= 1);
		json_decref(blocks);
		call_to(0, c, "show stub --stubs %s --kind bind", arms[i]);
		call_to(0, c, "show stub --stubs %s --kind ref", arms[i]);
	}
}

/* Whatever error perf_event_open gives: no counter, a reason for each,
 * and the meter that serves instead. */
static void check_guest(struct cli *c, unsigned error)
{
	json_t *all, *meter;
	size_t i, missing = 0;
	pid_t pid = child_fork();

	if (!pid) {
		forbid(SYS_perf_event_open, error);
		snprintf(c->out, OUTPUT, "'%s' doctor >text 2>&1 && exec '%s' doctor --json >out",
			 c->program, c->program);
		execl("/bin/sh", "sh", "-c", c->out, (char *)NULL);
		_exit(127);
	}
	int status = child_wait(pid);
	read_file("text", c->err);
	read_file("out", c->out);
	if (status)
		fail_saying(c->out, c->err, "doctor: exit status %d", status);
	check_width(c->err);
	all = json_loads(c->out, 0, NULL);
	assert_non_null(all);
	json_array_foreach(json_object_get(json_object_get(all, "counters"), "meters"), i, meter) {
		const char *source = json_string_value(json_object_get(meter, "source"));

		assert_true(!source || !strcmp(source, "kernel"));
		assert_int_equal(!source, json_is_string(json_object_get(meter, "why")));
		missing += !source;
	}
	assert_true(missing > 0);
	assert_true(json_is_string(json_object_get(json_object_get(all, "tracer"), "tool")) ||
		    json_is_string(json_object_get(json_object_get(all, "tracer"), "why")));
	json_decref(all);
}

static void a_guest_without_pmu_is_served(void **state)
{
	static const unsigned errors[] = { ENOENT, EPERM, EACCES, ENOSYS, EOPNOTSUPP, EMFILE };

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		check_guest(*state, errors[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_calls_get_one_line),
		cmocka_unit_test(damaged_traces_are_told_before_anything_runs),
		cmocka_unit_test(every_command_has_help),
		cmocka_unit_test(options_of_cells_are_grouped),
		cmocka_unit_test(tables_fit_a_page_and_json_is_json),
		cmocka_unit_test(failed_cells_are_recorded),
		cmocka_unit_test(stubs_can_be_looked_at),
		cmocka_unit_test(a_guest_without_pmu_is_served),
		cmocka_unit_test(an_unknown_cpu_is_served),
		cmocka_unit_test(llvm_is_loaded_when_it_is_needed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
