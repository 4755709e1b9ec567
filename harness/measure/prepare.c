/*
 * prepare.c - children compile, as many at a time as there are CPUs, and the parent says for how
 * long. A user's own module is built first, by the same script as ours. The callers of a ring are
 * compiled for each block, as each has an order of its own; all else is compiled once.
 */
#include "measure/prepare.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/say.h"
#include "runs/job.h"
#include "runs/spawn.h"
#include "base/watch.h"
#include "calls/world.h"
#include "wasm/file.h"
#include "wasm/program.h"
#include "workloads/workload.h"

enum { MOST_WORKERS = 64, SHARED_SEED = 1 };
/* For one object, if no limit was given. A Go program of 2.6 MB takes minutes, and more on a
 * machine that has other work; tools that a module keeps busy for ever shall not take all night. */
enum { LIMIT_S = 1800 };

/* Builds a user's module and its bitcode; the tools' first message goes to folder/why. It is always
 * built anew: that costs little beside the code, which is cached by content. It is built aside and
 * renamed, as another process may build the same module. The module itself is copied even if the
 * rest fails, so that it can be refused with the reason. */
static int build(const char *file, const char *folder)
{
	static const char command[] =
	    "mkdir -p \"$FOLDER\" || exit 1\n"
	    "cmp -s \"$MODULE\" \"$FOLDER/module.wasm\" || rm -f \"$FOLDER\"/module.*\n"
	    "[ -e \"$FOLDER/module.bc\" ] ||"
	    " echo 'its building did not end: a limit of time (--timeout) or of files (ulimit -n)' "
	    ">\"$FOLDER/why\"\n"
	    "new=$(mktemp -d \"$FOLDER/XXXXXX\" 2>&1) ||"
	    " { [ -z \"$new\" ] || echo \"$new\" >\"$FOLDER/why\"; exit 1; }\n"
	    "trap 'rm -rf \"$new\"' EXIT\n"
	    "trap 'exit 1' HUP INT TERM\n"
	    "if { cp -- \"$MODULE\" \"$new/module.wasm\" && \"$SCRIPT\" \"$MODULE\" \"$new\"; }"
	    " >\"$new/log\" 2>&1\n"
	    "then rm -f \"$FOLDER/why\"\n"
	    "else rm -f \"$FOLDER\"/module.*\n"
	    "{ grep -m 1 error \"$new/log\" || grep -m 1 . \"$new/log\" ||"
	    " echo 'its tools ended without a word (ulimit -n?)'; } >\"$new/why\"\n"
	    "fi\n"
	    "for f in \"$new\"/module.* \"$new/why\"\n"
	    "do [ ! -e \"$f\" ] || mv \"$f\" \"$FOLDER\"; done";
	char script[WASM_PATH];

	if (!wasm_find("scripts/wasm-build", script) || setenv("MODULE", file, 1) ||
	    setenv("FOLDER", folder, 1) || setenv("SCRIPT", script, 1))
		return -1;
	return system(command);
}

static bool prepare_wasm(const struct job *job)
{
	char folder[WASM_PATH], error[WASM_ERROR];
	struct wasm_program p;
	struct wasm_module *m;
	struct jit_object object;

	if (!wasm_program_named(job->cell.workload, &p))
		return false;
	wasm_program_folder(&p, folder);
	watch_phase("building, once");
	if (p.own && build(p.name, folder))
		return false;
	if (!job->cache)
		return true;
	/* Nothing is loaded, so no code memory is needed. */
	if (wasm_module_open(&m, NULL, p.name, folder, error))
		return false;
	int e = wasm_module_compile(m, job->cell.tier, job->cache, &object, error);
	jit_object_free(&object);
	wasm_module_close(m);
	return !e;
}

bool prepare_job(const struct job *job)
{
	struct setup setup;
	char why[CELL_ERROR];

	if (setup_of(&job->cell, &setup, why))
		return false;
	return setup.family == FAMILY_CALLS ? !world_prepare(job, &setup, why) : prepare_wasm(job);
}

static int check_module(const struct wasm_program *p, char error[CELL_ERROR])
{
	struct wasm_file file;
	size_t size;
	uint8_t *bytes = wasm_file_read(*p->name == '/' ? "" : ".", p->name, &size);

	if (!bytes)
		return 0;
	int r = wasm_file_parse(&file, p->name, bytes, size, error);
	if (!r)
		r = wasm_program_enters(&file, p->name, error, CELL_ERROR);
	wasm_file_close(&file);
	free(bytes);
	return r;
}

static int check_trace(const struct workload *w, char error[CELL_ERROR])
{
	const struct workload_params params = { .live = 1 };
	struct scenario scenario;
	int r = w->open(w, &params, &scenario, error);

	if (!r)
		scenario_close(&scenario);
	return r;
}

int prepare_check(const struct cell *cells, size_t n, char error[CELL_ERROR])
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		const char *name = cells[i].workload;
		struct wasm_program p;
		struct workload w;

		if (i && !strcmp(name, cells[i - 1].workload))
			continue;
		if (workload_named(name, &w))
			r = workload_own(&w) ? check_trace(&w, error) : 0;
		else if (wasm_program_named(name, &p) && p.own)
			r = check_module(&p, error);
	}
	return r;
}

/* What one process makes; equal ones are made once. */
struct object {
	const struct cell *cell;
	enum prepare what;
	bool large, own;	     /* own: built, too, with a cache or without */
	enum callers_part callers;   /* if it is these */
	const struct peer_row *peer; /* or those that this peer's object asks for */
	uint64_t seed;		     /* of their order */
};

struct crew {
	const struct sweep_options *options;
	const char *cache;
	struct object *objects;
	size_t n;
	atomic_size_t next;
	pthread_mutex_t lock; /* for what follows */
	struct progress progress;
	char cut[WORKLOAD_NAME + CELL_ERROR]; /* the first that did not end: which, and why */
};

/* What one of the crew waits for. */
struct wait {
	struct crew *crew;
	const char *what;
};

static void waited(void *arg, const char *phase, unsigned seconds)
{
	const struct wait *w = arg;
	struct progress_wait wait = { &w->crew->progress, w->what };

	pthread_mutex_lock(&w->crew->lock);
	progress_waited(&wait, phase, seconds);
	pthread_mutex_unlock(&w->crew->lock);
}

static void step(struct crew *crew, const struct object *object, const json_t *record)
{
	const char *why = json_string_value(json_object_get(record, "why"));

	pthread_mutex_lock(&crew->lock);
	if (why && !strncmp(why, "no end after ", 13) && !*crew->cut)
		snprintf(crew->cut, sizeof crew->cut, "%s: %s", object->cell->workload, why);
	progress_step(&crew->progress, object->cell->workload);
	pthread_mutex_unlock(&crew->lock);
}

/* 0, or -EINTR: nothing is to be begun any more. */
static int make(struct crew *crew, const struct object *object)
{
	struct wait wait = { crew, object->cell->workload };
	const unsigned own = crew->options->timeout_s;
	const struct spawn_options options = { .timeout_ms = (own ? own : LIMIT_S) * 1000,
					       .tick = waited,
					       .arg = &wait };
	const struct job wanted = { .cell = *object->cell,
				    .seed = object->seed,
				    .iterations = 1,
				    .cpu = -1,
				    .cache = crew->cache,
				    .data = crew->options->data,
				    .laps = 1,
				    .prepare = object->what };
	json_t *job = job_to_json(&wanted), *record = NULL;
	int r = job ? spawn_job(job, &options, &record) : -ENOMEM;

	if (!r)
		step(crew, object, record);
	json_decref(job);
	json_decref(record);
	return r == -EINTR ? r : 0;
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	size_t i;

	while ((i = atomic_fetch_add(&crew->next, 1)) < crew->n)
		if (make(crew, &crew->objects[i]))
			break;
	return NULL;
}

/* Users' modules, which come first, one after the other: two cells may be of one file, and it is
 * built in one folder. All else as many at a time as there are CPUs. */
static void make_all(struct crew *crew)
{
	pthread_t threads[MOST_WORKERS];
	const unsigned cpus = sweep_cpus();
	unsigned started = 0;

	progress_begin(&crew->progress, crew->options->name ? crew->options->name : "stubmap",
		       crew->n);
	while (crew->next < crew->n && crew->objects[crew->next].own)
		if (make(crew, &crew->objects[crew->next++]))
			crew->next = crew->n;
	while (started + 1 < cpus && started < MOST_WORKERS && started + 1 < crew->n &&
	       !pthread_create(&threads[started], NULL, work, crew))
		started++;
	work(crew);
	while (started)
		pthread_join(threads[--started], NULL);
	progress_end(&crew->progress);
}

/* Returns cache if objects can be kept there; else NULL, after a line that says so if something
 * large is to be made. */
static const char *usable(const char *cache, bool large)
{
	if (cache && jit_cache_usable(cache))
		return cache;
	if (large)
		say_line("stubmap",
			 "note: no cache (%s): large programs are compiled in each process",
			 cache ? cache : "XDG_CACHE_HOME and HOME name no folder");
	return NULL;
}

static bool same(const struct object *a, const struct object *b)
{
	return a->what == b->what && a->callers == b->callers && a->peer == b->peer &&
	       a->seed == b->seed && !strcmp(a->cell->workload, b->cell->workload) &&
	       a->cell->tier == b->cell->tier && a->cell->live == b->cell->live &&
	       a->cell->targets == b->cell->targets && !strcmp(a->cell->kind, b->cell->kind) &&
	       !strcmp(a->cell->signature, b->cell->signature) &&
	       a->cell->max_events == b->cell->max_events;
}

static void add(struct crew *crew, struct object object)
{
	size_t k = 0;

	while (k < crew->n && !same(&crew->objects[k], &object))
		k++;
	crew->objects[k] = object;
	crew->n += k == crew->n;
}

/* Adds what is made for a cell: all, or, again, what another seed changes. */
static void add_cell(struct crew *crew, const struct cell *c, uint64_t seed, bool again)
{
	struct object o = { .cell = c, .what = PREPARE_CALLERS, .seed = SHARED_SEED };
	const struct peer_row *peer = peer_named(c->stubs);
	struct cell cell = *c;
	struct wasm_program p;
	struct setup setup;
	char why[CELL_ERROR];

	if (wasm_program_named(c->workload, &p)) {
		o.own = p.own;
		o.large = p.own || p.fetched;
		if (o.large && !again)
			add(crew, o);
		return;
	}
	/* A peer's library is not loaded here: to load it may end the process. */
	if (peer)
		snprintf(cell.stubs, sizeof cell.stubs, "pool");
	if (setup_of(&cell, &setup, why) || setup.family != FAMILY_CALLS)
		return;
	const bool ordered = !setup.workload.trace;
	o.large = setup.workload.trace;
	o.what = PREPARE_TARGETS;
	if (!again)
		add(crew, o);
	o.what = PREPARE_CALLERS;
	o.peer = peer;
	o.callers = world_callers(&setup);
	o.seed = ordered ? seed : SHARED_SEED;
	if (!again || ordered)
		add(crew, o);
}

static void swap(struct object *a, struct object *b)
{
	const struct object was = *a;

	*a = *b;
	*b = was;
}

void prepare_cells(const struct cell *cells, size_t n, uint64_t seed, bool again,
		   const struct sweep_options *o)
{
	struct crew crew = { .options = o,
			     .objects = malloc((2 * n + 1) * sizeof *crew.objects),
			     .lock = PTHREAD_MUTEX_INITIALIZER };
	bool large = false;
	size_t kept = 0;

	for (size_t i = 0; i < n && crew.objects; i++)
		add_cell(&crew, &cells[i], seed, again);
	for (size_t i = 0; i < crew.n; i++)
		large |= crew.objects[i].large;
	crew.cache = usable(o->cache, large);
	for (size_t i = 0; i < crew.n; i++)
		if (crew.objects[i].own)
			swap(&crew.objects[kept++], &crew.objects[i]);
	crew.n = crew.cache ? crew.n : kept;
	make_all(&crew);
	if (*crew.cut)
		say_line(o->name ? o->name : "stubmap", "%s", crew.cut);
	free(crew.objects);
}
