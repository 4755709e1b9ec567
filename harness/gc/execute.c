/*
 * execute.c - from bitcode to a judged answer.
 *
 *      bitcode -> lint -> tier's passes, statepoints -> object -> loaded module
 *                                                           .llvm_stackmaps -> true safepoints
 *      true safepoints -> fault, if one is wanted -> encoder -> bytes ----> collector
 *              '--------------------------------------(check)-------------> collector
 *
 * The program runs guarded: a missed reference leads into an old space, which faults, and the fault
 * is reported with the map that should have been found. No fault of a program ends the process.
 */
#include "base/clock.h"
#include "gc/execute.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gc/runtime.h"
#include "corpora/import.h"
#include "gc/lint.h"
#include "jit/space.h"
#include "base/watch.h"

const char *const gc_status_names[GC_STATUSES] = {
	[GC_OK] = "ok",
	[GC_REFUSED] = "refused",
	[GC_BROKEN] = "broken",
	[GC_DETECTED] = "detected",
	[GC_BAD_ROOT] = "bad root",
	[GC_FAULT] = "fault",
	[GC_WRONG_ANSWER] = "wrong answer",
	[GC_WRONG_MAP] = "wrong map",
};

struct gc_cell {
	const struct gc_task *task;
	struct gc_result *result;
	char *why;
	struct code_memory *code;
	struct stub_space space;
	bool space_open;
	struct gc_runtime *runtime;
	struct loaded module;
	struct corpus corpus;
	struct map_bytes map;
	struct collector collector;
	uint64_t started;
};

/* Writes one line, cut to its room, behind the program's name. */
static __attribute__((format(printf, 3, 4))) enum gc_status
say(struct gc_cell *c, enum gc_status status, const char *fmt, ...)
{
	int n = snprintf(c->why, GC_ERROR, "%s: ", c->task->program->name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why + n, GC_ERROR - (size_t)n, fmt, ap);
	va_end(ap);
	return status;
}

static enum gc_status fail(struct gc_cell *c, const char *what, int err)
{
	return say(c, GC_BROKEN, "%s, %s: %s: %s", c->task->stubs->name, c->task->maps->name, what,
		   strerror(-err));
}

/* ---- Making -------------------------------------------------------------------------------- */

static enum gc_status check_task(struct gc_cell *c)
{
	const struct gc_task *j = c->task;

	if (j->size < 1 || j->size > j->program->max)
		return say(c, GC_REFUSED, "size (%s) is %u: 1 to %u are allowed",
			   j->program->size_means, j->size, j->program->max);
	if (j->tier != 0 && j->tier != 2)
		return say(c, GC_REFUSED, "no tier %u: 0 and 2 are allowed", j->tier);
	return GC_OK;
}

static enum gc_status open_code(struct gc_cell *c, struct prng *rng)
{
	const struct gc_task *j = c->task;
	const struct code_config code = {
		.wx = j->wx,
		.quantum = j->quantum,
		.colour = prng_below(rng, 512),
	};
	const struct stub_config stubs = { 0 };
	char why[JIT_ERROR];

	if (jit_code_open(&c->code, &code, why) ||
	    jit_space_open(&c->space, j->stubs, c->code, &stubs, &host_runtime, why))
		return say(c, GC_BROKEN, "%s, %s: %s", j->stubs->name, j->maps->name, why);
	c->space_open = true;
	c->runtime = malloc(sizeof(*c->runtime));
	if (!c->runtime)
		return fail(c, "runtime", -ENOMEM);
	int err = gc_runtime_open(c->runtime, c->code);
	return err ? fail(c, "runtime", err) : GC_OK;
}

static enum gc_status compile(struct gc_cell *c, struct jit_object *object)
{
	const struct gc_program *p = c->task->program;
	const struct jit_options options = { .tier = c->task->tier,
					     .statepoints = true,
					     .polls = c->task->polls,
					     .cache = c->task->cache };
	size_t size = (size_t)(p->bitcode_end - p->bitcode);

	/* Objects get into the cache only here, so a cached one has passed the lint. */
	if (!jit_cached(p->bitcode, size, &options, object)) {
		if (lint_module(p->name, p->bitcode, size, c->why))
			return GC_REFUSED;
		if (jit_compile(p->name, p->bitcode, size, &options, object, c->why))
			return GC_BROKEN;
	}
	c->result->compile_ns = object->compile_ns;
	c->result->cached = object->cached;
	return GC_OK;
}

static enum gc_status load(struct gc_cell *c, const struct jit_object *object, uint32_t offset)
{
	const struct load_hooks hooks = { .resolve = gc_runtime_resolve,
					  .arg = c->runtime,
					  .text_offset = offset };
	const struct loaded *m = &c->module;

	if (jit_load(c->code, object, &hooks, &c->module, c->why))
		return GC_BROKEN;
	c->result->text_bytes = m->text_size;
	if (corpus_from_llvm(c->task->program->name, m->stackmaps, m->stackmaps_size,
			     (uintptr_t)m->text, m->text_size, &c->corpus, c->why))
		return GC_BROKEN;
	return GC_OK;
}

static enum gc_status make_module(struct gc_cell *c, struct prng *rng)
{
	struct jit_object object = { 0 };
	enum gc_status status = compile(c, &object);

	if (!status)
		status = load(c, &object, 16 * prng_below(rng, 256));
	jit_object_free(&object);
	return status;
}

static enum gc_status encode(struct gc_cell *c)
{
	const struct gc_task *j = c->task;
	struct gc_result *r = c->result;
	struct corpus_stats stats;
	struct safepoint *points = NULL;
	size_t n = 0, bad = 0, data = 0;

	int err = corpus_stats(&c->corpus, &stats);
	if (err)
		return fail(c, "maps", err);
	r->safepoints = c->corpus.nsafepoints;
	r->empties = stats.empties;
	r->fault_room = gc_fault_room(&c->corpus, j->fault.kind);
	err = gc_fault_apply(&c->corpus, &j->fault, &points, &n);
	if (err == -ERANGE)
		return say(c, GC_REFUSED, "no fault %s %llu: below %llu is allowed",
			   gc_fault_names[j->fault.kind], (unsigned long long)j->fault.n,
			   (unsigned long long)r->fault_room);
	uint64_t t0 = clock_ns();
	if (!err)
		err = map_encode_functions(j->maps, points, n, c->corpus.functions,
					   c->corpus.nfunctions, &c->map, &bad);
	r->encode_ns = clock_ns() - t0;
	free(points);
	if (err)
		return fail(c, "encoding", err);
	r->map_bytes = c->map.len;
	j->maps->split(c->map.data, c->map.len, &r->index_bytes, &data);
	t0 = clock_ns();
	err = map_load(j->maps, &c->map);
	r->load_ns = j->maps->load ? clock_ns() - t0 : 0;
	if (err)
		return fail(c, "loading maps", err);
	return GC_OK;
}

static enum gc_status open_collector(struct gc_cell *c)
{
	const struct collector_config config = {
		.mode = c->task->mode,
		.seed = c->task->seed,
		.ops = c->task->maps,
		.map = c->map.data,
		.map_len = c->map.len,
		.module = &c->module,
		.code = c->code,
		.oracle = c->task->check ? &c->corpus : NULL,
		.activation = &c->runtime->host.activation,
		.poll_flag = c->task->polls ? c->runtime->poll_flag : NULL,
		.log = c->task->record ? &c->task->record->walks : NULL,
	};
	int err = collector_open(&c->collector, &config);

	if (err)
		return fail(c, "heap", err);
	c->runtime->collector = &c->collector;
	err = gc_runtime_bind(c->runtime, &c->space, &c->module);
	return err ? fail(c, "binding stubs", err) : GC_OK;
}

/* ---- Running ------------------------------------------------------------------------------- */

static void run_program(void *arg)
{
	struct gc_cell *c = arg;

	c->started = clock_ns();
	gc_runtime_main(c->runtime, c->task->size);
}

/* Writes "fault at ... in function+0x10 (old space)", and the map to blame if it is known. */
static enum gc_status report_fault(struct gc_cell *c)
{
	const struct guard *g = &c->runtime->guard;
	const struct loaded *m = &c->module;
	const struct load_function *f = loaded_function_at(m, (const void *)g->pc);
	char where[80], map[GC_ERROR] = "no map was wrong before";

	snprintf(where, sizeof(where), "%p", (void *)g->pc);
	if (f)
		snprintf(where, sizeof(where), "%.50s+0x%zx", f->name,
			 (size_t)(g->pc - (uintptr_t)f->code));
	if (c->collector.any_wrong)
		collector_describe(&c->collector, c->collector.first_wrong, map);
	else if (!c->task->check)
		snprintf(map, sizeof(map), "maps of %s were not checked", c->task->maps->name);
	return say(c, GC_FAULT, "%s at %s; %s",
		   heap_is_retired(&c->collector.heap, (const void *)g->address)
		       ? "old space touched"
		       : strsignal(g->signal),
		   where, map);
}

static enum gc_status report_abandoned(struct gc_cell *c)
{
	say(c, GC_BROKEN, "%s", c->collector.why);
	switch (c->collector.failure) {
	case COLLECTOR_DETECTED:
		return GC_DETECTED;
	case COLLECTOR_BAD_ROOT:
		return GC_BAD_ROOT;
	default:
		return GC_BROKEN;
	}
}

static enum gc_status judge(struct gc_cell *c)
{
	const struct gc_result *r = c->result;
	char map[GC_ERROR] = "";

	if (c->collector.any_wrong)
		collector_describe(&c->collector, c->collector.first_wrong, map);
	if (r->answer != r->expected)
		return say(c, GC_WRONG_ANSWER, "wrong answer %016llx, expected %016llx; %s",
			   (unsigned long long)r->answer, (unsigned long long)r->expected,
			   map[0] ? map : c->task->maps->name);
	if (r->stats.bad_roots)
		return say(c, GC_BAD_ROOT, "right answer, but %llu roots were no references",
			   (unsigned long long)r->stats.bad_roots);
	if (!c->collector.any_wrong)
		return GC_OK;
	return say(c, GC_WRONG_MAP, "right answer, but %llu of %llu maps were wrong; %s",
		   (unsigned long long)r->stats.wrong, (unsigned long long)r->stats.frames, map);
}

/* A watch_namer: the function that runs, or that called the runtime. */
static const char *running_at(void *arg, const void *pc)
{
	const struct gc_cell *c = arg;
	void *const *frame = c->runtime->host.activation.exit_frame;
	const struct load_function *f = loaded_function_at(&c->module, pc);

	if (!f && frame)
		f = loaded_function_at(&c->module, frame[1]);
	return f ? f->name : NULL;
}

static enum gc_status run(struct gc_cell *c)
{
	const struct watched outer = watch_code((struct watched){ running_at, c });

	watch_phase(c->task->check ? "running, maps checked" : "running");
	enum guard_end end = guard_run(&c->runtime->guard, run_program, c);

	watch_code(outer);
	if (end == GUARD_NO_MEMORY)
		return fail(c, "running", -ENOMEM);
	c->result->program_ns = clock_ns() - c->started;
	c->result->answer = c->runtime->answer;
	c->result->hops = c->runtime->hops;
	c->result->stats = c->collector.stats;
	/* A stub that could not be made at its first call returned zero:
	 * not the encoder's fault. */
	if (c->runtime->host.raised)
		return say(c, GC_BROKEN, "%llu calls could not be made by %s",
			   (unsigned long long)c->runtime->host.raised, c->task->stubs->name);
	if (end == GUARD_ABANDONED)
		return report_abandoned(c);
	if (end == GUARD_FAULTED)
		return report_fault(c);
	c->result->expected = c->task->program->native(c->task->size);
	return judge(c);
}

static void cell_close(struct gc_cell *c)
{
	collector_close(&c->collector);
	corpus_close(&c->corpus);
	free(c->map.data);
	if (c->runtime && c->space_open)
		gc_runtime_release(c->runtime, &c->space);
	jit_unload(&c->module);
	if (c->runtime)
		gc_runtime_close(c->runtime);
	free(c->runtime);
	if (c->space_open)
		stub_space_close(&c->space);
	jit_code_close(c->code);
}

enum gc_status gc_execute(const struct gc_task *task, struct gc_result *result, char why[GC_ERROR])
{
	struct gc_cell c = { .task = task, .result = result, .why = why };
	struct prng rng;
	enum gc_status status;

	memset(result, 0, sizeof(*result));
	why[0] = 0;
	prng_seed(&rng, task->seed);
	status = check_task(&c);
	if (!status)
		status = open_code(&c, &rng);
	if (!status)
		status = make_module(&c, &rng);
	if (!status)
		status = encode(&c);
	if (!status)
		status = open_collector(&c);
	if (!status)
		status = run(&c);
	if (!status && task->record) {
		task->record->corpus = c.corpus;
		c.corpus = (struct corpus){ 0 };
	}
	cell_close(&c);
	return status;
}
