/*
 * measure.c - the phases of a cell, each timed apart, in the order in which an engine lives them:
 *
 *   compile  targets and callers to objects, loaded into code memory
 *   bind     the whole population at once, as at instantiation (one bulk call where the strategy has
 *            one), then again one at a time, as stubs that are made on demand
 *   first    each boundary crossed for the first time
 *   steady   rounds of crossings, in samples of at least SAMPLE_NS
 *   space    what the kernel and the code memory say while all stubs are live
 *   retarget every stub to a second copy of its target, which answers differently
 *   release  every stub
 *
 * The answer is worked out by scenario_run, in plain C without a stub, and compared after the steady
 * calls and after the retargeting. What the strategy does not decide is moved by the seed: the base of
 * the code, the offset of the text, the depth of the stack.
 */
#include <errno.h>
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callers.h"
#include "figures.h"
#include "host.h"
#include "jit.h"
#include "measure.h"
#include "meters.h"
#include "prng.h"

enum { SAMPLE_NS = 1000000, WARMUP = 3, MAX_SAMPLES = 1000 };

struct run {
	const struct job *job;
	const struct stub_ops *ops;
	struct scenario scenario;
	struct code_memory *code;
	struct stub_space space;
	bool space_open;
	struct host *host;
	struct host_instance *instances;
	struct callee *callees;
	uint32_t *cells;
	struct stub_spec *specs;
	struct callee **pointers; /* to callees, for bulk binding */
	struct loaded targets[2], callers;
	uintptr_t version; /* that the loader's hook answers with */
	struct callers_state state;
	uint32_t *thunks;     /* dispatch: events as thunk numbers, then 0..crossed-1 */
	callers_round *round;
	uint64_t rounds_done; /* full rounds since the state was zeroed */
	uint64_t faults_before;
	json_t *figures;
	char *why;
};

static int fail(struct run *r, const char *what, int error)
{
	const char *how = error == -ENOMEM  ? "out of code memory" :
	                  error == -ENOTSUP ? "a signature or kind it can't make" :
	                                      strerror(-error);

	snprintf(r->why, CELL_ERROR, "%s: %s: %s", r->job->cell.stubs, what, how);
	return -1;
}

static enum code_wx wx_of(const char *name)
{
	unsigned i = 0;

	while (i + 1 < CODE_WX_POLICIES && strcmp(code_wx_names[i], name))
		i++;
	return i;
}

/* ---- Before: the scenario, the code memory, the modules ---------------------------------- */

static int open_scenario(struct run *r)
{
	const struct cell *c = &r->job->cell;
	const struct workload *w = workload_find(c->workload);
	struct workload_params p = {
		.live = c->live,
		.signature = c->signature[0] ? c->signature : NULL,
		.seed = r->job->seed,
		.data = r->job->data,
		.max_events = c->max_events,
	};

	for (unsigned k = 0; k < STUB_KINDS; k++)
		if (!strcmp(stub_kind_names[k], c->kind))
			p.kind = (enum boundary_kind)k;
	return w->open(w, &p, &r->scenario, r->why);
}

static int open_code(struct run *r, struct prng *rng)
{
	const struct cell *c = &r->job->cell;
	const struct code_config code = {
		.wx = wx_of(c->wx),
		.quantum = c->quantum,
		.colour = prng_below(rng, 512),
		.faults = getenv("STUBMAP_CODE_TEST"),
	};
	const struct stub_config stubs = {
		.literals = strcmp(c->literals, "table") ? STUB_LITERALS_BAKED : STUB_LITERALS_TABLE,
		.defaults = !strcmp(c->literals, "own"),
		.markers = c->markers,
	};
	int e = code_open(&r->code, &code);

	if (e) {
		snprintf(r->why, CELL_ERROR, "code memory %s, quantum %u: %s", c->wx, c->quantum,
		         e == -EACCES ? "the kernel forbids this policy" : strerror(-e));
		return -1;
	}
	e = stub_space_open(&r->space, r->ops, r->code, &stubs, &host_runtime);
	if (e == -EINVAL) {
		snprintf(r->why, CELL_ERROR, "%s can't have its literals %s", c->stubs, c->literals);
		return -1;
	}
	if (e)
		return fail(r, "open", e);
	r->space_open = true;
	return 0;
}

static int make_world(struct run *r)
{
	const struct scenario *s = &r->scenario;
	uint32_t n = s->nboundaries;

	r->callees = code_data(r->code, n * sizeof *r->callees);
	r->cells = code_data(r->code, SCENARIO_CELLS * sizeof *r->cells);
	r->host = calloc(1, sizeof *r->host);
	r->instances = calloc(SCENARIO_INSTANCES, sizeof *r->instances);
	r->specs = calloc(n, sizeof *r->specs);
	r->pointers = calloc(n, sizeof(struct callee *));
	if (!r->callees || !r->cells || !r->host || !r->instances || !r->specs || !r->pointers) {
		snprintf(r->why, CELL_ERROR, "out of memory for %u stubs", n);
		return -1;
	}
	for (uint32_t i = 0; i < SCENARIO_CELLS; i++)
		r->cells[i] = i * 2654435761u;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++) {
		r->instances[i].head.activation = &r->host->activation;
		r->instances[i].head.salt = s->context_salt[i];
		r->instances[i].host = r->host;
		r->state.instances[i] = &r->instances[i].head;
	}
	return 0;
}

static const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	struct run *r = arg;

	(void)use;
	if (!strcmp(symbol, "cells"))
		return r->cells;
	if (!strcmp(symbol, "callees"))
		return r->callees;
	if (!strcmp(symbol, "version"))
		return (const void *)(r->version + 1);
	return loaded_address(&r->targets[0], symbol);
}

/* Compiles one part of the scenario; *ns grows by the time it took, 0 if it came from the cache. */
static int compile_part(struct run *r, enum callers_part part, const char *name,
                        struct jit_object *object, uint64_t *ns, bool *cached)
{
	const struct jit_options options = { .tier = r->job->cell.tier, .cache = r->job->cache };
	char *text;
	size_t size;
	int e = callers_text(&r->scenario, part, &text, &size);

	if (e)
		return fail(r, "callers", e);
	e = jit_compile(name, text, size, &options, object, r->why);
	free(text);
	*ns += object->compile_ns;
	*cached |= object->cached;
	return e;
}

static int load_part(struct run *r, const struct jit_object *object, uint32_t offset,
                     struct loaded *out)
{
	const struct load_hooks hooks = { .resolve = resolve, .arg = r, .text_offset = offset };

	return jit_load(r->code, object, &hooks, out, r->why);
}

static int load_modules(struct run *r, struct prng *rng)
{
	const bool direct = r->ops->flags & STUB_DIRECT;
	struct jit_object targets = { 0 }, callers = { 0 };
	uint64_t ns = 0;
	bool cached = false;
	int e = compile_part(r, CALLERS_TARGETS, "targets", &targets, &ns, &cached);

	for (unsigned v = 0; v < 2 && !e; v++) {
		r->version = v;
		e = load_part(r, &targets, 16 * prng_below(rng, 256), &r->targets[v]);
	}
	if (!e)
		e = compile_part(r, direct ? CALLERS_DIRECT : CALLERS_SLOTS, "callers", &callers,
		                 &ns, &cached);
	if (!e)
		e = load_part(r, &callers, 16 * prng_below(rng, 256), &r->callers);
	if (!e) {
		const struct figure_name name = { "compile", "ns", "function", "clock" };
		const char *entry = direct ? "round_direct" : "round_slots";

		/* A pointer to code that was data a moment ago: by way of its bytes. */
		const void *p = loaded_address(&r->callers, entry);
		memcpy(&r->round, &p, sizeof p);
		if (cached)
			figure_missing(r->figures, name, "the object came from the cache");
		else
			figure_one(r->figures, name,
			           r->targets[0].nfunctions + r->callers.nfunctions, ns);
	}
	jit_object_free(&targets);
	jit_object_free(&callers);
	return e ? -1 : 0;
}

static int make_specs(struct run *r)
{
	const struct scenario *s = &r->scenario;

	for (uint32_t k = 0; k < s->nboundaries; k++) {
		const struct boundary *b = &s->boundaries[k];
		char symbol[16];

		snprintf(symbol, sizeof symbol, "%c%u", b->kind == BOUNDARY_EXIT_JS ? 'h' : 't', k);
		r->specs[k] = (struct stub_spec){
			.kind = (enum stub_kind)b->kind,
			.target = loaded_address(&r->targets[0], symbol),
			.context = &r->instances[b->instance],
		};
		r->pointers[k] = &r->callees[k];
		if (!r->specs[k].target ||
		    stub_signature_parse(b->signature, &r->specs[k].signature)) {
			snprintf(r->why, CELL_ERROR, "boundary %u: no target %s", k, symbol);
			return -1;
		}
	}
	return 0;
}

static int make_thunks(struct run *r)
{
	struct scenario *s = &r->scenario;

	if (s->shape != SCENARIO_DISPATCH)
		return 0;
	uint32_t *of_boundary = malloc(s->nboundaries * sizeof *of_boundary);
	r->thunks = malloc((s->nevents + s->crossed) * sizeof *r->thunks);
	if (!of_boundary || !r->thunks) {
		free(of_boundary);
		snprintf(r->why, CELL_ERROR, "out of memory for %llu events",
		         (unsigned long long)s->nevents);
		return -1;
	}
	callers_thunks(s, of_boundary, r->thunks);
	for (uint32_t i = 0; i < s->crossed; i++)
		r->thunks[s->nevents + i] = i;
	free(of_boundary);
	r->state.events = r->thunks;
	r->state.nevents = s->nevents;
	return 0;
}

/* ---- The phases --------------------------------------------------------------------------- */

static int bind_one_by_one(struct run *r)
{
	int e = 0;

	for (uint32_t k = 0; k < r->scenario.nboundaries && !e; k++)
		e = r->ops->bind(&r->space, &r->specs[k], &r->callees[k]);
	return e;
}

static int bind_all(struct run *r)
{
	uint32_t n = r->scenario.nboundaries;
	int e = 0;

	if (r->ops->prepare)
		e = r->ops->prepare(&r->space, r->specs, n);
	if (!e && r->ops->bind_many)
		return r->ops->bind_many(&r->space, r->specs, r->pointers, n);
	return e ? e : bind_one_by_one(r);
}

static void release_all(struct run *r)
{
	for (uint32_t k = 0; k < r->scenario.nboundaries; k++)
		r->ops->release(&r->space, &r->callees[k]);
}

static void phase_release(struct run *r)
{
	uint64_t t0 = clock_ns();

	release_all(r);
	uint64_t t1 = clock_ns();
	figure_one(r->figures, (struct figure_name){ "release", "ns", "stub", "clock" },
	           r->scenario.nboundaries, t1 - t0);
}

/*
 * The population is made once in bulk, thrown away, and made again one at a time; what stays is the
 * second set, in a memory that has seen a little life. Strategies that have nothing to make (null)
 * are timed all the same: it is the cost of their bookkeeping.
 */
static int phase_bind(struct run *r)
{
	static const struct figure_name bulk = { "bind", "ns", "stub", "clock" };
	static const struct figure_name single = { "bind_one", "ns", "stub", "clock" };
	const uint32_t n = r->scenario.nboundaries;
	struct code_stats before, after;

	code_get_stats(r->code, &before);
	uint64_t t0 = clock_ns();
	int e = bind_all(r);
	uint64_t t1 = clock_ns();
	if (e)
		return fail(r, "bind", e);
	code_get_stats(r->code, &after);
	figure_one(r->figures, bulk, n, t1 - t0);
	figure_one(r->figures, (struct figure_name){ "bind", "syscalls", "stub", "code" }, n,
	           after.syscalls - before.syscalls);

	release_all(r);
	t0 = clock_ns();
	e = bind_one_by_one(r);
	t1 = clock_ns();
	if (e)
		return fail(r, "bind one by one", e);
	figure_one(r->figures, single, n, t1 - t0);
	return 0;
}

static void run_rounds(struct run *r, uint64_t rounds)
{
	r->state.rounds = rounds;
	r->round(&r->state);
}

static void zero_state(struct run *r)
{
	r->state.x = (uint32_t)r->job->seed;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		r->instances[i].head.accumulator = 0;
	r->rounds_done = 0;
}

/* Compares the state with the answer after rounds_done rounds since zero_state. */
static int check_answer(struct run *r, uint32_t version)
{
	uint32_t acc[SCENARIO_INSTANCES] = { 0 };
	uint32_t x = scenario_run(&r->scenario, version, r->rounds_done, (uint32_t)r->job->seed, acc);
	bool good = x == r->state.x && !r->host->raised;

	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		good &= acc[i] == r->instances[i].head.accumulator;
	if (good)
		return 0;
	snprintf(r->why, CELL_ERROR,
	         "%s: wrong answer after %llu rounds of version %u: %08x, expected %08x; %llu raised",
	         r->job->cell.stubs, (unsigned long long)r->rounds_done, version, r->state.x, x,
	         (unsigned long long)r->host->raised);
	return -1;
}

static void phase_first(struct run *r)
{
	const struct scenario *s = &r->scenario;

	zero_state(r);
	if (s->shape == SCENARIO_DISPATCH) {
		r->state.events = r->thunks + s->nevents;
		r->state.nevents = s->crossed;
	}
	uint64_t t0 = clock_ns();
	run_rounds(r, 1);
	uint64_t t1 = clock_ns();
	figure_one(r->figures, (struct figure_name){ "first_call", "ns", "stub", "clock" },
	           s->crossed, t1 - t0);
	if (s->shape == SCENARIO_DISPATCH) {
		r->state.events = r->thunks;
		r->state.nevents = s->nevents;
	}
}

static uint64_t timed_rounds(struct run *r, uint64_t rounds, uint64_t *ticks)
{
	uint64_t n0 = clock_ns(), c0 = tsc_begin();

	run_rounds(r, rounds);
	uint64_t c1 = tsc_end(), n1 = clock_ns();
	*ticks = c1 - c0;
	r->rounds_done += rounds;
	return n1 - n0;
}

static int phase_steady(struct run *r)
{
	const unsigned n = WARMUP + r->job->iterations;
	uint64_t *ns = calloc(2 * (size_t)n, sizeof *ns), *ticks = ns + n, rounds = 1;

	if (!ns)
		return fail(r, "steady", -ENOMEM);
	zero_state(r);
	/* How many rounds make a sample: doubled until one takes long enough. */
	while (timed_rounds(r, rounds, &ticks[0]) < SAMPLE_NS)
		rounds *= 2;
	for (unsigned i = 0; i < n; i++)
		ns[i] = timed_rounds(r, rounds, &ticks[i]);
	uint64_t calls = rounds * r->scenario.nevents;
	figure_samples(r->figures, (struct figure_name){ "steady", "ns", "call", "clock" }, calls,
	               WARMUP, ns, n);
	figure_samples(r->figures, (struct figure_name){ "steady", "ticks", "call", "tsc" }, calls,
	               WARMUP, ticks, n);
	free(ns);
	return check_answer(r, 0);
}

static int phase_retarget(struct run *r)
{
	const uint32_t n = r->scenario.nboundaries;
	int e = 0;

	uint64_t t0 = clock_ns();
	for (uint32_t k = 0; k < n && !e; k++) {
		const uint8_t *old = r->specs[k].target;

		e = r->ops->retarget(&r->space, &r->callees[k],
		                     old - r->targets[0].text + r->targets[1].text);
	}
	uint64_t t1 = clock_ns();
	if (e)
		return fail(r, "retarget", e);
	figure_one(r->figures, (struct figure_name){ "retarget", "ns", "stub", "clock" }, n, t1 - t0);
	/* The floor's compiled callers know the targets by name: nothing of theirs was replaced. */
	if (r->ops->flags & STUB_DIRECT)
		return 0;
	zero_state(r);
	run_rounds(r, 2);
	r->rounds_done = 2;
	return check_answer(r, 1);
}

static int phase_space(struct run *r)
{
	const uint32_t n = r->scenario.nboundaries;
	struct code_stats s;

	code_get_stats(r->code, &s);
	const struct {
		const char *event;
		uint64_t value;
	} counts[] = {
		{ "quanta", s.quanta_stubs },
		{ "committed", s.committed_stubs },
		{ "used_code", s.used_stubs },
		{ "used_literals", s.used_literals },
	};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		figure_one(r->figures,
		           (struct figure_name){ "space", counts[i].event, "stub", "code" }, n,
		           counts[i].value);
	figure_one(r->figures, (struct figure_name){ "space", "reserved", "process", "code" }, 1,
	           s.reserved);
	figure_one(r->figures, (struct figure_name){ "space", "syscalls", "process", "code" }, 1,
	           s.syscalls);
	return meters_space(r->code, n, r->faults_before, r->figures, r->why);
}

static int all_phases(struct run *r)
{
	r->faults_before = meters_minor_faults();
	if (phase_bind(r))
		return -1;
	phase_first(r);
	if (phase_steady(r) || phase_space(r) || phase_retarget(r))
		return -1;
	phase_release(r);
	return 0;
}

/* Moves the stack by 0..4080 bytes, which the strategy does not decide. */
static __attribute__((noinline)) int all_phases_at_depth(struct run *r, size_t depth)
{
	volatile char *pad = alloca(depth + 16);

	pad[0] = 0;
	return all_phases(r);
}

static void run_close(struct run *r)
{
	for (unsigned v = 0; v < 2; v++)
		jit_unload(&r->targets[v]);
	jit_unload(&r->callers);
	if (r->space_open)
		stub_space_close(&r->space);
	if (r->code)
		code_close(r->code);
	scenario_close(&r->scenario);
	free(r->host);
	free(r->instances);
	free(r->specs);
	free(r->pointers);
	free(r->thunks);
}

enum measure_status measure_cell(const struct job *job, json_t *figures, char why[CELL_ERROR])
{
	struct run r = { .job = job, .figures = figures, .why = why };
	struct prng rng;
	enum measure_status status = MEASURE_FAILED;

	why[0] = '\0';
	prng_seed(&rng, job->seed);
	r.ops = stub_strategy(job->cell.stubs);
	if (!r.ops || open_scenario(&r)) {
		status = MEASURE_REFUSED;
		goto out;
	}
	if (open_code(&r, &rng) || make_world(&r) || load_modules(&r, &rng) || make_specs(&r) ||
	    make_thunks(&r))
		goto out;
	if (!all_phases_at_depth(&r, 16 * prng_below(&rng, 256)))
		status = MEASURE_OK;
out:
	run_close(&r);
	return status;
}
