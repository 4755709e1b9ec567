/* sweep.c - stubmap sweep: runs a whole plan into a run file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "meters/fingerprint.h"
#include "cli/options.h"
#include "analysis/notes.h"
#include "analysis/precision.h"
#include "analysis/accept.h"
#include "analysis/report.h"
#include "base/say.h"
#include "runs/store.h"
#include "runs/sweep.h"
#include "measure/prepare.h"

static const struct option_help help = {
	.usage = "sweep PLAN.json -o RUN.jsonl [options]",
	.summary =
	    "Runs every cell of a plan once a block, each in a process of its own, and appends\n"
	    "the results to RUN.jsonl. An existing run of the same plan is continued, if program\n"
	    "and machine are the same. A failed cell is recorded, the sweep goes on, and the exit\n"
	    "status is 1; it is 130 if a signal (Ctrl-C) ended the sweep before the last cell.\n"
	    "A plan is JSON, with comments; what has a default may be left out:\n"
	    "\n"
	    "  {\n"
	    "    \"name\": \"mine\", // by which scripts/claims-NAME.json is found\n"
	    "    \"baseline\": {\"stubs\": \"page\"}, // the ratios are to it; it runs twice\n"
	    "    \"cells\": [ // their keys: the options of `stubmap run --help`, _ for -\n"
	    "      {\"workload\": \"ring\", \"kind\": \"indirect\",\n"
	    "       \"stubs\": \"p*\", // each name that fits; ? is one letter\n"
	    "       \"live\": [4, 64]} // each value of a list, with each of the others\n"
	    "    ],\n"
	    "    \"seed\": 1, // of the orders and set-ups (default: 1)\n"
	    "    \"blocks\": 7, // how often each cell runs (default: 7)\n"
	    "    \"iterations\": 10, // samples of steady calls in a process (default: 10)\n"
	    "    \"timeout\": 120, // a process's seconds (default: 120; many upgrades: more)\n"
	    "    \"counters\": false, // true: count by hardware, too (default: false)\n"
	    "    // what a run must keep to count (default: nothing): the load average; in\n"
	    "    // percent stolen time, samples beside a neighbour, how far A is from A\n"
	    "    \"accept\": {\"load\": 1.5, \"steal\": 1, \"shared\": 5, \"aa\": 20}\n"
	    "  }",
	.min_words = 1,
	.max_words = 1,
};

static int say(const char *line)
{
	return say_line("stubmap sweep", "%s", line);
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

/* What was asked for. */
struct wanted {
	const char *plan, *path, *shard;
	uint64_t seed; /* UINT64_MAX: the plan's or the run's */
	bool json, mixed;
	double precision;
	uint64_t seconds;
};

static void tell_failures(const struct run *run, size_t failed)
{
	size_t i = 0;

	while (run->invocations[i].ok)
		i++;
	say_line("stubmap sweep",
		 "%zu of %zu invocations failed (--retry-failed runs them again); the first, %s on "
		 "%s: %s",
		 failed, run->n, run->invocations[i].cell.stubs, run->invocations[i].cell.workload,
		 run->invocations[i].why);
}

static int finish(const struct run *run, const struct wanted *w, int r)
{
	size_t failed = report_failures(run), stopped = notes_stopped(run);
	struct report_options rows = { .form = REPORT_JSON };
	struct acceptance kept;
	char says[300];

	if (r == -EINTR)
		say_line("stubmap sweep",
			 "stopped; %zu invocations are in %s. To go on: stubmap "
			 "sweep %s -o %s%s%s",
			 run->n, w->path, w->plan, w->path, w->shard ? " --shard " : "",
			 w->shard ? w->shard : "");
	if (failed)
		tell_failures(run, failed);
	if (stopped)
		say_line("stubmap sweep",
			 "note: %zu of %zu invocations stood still for a while, as stopped "
			 "processes do",
			 stopped, run->n);
	if (!r && !accept_judge(run, &kept) && kept.state != RUN_WITHOUT_RULE)
		say(accept_format(&kept, says, sizeof says));
	if (w->json && report_summary(stdout, run, &rows))
		return say("out of memory");
	return r == -EINTR ? SWEEP_STOPPED : r || failed ? 1 : 0;
}

/* Runs the invocations that an opened run lacks. The command's exit status. */
static int go(struct plan *plan, struct sweep_options *o, const struct wanted *w, struct run *run)
{
	struct precision precision;
	char error[RUN_ERROR], line[PRECISION_LINE];
	int r;

	if (run->torn)
		say_line("stubmap sweep", "note: the last line of %s was cut off, and is dropped",
			 w->path);
	if (run->anew)
		say_line("stubmap sweep",
			 "note: the first line of %s was cut off, and the run is begun anew",
			 w->path);
	if (w->seed != UINT64_MAX && w->seed != run_seed(run)) {
		snprintf(error, sizeof error,
			 "--seed: %s was begun with seed %" PRIu64
			 "; go on without --seed, or name "
			 "another file",
			 w->path, run_seed(run));
		return say(error);
	}
	plan->seed = run_seed(run);
	if (w->precision > 0 || w->seconds) {
		precision_begin(&precision, w->precision, w->seconds,
				o->blocks ? o->blocks : plan->blocks);
		precision.most = w->seconds ? o->blocks : 0;
		o->more = precision_more;
		o->arg = &precision;
	}
	r = sweep_run(plan, o, run, error);
	if (r && r != -EINTR)
		return say(error);
	if (o->more && !r)
		say(precision_line(&precision, line));
	return finish(run, w, r);
}

/* The command's exit status. */
static int sweep(struct plan *plan, struct sweep_options *o, const struct wanted *w)
{
	json_t *machine = env_machine();
	const struct run_start start = { machine, w->shard, w->mixed };
	char error[RUN_ERROR] = "out of memory";
	struct run run;
	int r = 0;

	if (w->seed != UINT64_MAX)
		plan->seed = w->seed;
	if (!machine || (r = refused(machine)) || sweep_pinned(machine, o->cpu) ||
	    (plan_has_peers(plan) && sweep_peers(machine)) ||
	    (plan->counters && sweep_survey(machine, error)) ||
	    run_open(w->path, plan, &start, &run, error)) {
		r = r ? r : say(error);
		goto done;
	}
	r = go(plan, o, w, &run);
	run_close(&run);
done:
	json_decref(machine);
	return r;
}

/* "2/4", and no other way to write it: it is compared as text. 0, or 2 with a line said. */
static int read_shard(const char *text, unsigned blocks, struct sweep_options *o)
{
	char same[40];

	if (sscanf(text, "%u/%u", &o->shard, &o->shards) == 2 && o->shard >= 1 &&
	    o->shard <= o->shards && o->shards <= blocks) {
		snprintf(same, sizeof same, "%u/%u", o->shard, o->shards);
		if (!strcmp(same, text))
			return 0;
	}
	return say_line("stubmap sweep",
			"--shard '%s': allowed: 1/N to N/N, with N at most the number of blocks, "
			"%u",
			text, blocks);
}

int cmd_sweep(int argc, char **argv)
{
	struct wanted w = { .seed = UINT64_MAX };
	uint64_t blocks = 0, iterations = 0, timeout = 0, cpu = UINT64_MAX;
	bool retry = false;
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_TEXT, "RUN.jsonl", "the run file, made or continued",
		  &w.path, 0, 0 },
		{ "blocks", 0, OPTION_NUMBER, "N",
		  "number of blocks instead of the plan's; with --time, the most", &blocks, 1,
		  PLAN_MAX_BLOCKS },
		{ "iterations", 0, OPTION_NUMBER, "N",
		  "samples of each process instead of the plan's: it is another plan then, whose "
		  "run is no reference",
		  &iterations, 1, PLAN_MAX_ITERATIONS },
		{ "seed", 0, OPTION_NUMBER, "N",
		  "instead of the plan's; a run that is continued keeps its own", &w.seed, 0,
		  INT64_MAX },
		{ "precision", 0, OPTION_PERCENT, "2%",
		  "add blocks until half of each ratio's 95 % interval is no more than this",
		  &w.precision, 0, 100 },
		{ "time", 0, OPTION_TIME, "60s",
		  "add blocks, or leave some out, until this time is over", &w.seconds, 1,
		  31536000 },
		{ "timeout", 0, OPTION_NUMBER, "SECONDS",
		  "limit of an invocation (default: the plan's, or 120)", &timeout, 1,
		  PLAN_MAX_TIMEOUT },
		{ "cpu", 0, OPTION_NUMBER, "N", "pin to this CPU (default: the last one allowed)",
		  &cpu, 0, 1023 },
		{ "retry-failed", 0, OPTION_FLAG, NULL,
		  "run failed invocations again; they stay in the file, the later ones count",
		  &retry, 0, 0 },
		{ "mixed", 0, OPTION_FLAG, NULL,
		  "continue a run of another program or machine; claims refuse it then", &w.mixed,
		  0, 0 },
		{ "shard", 0, OPTION_TEXT, "I/N",
		  "only each N-th block, from the I-th on; `stubmap merge` joins them", &w.shard, 0,
		  0 },
		{ "json", 0, OPTION_FLAG, NULL, "print the tidy rows at the end", &w.json, 0, 0 },
	};
	char error[PLAN_ERROR], data[4096], cache[4096];
	struct sweep_options o;
	struct plan plan;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (!w.path)
		return say("-o RUN.jsonl is missing");
	if (cpu != UINT64_MAX && !sweep_cpu_allowed((int)cpu))
		return say("--cpu: this process may not run on that CPU; see `taskset -pc $$`");
	w.plan = argv[first];
	if (plan_load(w.plan, &plan, error))
		return say(error);
	if (iterations)
		plan_iterate(&plan, (unsigned)iterations);
	o = (struct sweep_options){ .name = "stubmap sweep",
				    .blocks = (unsigned)blocks,
				    .timeout_s = (unsigned)timeout,
				    .cpu = cpu == UINT64_MAX ? sweep_default_cpu() : (int)cpu,
				    .cache = sweep_default_cache(cache, sizeof cache),
				    .data = sweep_default_data(data, sizeof data),
				    .retry = retry,
				    .prepare = prepare_cells };
	r = prepare_check(plan.cells, plan.n, error) ? say(error) : 0;
	if (!r && w.shard)
		r = read_shard(w.shard, o.blocks ? o.blocks : plan.blocks, &o);
	r = r ? r : sweep(&plan, &o, &w);
	plan_free(&plan);
	return r;
}
