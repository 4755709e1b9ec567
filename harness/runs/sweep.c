/* sweep.c - the loop over blocks and cells; a signal ends it between two cells. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meters/counters.h"
#include "meters/fingerprint.h"
#include "base/home.h"
#include "base/say.h"
#include "workloads/workload.h"
#include "base/progress.h"
#include "peers/peers.h"
#include "runs/job.h"
#include "runs/row.h"
#include "runs/spawn.h"
#include "runs/sweep.h"

int sweep_default_cpu(void)
{
	cpu_set_t set;
	int last = -1;

	if (!sched_getaffinity(0, sizeof set, &set))
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET((size_t)cpu, &set))
				last = cpu;
	return last;
}

unsigned sweep_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

bool sweep_cpu_allowed(int cpu)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof set, &set) && cpu >= 0 && cpu < CPU_SETSIZE &&
	       CPU_ISSET((size_t)cpu, &set);
}

const char *sweep_default_data(char *out, size_t size)
{
	if (home_find("workloads", out, size))
		snprintf(out, size, "workloads");
	return out;
}

/* A folder in an environment variable; a path that is not absolute is ignored (XDG). */
static const char *folder_in(const char *variable)
{
	const char *path = getenv(variable);

	return path && *path == '/' ? path : NULL;
}

const char *sweep_default_cache(char *out, size_t size)
{
	const char *base = folder_in("XDG_CACHE_HOME"), *home = folder_in("HOME");
	json_t *text;
	int n = 0;

	if (base)
		n = snprintf(out, size, "%s/stubmap", base);
	else if (home)
		n = snprintf(out, size, "%s/.cache/stubmap", home);
	if (n <= 0 || (size_t)n >= size)
		return NULL;
	/* The path goes into the children's jobs, which are UTF-8. */
	if (!(text = json_string(out)))
		return NULL;
	json_decref(text);
	return out;
}

int sweep_survey(json_t *machine, char error[RUN_ERROR])
{
	struct counters_survey survey;
	char why[COUNTERS_ERROR];

	if (counters_survey(&survey, NULL, why)) {
		snprintf(error, RUN_ERROR, "%.*s", RUN_ERROR - 1, why);
		return -EINVAL;
	}
	return json_object_set_new(machine, "counters", counters_survey_to_json(&survey));
}

int sweep_peers(json_t *machine)
{
	json_t *all = json_object();
	char said[PEER_WHY];

	for (const struct peer_row *r = peer_rows; r->name; r++) {
		const char *key = peer_there(r, said) ? "version" : "missing";

		json_object_set_new(all, r->name, json_pack("{s:s}", key, said));
	}
	return json_object_set_new(machine, "peers", all) ? -ENOMEM : 0;
}

int sweep_pinned(json_t *machine, int cpu)
{
	return json_object_set_new(machine, "pinned_cpu", json_integer(cpu)) ? -ENOMEM : 0;
}

/* Chooses a block's meters: the survey's groups in turn; with the first group also the meters that
 * can't be had, so that the run says why. */
static void choose_meters(const struct run *run, unsigned block, struct job *job)
{
	const json_t *survey = json_object_get(json_object_get(run->head, "machine"), "counters");
	const json_t *meters = json_object_get(survey, "meters"), *meter;
	json_int_t groups = json_integer_value(json_object_get(survey, "groups"));
	size_t i;

	json_array_foreach(meters, i, meter) {
		json_t *group = json_object_get(meter, "group");
		const char *name = json_string_value(json_object_get(meter, "meter"));
		json_int_t g = json_integer_value(group); /* 0 for null */

		if (name && job->nmeters < METERS && (groups < 2 || g == block % groups))
			job->meters[job->nmeters++] = name;
	}
}

/* The CPU to pin to; a cell with threads is not pinned and may use every CPU of the sweep. */
static int cpu_of(const struct cell *cell, const struct sweep_options *o)
{
	return cell_applies(cell, "threads") ? -1 : o->cpu;
}

/* A sweep under way: its plan, its options, and the run that it fills. */
struct sweep {
	const struct plan *plan;
	const struct sweep_options *options;
	struct run *run;
	struct progress progress;
	unsigned prepared; /* 1 + the last block that was; 0: none */
};

/* A cell's turn in its block. */
struct turn {
	const struct cell *cell;
	unsigned block;
	size_t order;
	bool again; /* an earlier one failed */
};

static json_t *make_job(const struct sweep *s, const struct turn *t)
{
	const json_t *machine = json_object_get(s->run->head, "machine");
	struct job job = { .cell = *t->cell,
			   .seed = plan_block_seed(s->plan, t->block),
			   .iterations = s->plan->iterations,
			   .cpu = cpu_of(t->cell, s->options),
			   .cache = s->options->cache,
			   .data = s->options->data,
			   .laps = 1,
			   .grown = json_object_get(machine, "peers") };

	choose_meters(s->run, t->block, &job);
	return job_to_json(&job);
}

/* Makes an invocation of the run from what a child wrote. */
static json_t *make_record(const struct sweep *s, const struct turn *t, const json_t *answer,
			   const struct env_moment *before)
{
	static const char *const taken[] = { "status", "why", "figures", "wall_ns" };
	static const char *const told[] = { "cpu_ms", "wait_ms" };
	struct env_moment now;
	json_t *record, *environment;

	env_moment(&now);
	environment = json_pack("{s:i}", "cpu", cpu_of(t->cell, s->options));
	json_object_set_new(environment, "load",
			    before->load < 0 ? json_null() : json_real(before->load));
	json_object_set_new(environment, "steal_ms",
			    before->steal_ms < 0 ? json_null()
						 : json_integer(now.steal_ms - before->steal_ms));
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		json_object_set(environment, told[i], json_object_get(answer, told[i]));
	record = json_pack(
	    "{s:i, s:s, s:i, s:i, s:o, s:I, s:o}", "schema", SCHEMA, "type", "invocation", "block",
	    (int)t->block, "order", (int)t->order, "cell", cell_to_json(t->cell), "seed",
	    (json_int_t)plan_block_seed(s->plan, t->block), "environment", environment);
	for (size_t i = 0; record && i < sizeof taken / sizeof *taken; i++) {
		json_t *v = json_object_get(answer, taken[i]);
		json_object_set_new(record, taken[i], v ? json_incref(v) : json_null());
	}
	if (t->again)
		json_object_set_new(record, "retry", json_true());
	if (json_is_true(json_object_get(answer, "stopped")))
		json_object_set_new(record, "stopped", json_true());
	return record;
}

static int run_one(struct sweep *s, const struct turn *t, const char *what, char *error)
{
	struct progress_wait wait = { &s->progress, what };
	const struct spawn_options spawning = { .tick = progress_waited, .arg = &wait };
	const unsigned own = s->options->timeout_s, timeout = own ? own : s->plan->timeout_s;
	struct env_moment before;
	json_t *answer = NULL, *record = NULL, *job = make_job(s, t);
	int r = -ENOMEM;

	snprintf(error, RUN_ERROR, "out of memory");
	env_moment(&before);
	if (!job)
		return r;
	if ((r = spawn_cell(job, &spawning, timeout, &answer))) {
		snprintf(error, RUN_ERROR, "cannot run a child: %s", strerror(-r));
		goto done;
	}
	if ((record = make_record(s, t, answer, &before)))
		r = run_append(s->run, record, error);
	else
		r = -ENOMEM;
done:
	json_decref(job);
	json_decref(answer);
	json_decref(record);
	return r;
}

/* Whether a cell's turn is still to come; *again: because an earlier one failed. */
static bool is_due(const struct sweep_options *o, const struct run *run, unsigned block,
		   const struct cell *cell, bool *again)
{
	size_t i = row_find(run, block, cell);

	*again = i < run->n;
	return i == run->n || (o->retry && !run->invocations[i].ok);
}

bool sweep_has_block(const struct sweep_options *o, unsigned block)
{
	return !o->shards || block % o->shards == o->shard - 1;
}

static bool block_due(const struct sweep *s, unsigned block)
{
	bool again;

	for (size_t i = 0; i < s->plan->n; i++)
		if (is_due(s->options, s->run, block, &s->plan->cells[i], &again))
			return true;
	return false;
}

static size_t count_due(const struct sweep *s, unsigned blocks)
{
	size_t due = 0;
	bool again;

	for (unsigned block = 0; block < blocks; block++)
		for (size_t i = 0; i < s->plan->n && sweep_has_block(s->options, block); i++)
			due += is_due(s->options, s->run, block, &s->plan->cells[i], &again);
	return due;
}

static bool stopped(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM);
}

/* Compiles what the block's cells run, once. */
static void prepare_block(struct sweep *s, unsigned block)
{
	const struct plan *p = s->plan;
	const struct sweep_options *o = s->options;

	if (!o->prepare || s->prepared == block + 1 || !block_due(s, block))
		return;
	o->prepare(p->cells, p->n, plan_block_seed(p, block), s->prepared > 0, o);
	s->prepared = block + 1;
}

/* All that is compiled before the first block that runs is no part of a block's time. */
static void prepare_first(struct sweep *s, unsigned blocks)
{
	for (unsigned block = 0; block < blocks && !s->prepared; block++)
		if (sweep_has_block(s->options, block))
			prepare_block(s, block);
}

static int run_block(struct sweep *s, unsigned block, char *error)
{
	const struct plan *p = s->plan;
	uint32_t *order = malloc(p->n * sizeof *order);
	char what[80];
	int r = 0;

	if (!order)
		return -ENOMEM;
	plan_order(p, block, order);
	for (size_t i = 0; i < p->n && !r; i++) {
		struct turn t = { &p->cells[order[i]], block, i, false };

		if (stopped())
			r = -EINTR;
		else if (is_due(s->options, s->run, block, t.cell, &t.again)) {
			snprintf(what, sizeof what, "%s on %.40s", t.cell->stubs, t.cell->workload);
			r = run_one(s, &t, what, error);
			progress_step(&s->progress, what);
		}
	}
	free(order);
	return r;
}

/* Each replay reads a file: checks all files once, before anything runs. */
static int check_data(const struct plan *p, const char *data, char *error)
{
	const struct workload_params params = { .live = 1, .data = data };

	for (const struct workload *const *w = workloads; *w; w++) {
		struct scenario scenario;
		size_t i = 0;

		while (i < p->n && strcmp(p->cells[i].workload, (*w)->name))
			i++;
		if (!(*w)->trace || i == p->n)
			continue;
		int r = (*w)->open(*w, &params, &scenario, error);
		if (r)
			return r;
		scenario_close(&scenario);
	}
	return 0;
}

/* A tier-up's callers, and the thread that upgrades, need a CPU each. */
static void tell_crowded(const struct plan *p, const char *name)
{
	const unsigned cpus = sweep_cpus();
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += cell_applies(&p->cells[i], "threads") && p->cells[i].threads + 1 > cpus;
	if (n)
		say_line(
		    name,
		    "note: %zu of %zu cells have more threads than CPUs (%u): they take longer, "
		    "and their times hold the wait for a CPU",
		    n, p->n, cpus);
}

int sweep_run(const struct plan *p, const struct sweep_options *o, struct run *run,
	      char error[RUN_ERROR])
{
	unsigned blocks = o->blocks ? o->blocks : p->blocks;
	struct sweep sweep = { .plan = p, .options = o, .run = run };
	sigset_t stop, mask;
	int r = check_data(p, o->data, error);

	if (r)
		return r;
	tell_crowded(p, o->name ? o->name : "stubmap");
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, &mask);
	prepare_first(&sweep, blocks);
	progress_begin(&sweep.progress, o->name ? o->name : "stubmap", count_due(&sweep, blocks));
	for (unsigned block = 0; block < PLAN_MAX_BLOCKS && !r; block++) {
		if (o->more ? !o->more(o->arg, run, block) : block >= blocks)
			break;
		if (!sweep_has_block(o, block))
			continue;
		prepare_block(&sweep, block);
		if (block >= blocks)
			sweep.progress.total += p->n;
		r = run_block(&sweep, block, error);
	}
	progress_end(&sweep.progress);
	while (r == -EINTR && stopped()) /* answered by ending in order */
		sigtimedwait(&stop, NULL, &(struct timespec){ 0 });
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}
