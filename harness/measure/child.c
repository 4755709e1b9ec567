/*
 * child.c - one invocation: a job as JSON in, one line of JSON out. Not for people; `run` and
 * `sweep` start it through spawn.c.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "measure/child.h"
#include "measure/families.h"
#include "meters/memory.h"
#include "base/say.h"
#include "measure/prepare.h"
#include "base/watch.h"

static int parse_job(const char *text, struct job *job, json_t **root, char why[CELL_ERROR])
{
	json_error_t error;
	json_t *cell, *cache = NULL, *snapshot = NULL, *events = NULL, *event;
	size_t i;
	json_int_t seed, iterations, cpu = -1, laps = 2;
	int prepare = 0;

	*root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!*root) {
		snprintf(why, CELL_ERROR, "job: %s", error.text);
		return -1;
	}
	if (json_unpack_ex(*root, &error, 0, "{s:o, s:I, s:I, s?I, s?o, s:s, s?o, s?o, s?I, s?b}",
			   "cell", &cell, "seed", &seed, "iterations", &iterations, "cpu", &cpu,
			   "cache", &cache, "data", &job->data, "events", &events, "snapshot",
			   &snapshot, "laps", &laps, "prepare", &prepare)) {
		snprintf(why, CELL_ERROR, "job: %s", error.text);
		return -1;
	}
	if (iterations < 1 || iterations > 100000) {
		snprintf(why, CELL_ERROR, "job: iterations is %lld: 1 to 100000 are allowed",
			 (long long)iterations);
		return -1;
	}
	if (laps < 1 || laps > 100000) {
		snprintf(why, CELL_ERROR, "job: laps is %lld: 1 to 100000 are allowed",
			 (long long)laps);
		return -1;
	}
	job->cache = json_string_value(cache); /* NULL of null: there is none */
	job->snapshot = json_string_value(snapshot);
	job->prepare = prepare;
	job->laps = (unsigned)laps;
	json_array_foreach(events, i, event) if (i < METERS) job->meters[job->nmeters++] =
	    json_string_value(event);
	job->seed = (uint64_t)seed;
	job->iterations = (unsigned)iterations;
	if (cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((int)cpu, &set);
		if (sched_setaffinity(0, sizeof set, &set)) {
			snprintf(why, CELL_ERROR, "job: can't run on CPU %lld", (long long)cpu);
			return -1;
		}
	}
	return cell_from_json(cell, &job->cell, why);
}

int child_main(int argc, char **argv)
{
	char why[CELL_ERROR] = "";
	struct job job = { 0 };
	json_t *root = NULL, *figures = json_array();
	int status = 2;

	if (argc != 2) {
		say_line("stubmap child", "takes one argument, the job; see `stubmap run`");
		goto out;
	}
	uint64_t t0 = clock_ns();
	if (parse_job(argv[1], &job, &root, why)) {
		say_line("stubmap child", "%s", why);
		goto out;
	}
	watch_begin();
	if (job.prepare) {
		status = wasm_prepare_cell(&job.cell, job.cache) ? 0 : 1;
		goto out;
	}
	enum measure_status m = measure_job(&job, figures, why);
	if (m == MEASURE_REFUSED) {
		say_line("stubmap", "%s", why);
		goto out;
	}
	json_t *record =
	    json_pack("{s:s, s:s?, s:O, s:I}", "status", m == MEASURE_OK ? "ok" : "failed", "why",
		      m == MEASURE_OK ? NULL : why, "figures", figures, "wall_ns",
		      (json_int_t)(clock_ns() - t0));
	json_dumpf(record, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(record);
	status = m == MEASURE_OK ? 0 : 1;
out:
	json_decref(figures);
	json_decref(root);
	return status;
}
