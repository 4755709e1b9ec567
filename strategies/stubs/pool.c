/*
 * pool.c - quanta of identical slots; the stubs differ in data beside them. There are two sorts:
 *
 *   head       p: 16 bytes of code            p+S: 16 bytes         p+2S: 16 bytes
 *              | lea r11, [rip+S]; jmp [r11] | | body | target | ... | context | bound |
 *                     |                           |
 *                     +---------------------------+-->  body: one a kind and signature, shared
 *
 *   whole      | mov rdi, [rip+S+8]; jmp [rip+S] | | target | context |
 *              (indirect without markers: 13 bytes, the same for every signature)
 *
 * A quantum of slots is written and made executable once, for ever; from then on binding, changing
 * and releasing a stub are stores of data. A head takes 48 bytes, whatever its signature; it pays
 * with a jump, the loads of its literals, and a call that the branch predictor sees at one place
 * for all stubs of a signature. A whole stub takes 32 bytes and pays only with the loads. Quanta of
 * one sort hold the same bytes, and can be one physical quantum (code_config.share). Bodies and the
 * trap of free slots lie in an arena.
 *
 * A free slot leads to a trap. The lowest is taken first, and the stubs of the highest quanta move
 * down so that these can be given back (parts/slots.h).
 *
 * Memory order: bind stores the other literals, then the word that the slot jumps through
 * (release), then the callee's code pointer (release): a thread that sees the pointer sees the
 * literals. Retarget is one aligned store of the target word; the instruction that goes to the
 * target reads it once, so it is the old one or the new. A thread that knows that retarget has
 * returned sees the new word, as x86 stores become visible in order. Code is only written in quanta
 * (or, under dual and rwx, in parts of the arena) where no stub lies yet, and is committed before
 * anything leads to it: so callers may run meanwhile, under every policy, and a retarget leaves
 * nothing to reclaim. A stub that moves is bound anew: a caller that has read the old pointer finds
 * the old slot and its words unchanged until the next reclaim.
 *
 * Poison: a slot's jump leads to the report; its other words stay and name the owner. Poisoned
 * pools make no whole slots: these could not tell the report where they lie.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../parts/bodies.h"
#include "../parts/poison.h"
#include "../parts/slots.h"
#include "../parts/watched.h"

enum pool_sort { POOL_HEAD, POOL_WHOLE, POOL_SORTS };

struct pool_slots {
	struct slots slots;	 /* must be first */
	uint8_t code[EMIT_SLOT]; /* of each slot */
};
_Static_assert(!offsetof(struct pool_slots, slots), "write_slots finds the slots there");

struct pool_state {
	struct arena arena;
	struct bodies bodies;
	struct emit_config emit;
	uintptr_t from; /* address of slot 0 */
	const uint8_t *trap;
	unsigned whole; /* bits 1 << kind: the kinds that take whole slots */
	struct pool_slots slots[POOL_SORTS];
	struct poison poison;
	const struct stub_watch *watch; /* the code memory's */
};

/* A slot's words at p+S: the slot jumps through the first. */
struct pool_words {
	const void *jump; /* head: body; whole: target */
	void *second;	  /* head: target; whole: context */
};

static struct pool_words *words_of(const struct pool_state *state, uint8_t *slot)
{
	return (struct pool_words *)(slot + state->emit.distance);
}

/* A head's words at p+2S, which its body reads. */
struct pool_more {
	void *context;
	uint64_t bound; /* the one bound argument, or the address of several */
};

static struct pool_more *more_of(const struct pool_state *state, uint8_t *slot)
{
	return (struct pool_more *)(slot + 2 * state->emit.distance);
}

static uint32_t number_of(const struct pool_state *state, const void *slot)
{
	return (uint32_t)(((uintptr_t)slot - state->from) / EMIT_SLOT);
}

static uint8_t *slot_at(const struct pool_state *state, uint32_t number)
{
	return (uint8_t *)(state->from + (uintptr_t)number * EMIT_SLOT);
}

/* A callee's word keeps these (slots_own), and so does a name in the quarantine. */
static unsigned traits_of(const struct stub_spec *spec, enum pool_sort sort)
{
	return (unsigned)emit_zero_of(spec->kind, spec->signature) << 1 | sort;
}

static enum pool_sort sort_of(uint64_t traits)
{
	return (enum pool_sort)(traits & 1);
}

static enum emit_zero zero_of(uint64_t traits)
{
	return (enum emit_zero)(traits >> 1 & 3);
}

static void report(void *arg, uint8_t *r11, struct stub_callee *r10)
{
	const struct stub_space *space = arg;
	const struct pool_state *state = space->state;
	uint8_t *slot = r11 - state->emit.distance;

	(void)r10;
	space->runtime.released(&(struct stub_owner){
	    .code = slot,
	    .target = __atomic_load_n(&words_of(state, slot)->second, __ATOMIC_RELAXED),
	    .context = __atomic_load_n(&more_of(state, slot)->context, __ATOMIC_RELAXED) });
}

static void write_slots(struct slots *slots, uint8_t *at, uint32_t n)
{
	const struct pool_slots *of = (const struct pool_slots *)slots;
	uint8_t *write = code_writable(slots->code, at);

	for (size_t i = 0; i < (size_t)n << slots->size; i += EMIT_SLOT)
		memcpy(write + i, of->code, EMIT_SLOT);
}

static int pool_open(struct stub_space *space)
{
	struct pool_state *state = space->state;
	size_t distance = code_literal_distance(space->code);
	bool markers = space->config.markers;
	struct pool_slots *head = &state->slots[POOL_HEAD], *whole = &state->slots[POOL_WHOLE];
	const struct code_config *config = code_get_config(space->code);
	uintptr_t to;

	arena_init(&state->arena, space->code);
	state->emit = (struct emit_config){ .form = EMIT_BEHIND,
					    .markers = markers,
					    .distance = distance,
					    .runtime = space->runtime,
					    .by = space->ops->name };
	state->watch = config->watch;
	code_range(space->code, CODE_STUBS, &state->from, &to);
	for (unsigned sort = 0; sort < POOL_SORTS; sort++) {
		struct slots *slots = &state->slots[sort].slots;

		slots_open(slots, space->code, config->quantum / EMIT_SLOT);
		slots->write = write_slots;
		slots->by = space->ops->name;
		slots->literals = sort == POOL_HEAD ? 32 : 16;
	}
	memset(head->code, 0xcc, EMIT_SLOT); /* int3 behind the jumps */
	memset(whole->code, 0xcc, EMIT_SLOT);
	emit_head(head->code, distance, markers);
	for (unsigned kind = 0; kind < STUB_KINDS && !space->config.poison; kind++)
		if (emit_whole(whole->code, kind, distance, markers))
			state->whole |= 1u << kind;
	return poison_open(&state->poison, space, report);
}

static void pool_close(struct stub_space *space)
{
	struct pool_state *state = space->state;

	poison_close(&state->poison);
	bodies_close(&state->bodies);
	arena_close(&state->arena);
	for (unsigned sort = 0; sort < POOL_SORTS; sort++)
		slots_close(&state->slots[sort].slots);
}

/* The trap is made with the first bodies, under the same change of protection. */
static int pool_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct pool_state *state = space->state;
	uint8_t code[EMIT_SLOT], *trap = NULL;

	if (!state->trap) {
		size_t size = emit_trap(code, space->config.markers);

		trap = arena_take(&state->arena, size);
		if (!trap)
			return -errno;
		memcpy(code_writable(space->code, trap), code, size);
		watched_code(space->code, STUB_ROLE_TRAP, space->ops->name, trap, size, NULL);
	}
	int error =
	    bodies_prepare(&state->bodies, &state->arena, &state->emit, state->whole, specs, n);
	if (trap && error)
		arena_give(&state->arena, trap, EMIT_SLOT);
	else if (trap)
		state->trap = trap;
	return error;
}

static enum pool_sort sort_wanted(const struct pool_state *state, const struct stub_spec *spec)
{
	return state->whole >> spec->kind & 1 ? POOL_WHOLE : POOL_HEAD;
}

static void bind_one(struct pool_state *state, const struct stub_spec *spec, struct stub_callee *c)
{
	enum pool_sort sort = sort_wanted(state, spec);
	uint8_t *slot =
	    slot_at(state, slots_take(&state->slots[sort].slots, c, traits_of(spec, sort)));
	struct pool_words *words = words_of(state, slot);
	const void *jump = spec->target;

	if (sort == POOL_HEAD) {
		uint64_t bound = spec->nbound == 1 ? *spec->bound : (uintptr_t)spec->bound;

		jump = bodies_find(&state->bodies, spec, EMIT_BEHIND)->code;
		__atomic_store_n(&more_of(state, slot)->context, spec->context, __ATOMIC_RELAXED);
		more_of(state, slot)->bound = bound;
		__atomic_store_n(&words->second, (void *)(uintptr_t)spec->target, __ATOMIC_RELAXED);
	} else {
		words->second = spec->context;
	}
	__atomic_store_n(&words->jump, jump, __ATOMIC_RELEASE);
	c->target = spec->target;
	c->context = spec->context;
	__atomic_store_n(&c->code, slot, __ATOMIC_RELEASE);
}

static int pool_bind_many(struct stub_space *space, const struct stub_spec *specs,
			  struct stub_callee *const *c, size_t n)
{
	struct pool_state *state = space->state;
	size_t wanted[POOL_SORTS] = { 0 };

	int error = pool_prepare(space, specs, n);
	for (size_t i = 0; i < n && !error; i++)
		wanted[sort_wanted(state, &specs[i])]++;
	for (unsigned sort = 0; sort < POOL_SORTS && !error; sort++)
		error = slots_provide(&state->slots[sort].slots, wanted[sort]);
	for (unsigned sort = 0; sort < POOL_SORTS && error; sort++)
		slots_trim(&state->slots[sort].slots); /* one sort may have found room */
	if (error)
		return error;
	for (size_t i = 0; i < n; i++)
		bind_one(state, &specs[i], c[i]);
	for (unsigned sort = 0; sort < POOL_SORTS; sort++)
		if (wanted[sort])
			slots_account(&state->slots[sort].slots);
	for (size_t i = 0; state->watch && i < n; i++)
		watched_slot(space->code, space->ops->name, c[i]->code, EMIT_SLOT, &specs[i]);
	return 0;
}

static int pool_bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	return pool_bind_many(space, spec, &c, 1);
}

/* A whole slot jumps through its first word, a head's body calls through the second. */
static void retarget(size_t distance, struct stub_callee *c, const void *target)
{
	const void **words = (const void **)((uintptr_t)c->code + distance);

	__atomic_store_n(&words[sort_of(slots_own(c)) == POOL_HEAD], target, __ATOMIC_RELEASE);
	__atomic_store_n(&c->target, target, __ATOMIC_RELAXED);
}

static int pool_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	const struct pool_state *state = space->state;

	retarget(state->emit.distance, c, target);
	return 0;
}

static int pool_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			      const void *const *targets, size_t n, size_t *done)
{
	const struct pool_state *state = space->state;
	size_t distance = state->emit.distance;

	for (size_t i = 0; i < n; i++)
		retarget(distance, c[i], targets[i]);
	*done = n;
	return 0;
}

static void free_slot(struct pool_state *state, enum pool_sort sort, uint8_t *slot)
{
	__atomic_store_n(&words_of(state, slot)->jump, state->trap, __ATOMIC_RELEASE);
	slots_free(&state->slots[sort].slots, number_of(state, slot));
}

/* A name in the quarantine is a slot's address and, below it, its traits. */
static void pool_release(struct stub_space *space, struct stub_callee *c)
{
	struct pool_state *state = space->state;
	uint8_t *slot = (uint8_t *)(uintptr_t)c->code;
	uint64_t traits = slots_own(c);

	slots_leave(&state->slots[sort_of(traits)].slots, c, number_of(state, slot));
	*c = (struct stub_callee){ 0 };
	if (poisoned(&state->poison)) {
		__atomic_store_n(&words_of(state, slot)->jump,
				 state->poison.entries[zero_of(traits)], __ATOMIC_RELEASE);
		uint64_t name = poison_pass(&state->poison, (uintptr_t)slot | traits);
		if (!name)
			return;
		slot = (uint8_t *)(uintptr_t)(name & ~(uint64_t)(EMIT_SLOT - 1));
		traits = name & (EMIT_SLOT - 1);
	}
	if (state->watch)
		state->watch->gone(state->watch->arg, slot, EMIT_SLOT);
	free_slot(state, sort_of(traits), slot);
}

/* The words of the copy come before the code pointer, as in bind. The old slot stays as it is. */
static void move(void *arg, struct stub_callee *c, uint32_t to)
{
	const struct pool_state *state = arg;
	uint8_t *old = (uint8_t *)(uintptr_t)c->code, *slot = slot_at(state, to);
	struct pool_words *words = words_of(state, slot);

	if (sort_of(slots_own(c)) == POOL_HEAD) {
		__atomic_store_n(&more_of(state, slot)->context, c->context, __ATOMIC_RELAXED);
		more_of(state, slot)->bound = more_of(state, old)->bound;
	}
	__atomic_store_n(&words->second, words_of(state, old)->second, __ATOMIC_RELAXED);
	__atomic_store_n(&words->jump, words_of(state, old)->jump, __ATOMIC_RELEASE);
	__atomic_store_n(&c->code, slot, __ATOMIC_RELEASE);
	if (state->watch)
		state->watch->moved(state->watch->arg, old, slot);
}

/* Poisoned stubs stay where they are: stale callers are known by the slot that they call. */
static void pool_reclaim(struct stub_space *space)
{
	struct pool_state *state = space->state;

	for (unsigned sort = 0; sort < POOL_SORTS && !space->config.poison; sort++)
		slots_compact(&state->slots[sort].slots, space->config.running, move, state);
}

const struct stub_ops stub_pool = {
	.name = "pool",
	.summary = "identical 16-byte slots made a quantum at once, literals beside them",
	.flags =
	    STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_TABLE | STUB_CAN_SHARE | STUB_COMPACT,
	.state = sizeof(struct pool_state),
	.open = pool_open,
	.close = pool_close,
	.prepare = pool_prepare,
	.bind = pool_bind,
	.bind_many = pool_bind_many,
	.retarget = pool_retarget,
	.retarget_many = pool_retarget_many,
	.release = pool_release,
	.reclaim = pool_reclaim,
};
