/* job.c - a job as JSON and back. */
#include "runs/job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

static json_t *meters_to_json(const struct job *job)
{
	json_t *names = job->nmeters ? json_array() : json_null();

	for (size_t i = 0; i < job->nmeters; i++)
		json_array_append_new(names, json_string(job->meters[i]));
	return names;
}

json_t *job_to_json(const struct job *job)
{
	return json_pack("{s:o, s:I, s:i, s:i, s:s?, s:s, s:o, s:s?, s:i, s:i, s:b}", "cell",
			 cell_to_json(&job->cell), "seed", (json_int_t)job->seed, "iterations",
			 (int)job->iterations, "cpu", job->cpu, "cache", job->cache, "data",
			 job->data, "events", meters_to_json(job), "snapshot", job->snapshot,
			 "laps", (int)job->laps, "prepare", (int)job->prepare, "grown", job->grown);
}

static int check_number(const char *key, json_int_t n, int min, int max, char *error)
{
	if (n >= min && n <= max)
		return 0;
	snprintf(error, CELL_ERROR, "job: %s is %lld: %d to %d are allowed", key, (long long)n, min,
		 max);
	return -EINVAL;
}

/* Null, or no value at all, gives NULL. */
static int take_text(const char *key, const json_t *value, const char **text, char *error)
{
	*text = json_string_value(value);
	if (*text || !value || json_is_null(value))
		return 0;
	snprintf(error, CELL_ERROR, "job: %s must be a text or null", key);
	return -EINVAL;
}

static int take_meters(const json_t *events, struct job *job, char *error)
{
	json_t *event;
	size_t i;

	if (!events || json_is_null(events))
		return 0;
	if (!json_is_array(events) || json_array_size(events) > METERS) {
		snprintf(error, CELL_ERROR, "job: events must be null or a list of at most %d",
			 METERS);
		return -EINVAL;
	}
	json_array_foreach(events, i, event) {
		job->meters[i] = json_string_value(event);
		if (!job->meters[i]) {
			snprintf(error, CELL_ERROR, "job: each of events must be a text");
			return -EINVAL;
		}
	}
	job->nmeters = i;
	return 0;
}

int job_from_json(const json_t *json, struct job *job, char error[CELL_ERROR])
{
	json_t *cell, *cache = NULL, *events = NULL, *snapshot = NULL;
	json_int_t seed, iterations, cpu = -1, laps = 2, prepare = 0;
	json_error_t e;
	int grown = 0;

	*job = (struct job){ 0 };
	if (json_unpack_ex((json_t *)json, &e, 0,
			   "{s:o, s:I, s:I, s?I, s?o, s:s, s?o, s?o, s?I, s?I, s?b}", "cell", &cell,
			   "seed", &seed, "iterations", &iterations, "cpu", &cpu, "cache", &cache,
			   "data", &job->data, "events", &events, "snapshot", &snapshot, "laps",
			   &laps, "prepare", &prepare, "grown", &grown)) {
		snprintf(error, CELL_ERROR, "job: %s", e.text);
		return -EINVAL;
	}
	if (check_number("iterations", iterations, 1, JOB_ITERATIONS, error) ||
	    check_number("laps", laps, 1, JOB_LAPS, error) ||
	    check_number("prepare", prepare, 0, PREPARE_CALLERS, error) ||
	    check_number("cpu", cpu, -1, INT_MAX, error) ||
	    take_text("cache", cache, &job->cache, error) ||
	    take_text("snapshot", snapshot, &job->snapshot, error) ||
	    take_meters(events, job, error))
		return -EINVAL;
	job->seed = (uint64_t)seed;
	job->iterations = (unsigned)iterations;
	job->laps = (unsigned)laps;
	job->prepare = (enum prepare)prepare;
	job->grown = grown;
	job->cpu = (int)cpu;
	return cell_from_json(cell, &job->cell, error);
}

int job_cpu(const json_t *json)
{
	const json_t *cpu = json_object_get(json, "cpu");

	return json_is_integer(cpu) ? (int)json_integer_value(cpu) : -1;
}

uint64_t job_seed(const json_t *json)
{
	return (uint64_t)json_integer_value(json_object_get(json, "seed"));
}

bool job_threads(const json_t *json)
{
	return json_object_get(json_object_get(json, "cell"), "threads");
}
