/*
 * stub_pool.c - quanta of identical slots, what differs lies beside them.
 *
 *      p: 16 bytes of code            p+S: 16 bytes            p+2S: 16 bytes
 *      | lea r11, [rip+S]; jmp [r11] | | body | target |  ...  | context | owner |
 *                     |                    |
 *                     +--------------------+-->  body: one a kind and signature, shared
 *
 * A quantum of slots is written and made executable once, for ever; from then on binding, changing
 * and releasing a stub are stores of data. It trades a jump and the loads of two literals in each
 * call for that, and for 48 bytes a stub with all of them side by side. Every quantum of slots
 * holds the same bytes. Bodies and the trap of free slots lie in an arena of their own.
 *
 * Free slots form a list through their owner word, the last released first; slots that nobody had
 * yet are taken in order. A released slot's body is a trap; quanta are not given back.
 *
 * Memory order: bind stores context, target, then body (release), then the callee's code pointer
 * (release): who sees the pointer sees the literals. Retarget is one aligned store of the target
 * word; the body reads it once, in its call instruction: the old one or the new.
 */
#include <errno.h>
#include <string.h>

#include "bodies.h"

struct pool_slots {
	uint8_t *next, *end;
};

struct pool_state {
	struct arena arena;
	struct bodies bodies;
	struct emit_config emit;
	const uint8_t *trap;
	struct pool_slots fresh, more; /* never used: taken from in this order */
	uint8_t *free;
	size_t nfree;
};

/* A slot's words at p+S and p+2S. */
struct pool_code {
	const void *body, *target;
};
struct pool_data {
	void *context;
	void *owner; /* the callee; in a free slot the next free one */
};

static struct pool_code *code_of(const struct pool_state *state, uint8_t *slot)
{
	return (struct pool_code *)(slot + state->emit.distance);
}

static struct pool_data *data_of(const struct pool_state *state, uint8_t *slot)
{
	return (struct pool_data *)(slot + 2 * state->emit.distance);
}

static int pool_open(struct stub_space *space)
{
	struct pool_state *state = space->state;

	arena_init(&state->arena, space->code);
	state->emit = (struct emit_config){ .form = EMIT_BEHIND,
					    .markers = space->config.markers,
					    .distance = code_literal_distance(space->code),
					    .runtime = space->runtime };
	return 0;
}

static void pool_close(struct stub_space *space)
{
	struct pool_state *state = space->state;

	bodies_close(&state->bodies);
	arena_close(&state->arena);
}

/* The trap comes with the first bodies, under the same change of protection. */
static int pool_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct pool_state *state = space->state;
	uint8_t code[EMIT_SLOT], *trap = NULL;

	if (!state->trap) {
		size_t size = emit_trap(code, space->config.markers);

		trap = arena_take(&state->arena, size);
		if (!trap)
			return -ENOMEM;
		memcpy(code_writable(space->code, trap), code, size);
	}
	int error = bodies_prepare(&state->bodies, &state->arena, &state->emit, specs, n);
	if (trap && error)
		arena_give(&state->arena, trap, EMIT_SLOT);
	else if (trap)
		state->trap = trap;
	return error;
}

static size_t count(const struct pool_slots *slots)
{
	return (size_t)(slots->end - slots->next) / EMIT_SLOT;
}

/* Sees to n slots that can be taken: what is missing is made in one run of quanta. */
static int provide(struct stub_space *space, size_t n)
{
	struct pool_state *state = space->state;
	size_t mask = code_config(space->code)->quantum - 1;
	size_t have = state->nfree + count(&state->fresh);

	if (n <= have)
		return 0;
	size_t bytes = ((n - have) * EMIT_SLOT + mask) & ~mask;
	uint8_t *at = code_reserve(space->code, CODE_STUBS, bytes);
	if (!at)
		return -ENOMEM;
	uint8_t head[EMIT_SLOT];
	uint8_t *write = code_writable(space->code, at);
	memset(head, 0xcc, sizeof(head)); /* int3 behind the jump */
	emit_head(head, state->emit.distance, space->config.markers);
	for (size_t i = 0; i < bytes; i += EMIT_SLOT)
		memcpy(write + i, head, EMIT_SLOT);
	int error = code_commit(space->code, at, bytes);
	if (error) {
		code_abort(space->code, at, bytes);
		return error;
	}
	state->more = (struct pool_slots){ at, at + bytes };
	return 0;
}

static uint8_t *take(struct pool_state *state)
{
	uint8_t *slot = state->free;

	if (slot) {
		state->free = data_of(state, slot)->owner;
		state->nfree--;
		return slot;
	}
	if (!count(&state->fresh))
		state->fresh = state->more;
	slot = state->fresh.next;
	state->fresh.next += EMIT_SLOT;
	return slot;
}

static int pool_bind_many(struct stub_space *space, const struct stub_spec *specs,
			  struct callee *const *c, size_t n)
{
	struct pool_state *state = space->state;

	int error = pool_prepare(space, specs, n);
	if (!error)
		error = provide(space, n);
	if (error)
		return error;
	for (size_t i = 0; i < n; i++) {
		const struct stub_spec *spec = &specs[i];
		const struct body *body =
		    bodies_find(&state->bodies, spec->kind, spec->signature, EMIT_BEHIND);
		uint8_t *slot = take(state);

		*data_of(state, slot) = (struct pool_data){ spec->context, c[i] };
		code_of(state, slot)->target = spec->target;
		__atomic_store_n(&code_of(state, slot)->body, body->code, __ATOMIC_RELEASE);
		c[i]->target = spec->target;
		c[i]->context = spec->context;
		c[i]->word = (uintptr_t)slot;
		__atomic_store_n(&c[i]->code, slot, __ATOMIC_RELEASE);
	}
	code_account(space->code, CODE_STUBS, (ptrdiff_t)(n * EMIT_SLOT));
	code_account(space->code, CODE_LITERALS, (ptrdiff_t)(n * 32));
	return 0;
}

static int pool_bind(struct stub_space *space, const struct stub_spec *spec, struct callee *c)
{
	return pool_bind_many(space, spec, &c, 1);
}

static int pool_retarget(struct stub_space *space, struct callee *c, const void *target)
{
	struct pool_code *code = code_of(space->state, (uint8_t *)(uintptr_t)c->word);

	__atomic_store_n(&code->target, target, __ATOMIC_RELEASE);
	c->target = target;
	return 0;
}

static void pool_release(struct stub_space *space, struct callee *c)
{
	struct pool_state *state = space->state;
	uint8_t *slot = (uint8_t *)(uintptr_t)c->word;

	*c = (struct callee){ 0 };
	__atomic_store_n(&code_of(state, slot)->body, state->trap, __ATOMIC_RELEASE);
	*data_of(state, slot) = (struct pool_data){ NULL, state->free };
	state->free = slot;
	state->nfree++;
	code_account(space->code, CODE_STUBS, -EMIT_SLOT);
	code_account(space->code, CODE_LITERALS, -32);
}

const struct stub_ops stub_pool = {
	.name = "pool",
	.summary = "identical 16-byte slots made a quantum at once, literals beside them",
	.flags = STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_TABLE,
	.literals = STUB_LITERALS_TABLE,
	.state = sizeof(struct pool_state),
	.open = pool_open,
	.close = pool_close,
	.prepare = pool_prepare,
	.bind = pool_bind,
	.bind_many = pool_bind_many,
	.retarget = pool_retarget,
	.release = pool_release,
};
