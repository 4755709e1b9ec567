/*
 * island.c - the fewest bytes a stub: 12.8 if it is indirect, none of any other kind, for these it
 * is null.c, except for callers that know their target. A stub's literals are its callee's words,
 * which every strategy keeps; its caller has just read their line.
 *
 *   indirect     callee -> | mov rdi, [r10+16]; jmp [r10+8] | ...    a slot: 12 bytes, five a line
 *
 *   other kinds  callee -> body, one a kind and signature, that reads [r10+8], [r10+16], [r10+24]
 *
 * An indirect stub has no body. Its slot is there for the branch predictor, to which its jump is
 * one of its own. By trial on an Emerald Rapids guest (64, 256 and 4,096 live, of pool's time):
 * such slots 1.0, 1.0, 0.9; one adapter for all callees, which takes no bytes, 1.1, 1.1, 7.5. The
 * code is 8 bytes, but eight jumps a line are too many for the predictor of a Zen 3 guest: by trial
 * with 1,024 live 2.0 of pool's time, six a line 1.2, five or four 0.95.
 *
 * Stubs with a body share the body's call anyway. Without slots, by an accepted run on a Zen 4
 * guest (64 and 4,096 live, of pool's time): entry_js 0.31, 0.49, exit_js 0.45, 0.57, builtin 1.08,
 * 0.57. By trial there, with slots of 4 bytes that only say which they are (`push i; jmp head`)
 * around a head that finds the body in a table: entry_js 0.22, 1.01, builtin 0.97, 1.02.
 *
 * The price: a stub is known by its callee, not by its code address. Compiled callers pass the
 * callee (stub.h), and C enters through stub_call_pad. Under poison a stale code pointer must name
 * the stub whoever the caller is: such a space is pool's.
 *
 * Slots are written a quantum at a time, for ever, and never changed; all quanta hold the same
 * bytes (code_config.share). The lowest free slot is taken first, and the stubs of the highest
 * quanta move down so that these can be given back (parts/slots.h). A free slot does what its
 * callee says, as any does.
 *
 * Memory order: bind stores the callee's words, then its code pointer (release). Retarget is one
 * aligned store of the target to the callee, which the stub reads once: a call under way goes to
 * the old target or the new. So callers may run meanwhile, under every policy, and a retarget
 * leaves nothing to reclaim. A stub that moves leaves its old slot as it is: a caller that has read
 * the old pointer finds it unchanged until the next reclaim.
 */
#include <stddef.h>
#include <string.h>

#include "../parts/bodies.h"
#include "../parts/slots.h"
#include "../parts/watched.h"

extern const struct stub_ops stub_pool;

struct island_state {
	struct slots slots;	/* must be first */
	struct stub_space pool; /* under poison; else zeroed */
	struct arena arena;
	struct bodies bodies;
	struct emit_config emit;	/* of these */
	const struct stub_watch *watch; /* the code memory's */
};
_Static_assert(!offsetof(struct island_state, slots), "write_slots finds the state there");

static struct stub_space *pool_of(struct stub_space *space)
{
	struct island_state *state = space->state;

	return space->config.poison ? &state->pool : NULL;
}

/* ---- Slots --------------------------------------------------------------------------------- */

/* Of n slots, EMIT_BARE_LINE in each line. */
static size_t bytes_before(uint32_t n)
{
	return n / EMIT_BARE_LINE * EMIT_LINE + n % EMIT_BARE_LINE * EMIT_BARE_SLOT;
}

static uint8_t *slot_at(const struct island_state *state, uint32_t number)
{
	const struct slots *s = &state->slots;

	return slots_address(s, slots_quantum(s, number)) + bytes_before(slots_index(s, number));
}

static uint32_t number_of(const struct island_state *state, const void *slot)
{
	const struct slots *s = &state->slots;
	const uint32_t at = (uint32_t)((uintptr_t)slot & (((uintptr_t)1 << s->size) - 1));

	return slots_quantum_at(s, slot) << s->bits |
	       (at / EMIT_LINE * EMIT_BARE_LINE + at % EMIT_LINE / EMIT_BARE_SLOT);
}

static void write_slots(struct slots *slots, uint8_t *at, uint32_t n)
{
	const struct island_state *state = (const struct island_state *)slots;
	uint8_t *write = code_writable(slots->code, at), line[EMIT_LINE];

	emit_bare_line(line, state->emit.markers);
	for (size_t i = 0; i < (size_t)n << slots->size; i += EMIT_LINE)
		memcpy(write + i, line, EMIT_LINE);
}

/* ---- The strategy -------------------------------------------------------------------------- */

static int island_open(struct stub_space *space)
{
	struct island_state *state = space->state;
	const struct code_config *config = code_get_config(space->code);

	if (space->config.poison)
		return stub_space_open(&state->pool, &stub_pool, space->code, &space->config,
				       &space->runtime);
	slots_open(&state->slots, space->code, config->quantum / EMIT_LINE * EMIT_BARE_LINE);
	state->slots.write = write_slots;
	state->slots.by = space->ops->name;
	arena_init(&state->arena, space->code);
	state->emit = (struct emit_config){ .form = EMIT_CALLEE,
					    .markers = space->config.markers,
					    .runtime = space->runtime,
					    .by = space->ops->name };
	state->watch = config->watch;
	return 0;
}

static void island_close(struct stub_space *space)
{
	struct island_state *state = space->state;

	stub_space_close(&state->pool);
	bodies_close(&state->bodies);
	arena_close(&state->arena);
	slots_close(&state->slots);
}

static int island_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct island_state *state = space->state;
	struct stub_space *pool = pool_of(space);

	if (pool)
		return pool->ops->prepare(pool, specs, n);
	return bodies_prepare(&state->bodies, &state->arena, &state->emit, 1u << STUB_INDIRECT,
			      specs, n);
}

static void bind_slot(struct island_state *state, const struct stub_spec *spec,
		      struct stub_callee *c)
{
	const uint32_t number = slots_take(&state->slots, c, 0);

	c->target = spec->target;
	c->context = spec->context;
	__atomic_store_n(&c->code, slot_at(state, number), __ATOMIC_RELEASE);
}

static int island_bind_many(struct stub_space *space, const struct stub_spec *specs,
			    struct stub_callee *const *c, size_t n)
{
	struct island_state *state = space->state;
	struct stub_space *pool = pool_of(space);
	size_t slots = 0;

	if (pool)
		return pool->ops->bind_many(pool, specs, c, n);
	int error = island_prepare(space, specs, n);
	for (size_t i = 0; i < n; i++)
		slots += specs[i].kind == STUB_INDIRECT;
	if (!error)
		error = slots_provide(&state->slots, slots);
	if (error)
		return error;
	for (size_t i = 0; i < n; i++) {
		if (specs[i].kind != STUB_INDIRECT) {
			bodies_bind(&state->bodies, &specs[i], c[i]);
			continue;
		}
		bind_slot(state, &specs[i], c[i]);
		if (state->watch)
			watched_slot(space->code, space->ops->name, c[i]->code, EMIT_BARE_SLOT,
				     &specs[i]);
	}
	slots_account(&state->slots);
	return 0;
}

static int island_bind(struct stub_space *space, const struct stub_spec *spec,
		       struct stub_callee *c)
{
	return island_bind_many(space, spec, &c, 1);
}

static int island_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	struct stub_space *pool = pool_of(space);

	return pool ? pool->ops->retarget(pool, c, target) : bodies_retarget(space, c, target);
}

static int island_retarget_many(struct stub_space *space, struct stub_callee *const *c,
				const void *const *targets, size_t n, size_t *done)
{
	struct stub_space *pool = pool_of(space);

	return pool ? pool->ops->retarget_many(pool, c, targets, n, done)
		    : bodies_retarget_many(space, c, targets, n, done);
}

static void island_release(struct stub_space *space, struct stub_callee *c)
{
	struct island_state *state = space->state;
	struct stub_space *pool = pool_of(space);

	if (pool) {
		pool->ops->release(pool, c);
		return;
	}
	if (slots_holds(c)) {
		const uint32_t number = number_of(state, c->code);

		slots_leave(&state->slots, c, number);
		if (state->watch)
			state->watch->gone(state->watch->arg, c->code, EMIT_BARE_SLOT);
		slots_free(&state->slots, number);
	}
	*c = (struct stub_callee){ 0 };
}

static void move(void *arg, struct stub_callee *c, uint32_t to)
{
	const struct island_state *state = arg;
	const uint8_t *old = c->code, *slot = slot_at(state, to);

	__atomic_store_n(&c->code, slot, __ATOMIC_RELEASE);
	if (state->watch)
		state->watch->moved(state->watch->arg, old, slot);
}

/* Pool's poisoned stubs stay where they are. */
static void island_reclaim(struct stub_space *space)
{
	struct island_state *state = space->state;

	if (!space->config.poison)
		slots_compact(&state->slots, space->config.running, move, state);
}

const struct stub_ops stub_island = {
	.name = "island",
	.summary =
	    "12-byte slots for indirect calls, else one body a signature: both read the callee",
	.flags =
	    STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_TABLE | STUB_CAN_SHARE | STUB_COMPACT,
	.state = sizeof(struct island_state),
	.open = island_open,
	.close = island_close,
	.prepare = island_prepare,
	.bind = island_bind,
	.bind_many = island_bind_many,
	.retarget = island_retarget,
	.retarget_many = island_retarget_many,
	.release = island_release,
	.reclaim = island_reclaim,
};
