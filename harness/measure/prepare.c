/*
 * prepare.c - a child compiles, and the parent says for how long. A user's own module is built
 * first, by the same script as ours. A ring is not compiled here: each block has an order of its
 * own, and so its own callers. After that an invocation's time limit begins anew (spawn.c).
 */
#include "measure/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/say.h"
#include "runs/job.h"
#include "runs/spawn.h"
#include "base/watch.h"
#include "calls/world.h"
#include "wasm/program.h"

/* Builds a user's module and its bitcode; the tools' first message goes to folder/why. It is always
 * built anew: that costs little beside the code, which is cached by content. It is built aside and
 * renamed, as another process may build the same module. The module itself is copied even if the
 * rest fails, so that it can be refused with the reason. */
static int build(const char *file, const char *folder)
{
	static const char command[] =
	    "mkdir -p \"$FOLDER\" && new=$(mktemp -d \"$FOLDER/XXXXXX\") || exit 1\n"
	    "trap 'rm -rf \"$new\"' EXIT\n"
	    "trap 'exit 1' HUP INT TERM\n"
	    "if { cp -- \"$MODULE\" \"$new/module.wasm\" && \"$SCRIPT\" \"$MODULE\" \"$new\"; }"
	    " >\"$new/log\" 2>&1\n"
	    "then rm -f \"$FOLDER/why\"\n"
	    "else rm -f \"$FOLDER\"/module.*\n"
	    "{ grep -m 1 error \"$new/log\" || head -n 1 \"$new/log\"; } >\"$new/why\"\n"
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

static void prepare(const struct cell *c, const char *cache, const struct sweep_options *o,
		    struct progress *progress)
{
	struct progress_wait wait = { progress, c->workload };
	const struct spawn_options options = { .timeout_ms = o->timeout_s * 1000,
					       .tick = progress_waited,
					       .arg = &wait };
	const struct job wanted = { .cell = *c,
				    .seed = 1,
				    .iterations = 1,
				    .cpu = -1,
				    .cache = cache,
				    .data = o->data,
				    .laps = 1,
				    .prepare = true };
	json_t *job = job_to_json(&wanted), *record = NULL;

	if (job && !spawn_job(job, &options, &record))
		progress_step(progress, c->workload);
	json_decref(job);
	json_decref(record);
}

/* Returns cache if objects can be kept there; else NULL, after a line that says so. */
static const char *usable(const char *cache)
{
	if (cache && jit_cache_usable(cache))
		return cache;
	say_line("stubmap", "note: no cache (%s): large programs are compiled in each process",
		 cache ? cache : "XDG_CACHE_HOME and HOME name no folder");
	return NULL;
}

/* The code that is compiled for a cell; equal code is compiled once. */
struct prepared {
	const struct cell *cell;
	bool large, own;	   /* own: built, too, with a cache or without */
	enum callers_part callers; /* of a recorded program */
};

static struct prepared prepared_of(const struct cell *c)
{
	struct prepared u = { .cell = c };
	struct wasm_program p;
	struct setup setup;
	char why[CELL_ERROR];

	if (wasm_program_named(c->workload, &p)) {
		u.own = p.own;
		u.large = p.own || p.fetched;
	} else if (!setup_of(c, &setup, why)) {
		u.large = setup.family == FAMILY_CALLS && setup.workload.trace;
		u.callers = world_callers(&setup);
	}
	return u;
}

static bool same(const struct prepared *a, const struct prepared *b)
{
	return a->large && !strcmp(a->cell->workload, b->cell->workload) &&
	       a->cell->tier == b->cell->tier && a->callers == b->callers &&
	       a->cell->max_events == b->cell->max_events;
}

void prepare_cells(const struct cell *cells, size_t n, const struct sweep_options *o)
{
	struct prepared *list = malloc(n * sizeof *list + 1);
	const char *cache = o->cache;
	struct progress progress;
	size_t count = 0;

	for (size_t i = 0; i < n && list; i++) {
		size_t k = 0;

		list[count] = prepared_of(&cells[i]);
		while (k < count && !same(&list[k], &list[count]))
			k++;
		count += k == count && list[count].large;
	}
	if (count) {
		cache = usable(cache);
		progress_begin(&progress, o->name ? o->name : "stubmap", count);
		for (size_t i = 0; i < count; i++)
			if (cache || list[i].own)
				prepare(list[i].cell, cache, o, &progress);
		progress_end(&progress);
	}
	free(list);
}
