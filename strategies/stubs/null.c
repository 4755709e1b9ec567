/*
 * null.c - the floor: no stub for any single function.
 *
 *      caller --- call [r10] ---> adapter (one a kind and signature) --- call [r10+8] ---> target
 *                   r10 ------->  | code | target | context | word |
 *
 * Compiled callers that know the target call it themselves (STUB_DIRECT): whatever a stub costs,
 * it costs on top of that. Callers with another calling convention go through an adapter that
 * reads both literals from the callee: there is no code per function, and no placement to
 * measure. Retarget is one store to callee->target. An adapter reads that word once, after the
 * caller's arguments are in place: it calls the old target or the new one. The store of the code
 * pointer (release) publishes the words; a caller that has read the pointer reads the words
 * through the same callee. So callers may run meanwhile: a retarget replaces one word, and
 * leaves nothing to reclaim.
 *
 * Poison: adapters are shared, so the callee's own words are poisoned, for as long as the embedder
 * leaves them alone: code is NULL and word leads to the report. The reported slot is the adapter.
 */
#include "../parts/bodies.h"
#include "../parts/poison.h"

struct null_state {
	struct arena arena;
	struct bodies bodies;
	struct emit_config emit;
	struct poison poison;
};

static void report(void *arg, uint8_t *r11, struct stub_callee *r10)
{
	const struct stub_space *space = arg;

	space->runtime.released(
	    &(struct stub_owner){ .code = r11,
				  .target = __atomic_load_n(&r10->target, __ATOMIC_RELAXED),
				  .context = __atomic_load_n(&r10->context, __ATOMIC_RELAXED) });
}

static int null_open(struct stub_space *space)
{
	struct null_state *state = space->state;

	arena_init(&state->arena, space->code);
	state->emit = (struct emit_config){ .form = EMIT_CALLEE,
					    .markers = space->config.markers,
					    .distance = code_literal_distance(space->code),
					    .runtime = space->runtime,
					    .poison = space->config.poison,
					    .by = space->ops->name };
	return poison_open(&state->poison, space, report);
}

static void null_close(struct stub_space *space)
{
	struct null_state *state = space->state;

	poison_close(&state->poison);
	bodies_close(&state->bodies);
	arena_close(&state->arena);
}

static int null_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct null_state *state = space->state;

	return bodies_prepare(&state->bodies, &state->arena, &state->emit, 0, specs, n);
}

static int null_bind_many(struct stub_space *space, const struct stub_spec *specs,
			  struct stub_callee *const *c, size_t n)
{
	struct null_state *state = space->state;

	int error = null_prepare(space, specs, n);
	if (error)
		return error;
	for (size_t i = 0; i < n; i++)
		bodies_bind(&state->bodies, &specs[i], c[i]);
	return 0;
}

static int null_bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	return null_bind_many(space, spec, &c, 1);
}

static void null_release(struct stub_space *space, struct stub_callee *c)
{
	struct null_state *state = space->state;

	if (!space->config.poison) {
		*c = (struct stub_callee){ 0 };
		return;
	}
	/* Store the word first: an adapter reads it as soon as it has seen that code is NULL. */
	enum emit_zero zero = bodies_at(&state->bodies, c->code)->zero;
	c->word = (uintptr_t)state->poison.entries[zero];
	__atomic_store_n(&c->code, NULL, __ATOMIC_RELEASE);
}

const struct stub_ops stub_null = {
	.name = "null",
	.summary = "no stub: direct calls, or one adapter a signature (the floor)",
	.flags = STUB_DIRECT | STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_TABLE,
	.state = sizeof(struct null_state),
	.open = null_open,
	.close = null_close,
	.prepare = null_prepare,
	.bind = null_bind,
	.bind_many = null_bind_many,
	.retarget = bodies_retarget,
	.retarget_many = bodies_retarget_many,
	.release = null_release,
};
