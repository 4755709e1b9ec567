/*
 * stub_lazy.c - no stub before the first call, then all that are pending in one batch. Wraps any
 * placement (ops->inner).
 *
 *      bind:        callee.code -> trigger (one a space)      pending: | a | b | c | ...
 *      first call:  trigger saves every argument register and asks the placement for all that are
 *                   pending (in bulk where it can), then jumps to callee.code: the stub itself
 *
 * It trades a slower first call for an instantiation that makes no code at all, and pays for one
 * change of protection a batch, not one a function. Functions that are never called but were
 * pending when another one was still get a stub.
 *
 * prepare is not passed on: instantiation is to make nothing. It only refuses what could not be
 * made later. Bodies and templates come with the batch.
 *
 * A batch that finds no room leaves all pending; then the one that was called is tried alone; if
 * that fails too, the call reports it and the next one tries again:
 *      entry_js       returns VALUE_ERROR
 *      entry_native   runtime.raise(context), argv[0] = 0 where there is a result
 *      others         runtime.raise(context), returns zero
 * raise runs on top of the caller with exit_frame as it was: no stub's frame was made.
 *
 * A pending callee must stay where it is in memory.
 *
 * Memory order: until the batch, a pending callee's words are the space's; the placement publishes
 * the code pointer last, as its own bind does. Retarget before that is a store to callee->target,
 * under the same one-thread rule as the trigger, which is a hook of the space like any other: under
 * stub_config.running it takes the space's lock, so that of several first calls one makes the stub
 * and the others, having waited, find it made. A retarget that had the lock before is in the stub;
 * one that comes after goes to the placement, whose own argument then holds. No lock is held while
 * the embedder's raise runs, which may leave by longjmp.
 */
#include <errno.h>
#include <stdlib.h>

#include "arena.h"

struct pending {
	struct stub_spec spec; /* its target and context are the callee's */
	struct callee *callee;
};

struct lazy_state {
	struct stub_space *outer; /* whose lock and config are meant */
	struct stub_space inner;
	struct arena arena;
	const uint8_t *trigger;
	struct pending *pending; /* callee.word - 1 is its place here */
	struct stub_spec *specs; /* the batch; both as large as pending */
	struct callee **callees;
	size_t count, capacity;
};

static bool is_pending(const struct lazy_state *state, const struct callee *c)
{
	return c->code == state->trigger;
}

/* The last one takes the place that `word` named. */
static void forget(struct lazy_state *state, uint64_t word)
{
	struct pending *hole = &state->pending[word - 1];
	struct pending *last = &state->pending[--state->count];

	if (hole != last) {
		*hole = *last;
		hole->callee->word = word;
	}
}

/* ---- The first call ----------------------------------------------------------------------- */

static int bind_all(struct lazy_state *state)
{
	struct stub_space *inner = &state->inner;
	int error = 0;

	for (size_t i = 0; i < state->count; i++) {
		struct pending *p = &state->pending[i];

		state->specs[i] = p->spec;
		state->specs[i].target = p->callee->target;
		state->specs[i].context = p->callee->context;
		state->callees[i] = p->callee;
	}
	if (inner->ops->bind_many) {
		error = inner->ops->bind_many(inner, state->specs, state->callees, state->count);
		if (!error)
			state->count = 0;
		return error;
	}
	while (state->count && !error) {
		size_t last = state->count - 1;

		error = inner->ops->bind(inner, &state->specs[last], state->callees[last]);
		if (!error)
			state->count--;
	}
	return error;
}

static int bind_one(struct lazy_state *state, struct callee *c)
{
	uint64_t word = c->word;
	struct stub_spec spec = state->pending[word - 1].spec;

	spec.target = c->target;
	spec.context = c->context;
	int error = state->inner.ops->bind(&state->inner, &spec, c);
	if (!error)
		forget(state, word);
	return error;
}

static void report(struct lazy_state *state, const struct stub_spec *spec, struct emit_saved *saved)
{
	saved->rax = saved->xmm[0] = 0;
	if (spec->kind == STUB_ENTRY_JS) {
		saved->rax = (uint64_t)VALUE_ERROR << 48;
		return;
	}
	if (spec->kind == STUB_ENTRY_NATIVE && stub_result(spec->signature) != STUB_VOID)
		*(uint64_t *)(uintptr_t)saved->rdi = 0;
	state->inner.runtime.raise(spec->context);
}

/* Called by the trigger; see emit_trigger. */
static const void *first_call(void *arg, struct callee *c, struct emit_saved *saved)
{
	struct lazy_state *state = arg;
	struct stub_spec failed;

	stub_space_lock(state->outer);
	bool made = !is_pending(state, c) || !bind_all(state) || !is_pending(state, c) ||
		    !bind_one(state, c);
	if (!made)
		failed = state->pending[c->word - 1].spec;
	const void *code = c->code;
	stub_space_unlock(state->outer);
	if (made)
		return code;
	report(state, &failed, saved);
	return NULL;
}

/* ---- The strategy ------------------------------------------------------------------------- */

static int lazy_open(struct stub_space *space)
{
	struct lazy_state *state = space->state;

	state->outer = space;
	arena_init(&state->arena, space->code);
	return stub_space_open(&state->inner, space->ops->inner, space->code, &space->config,
			       &space->runtime);
}

static void lazy_close(struct stub_space *space)
{
	struct lazy_state *state = space->state;

	stub_space_close(&state->inner);
	arena_close(&state->arena);
	free(state->pending);
	free(state->specs);
	free(state->callees);
}

static int lazy_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	int error = 0;

	(void)space;
	for (size_t i = 0; i < n && !error; i++)
		error = emit_check(&specs[i]);
	return error;
}

static int make_trigger(struct stub_space *space)
{
	struct lazy_state *state = space->state;
	uint8_t code[EMIT_MAX];

	state->trigger = arena_add(&state->arena, code,
				   emit_trigger(code, space->config.markers, first_call, state));
	return state->trigger ? 0 : -ENOMEM;
}

static int grow(struct lazy_state *state)
{
	size_t n = state->capacity ? state->capacity * 2 : 64;
	void *pending = realloc(state->pending, n * sizeof(*state->pending));
	state->pending = pending ? pending : state->pending;
	void *specs = realloc(state->specs, n * sizeof(*state->specs));
	state->specs = specs ? specs : state->specs;
	void *callees = realloc(state->callees, n * sizeof(*state->callees));
	state->callees = callees ? callees : state->callees;
	if (!pending || !specs || !callees)
		return -ENOMEM;
	state->capacity = n;
	return 0;
}

static int lazy_bind(struct stub_space *space, const struct stub_spec *spec, struct callee *c)
{
	struct lazy_state *state = space->state;

	int error = lazy_prepare(space, spec, 1);
	if (!error && !state->trigger)
		error = make_trigger(space);
	if (!error && state->count == state->capacity)
		error = grow(state);
	if (error)
		return error;
	state->pending[state->count++] = (struct pending){ *spec, c };
	c->target = spec->target;
	c->context = spec->context;
	c->word = state->count;
	__atomic_store_n(&c->code, state->trigger, __ATOMIC_RELEASE);
	return 0;
}

static int lazy_retarget(struct stub_space *space, struct callee *c, const void *target)
{
	struct lazy_state *state = space->state;

	if (!is_pending(state, c))
		return state->inner.ops->retarget(&state->inner, c, target);
	c->target = target;
	return 0;
}

static int lazy_retarget_many(struct stub_space *space, struct callee *const *c,
			      const void *const *targets, size_t n, size_t *done)
{
	struct lazy_state *state = space->state;
	int error = 0;

	for (*done = 0; *done < n && !error;) {
		size_t run = 0, changed = 0;

		for (; *done < n && is_pending(state, c[*done]); ++*done)
			c[*done]->target = targets[*done];
		while (*done + run < n && !is_pending(state, c[*done + run]))
			run++;
		error = run ? stub_retarget_many(&state->inner, c + *done, targets + *done, run,
						 &changed)
			    : 0;
		*done += changed;
	}
	return error;
}

static void lazy_release(struct stub_space *space, struct callee *c)
{
	struct lazy_state *state = space->state;

	if (!is_pending(state, c)) {
		state->inner.ops->release(&state->inner, c);
		return;
	}
	forget(state, c->word);
	*c = (struct callee){ 0 };
}

static void lazy_reclaim(struct stub_space *space)
{
	struct lazy_state *state = space->state;

	if (state->inner.ops->reclaim)
		state->inner.ops->reclaim(&state->inner);
}

#define LAZY(placement, takes, own)                                                            \
	extern const struct stub_ops stub_##placement;                                         \
	const struct stub_ops stub_lazy_##placement = {                                        \
		.name = "lazy+" #placement,                                                    \
		.summary = "made at the first call, all pending ones in a batch: " #placement, \
		.inner = &stub_##placement,                                                    \
		.flags = STUB_DEFERRED | STUB_RETARGET_IN_PLACE | (takes),                     \
		.literals = (own),                                                             \
		.state = sizeof(struct lazy_state),                                            \
		.open = lazy_open,                                                             \
		.close = lazy_close,                                                           \
		.prepare = lazy_prepare,                                                       \
		.bind = lazy_bind,                                                             \
		.retarget = lazy_retarget,                                                     \
		.retarget_many = lazy_retarget_many,                                           \
		.release = lazy_release,                                                       \
		.reclaim = lazy_reclaim,                                                       \
	}

LAZY(page, STUB_CAN_BAKE | STUB_CAN_TABLE, STUB_LITERALS_BAKED);
LAZY(pool, STUB_CAN_TABLE, STUB_LITERALS_TABLE);
LAZY(template, STUB_CAN_BAKE | STUB_CAN_TABLE, STUB_LITERALS_BAKED);
