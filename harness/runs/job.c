/* job.c - a job as JSON and back. */
#include "runs/job.h"

#include <errno.h>
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
	return json_pack("{s:o, s:I, s:i, s:i, s:s?, s:s, s:o, s:s?, s:i, s:b}", "cell",
			 cell_to_json(&job->cell), "seed", (json_int_t)job->seed, "iterations",
			 (int)job->iterations, "cpu", job->cpu, "cache", job->cache, "data",
			 job->data, "events", meters_to_json(job), "snapshot", job->snapshot,
			 "laps", (int)job->laps, "prepare", job->prepare);
}

static int check_count(const char *key, json_int_t n, int max, char *error)
{
	if (n >= 1 && n <= max)
		return 0;
	snprintf(error, CELL_ERROR, "job: %s is %lld: 1 to %d are allowed", key, (long long)n, max);
	return -EINVAL;
}

int job_from_json(const json_t *json, struct job *job, char error[CELL_ERROR])
{
	json_t *cell, *cache = NULL, *events = NULL, *snapshot = NULL, *event;
	json_int_t seed, iterations, cpu = -1, laps = 2;
	json_error_t e;
	int prepare = 0;
	size_t i;

	*job = (struct job){ 0 };
	if (json_unpack_ex((json_t *)json, &e, 0,
			   "{s:o, s:I, s:I, s?I, s?o, s:s, s?o, s?o, s?I, s?b}", "cell", &cell,
			   "seed", &seed, "iterations", &iterations, "cpu", &cpu, "cache", &cache,
			   "data", &job->data, "events", &events, "snapshot", &snapshot, "laps",
			   &laps, "prepare", &prepare)) {
		snprintf(error, CELL_ERROR, "job: %s", e.text);
		return -EINVAL;
	}
	if (check_count("iterations", iterations, JOB_ITERATIONS, error) ||
	    check_count("laps", laps, JOB_LAPS, error))
		return -EINVAL;
	job->cache = json_string_value(cache); /* null gives NULL: no cache */
	job->snapshot = json_string_value(snapshot);
	job->seed = (uint64_t)seed;
	job->iterations = (unsigned)iterations;
	job->laps = (unsigned)laps;
	job->prepare = prepare;
	job->cpu = (int)cpu;
	json_array_foreach(events, i, event) {
		if (i < METERS)
			job->meters[job->nmeters++] = json_string_value(event);
	}
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
