/*
 * lazy.c - no stub before the first call, or before the K-th. Wraps any placement (ops->inner).
 *
 *      bind:   callee.code -> trigger, one a space       pending: | a | b | c | ...
 *      call:   the trigger saves every argument register and asks the placement for the stubs that
 *              stub_config.policy says, in bulk where it can, then jumps to callee.code: the stub
 *
 * It trades a slower first call for an instantiation that makes no code at all. The policy trades
 * again: stubs that nobody calls against changes of protection (parts/policy.c).
 *
 * With stub_config.generic = K the trigger is an interpretive stub (parts/generic.c), and the first
 * K calls of a callee go through that; the next makes its stub. It trades slow calls of functions
 * that are seldom called for code that is never made. Under STUB_RENT the trigger is always
 * that, and the policy finds how many calls go through it: at least K.
 *
 * prepare is not passed on, as instantiation is to make nothing: it only refuses specs for which no
 * stub could be made later. Bodies and templates are made with the batch.
 *
 * If memory runs out in a batch, the stubs that it did not make stay pending, and the called one is
 * tried alone; if that fails too, the call reports it and the next call tries again:
 *      entry_js       returns STUB_VALUE_ERROR
 *      entry_native   runtime.raise(context), argv[0] = 0 where there is a result
 *      others         runtime.raise(context), returns zero
 * raise runs on top of the caller with exit_frame unchanged: a stack walk sees no frame of a stub.
 *
 * A pending callee must stay where it is in memory.
 *
 * Memory order: while a callee is pending, only the space writes its words; the placement publishes
 * the code pointer last, as in its own bind. Under `running` the trigger takes the lock, like any
 * hook of the space, and looks again whether the callee is still pending: of several first calls
 * one makes the stub, the others find it made. An interpreted call copies what it needs under the
 * lock and runs with the lock released, as does the embedder's raise, which may leave by longjmp. A
 * retarget of a pending callee is a store under the lock: a call that begins after the retarget's
 * return takes the lock later, and makes or interprets with the new target. Once the stub is made,
 * the placement's own argument holds (placed.c, pool.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../code/arena.h"
#include "../parts/generic.h"
#include "../parts/poison.h"
#include "../parts/policy.h"
#include "../parts/watched.h"

struct lazy_state {
	struct stub_space inner, *space;
	struct arena arena;
	const uint8_t *trigger;
	struct policy policy;
	struct pending_ring ring; /* a pending callee's word is its word in the ring */
	/* A batch's arrays, in one block, each as large as the ring. */
	struct stub_spec *specs;
	struct stub_callee **callees;
	uint32_t *batch;
	uint32_t room;
	struct poison poison;
};

static bool is_pending(const struct lazy_state *state, const struct stub_callee *c)
{
	return __atomic_load_n(&c->code, __ATOMIC_RELAXED) == state->trigger;
}

/* ---- Making ------------------------------------------------------------------------------- */

/* Makes the n stubs of batch in order; returns how many of them were made. */
static size_t bind_batch(struct lazy_state *state, size_t n)
{
	struct stub_space *inner = &state->inner;
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		state->specs[i] = pending_spec(&state->ring, state->batch[i]);
		state->callees[i] = state->ring.at[state->batch[i]].callee;
	}
	if (inner->ops->bind_many)
		return inner->ops->bind_many(inner, state->specs, state->callees, n) ? 0 : n;
	while (done < n && !inner->ops->bind(inner, &state->specs[done], state->callees[done]))
		done++;
	return done;
}

static size_t make_batch(struct lazy_state *state, size_t n)
{
	struct code_stats before, after;

	code_get_stats(state->inner.code, &before);
	size_t done = bind_batch(state, n);
	code_get_stats(state->inner.code, &after);
	if (done)
		policy_learn(&state->policy, &state->ring, state->batch, done,
			     after.syscalls - before.syscalls,
			     after.quanta_stubs - before.quanta_stubs);
	for (size_t i = 0; i < done; i++)
		pending_remove(&state->ring, state->batch[i]);
	return done;
}

/* If memory runs out part-way, the stub being called must be among those made: put it first. */
static void called_first(uint32_t *batch, uint32_t word)
{
	size_t at = 0;

	while (batch[at] != word)
		at++;
	memmove(batch + 1, batch, at * sizeof(*batch));
	batch[0] = word;
}

/* Makes c's stub and those that the policy adds. 0, or -ENOMEM: c is still pending. */
static int make(struct lazy_state *state, struct stub_callee *c)
{
	uint32_t word = (uint32_t)c->word;
	size_t n = policy_choose(&state->policy, &state->ring, word, state->batch);

	if (!state->policy.bulk)
		called_first(state->batch, word);
	make_batch(state, n);
	if (n > 1 && is_pending(state, c)) {
		state->batch[0] = word;
		make_batch(state, 1);
	}
	return is_pending(state, c) ? -ENOMEM : 0;
}

/* The result, for rax and xmm0 alike, of a call that can't be made; rdi is its first argument. */
static uint64_t report(const struct lazy_state *state, const struct stub_spec *spec, uint64_t rdi)
{
	if (spec->kind == STUB_ENTRY_JS)
		return (uint64_t)STUB_VALUE_ERROR << 48;
	if (spec->kind == STUB_ENTRY_NATIVE && stub_result(spec->signature) != STUB_VOID)
		*(uint64_t *)(uintptr_t)rdi = 0;
	state->inner.runtime.raise(spec->context);
	return 0;
}

/* The address where a call of c goes on; under poison a released callee's
 * word leads to the report. */
static const void *callable(const struct stub_callee *c)
{
	return c->code ? c->code : (const void *)(uintptr_t)c->word;
}

static void report_late(void *arg, uint8_t *r11, struct stub_callee *r10)
{
	const struct stub_space *space = arg;
	const struct lazy_state *state = space->state;

	(void)r11;
	space->runtime.released(
	    &(struct stub_owner){ .code = state->trigger,
				  .target = __atomic_load_n(&r10->target, __ATOMIC_RELAXED),
				  .context = __atomic_load_n(&r10->context, __ATOMIC_RELAXED) });
}

/* ---- The triggers ------------------------------------------------------------------------- */

/* See emit_trigger. */
static const void *first_call(void *arg, struct stub_callee *c, struct emit_saved *saved)
{
	struct lazy_state *state = arg;
	struct stub_spec spec = { 0 };
	int error = 0;

	stub_space_lock(state->space);
	if (is_pending(state, c)) {
		spec = pending_spec(&state->ring, (uint32_t)c->word);
		error = make(state, c);
	}
	const void *code = callable(c);
	stub_space_unlock(state->space);
	if (!error)
		return code;
	saved->rax = saved->xmm[0] = report(state, &spec, saved->rdi);
	return NULL;
}

/* See emit_interpreter. */
static enum emit_next any_call(void *arg, struct stub_callee *c, struct emit_call *call,
			       uint64_t *frame)
{
	struct lazy_state *state = arg;
	struct stub_spec spec = { 0 };
	bool interpret = false;
	int error = 0;

	stub_space_lock(state->space);
	if (is_pending(state, c)) {
		spec = pending_spec(&state->ring, (uint32_t)c->word);
		interpret = policy_waits(&state->policy, &state->ring, (uint32_t)c->word);
		error = interpret ? 0 : make(state, c);
	}
	call->target = callable(c);
	stub_space_unlock(state->space);
	if (interpret)
		return generic_before(&state->inner.runtime, &spec, (struct generic_frame *)call,
				      frame);
	if (!error)
		return EMIT_GO;
	call->rax = call->xmm0 = report(state, &spec, call->ints[0]);
	return EMIT_RETURN;
}

static void any_return(void *arg, struct emit_call *call, uint64_t *frame)
{
	const struct lazy_state *state = arg;

	generic_after(&state->inner.runtime, (struct generic_frame *)call, frame);
}

static int make_trigger(struct stub_space *space)
{
	struct lazy_state *state = space->state;
	const struct emit_hooks hooks = { any_call, any_return, state };
	bool markers = space->config.markers;
	uint8_t code[EMIT_MAX];
	struct emit_frames frames;
	size_t size =
	    space->config.generic || space->config.policy == STUB_RENT
		? emit_interpreter(code, markers, sizeof(struct generic_frame), &hooks, &frames)
		: emit_trigger(code, markers, first_call, state, &frames);

	state->trigger = arena_add(&state->arena, code, size);
	if (!state->trigger)
		return -errno;
	state->inner.pending = state->trigger;
	watched_code(space->code, STUB_ROLE_TRIGGER, space->ops->name, state->trigger, size,
		     &frames);
	return 0;
}

/* ---- The strategy ------------------------------------------------------------------------- */

static int lazy_open(struct stub_space *space)
{
	struct lazy_state *state = space->state;
	struct stub_config config = space->config;

	if ((unsigned)config.policy >= STUB_POLICIES)
		return -EINVAL;
	state->space = space;
	policy_open(&state->policy, config.policy, space->ops->inner->bind_many, config.generic);
	arena_init(&state->arena, space->code);
	int error = poison_open(&state->poison, space, report_late);
	if (error)
		return error;
	error = stub_space_open(&state->inner, space->ops->inner, space->code, &config,
				&space->runtime);
	if (error)
		poison_close(&state->poison);
	return error;
}

static void lazy_close(struct stub_space *space)
{
	struct lazy_state *state = space->state;

	stub_space_close(&state->inner);
	poison_close(&state->poison);
	arena_close(&state->arena);
	free(state->ring.at);
	free(state->specs);
}

static int lazy_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct lazy_state *state = space->state;
	int error = 0;

	for (size_t i = 0; i < n && !error; i++)
		error = emit_check(&specs[i], &space->runtime);
	/* A pending callee's stub is made later, but its sites must be fit to be called. */
	if (!error && state->inner.ops->attach)
		error = state->inner.ops->prepare(&state->inner, specs, 0);
	return error;
}

/* Makes room for a batch of all that can be pending: a call must not need the heap to make
 * stubs. The arrays hold nothing between batches, so nothing is copied. */
static int make_room(struct lazy_state *state)
{
	uint32_t n = state->room ? state->room * 2 : 64;
	struct stub_spec *specs =
	    malloc(n * (sizeof(*specs) + sizeof(*state->callees) + sizeof(*state->batch)));

	if (!specs)
		return -ENOMEM;
	free(state->specs);
	state->specs = specs;
	state->callees = (struct stub_callee **)(specs + n);
	state->batch = (uint32_t *)(state->callees + n);
	state->room = n;
	return 0;
}

static int lazy_bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	struct lazy_state *state = space->state;
	uint32_t word = 0;

	int error = lazy_prepare(space, spec, 1);
	if (!error && !state->trigger)
		error = make_trigger(space);
	if (!error && state->ring.count == state->room)
		error = make_room(state);
	if (!error)
		word = pending_add(&state->ring, spec, c);
	if (!word)
		return error ? error : -ENOMEM;
	c->target = spec->target;
	c->context = spec->context;
	c->word = word;
	__atomic_store_n(&c->code, state->trigger, __ATOMIC_RELEASE);
	return 0;
}

static void retarget_pending(struct lazy_state *state, struct stub_callee *c, const void *target)
{
	policy_retargeted(&state->policy, &state->ring, (uint32_t)c->word);
	c->target = target;
}

/* Of n stubs that are made. */
static int retarget_made(struct lazy_state *state, struct stub_callee *const *c,
			 const void *const *targets, size_t n, size_t *done)
{
	struct code_stats before, after;

	if (state->policy.policy != STUB_RENT)
		return stub_retarget_many(&state->inner, c, targets, n, done);
	code_get_stats(state->inner.code, &before);
	int error = stub_retarget_many(&state->inner, c, targets, n, done);
	code_get_stats(state->inner.code, &after);
	if (*done)
		policy_learn_retarget(&state->policy, (after.syscalls - before.syscalls) / *done);
	return error;
}

static int lazy_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	struct lazy_state *state = space->state;
	size_t done;

	if (!is_pending(state, c))
		return retarget_made(state, &c, &target, 1, &done);
	retarget_pending(state, c, target);
	return 0;
}

static int lazy_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			      const void *const *targets, size_t n, size_t *done)
{
	struct lazy_state *state = space->state;
	int error = 0;

	for (*done = 0; *done < n && !error;) {
		size_t run = 0, changed = 0;

		for (; *done < n && is_pending(state, c[*done]); ++*done)
			retarget_pending(state, c[*done], targets[*done]);
		while (*done + run < n && !is_pending(state, c[*done + run]))
			run++;
		if (run)
			error = retarget_made(state, c + *done, targets + *done, run, &changed);
		*done += changed;
	}
	return error;
}

/* Under poison, if the callee had no stub, its words name the owner to a late call through the
 * trigger. If it had one, the placement's slot names the owner in full. */
static void lazy_release(struct stub_space *space, struct stub_callee *c)
{
	struct lazy_state *state = space->state;
	struct stub_callee old = *c;
	enum emit_zero zero = EMIT_ZERO;

	if (is_pending(state, c)) {
		const struct pending *p = &state->ring.at[c->word];

		zero = emit_zero_of((enum stub_kind)p->kind, p->signature);
		pending_remove(&state->ring, (uint32_t)c->word);
	} else {
		state->inner.ops->release(&state->inner, c);
	}
	*c = (struct stub_callee){ 0 };
	if (space->config.poison)
		*c = (struct stub_callee){ .target = old.target,
					   .context = old.context,
					   .word = (uintptr_t)state->poison.entries[zero] };
}

static void lazy_reclaim(struct stub_space *space)
{
	struct lazy_state *state = space->state;

	if (state->inner.ops->reclaim)
		state->inner.ops->reclaim(&state->inner);
}

static bool lazy_made(const struct stub_space *space, const struct stub_callee *c)
{
	return !is_pending(space->state, c);
}

/* The sites of a pending callee stay at their pads, which lead to the trigger; the placement's bind
 * makes them direct. */
static int lazy_attach(struct stub_space *space, const struct stub_site *sites, size_t n)
{
	struct lazy_state *state = space->state;

	return state->inner.ops->attach(&state->inner, sites, n);
}

static void lazy_detach(struct stub_space *space, const void *from, const void *to)
{
	struct lazy_state *state = space->state;

	state->inner.ops->detach(&state->inner, from, to);
}

/* The flags that a placement has; then the hooks that only some have. */
#define LAZY(placement, takes, ...)                                                          \
	extern const struct stub_ops stub_##placement;                                       \
	const struct stub_ops stub_lazy_##placement = {                                      \
		.name = "lazy+" #placement,                                                  \
		.summary =                                                                   \
		    "made when called, together with those that a policy says: " #placement, \
		.inner = &stub_##placement,                                                  \
		.flags = STUB_DEFERRED | STUB_RETARGET_IN_PLACE | (takes),                   \
		.state = sizeof(struct lazy_state),                                          \
		.open = lazy_open,                                                           \
		.close = lazy_close,                                                         \
		.prepare = lazy_prepare,                                                     \
		.bind = lazy_bind,                                                           \
		.retarget = lazy_retarget,                                                   \
		.retarget_many = lazy_retarget_many,                                         \
		.release = lazy_release,                                                     \
		.reclaim = lazy_reclaim,                                                     \
		.made = lazy_made,                                                           \
		__VA_ARGS__                                                                  \
	}

LAZY(page, STUB_CAN_BAKE | STUB_CAN_TABLE, );
LAZY(pool, STUB_CAN_TABLE | STUB_CAN_SHARE | STUB_COMPACT, );
LAZY(island, STUB_CAN_TABLE | STUB_CAN_SHARE | STUB_COMPACT, );
LAZY(template, STUB_CAN_BAKE | STUB_CAN_TABLE | STUB_COMPACT, );
LAZY(near, STUB_CAN_BAKE | STUB_CAN_TABLE | STUB_COMPACT, .attach = lazy_attach,
     .detach = lazy_detach);
