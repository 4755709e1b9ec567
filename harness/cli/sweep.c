/* sweep.c - stubmap sweep: runs a whole plan into a run file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "meters/fingerprint.h"
#include "cli/options.h"
#include "analysis/report.h"
#include "base/say.h"
#include "runs/store.h"
#include "runs/sweep.h"
#include "measure/prepare.h"

static const struct option_help help = {
	.usage = "sweep PLAN.json -o RUN.jsonl [options]",
	.summary =
	    "Runs every cell of a plan once a block, each in a process of its own, and appends\n"
	    "the results to RUN.jsonl. An existing run of the same plan is continued. A failed\n"
	    "cell is recorded, the sweep goes on, and the exit status is 1.",
	.min_words = 1,
	.max_words = 1,
};

static int say(const char *line)
{
	return say_line("stubmap sweep", "%s", line);
}

/* Refuses to go on with another machine's run: two machines would be compared as one. */
static int same_machine(const struct run *run, const json_t *machine, char *error)
{
	static const char *const keys[] = { "cpu_model", "microcode", "kernel" };
	const json_t *before = json_object_get(run->head, "machine");

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!json_equal(json_object_get(before, keys[i]),
				json_object_get(machine, keys[i]))) {
			snprintf(error, RUN_ERROR,
				 "the run was begun on another machine (its %s differs)", keys[i]);
			return -EINVAL;
		}
	return 0;
}

/* Refuses a run on a machine whose settings would spoil it badly. */
static int refused(const json_t *machine)
{
	struct env_check checks[ENV_MAX_CHECKS];
	size_t n = env_checks(machine, checks);

	for (size_t i = 0; i < n; i++)
		if (checks[i].level == ENV_REFUSE)
			return say(checks[i].advice);
	return 0;
}

static int finish(const struct run *run, const char *plan, const char *path, int r, bool json)
{
	size_t failed = report_failures(run), i = 0;
	struct report_options rows = { .form = REPORT_JSON };

	if (r == -EINTR)
		say_line("stubmap sweep",
			 "stopped; %zu invocations are in %s. To go on: stubmap "
			 "sweep %s -o %s",
			 run->n, path, plan, path);
	if (failed) {
		while (run->invocations[i].ok)
			i++;
		say_line("stubmap sweep", "%zu of %zu invocations failed; the first, %s on %s: %s",
			 failed, run->n, run->invocations[i].cell.stubs,
			 run->invocations[i].cell.workload, run->invocations[i].why);
	}
	if (json && report_summary(stdout, run, &rows))
		return say("out of memory");
	return r || failed ? 1 : 0;
}

/* The command's exit status. */
static int sweep(const struct plan *plan, const struct sweep_options *o, const char *from,
		 const char *path, bool json)
{
	json_t *machine = env_machine();
	char error[PLAN_ERROR] = "out of memory";
	struct run run;
	int r = 0;

	if (!machine || (r = refused(machine)) ||
	    (plan->counters && sweep_survey(machine, error)) ||
	    run_open(path, plan, machine, &run, error)) {
		r = r ? r : say(error);
		goto done;
	}
	if (run.torn)
		say_line("stubmap sweep", "note: the last line of %s was cut off, and is dropped",
			 path);
	if (same_machine(&run, machine, error)) {
		r = say(error);
	} else {
		r = sweep_run(plan, o, &run, error);
		r = r && r != -EINTR ? say(error) : finish(&run, from, path, r, json);
	}
	run_close(&run);
done:
	json_decref(machine);
	return r;
}

int cmd_sweep(int argc, char **argv)
{
	const char *path = NULL;
	uint64_t blocks = 0, timeout = 0, cpu = UINT64_MAX;
	bool json = false;
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_TEXT, "RUN.jsonl", "the run file, made or continued", &path,
		  0, 0 },
		{ "blocks", 0, OPTION_NUMBER, "N", "number of blocks instead of the plan's",
		  &blocks, 1, PLAN_MAX_BLOCKS },
		{ "timeout", 0, OPTION_NUMBER, "SECONDS",
		  "limit of an invocation (default: the plan's, or 120)", &timeout, 1,
		  PLAN_MAX_TIMEOUT },
		{ "cpu", 0, OPTION_NUMBER, "N", "pin to this CPU (default: the last one allowed)",
		  &cpu, 0, 1023 },
		{ "json", 0, OPTION_FLAG, NULL, "print the tidy rows at the end", &json, 0, 0 },
	};
	char error[PLAN_ERROR], data[4096], cache[4096];
	struct sweep_options o;
	struct plan plan;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (!path)
		return say("-o RUN.jsonl is missing");
	if (cpu != UINT64_MAX && !sweep_cpu_allowed((int)cpu))
		return say("--cpu: this process may not run on that CPU; see `taskset -pc $$`");
	if (plan_load(argv[first], &plan, error))
		return say(error);
	o = (struct sweep_options){ .name = "stubmap sweep",
				    .blocks = (unsigned)blocks,
				    .timeout_s = (unsigned)timeout,
				    .cpu = cpu == UINT64_MAX ? sweep_default_cpu() : (int)cpu,
				    .cache = sweep_default_cache(cache, sizeof cache),
				    .data = sweep_default_data(data, sizeof data),
				    .prepare = wasm_prepare };
	r = sweep(&plan, &o, argv[first], path, json);
	plan_free(&plan);
	return r;
}
