/*
 * test_segments.c - the contents of a run file: segments of one program and machine, each row once
 * and of the plan. Anything else is refused with its line, or mended by the next writer.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run_helpers.h"
#include "runs/segment.h"
#include "runs/spawn.h"

static int one_line(const char *text)
{
	return *text && !strchr(text, '\n');
}

/* ---- Who goes on with a run ------------------------------------------------------------------ */

static void another_program_or_machine_is_refused(void **state)
{
	static const struct {
		const char *change, *says; /* an update of the fingerprint */
	} cases[] = {
		{ "{\"program\": {\"commit\": \"bbbb\", \"dirty\": false, \"hash\": \"2222\"}}",
		  "program aaaa (1111) there, bbbb (2222) here" },
		{ "{\"program\": {\"commit\": \"aaaa\", \"dirty\": true, \"hash\": \"2222\"}}",
		  "aaaa and changes (2222) here" },
		{ "{\"program\": null}", "program aaaa (1111) there, not known here" },
		{ "{\"build\": \"sanitized\"}", "build 'optimised' there, 'sanitized' here" },
		{ "{\"compiler\": \"clang\"}", "compiler 'gcc 12' there, 'clang' here" },
		{ "{\"llvm\": \"20\"}", "llvm" },
		{ "{\"libc\": \"musl\"}", "libc" },
		{ "{\"jansson\": \"3\"}", "jansson" },
		{ "{\"papi\": \"8\"}", "papi" },
		{ "{\"cpu_vendor\": \"w\"}", "cpu_vendor" },
		{ "{\"cpu_model\": \"n\"}", "cpu_model 'm' there, 'n' here" },
		{ "{\"cpu_family\": \"7\"}", "cpu_family" },
		{ "{\"cpu_model_number\": \"7\"}", "cpu_model_number" },
		{ "{\"cpu_stepping\": \"7\"}", "cpu_stepping" },
		{ "{\"microcode\": \"0x2\"}", "microcode" },
		{ "{\"kernel\": \"6.2\", \"cores\": 2}",
		  "cores 4 there, 2 here; kernel '6.1' there, '6.2' here" },
		{ "{\"cmdline\": \"nosmt\"}", "cmdline" },
		{ "{\"hypervisor\": \"KVM\"}", "hypervisor no there, 'KVM' here" },
		{ "{\"governor\": \"performance\"}", "governor not known there" },
		{ "{\"turbo\": true}", "turbo not known there, yes here" },
		{ "{\"smt\": 1}", "smt" },
		{ "{\"aslr\": 0}", "aslr" },
		{ "{\"thp\": \"never\"}", "thp" },
		{ "{\"mitigations\": {\"retbleed\": \"yes\"}}", "mitigations.retbleed 'no' there" },
		{ "{\"l1i\": {\"size\": 65536}}", "l1i.size" },
		{ "{\"pinned_cpu\": 2}", "pinned_cpu 3 there, 2 here" },
	};
	json_t *machine = make_machine();
	struct plan p = make_plan(1);
	char path[40], error[RUN_ERROR];
	struct run run;

	(void)state;
	assert_non_null(machine);
	fresh(path);
	assert_int_equal(run_open(path, &p, &(struct run_start){ .machine = machine }, &run, error),
			 0);
	append(&run, &p, 0, 0);
	run_close(&run);
	off_t size = size_of(path);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *other = json_copy(machine), *change = json_loads(cases[i].change, 0, NULL);

		json_object_update(other, change);
		int r = run_open(path, &p, &(struct run_start){ .machine = other }, &run, error);
		if (r != -EXDEV || !strstr(error, cases[i].says) || !one_line(error))
			fail_msg("%s: %d, %s", cases[i].change, r, r ? error : "");
		assert_int_equal(size_of(path), size);
		json_decref(change);
		json_decref(other);
	}
	/* The tree went on; the program is the same. */
	json_object_set_new(machine, "tree", json_pack("{s:s, s:b}", "commit", "cc", "dirty", 1));
	json_object_set_new(machine, "missing", json_object());
	json_object_set_new(machine, "counters", json_pack("{s:i}", "probe_ns", 7)); /* measured */
	assert_int_equal(run_open(path, &p, &(struct run_start){ .machine = machine }, &run, error),
			 0);
	run_close(&run);
	/* Equal in all that was linked, from another commit. */
	json_object_set_new(
	    machine, "program",
	    json_pack("{s:s, s:b, s:s}", "commit", "dddd", "dirty", 0, "hash", "1111"));
	assert_int_equal(run_open(path, &p, &(struct run_start){ .machine = machine }, &run, error),
			 0);
	run_close(&run);
	assert_int_equal(size_of(path), size);
	unlink(path);
	json_decref(machine);
	plan_free(&p);
}

/* Hashes that are not known are not equal ones. */
static void an_unknown_hash_tells_nothing(void **state)
{
	static const char form[] = "{s: {s: s, s: n}}";
	json_t *a = json_pack(form, "program", "commit", "aaaa", "hash"),
	       *b = json_pack(form, "program", "commit", "bbbb", "hash");
	char what[SEGMENT_DIFFERS];

	(void)state;
	assert_true(segment_differs(a, b, what));
	assert_non_null(strstr(what, "program aaaa (no hash) there, bbbb (no hash) here"));
	assert_false(segment_differs(a, a, what));
	assert_true(segment_differs(a, NULL, what));
	assert_string_equal(what, "the machine is not known here");
	assert_true(segment_differs(NULL, a, what));
	assert_string_equal(what, "the machine is not known there");
	json_decref(a);
	json_decref(b);
	/* A fact that is not known, and one that there was not yet. */
	a = json_pack("{s:n}", "governor");
	b = json_object();
	assert_false(segment_differs(a, b, what) || segment_differs(b, a, what));
	json_decref(a);
	json_decref(b);
}

/* A file that an old program began: its program is not known. */
static void a_run_of_old_is_refused(void **state)
{
	json_t *machine = make_machine(), *old = json_copy(machine);
	struct plan p = make_plan(1);
	char path[40], error[RUN_ERROR];
	struct run run;

	(void)state;
	json_object_del(old, "program");
	json_object_del(old, "tree");
	json_object_set_new(old, "git_commit", json_string("aaaa"));
	fresh(path);
	assert_int_equal(run_open(path, &p, &(struct run_start){ .machine = old }, &run, error), 0);
	run_close(&run);
	assert_int_equal(run_open(path, &p, &(struct run_start){ .machine = machine }, &run, error),
			 -EXDEV);
	assert_non_null(strstr(error, "program not known there"));
	unlink(path);
	json_decref(old);
	json_decref(machine);
	plan_free(&p);
}

static void resumes_are_segments(void **state)
{
	json_t *machine = make_machine(), *other = json_copy(machine);
	struct plan p = make_plan(1);
	char path[40], error[RUN_ERROR];
	struct run run;

	(void)state;
	fresh(path);
	const struct run_start same = { .machine = machine };
	const struct run_start mixed = { .machine = other, .mixed = true };

	json_object_set_new(other, "kernel", json_string("6.2"));
	assert_int_equal(run_open(path, &p, &same, &run, error), 0);
	append(&run, &p, 0, 0);
	run_close(&run);
	off_t size = size_of(path);
	assert_int_equal(run_open(path, &p, &same, &run, error), 0);
	run_close(&run);
	assert_int_equal(size_of(path), size); /* nothing was added: no segment */

	assert_int_equal(run_open(path, &p, &same, &run, error), 0);
	append(&run, &p, 0, 1);
	append(&run, &p, 0, 2);
	assert_false(run_mixed(&run, error));
	run_close(&run);
	assert_int_equal(run_open(path, &p, &mixed, &run, error), 0);
	append(&run, &p, 1, 0);
	assert_true(run_mixed(&run, error));
	run_close(&run);

	assert_int_equal(run_load(path, &run, error), 0);
	assert_int_equal(run.n, 4);
	assert_int_equal(json_array_size(run.segments), 3);
	static const unsigned segment[] = { 0, 1, 1, 2 };
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(run.invocations[i].segment, segment[i]);
	for (size_t i = 0; i < 3; i++) {
		const json_t *line = json_array_get(run.segments, i);

		assert_true(json_equal(json_object_get(line, "machine"), i < 2 ? machine : other));
		assert_true(json_is_string(json_object_get(line, "started")));
		assert_non_null(json_object_get(line, "load"));
		assert_non_null(json_object_get(line, "steal_ms"));
	}
	assert_true(run_mixed(&run, error));
	assert_true(one_line(error));
	assert_non_null(strstr(error, "kernel '6.1' there, '6.2' here"));
	run_close(&run);
	unlink(path);
	json_decref(other);
	json_decref(machine);
	plan_free(&p);
}

/* Shards may run on a CPU each; the cells of a block are compared with each other. */
static void a_block_is_of_one_cpu(void **state)
{
	json_t *machine = make_machine(), *other = json_copy(machine);
	struct plan p = make_plan(1);
	char path[40], error[RUN_ERROR];
	struct run run;

	(void)state;
	fresh(path);
	json_object_set_new(other, "pinned_cpu", json_integer(2));
	assert_int_equal(run_open(path, &p, &(struct run_start){ .machine = machine }, &run, error),
			 0);
	for (size_t i = 0; i < p.n; i++)
		append(&run, &p, 0, i);
	run_close(&run);
	assert_int_equal(run_open(path, &p, &(struct run_start){ other, NULL, true }, &run, error),
			 0);
	append(&run, &p, 1, 0);
	assert_false(run_mixed(&run, error));
	run_close(&run);
	assert_int_equal(
	    run_open(path, &p, &(struct run_start){ machine, NULL, true }, &run, error), 0);
	append(&run, &p, 1, 1);
	assert_true(run_mixed(&run, error));
	assert_string_equal(error, "block 1 ran on CPU 2 and on CPU 3");
	run_close(&run);
	unlink(path);
	json_decref(other);
	json_decref(machine);
	plan_free(&p);
}

/* ---- What stands in a file ------------------------------------------------------------------- */

#define HEAD_OF(baseline)                                                                      \
	"{\"schema\":1,\"type\":\"run\",\"seed\":1,\"machine\":null,\"plan\":{\"name\":\"t\"," \
	"\"seed\":1,\"blocks\":4,\"iterations\":1,\"baseline\":{\"stubs\":" baseline "},"      \
	"\"cells\":[{\"stubs\":[\"page\",\"po*\"],\"live\":[4,64]}]}}\n"
#define HEAD HEAD_OF("\"page\"")
#define ROW(block, status, cell, more)                                                 \
	"{\"type\":\"invocation\",\"block\":" block ",\"status\":\"" status "\"," more \
	"\"cell\":{" cell "},\"figures\":[]}\n"
#define CELL(stubs, more) "\"stubs\":\"" stubs "\",\"live\":4" more
#define FIGURE(text)                                                              \
	"{\"type\":\"invocation\",\"block\":0,\"status\":\"ok\",\"cell\":{" CELL( \
	    "page", "") "},\"figures\":[{\"phase\":\"steady\",\"event\":\"ns\"," text "}]}\n"

static int load(const char *text, struct run *run, char error[RUN_ERROR])
{
	char path[40];
	int r;

	fresh(path);
	add_text(path, text);
	*error = 0;
	r = run_load(path, run, error);
	if (r && !strstr(error, path))
		fail_msg("no name of the file in: %s", error);
	unlink(path);
	return r;
}

static void rows_are_checked(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: read */
	} cases[] = {
		{ HEAD ROW("0", "ok", CELL("page", ""), ""), NULL },
		{ HEAD ROW("0", "ok", CELL("page", ",\"replica\":1"), ""), NULL },
		{ HEAD ROW("999", "ok", CELL("pool", ""), ""), NULL },
		{ HEAD ROW("-1", "ok", CELL("page", ""), ""), ":2: block -1: 0 to 999" },
		{ HEAD ROW("1000", "ok", CELL("page", ""), ""), ":2: block 1000: 0 to 999" },
		{ HEAD ROW("0.5", "ok", CELL("page", ""), ""), ":2: no invocation" },
		{ HEAD ROW("0", "fine", CELL("page", ""), ""), ":2: no invocation" },
		/* The plan lacks: the arm, the number, a key that it
		 * leaves as usual, the replica. */
		{ HEAD ROW("0", "ok", CELL("template", ""), ""), ":2: the run's plan has no such" },
		{ HEAD ROW("0", "ok", "\"stubs\":\"page\",\"live\":8", ""), "no such cell" },
		{ HEAD ROW("0", "ok", CELL("page", ",\"wx\":\"dual\""), ""), "no such cell" },
		{ HEAD ROW("0", "ok", CELL("pool", ",\"replica\":1"), ""), "no such cell" },
		{ HEAD_OF("5") ROW("0", "ok", CELL("page", ",\"replica\":1"), ""), "no such cell" },
		{ HEAD ROW("0", "ok", "\"stubs\":\"page\",\"workload\":\"replay:sqljs\"", ""),
		  "no such cell" },
		{ HEAD ROW("0", "ok", CELL("pool-of-old", ""), ""),
		  NULL }, /* po*, not known here */
		{ HEAD ROW("0", "ok", CELL("page", ""), "") ROW("0", "ok", CELL("page", ""), ""),
		  ":3: block 0 has page on ring already" },
		{ HEAD ROW("0", "failed", CELL("page", ""), "")
		      ROW("0", "ok", CELL("page", ""), ""),
		  ":3: block 0 has page on ring already" },
		{ HEAD ROW("0", "ok", CELL("page", ""), "")
		      ROW("0", "ok", CELL("page", ""), "\"retry\":true,"),
		  ":3: block 0 has page on ring already" },
		{ HEAD ROW("0", "ok", CELL("page", ""), "") ROW("1", "ok", CELL("page", ""), ""),
		  NULL },
		{ HEAD ROW("0", "ok", CELL("page", ""), "\"segment\":1,"),
		  ":2: it names a segment" },
		{ HEAD ROW("0", "ok", CELL("page", ""), "\"segment\":-1,"),
		  ":2: it names a segment" },
		{ HEAD "{\"type\":\"segment\",\"segment\":0}\n",
		  ":2: the file's next segment is 1" },
		{ HEAD "{\"type\":\"segment\",\"segment\":2}\n",
		  ":2: the file's next segment is 1" },
		{ HEAD "{\"type\":\"segment\",\"segment\":1}\n" ROW("0", "ok", CELL("page", ""),
								    "\"segment\":1,"),
		  NULL },
		{ HEAD FIGURE("\"per\":1,\"samples\":[1,2.5],\"warmup\":0"), NULL },
		{ HEAD FIGURE("\"samples\":null,\"why\":\"none\""), NULL },
		{ HEAD FIGURE("\"per\":0,\"samples\":[1]"), ":2: figure steady/ns: per must be" },
		{ HEAD FIGURE("\"samples\":[1]"), ":2: figure steady/ns: per must be" },
		{ HEAD FIGURE("\"per\":1,\"warmup\":-1,\"samples\":[1]"), "warmup must be" },
		{ HEAD FIGURE("\"per\":1,\"warmup\":0,\"samples\":7"), "must be a list or null" },
		{ HEAD FIGURE("\"per\":1,\"warmup\":0,\"samples\":[1,\"2\"]"),
		  "sample 2 is no number" },
	};
	char error[RUN_ERROR];
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int r = load(cases[i].text, &run, error);

		if (!r != !cases[i].says ||
		    (r && (!strstr(error, cases[i].says) || !one_line(error))))
			fail_msg("%zu: %d, %s", i, r, error);
		if (!r)
			run_close(&run);
	}
}

/* The text behind a zero byte is read, too, and is no row. */
static void a_zero_byte_ends_no_line(void **state)
{
	static const char rows[] =
	    ROW("0", "ok", CELL("page", ""), "") "~"
						 "rest\n" ROW("1", "ok", CELL("page", ""), "");
	char path[40], error[RUN_ERROR], text[sizeof rows];
	struct run run;

	(void)state;
	fresh(path);
	add_text(path, HEAD);
	memcpy(text, rows, sizeof rows);
	char *at = strchr(text, '~');
	at[-1] = ' ';
	at[0] = 0;
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fwrite(text, 1, sizeof rows - 1, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(run_load(path, &run, error), -EINVAL);
	assert_non_null(strstr(error, ":2: not JSON"));
	unlink(path);
}

static void a_retry_supersedes_a_failure(void **state)
{
	char error[RUN_ERROR];
	struct run run;

	(void)state;
	if (load(HEAD ROW("0", "failed", CELL("page", ""), "") ROW("0", "ok", CELL("pool", ""), "")
		     ROW("0", "failed", CELL("page", ""), "\"retry\":true,")
			 ROW("0", "ok", CELL("page", ""), "\"retry\":true,"),
		 &run, error))
		fail_msg("%s", error);
	assert_int_equal(run.n, 2);
	assert_int_equal(run.superseded, 2);
	assert_true(run.invocations[0].ok && run.invocations[1].ok);
	run_close(&run);
}

/* A writer that was killed, or a power cut, in the midst of the first line. */
static void a_torn_head_is_begun_anew(void **state)
{
	static const char *const torn[] = { "{", "{\"schema\":1,\"ty",
					    "{\"schema\":1,\"type\":\"run\",\"plan\":{\"na" };
	static const char *const foreign[] = { "{\"schema\":1,\"type\":\"letter\",", "{\"a",
					       "{\"schema\":1,\"type\":\"run\"}" };
	const struct run_start start = { 0 };
	struct plan p = make_plan(1);
	char path[40], error[RUN_ERROR];
	struct run run;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fresh(path);
		add_text(path, torn[i]);
		assert_int_equal(run_load(path, &run, error), -EINVAL);
		assert_non_null(strstr(error, "its first line was cut off"));
		assert_int_equal(run_open(path, &p, &start, &run, error), 0);
		assert_true(run.anew);
		assert_false(run.torn);
		append(&run, &p, 0, 0);
		run_close(&run);
		assert_int_equal(run_load(path, &run, error), 0);
		assert_int_equal(run.n, 1);
		run_close(&run);
		unlink(path);
		fresh(path);
		add_text(path, foreign[i]);
		assert_int_equal(run_open(path, &p, &start, &run, error), -EINVAL);
		assert_int_equal(size_of(path), strlen(foreign[i]));
		unlink(path);
	}
	plan_free(&p);
}

/* ---- Standing still -------------------------------------------------------------------------- */

static void who_stood_still(void **state)
{
	static const struct {
		struct spawn_time time;
		bool stopped;
	} cases[] = {
		{ { .wall_ms = 500, .cpu_ms = 490 }, false },
		{ { .wall_ms = 500, .cpu_ms = 120, .wait_ms = 370 }, false }, /* a loaded machine */
		{ { .wall_ms = 500, .cpu_ms = 200, .steal_ms = 300 }, false }, /* a loaded host */
		{ { .wall_ms = 900, .cpu_ms = 300, .faults = 40 }, false },    /* from the disk */
		{ { .wall_ms = 5870, .cpu_ms = 500 }, true },
		{ { .wall_ms = 800, .cpu_ms = 500 }, true },
		{ { .wall_ms = 700, .cpu_ms = 500 }, false },	  /* less than can be told */
		{ { .wall_ms = 90000, .cpu_ms = 89000 }, false }, /* a hundredth */
		{ { .wall_ms = 4000, .cpu_ms = 3100, .threads = true }, false },
		{ { .wall_ms = 4000, .cpu_ms = 900, .threads = true }, true },
		{ { .wall_ms = 1000, .cpu_ms = 3900, .threads = true }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (spawn_stopped(&cases[i].time) != cases[i].stopped)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_program_or_machine_is_refused),
		cmocka_unit_test(an_unknown_hash_tells_nothing),
		cmocka_unit_test(a_run_of_old_is_refused),
		cmocka_unit_test(resumes_are_segments),
		cmocka_unit_test(a_block_is_of_one_cpu),
		cmocka_unit_test(rows_are_checked),
		cmocka_unit_test(a_zero_byte_ends_no_line),
		cmocka_unit_test(a_retry_supersedes_a_failure),
		cmocka_unit_test(a_torn_head_is_begun_anew),
		cmocka_unit_test(who_stood_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
