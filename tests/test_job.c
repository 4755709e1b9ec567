/* test_job.c - a job comes back from its JSON as it was, whatever is left out of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "runs/job.h"

static void check_text(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_true(!a && !b);
}

static void round_trip(const struct job *job)
{
	char error[CELL_ERROR] = "";
	json_t *json = job_to_json(job);
	struct job back;

	assert_non_null(json);
	if (job_from_json(json, &back, error))
		fail_msg("%s", error);
	assert_true(cell_equal(&back.cell, &job->cell));
	assert_int_equal(back.seed, job->seed);
	assert_int_equal(back.iterations, job->iterations);
	assert_int_equal(back.cpu, job->cpu);
	assert_int_equal(back.laps, job->laps);
	assert_int_equal(back.prepare, job->prepare);
	check_text(back.cache, job->cache);
	check_text(back.data, job->data);
	check_text(back.snapshot, job->snapshot);
	assert_int_equal(back.nmeters, job->nmeters);
	for (size_t i = 0; i < job->nmeters; i++)
		check_text(back.meters[i], job->meters[i]);
	assert_int_equal(job_cpu(json), job->cpu);
	assert_int_equal(job_seed(json), job->seed);
	json_decref(json);
}

static void test_round_trip(void **unused)
{
	struct job job = { .seed = (UINT64_C(1) << 53) - 1,
			   .iterations = JOB_ITERATIONS,
			   .cpu = -1,
			   .data = "workloads",
			   .laps = 1 };

	(void)unused;
	cell_defaults(&job.cell);
	round_trip(&job);
	job.cpu = 3;
	job.cache = "a folder";
	job.snapshot = "a file";
	job.laps = JOB_LAPS;
	job.prepare = PREPARE_CALLERS;
	for (size_t i = 0; i < METERS; i++)
		job.meters[job.nmeters++] = meter_names[i];
	round_trip(&job);
}

static void test_what_is_left_out(void **unused)
{
	char error[CELL_ERROR] = "";
	json_t *json = json_pack("{s:{}, s:i, s:i, s:s}", "cell", "seed", 1, "iterations", 2,
				 "data", "workloads");
	struct job job;

	(void)unused;
	assert_int_equal(job_from_json(json, &job, error), 0);
	assert_int_equal(job.cpu, -1);
	assert_int_equal(job.laps, 2);
	assert_null(job.cache);
	assert_null(job.snapshot);
	assert_int_equal(job.nmeters, 0);
	json_decref(json);
}

/* A list longer than there are meters is refused: it would be written past the job's end. */
static void test_too_many_events(void **unused)
{
	char error[CELL_ERROR] = "";
	json_t *json = json_pack("{s:{}, s:i, s:i, s:s, s:[]}", "cell", "seed", 1, "iterations", 2,
				 "data", "workloads", "events");
	struct job job;

	(void)unused;
	for (size_t i = 0; i < METERS + 2; i++)
		json_array_append_new(json_object_get(json, "events"), json_string("cycles"));
	assert_int_equal(job_from_json(json, &job, error), -EINVAL);
	assert_non_null(strstr(error, "events must be null or a list of at most"));
	json_decref(json);
}

#define JOB "{\"cell\": {}, \"seed\": 1, \"iterations\": 1, \"data\": \"d\", "

static void test_refusals(void **unused)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "{}", "cell" },
		{ "{\"cell\": {}, \"seed\": 1, \"iterations\": 1}", "data" },
		{ "{\"cell\": {}, \"seed\": 1, \"iterations\": 0, \"data\": \"d\"}",
		  "iterations is 0: 1 to 100000" },
		{ "{\"cell\": {}, \"seed\": 1, \"iterations\": 100001, \"data\": \"d\"}",
		  "iterations is 100001" },
		{ "{\"cell\": {}, \"seed\": 1, \"iterations\": 1, \"data\": \"d\", \"laps\": 0}",
		  "laps is 0: 1 to 100000" },
		{ JOB "\"cpu\": 4294967296}", "cpu is 4294967296: -1 to" },
		{ JOB "\"cpu\": -2}", "cpu is -2: -1 to" },
		{ JOB "\"prepare\": 3}", "prepare is 3: 0 to 2" },
		{ JOB "\"cache\": 5}", "cache must be a text" },
		{ JOB "\"snapshot\": []}", "snapshot must be a text" },
		{ JOB "\"events\": \"cycles\"}", "events must be null or a list" },
		{ JOB "\"events\": [\"cycles\", null]}", "each of events must be a text" },
		{ "{\"cell\": {\"wx\": \"rxw\"}, \"seed\": 1, \"iterations\": 1, \"data\": \"d\"}",
		  "rwx" },
	};
	char error[CELL_ERROR];
	struct job job;

	(void)unused;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		json_t *json = json_loads(bad[i].text, 0, NULL);

		assert_int_equal(job_from_json(json, &job, error), -EINVAL);
		if (!strstr(error, bad[i].words))
			fail_msg("'%s' lacks '%s'", error, bad[i].words);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_too_many_events),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
