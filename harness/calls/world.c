/*
 * world.c - makes code that can run from a cell: opens the workload, reserves code memory, compiles
 * and loads the targets (twice: retargeting goes from the first copy to the second) and the
 * callers, and writes a stub_spec for each boundary.
 *
 * The seed moves what the strategy does not decide: the base of the code memory and the offset of
 * each module's text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/copies.h"
#include "calls/world.h"
#include "jit/space.h"

int world_fail(struct world *w, const char *what, int error)
{
	const char *said = w->setup->peer ? w->setup->peer->said : NULL;
	const char *how = said && *said ? said : jit_stub_error(error);

	snprintf(w->why, CELL_ERROR, "%s: %s: %s", w->job->cell.stubs, what, how);
	return -1;
}

/* ---- Before: the scenario, the code memory, the modules ---------------------------------- */

static int open_scenario(struct world *w)
{
	const struct cell *c = &w->job->cell;
	const struct workload *workload = &w->setup->workload;
	struct workload_params p = {
		.live = c->live,
		.targets = c->targets,
		.signature = c->signature[0] ? c->signature : NULL,
		.seed = w->job->seed,
		.data = w->job->data,
		.max_events = c->max_events,
	};

	p.kind = (enum boundary_kind)w->setup->kind;
	return workload->open(workload, &p, &w->scenario, w->why);
}

static int open_code(struct world *w, struct prng *rng)
{
	struct code_config config = w->setup->code;

	config.colour = prng_below(rng, 512);
	config.faults = getenv("STUBMAP_CODE_TEST");
	if (jit_code_open(&w->code, &config, w->why) ||
	    jit_space_open(&w->space, w->ops, w->code, &w->setup->stub, &host_runtime, w->why))
		return -1;
	w->space_open = true;
	return 0;
}

static int make_world(struct world *w)
{
	const struct scenario *s = &w->scenario;
	uint32_t n = s->nboundaries;

	w->state.callees = w->callees = code_data(w->code, n * sizeof *w->callees);
	w->refs = code_data(w->code, SCENARIO_REFS * sizeof *w->refs);
	w->host = calloc(1, sizeof *w->host);
	w->instances = calloc(SCENARIO_INSTANCES, sizeof *w->instances);
	w->specs = calloc(n, sizeof *w->specs);
	w->pointers = calloc(n, sizeof(struct stub_callee *));
	if (!w->callees || !w->refs || !w->host || !w->instances || !w->specs || !w->pointers) {
		snprintf(w->why, CELL_ERROR, "out of memory for %u stubs", n);
		return -1;
	}
	for (uint32_t i = 0; i < SCENARIO_REFS; i++)
		w->refs[i] = i * 2654435761u;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++) {
		w->instances[i].head.activation = &w->host->activation;
		w->instances[i].head.salt = s->context_salt[i];
		w->instances[i].host = w->host;
		w->state.instances[i] = &w->instances[i].head;
	}
	return 0;
}

static const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	struct world *w = arg;

	(void)use;
	if (!strcmp(symbol, "refs"))
		return w->refs;
	if (!strcmp(symbol, "callees"))
		return w->callees;
	if (!strcmp(symbol, "version"))
		return (const void *)(w->version + 1);
	return loaded_address(&w->targets[0], symbol);
}

static struct stub_callee *near_callee(void *arg, const char *symbol, bool *passes_context)
{
	struct world *w = arg;

	if (symbol[0] != 's' || symbol[1] < '0' || symbol[1] > '9')
		return NULL;
	unsigned long k = strtoul(symbol + 1, NULL, 10);
	*passes_context = w->scenario.boundaries[k].kind == BOUNDARY_INDIRECT;
	return &w->callees[k];
}

/* object: NULL, for a cell of FAMILY_CALLS, where the code is only to be in the cache. */
static int compile(const struct world *w, enum callers_part part, const struct jit_options *options,
		   struct jit_object *object, char why[CELL_ERROR])
{
	const char *name = part == CALLERS_TARGETS ? "targets" : "callers";
	char *text;
	size_t size;

	/* A tier-up measures the compilation beside its callers, too. */
	if (w->setup->family != FAMILY_TIERUP)
		return copies_compile(&w->scenario, part, name, options, object, why);
	int e = callers_text(&w->scenario, part, &text, &size);
	if (e) {
		snprintf(why, CELL_ERROR, "callers of %s: %s", w->job->cell.workload, strerror(-e));
		return -1;
	}
	e = jit_compile(name, text, size, options, object, why);
	free(text);
	return e;
}

int world_compile_targets(const struct world *w, unsigned tier, const char *cache,
			  struct jit_object *out, char why[CELL_ERROR])
{
	const struct jit_options options = { .tier = tier, .cache = cache };

	return compile(w, CALLERS_TARGETS, &options, out, why);
}

static int compile_part(struct world *w, enum callers_part part, unsigned tier,
			struct jit_object *object)
{
	const struct jit_options options = { .tier = tier, .cache = w->job->cache };
	int e = compile(w, part, &options, object, w->why);

	w->compile_ns += object->compile_ns;
	w->cached |= object->cached;
	w->copied += object->copied;
	return e;
}

enum callers_part world_callers(const struct setup *s)
{
	if (s->family != FAMILY_CALLS)
		return CALLERS_SHARED;
	if (s->stubs->flags & STUB_DIRECT)
		return CALLERS_DIRECT;
	if (s->stubs->attach) /* no caller runs while code is loaded: sites are taken */
		return CALLERS_NEAR;
	return s->peer && s->peer->bare ? CALLERS_PASSING : CALLERS_SLOTS;
}

static int load_part(struct world *w, const struct jit_object *object, uint32_t offset,
		     struct loaded *out)
{
	const bool near = stub_takes_sites(&w->space);
	const struct load_hooks hooks = { .resolve = resolve,
					  .callee = near ? near_callee : NULL,
					  .space = &w->space,
					  .arg = w,
					  .text_offset = offset };

	return jit_load(w->code, object, &hooks, out, w->why);
}

int world_load_targets(struct world *w, const struct jit_object *object, unsigned version,
		       uint32_t offset)
{
	w->version = version;
	return load_part(w, object, offset, &w->targets[version]);
}

/* A tier-up begins with targets of tier 0; its callers are never upgraded. */
static int load_modules(struct world *w, struct prng *rng)
{
	const bool steady = w->setup->family == FAMILY_CALLS;
	const bool tierup = w->setup->family == FAMILY_TIERUP;
	const enum callers_part part = world_callers(w->setup);
	const unsigned tier = w->job->cell.tier;
	struct jit_object targets = { 0 }, callers = { 0 };
	int e = compile_part(w, CALLERS_TARGETS, tierup ? 0 : tier, &targets);

	for (unsigned v = 0; v < (steady ? 2 : 1) && !e; v++)
		e = world_load_targets(w, &targets, v, 16 * prng_below(rng, 256));
	if (!e)
		e = compile_part(w, part, tierup ? 2 : tier, &callers);
	if (!e)
		e = load_part(w, &callers, 16 * prng_below(rng, 256), &w->callers);
	if (!e) {
		const char *entry = part == CALLERS_DIRECT ? "round_direct" : "round_slots";
		const void *p = loaded_address(&w->callers, entry);

		/* Converts a data pointer to a function pointer, by copying its bytes. */
		memcpy(&w->round, &p, sizeof p);
	}
	jit_object_free(&targets);
	jit_object_free(&callers);
	return e ? -1 : 0;
}

/* Puts the arguments that a bind stores where its stub finds them. */
static int store_bound(struct world *w, uint32_t k)
{
	const struct boundary *b = &w->scenario.boundaries[k];

	if (!b->nbound)
		return 0;
	if (!w->bound)
		w->bound = calloc(w->scenario.nboundaries, STUB_MAX_BOUND * sizeof *w->bound);
	if (!w->bound) {
		snprintf(w->why, CELL_ERROR, "out of memory for bound arguments");
		return -1;
	}
	w->specs[k].bound = w->bound + (size_t)k * STUB_MAX_BOUND;
	w->specs[k].nbound = b->nbound;
	callers_bound(b, k, w->refs, w->bound + (size_t)k * STUB_MAX_BOUND);
	return 0;
}

const void *world_target(const struct world *w, unsigned version, uint32_t k)
{
	const bool host = w->scenario.boundaries[k].kind == BOUNDARY_EXIT_JS;
	char symbol[16];

	snprintf(symbol, sizeof symbol, "%c%u", host ? 'h' : 't', scenario_target(&w->scenario, k));
	return loaded_address(&w->targets[version], symbol);
}

static int make_specs(struct world *w)
{
	const struct scenario *s = &w->scenario;

	for (uint32_t k = 0; k < s->nboundaries; k++) {
		const struct boundary *b = &s->boundaries[k];

		w->specs[k] = (struct stub_spec){
			.kind = (enum stub_kind)b->kind,
			.target = world_target(w, 0, k),
			.context = &w->instances[b->instance],
			.module = b->module,
			.table = b->table,
		};
		w->pointers[k] = &w->callees[k];
		if (!w->specs[k].target ||
		    stub_signature_parse(b->signature, &w->specs[k].signature)) {
			snprintf(w->why, CELL_ERROR, "boundary %u: no target", k);
			return -1;
		}
		if (store_bound(w, k))
			return -1;
	}
	return 0;
}

static int make_thunks(struct world *w)
{
	struct scenario *s = &w->scenario;

	if (s->shape == SCENARIO_STRAIGHT)
		return 0;
	uint32_t *of_boundary = malloc(s->nboundaries * sizeof *of_boundary);
	w->thunks = malloc((s->nevents + s->crossed) * sizeof *w->thunks);
	w->crossed = malloc((s->crossed + 1) * sizeof *w->crossed);
	if (!of_boundary || !w->thunks || !w->crossed) {
		free(of_boundary);
		snprintf(w->why, CELL_ERROR, "out of memory for %llu events",
			 (unsigned long long)s->nevents);
		return -1;
	}
	callers_thunks(s, of_boundary, w->thunks);
	for (uint32_t i = 0; i < s->crossed; i++)
		w->thunks[s->nevents + i] = i;
	for (uint32_t k = 0; k < s->nboundaries; k++)
		if (of_boundary[k] != UINT32_MAX)
			w->crossed[of_boundary[k]] = k;
	free(of_boundary);
	w->state.events = w->thunks;
	w->state.nevents = s->nevents;
	return 0;
}

void world_close(struct world *w)
{
	for (unsigned v = 0; v < 2; v++)
		jit_unload(&w->targets[v]);
	jit_unload(&w->callers);
	if (w->space_open)
		stub_space_close(&w->space);
	if (w->code)
		jit_code_close(w->code);
	scenario_close(&w->scenario);
	free(w->host);
	free(w->instances);
	free(w->specs);
	free(w->bound);
	free(w->pointers);
	free(w->thunks);
	free(w->crossed);
}

enum measure_status world_open(struct world *w, const struct job *job, const struct setup *setup,
			       struct prng *rng, char why[CELL_ERROR])
{
	*w = (struct world){ .job = job, .setup = setup, .ops = setup->stubs, .why = why };
	why[0] = '\0';
	if (open_scenario(w))
		return MEASURE_REFUSED;
	if (open_code(w, rng) || make_world(w) || load_modules(w, rng) || make_specs(w) ||
	    make_thunks(w))
		return MEASURE_FAILED;
	return MEASURE_OK;
}

/* ---- Compiling alone ---------------------------------------------------------------------- */

int world_prepare(const struct job *job, const struct setup *setup, char why[CELL_ERROR])
{
	struct world w = { .job = job, .setup = setup, .ops = setup->stubs, .why = why };
	const enum callers_part part =
	    job->prepare == PREPARE_TARGETS ? CALLERS_TARGETS : world_callers(setup);
	const struct jit_options options = { .tier = job->cell.tier, .cache = job->cache };
	int e = open_scenario(&w);

	if (!e)
		e = compile(&w, part, &options, NULL, why);
	scenario_close(&w.scenario);
	return e ? -1 : 0;
}
