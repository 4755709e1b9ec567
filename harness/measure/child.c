/*
 * child.c - runs one invocation: it takes a job as JSON and writes one line of JSON. It is not for
 * people; `run` and `sweep` start it through spawn.c.
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
#include "jit/crash.h"

static int take_job(const char *text, struct job *job, json_t **root, char why[CELL_ERROR])
{
	json_error_t error;
	cpu_set_t set;

	*root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!*root) {
		snprintf(why, CELL_ERROR, "job: %s", error.text);
		return -1;
	}
	if (job_from_json(*root, job, why))
		return -1;
	if (job->cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET((size_t)job->cpu, &set);
	if (!sched_setaffinity(0, sizeof set, &set))
		return 0;
	snprintf(why, CELL_ERROR, "job: can't run on CPU %d", job->cpu);
	return -1;
}

int child_main(int argc, char **argv)
{
	char why[CELL_ERROR] = "";
	struct job job;
	json_t *root = NULL, *figures = json_array();
	int status = 2;

	if (argc != 2) {
		say_line("stubmap child", "takes one argument, the job; see `stubmap run`");
		goto out;
	}
	uint64_t t0 = clock_ns();
	if (take_job(argv[1], &job, &root, why)) {
		say_line("stubmap child", "%s", why);
		goto out;
	}
	watch_begin();
	crash_begin();
	if (job.prepare) {
		status = prepare_job(&job) ? 0 : 1;
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
