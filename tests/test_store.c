/* test_store.c - run files: begun, gone on with, torn, locked, refused; and children that die. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "run_helpers.h"
#include "runs/spawn.h"

static const struct run_start plain = { 0 };

static void test_goes_on(void **state)
{
	char path[40], error[RUN_ERROR];
	struct plan p = make_plan(1), other = make_plan(2);
	struct run run;
	off_t whole;

	(void)state;
	fresh(path);
	if (run_open(path, &p, &plain, &run, error))
		fail_msg("%s", error);
	append(&run, &p, 0, 0);
	append(&run, &p, 0, 1);
	run_close(&run);

	whole = size_of(path);
	add_text(path, "{\"schema\":1,\"type\":\"invoc"); /* the power went */
	assert_int_equal(run_load(path, &run, error), 0);
	assert_true(run.torn);
	assert_int_equal(run.n, 2);
	run_close(&run);
	assert_true(size_of(path) > whole); /* a reader leaves the file alone */

	assert_int_equal(run_open(path, &p, &plain, &run, error), 0);
	assert_true(run.torn);
	assert_int_equal(run.n, 2);
	assert_true(cell_equal(&run.invocations[1].cell, &p.cells[1]));
	assert_int_equal(size_of(path), whole);
	append(&run, &p, 1, 0);
	run_close(&run);
	assert_int_equal(run_load(path, &run, error), 0);
	assert_false(run.torn);
	assert_int_equal(run.n, 3);
	assert_int_equal(run.invocations[2].block, 1);
	run_close(&run);

	whole = size_of(path);
	assert_int_equal(run_open(path, &other, &plain, &run, error), -EEXIST);
	assert_non_null(strstr(error, "another plan"));
	assert_int_equal(size_of(path), whole);
	unlink(path);
	plan_free(&p);
	plan_free(&other);
}

static void test_one_writer(void **state)
{
	char path[40], error[RUN_ERROR];
	struct plan p = make_plan(1);
	struct run run, second;

	(void)state;
	fresh(path);
	assert_int_equal(run_open(path, &p, &plain, &run, error), 0);
	assert_int_equal(run_open(path, &p, &plain, &second, error), -EBUSY);
	assert_int_equal(run_load(path, &second, error), 0); /* readers may look on */
	run_close(&second);
	run_close(&run);
	assert_int_equal(run_open(path, &p, &plain, &second, error), 0);
	run_close(&second);
	unlink(path);
	plan_free(&p);
}

static void refused(const char *content, const char *words)
{
	char path[40], error[RUN_ERROR] = "";
	struct plan p = make_plan(1);
	struct run run;

	fresh(path);
	add_text(path, content);
	assert_int_equal(run_load(path, &run, error), -EINVAL);
	if (!strstr(error, words) || strchr(error, '\n'))
		fail_msg("'%s' lacks '%s'", error, words);
	if (*content) {
		assert_int_equal(run_open(path, &p, &plain, &run, error), -EINVAL);
		assert_int_equal(size_of(path), strlen(content)); /* not ours: untouched */
	}
	unlink(path);
	plan_free(&p);
}

#define HEAD "{\"schema\":1,\"type\":\"run\",\"plan\":{\"baseline\":{\"stubs\":\"page\"}}}\n"
#define CELL "{\"type\":\"invocation\",\"block\":0,\"status\":\"ok\",\"figures\":[],\"cell\":"

static void test_refuses(void **state)
{
	char path[40], error[RUN_ERROR];
	struct plan p = make_plan(1);
	struct run run;

	(void)state;
	refused("", "it is empty");
	refused("a letter to a friend", "no run file");
	refused("{\"name\": \"a plan\"}\n", "no run file");
	refused("{\"schema\":9,\"type\":\"run\",\"plan\":{\"baseline\":{}}}\n", "schema 9");
	refused(HEAD "rubbish\n" CELL "{}}\n", ":2: not JSON");
	refused(HEAD CELL "{\"lives\":4}}\n", "did you mean 'live'");
	refused(HEAD "{\"type\":\"invocation\"}\n", ":2: no invocation");
	assert_int_equal(run_load("/proc/none/run", &run, error), -ENOENT);
	assert_int_equal(run_load("/", &run, error), -EISDIR);
	assert_int_equal(run_open("/proc/none/run", &p, &plain, &run, error), -ENOENT);

	/* A record of the wrong form leaves no trace. */
	fresh(path);
	assert_int_equal(run_open(path, &p, &plain, &run, error), 0);
	off_t before = size_of(path);
	json_t *bad = json_pack("{s:s}", "type", "invocation");
	assert_int_equal(run_append(&run, bad, error), -EINVAL);
	assert_int_equal(size_of(path), before);
	assert_int_equal(run.n, 0);
	json_decref(bad);
	run_close(&run);
	unlink(path);
	plan_free(&p);
}

/* ---- Children: this program again, told by the job how to fail ---------------------------- */

static void sleep_until(uint64_t ns)
{
	while (clock_ns() < ns)
		usleep(1000);
}

static int be_child(const char *job)
{
	json_t *json = json_loads(job, 0, NULL);
	const char *how = json_string_value(json_object_get(json, "how"));

	if (!strcmp(how, "crash")) {
		const char *names = getenv("STUBMAP_NAMES");

		fprintf(stderr, "first line\nabout to fall%s%s\n", names ? ", names " : "",
			names ? names : "");
		signal(SIGSEGV, SIG_DFL); /* no sanitizer's report in between */
		raise(SIGSEGV);
	} else if (!strcmp(how, "report")) {
		fputs("first line\nSUMMARY: a use after all\n==7==ABORTING\n", stderr);
		json_decref(json);
		return 1;
	} else if (!strcmp(how, "hang")) {
		fputs("before\nat it", stderr);
		sleep(100);
	} else if (!strcmp(how, "haunt")) { /* it ends, and leaves one that writes for ever */
		while (!fork())
			for (;;)
				fputs("more\n", stderr);
	} else if (!strcmp(how, "await")) {
		const char *path = json_string_value(json_object_get(json, "path"));

		fputs("first\nsecond\n", stderr);
		while (access(path, F_OK))
			usleep(1000);
		puts("{\"status\": \"ok\", \"why\": null, \"figures\": []}");
	} else if (!strcmp(how, "prepare")) { /* for 3/4 of its limit, then measures as long */
		const json_int_t begun = json_integer_value(json_object_get(json, "begun"));
		const json_int_t limit = json_integer_value(json_object_get(json, "limit"));

		fputs("compiling\n", stderr);
		sleep_until((uint64_t)(begun + limit / 4 * 3));
		fputs("measuring\n", stderr);
		sleep_until((uint64_t)(begun + limit / 4 * 6));
		puts("{\"status\": \"ok\", \"why\": null, \"figures\": []}");
	} else if (!strcmp(how, "rubbish")) {
		puts("rubbish");
	} else if (!strcmp(how, "silent")) {
		fputs("no such \xff thing\n", stderr);
		json_decref(json);
		return 2;
	} else if (!strcmp(how, "wrong")) {
		puts("{\"status\": \"failed\", \"why\": \"wrong answer\", \"figures\": []}");
		json_decref(json);
		return 1;
	} else {
		const char *pad = getenv("STUBMAP_PAD");
		printf("{\"status\": \"ok\", \"why\": null, \"figures\": [], \"wall_ns\": 7, "
		       "\"pad\": %zu}\n",
		       pad ? strlen(pad) : 0);
	}
	json_decref(json);
	return 0;
}

static json_t *child(const char *how, int seed)
{
	json_t *record, *job = json_pack("{s:s, s:i, s:i}", "how", how, "seed", seed, "cpu", -1);
	/* generous for a loaded machine; only those that never end meet their limit */
	const bool ends = strcmp(how, "hang") != 0 && strcmp(how, "haunt") != 0;
	const struct spawn_options o = { .timeout_ms = ends ? 60000 : 200 };
	int r = spawn_job(job, &o, &record);

	assert_int_equal(r, 0);
	json_decref(job);
	return record;
}

static void test_children(void **state)
{
	static const struct {
		const char *how, *words;
	} bad[] = {
		{ "crash", "about to fall" },
		{ "crash", "signal 11" },
		{ "hang", "no end after 0.2 s" },
		{ "hang", "(--timeout sets the limit)" },
		{ "haunt", "no end after 0.2 s" },
		{ "report", "exit status 1 and no record: SUMMARY: a use after all" },
		{ "rubbish", "no record in its output" },
		{ "silent", "its last message is not text" },
		{ "wrong", "wrong answer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		json_t *record = child(bad[i].how, 1);
		const char *why = json_string_value(json_object_get(record, "why"));
		assert_string_equal(json_string_value(json_object_get(record, "status")), "failed");
		assert_true(json_is_array(json_object_get(record, "figures")));
		assert_true(json_is_integer(json_object_get(record, "wall_ns")));
		if (!why || !strstr(why, bad[i].words) || strstr(why, "first line"))
			fail_msg("%s: '%s' lacks '%s'", bad[i].how, why ? why : "", bad[i].words);
		json_decref(record);
	}
	json_t *a = child("well", 1), *again = child("well", 1), *b = child("well", 2);
	assert_string_equal(json_string_value(json_object_get(a, "status")), "ok");
	assert_int_equal(json_integer_value(json_object_get(a, "wall_ns")), 7);
	assert_true(json_equal(json_object_get(a, "pad"), json_object_get(again, "pad")));
	assert_false(json_equal(json_object_get(a, "pad"), json_object_get(b, "pad")));
	json_decref(a);
	json_decref(again);
	json_decref(b);
}

/* The time before the measuring has a limit of its own. On a loaded machine it is luck whether the
 * child says in time that it measures, but it must not be ended. */
static void test_limits(void **state)
{
	const struct spawn_options o = { .timeout_ms = 1000 };
	bool well = false;

	(void)state;
	for (int i = 0; i < 20 && !well; i++) {
		json_t *record, *job = json_pack("{s:s, s:I, s:I, s:i}", "how", "prepare", "begun",
						 (json_int_t)clock_ns(), "limit",
						 (json_int_t)o.timeout_ms * 1000000, "cpu", -1);
		assert_int_equal(spawn_job(job, &o, &record), 0);
		well = !strcmp(json_string_value(json_object_get(record, "status")), "ok");
		json_decref(job);
		json_decref(record);
	}
	assert_true(well);
}

/* A cell that crashed is run again, with names; a line says how to see it in gdb. */
static void test_crashed_cells(void **state)
{
	json_t *job = json_pack("{s:s, s:I, s:{s:s}}", "how", "crash", "seed", (json_int_t)1,
				"cell", "it's", "x");
	const struct spawn_options o = { 0 };
	char said[2000];
	json_t *record;
	int pipes[2], old = dup(2);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	fflush(stderr);
	dup2(pipes[1], 2);
	int r = spawn_cell(job, &o, 60, &record);
	fflush(stderr);
	dup2(old, 2);
	close(old);
	close(pipes[1]);
	ssize_t n = read(pipes[0], said, sizeof said - 1);
	close(pipes[0]);
	assert_int_equal(r, 0);
	assert_true(n > 0);
	said[n] = 0;
	assert_non_null(strstr(said, "STUBMAP_NAMES=gdb gdb -ex run -ex backtrace --args '/"));
	assert_non_null(strstr(said, "test_store' child '{\"cell\":{\"it'\\''s\":\"x\"},"));
	const char *why = json_string_value(json_object_get(record, "why"));
	assert_non_null(why);
	assert_non_null(strstr(why,
			       "killed by signal 11 (Segmentation fault): about to fall, names "
			       "gdb"));
	assert_null(getenv("STUBMAP_NAMES"));
	json_decref(record);
	json_decref(job);
}

struct ticks {
	char path[64];
	unsigned n;
	uint64_t until;
};

/* Lets the child go on. */
static void tick(void *arg, const char *phase, unsigned seconds)
{
	struct ticks *t = arg;

	(void)seconds;
	if (strcmp(phase, "second") != 0) /* it may not have come so far */
		return;
	t->n++;
	fclose(fopen(t->path, "w"));
}

static void test_ticks(void **state)
{
	struct ticks t = { "/tmp/stubmap-ticks-XXXXXX", 0, 0 };
	const struct spawn_options o = { .tick = tick, .arg = &t };
	json_t *record;

	(void)state;
	close(mkstemp(t.path));
	unlink(t.path);
	json_t *job = json_pack("{s:s, s:s}", "how", "await", "path", t.path);
	assert_int_equal(spawn_job(job, &o, &record), 0);
	assert_string_equal(json_string_value(json_object_get(record, "status")), "ok");
	assert_true(t.n > 0);
	unlink(t.path);
	json_decref(job);
	json_decref(record);
}

/* Lets the child go on and end, then stands still as a stopped process does, beyond the limit. */
static void stand_still(void *arg, const char *phase, unsigned seconds)
{
	const struct ticks *t = arg;
	siginfo_t info;

	(void)phase, (void)seconds;
	fclose(fopen(t->path, "w"));
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	while (clock_ns() < t->until)
		usleep(1000);
}

/* A sweep that was stopped with Ctrl-Z: the child that ended meanwhile was not late. */
static void test_stopped_parent(void **state)
{
	struct ticks t = { "/tmp/stubmap-ticks-XXXXXX", 0, clock_ns() + 5100000000u };
	const struct spawn_options o = { .timeout_ms = 5000, .tick = stand_still, .arg = &t };
	json_t *record;

	(void)state;
	close(mkstemp(t.path));
	unlink(t.path);
	json_t *job = json_pack("{s:s, s:s}", "how", "await", "path", t.path);
	assert_int_equal(spawn_job(job, &o, &record), 0);
	assert_string_equal(json_string_value(json_object_get(record, "status")), "ok");
	unlink(t.path);
	json_decref(job);
	json_decref(record);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on), cmocka_unit_test(test_one_writer),
		cmocka_unit_test(test_refuses), cmocka_unit_test(test_children),
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_crashed_cells),
		cmocka_unit_test(test_ticks),	cmocka_unit_test(test_stopped_parent),
	};

	if (argc == 3 && !strcmp(argv[1], "child"))
		return be_child(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
