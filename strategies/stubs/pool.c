/*
 * pool.c - quanta of identical slots; what differs lies in data beside them. There are two sorts:
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
 * Free slots form a list through their second literal word, the last released first; slots that
 * were never used are taken in order. A free slot leads to a trap. Quanta are not given back.
 *
 * Memory order: bind stores the other literals, then the word that the slot jumps through
 * (release), then the callee's code pointer (release): a thread that sees the pointer sees the
 * literals. Retarget is one aligned store of the target word; the instruction that goes to the
 * target reads it once, so it is the old one or the new. A thread that knows that retarget has
 * returned sees the new word, as x86 stores become visible in order. Code is only written in quanta
 * (or, under dual and rwx, in parts of the arena) where no stub lies yet, and is committed before
 * anything leads to it: so callers may run meanwhile, under every policy, and a retarget leaves
 * nothing to reclaim.
 *
 * Poison: a slot's jump leads to the report; its other words stay and name the owner. Poisoned
 * pools make no whole slots: these could not tell the report where they lie.
 */
#include <errno.h>
#include <string.h>

#include "../parts/bodies.h"
#include "../parts/poison.h"

enum pool_sort { POOL_HEAD, POOL_WHOLE, POOL_SORTS };

struct pool_range {
	uint8_t *next, *end;
};

struct pool_slots {
	uint8_t code[EMIT_SLOT];       /* of each slot */
	struct pool_range fresh, more; /* never used; taken in this order */
	const uint8_t *first;	       /* a committed quantum of them; NULL: none yet */
	uint8_t *free;
	size_t nfree;
	uint32_t literals; /* bytes a stub */
};

struct pool_state {
	struct arena arena;
	struct bodies bodies;
	struct emit_config emit;
	const uint8_t *trap;
	unsigned whole; /* bits 1 << kind: the kinds that take whole slots */
	struct pool_slots slots[POOL_SORTS];
	struct poison poison;
};

/* A slot's words at p+S: the slot jumps through the first; a free slot is linked by the second. */
struct pool_words {
	const void *jump; /* head: body; whole: target */
	void *second;	  /* head: target; whole: context; free: the next free slot */
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

/* The callee's word: the slot's address, its sort in the lowest bit; enum emit_zero above that. */
static uint8_t *slot_of(uint64_t word)
{
	return (uint8_t *)(uintptr_t)(word & ~(uint64_t)(EMIT_SLOT - 1));
}

static enum pool_sort sort_of(uint64_t word)
{
	return (enum pool_sort)(word & 1);
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

static int pool_open(struct stub_space *space)
{
	struct pool_state *state = space->state;
	size_t distance = code_literal_distance(space->code);
	bool markers = space->config.markers;
	struct pool_slots *head = &state->slots[POOL_HEAD], *whole = &state->slots[POOL_WHOLE];

	arena_init(&state->arena, space->code);
	state->emit = (struct emit_config){ .form = EMIT_BEHIND,
					    .markers = markers,
					    .distance = distance,
					    .runtime = space->runtime };
	memset(head->code, 0xcc, EMIT_SLOT); /* int3 behind the jumps */
	memset(whole->code, 0xcc, EMIT_SLOT);
	emit_head(head->code, distance, markers);
	for (unsigned kind = 0; kind < STUB_KINDS && !space->config.poison; kind++)
		if (emit_whole(whole->code, kind, distance, markers))
			state->whole |= 1u << kind;
	head->literals = 32;
	whole->literals = 16;
	return poison_open(&state->poison, space, report);
}

static void pool_close(struct stub_space *space)
{
	struct pool_state *state = space->state;

	poison_close(&state->poison);
	bodies_close(&state->bodies);
	arena_close(&state->arena);
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
			return -ENOMEM;
		memcpy(code_writable(space->code, trap), code, size);
	}
	int error =
	    bodies_prepare(&state->bodies, &state->arena, &state->emit, state->whole, specs, n);
	if (trap && error)
		arena_give(&state->arena, trap, EMIT_SLOT);
	else if (trap)
		state->trap = trap;
	return error;
}

static size_t count(const struct pool_range *range)
{
	return (size_t)(range->end - range->next) / EMIT_SLOT;
}

static void give(const struct pool_state *state, struct pool_slots *slots, uint8_t *slot)
{
	__atomic_store_n(&words_of(state, slot)->jump, state->trap, __ATOMIC_RELEASE);
	__atomic_store_n(&words_of(state, slot)->second, slots->free, __ATOMIC_RELAXED);
	slots->free = slot;
	slots->nfree++;
}

/* Shared quanta: only the first one is written, all others show it. */
static int make_slots(struct stub_space *space, struct pool_slots *slots, uint8_t *at, size_t bytes)
{
	const struct code_config *config = code_get_config(space->code);
	const size_t written = !config->share ? bytes : slots->first ? 0 : config->quantum;

	if (written) {
		uint8_t *write = code_writable(space->code, at);
		for (size_t i = 0; i < written; i += EMIT_SLOT)
			memcpy(write + i, slots->code, EMIT_SLOT);
		int error = code_commit(space->code, at, written);
		if (error)
			return error;
	}
	int error = written == bytes ? 0
				     : code_same(space->code, at + written, bytes - written,
						 slots->first ? slots->first : at);
	if (!error && !slots->first)
		slots->first = at;
	return error;
}

/* Makes sure that n slots are free; adds missing ones in one run of quanta. */
static int provide(struct stub_space *space, struct pool_slots *slots, size_t n)
{
	size_t mask = code_get_config(space->code)->quantum - 1;
	size_t have = slots->nfree + count(&slots->fresh) + count(&slots->more);

	if (n <= have)
		return 0;
	size_t bytes = ((n - have) * EMIT_SLOT + mask) & ~mask;
	uint8_t *at = code_reserve(space->code, CODE_STUBS, bytes);
	if (!at)
		return -ENOMEM;
	int error = make_slots(space, slots, at, bytes);
	if (error) {
		code_release(space->code, at, bytes);
		return error;
	}
	/* A batch that found no room for slots of the other sort may have left some. */
	for (; count(&slots->more); slots->more.next += EMIT_SLOT)
		give(space->state, slots, slots->more.next);
	slots->more = (struct pool_range){ at, at + bytes };
	return 0;
}

static uint8_t *take(const struct pool_state *state, struct pool_slots *slots)
{
	uint8_t *slot = slots->free;

	if (slot) {
		slots->free = words_of(state, slot)->second;
		slots->nfree--;
		return slot;
	}
	if (!count(&slots->fresh)) {
		slots->fresh = slots->more;
		slots->more = (struct pool_range){ 0 };
	}
	slot = slots->fresh.next;
	slots->fresh.next += EMIT_SLOT;
	return slot;
}

static enum pool_sort sort_wanted(const struct pool_state *state, const struct stub_spec *spec)
{
	return state->whole >> spec->kind & 1 ? POOL_WHOLE : POOL_HEAD;
}

static void bind_one(struct pool_state *state, const struct stub_spec *spec, struct stub_callee *c)
{
	enum pool_sort sort = sort_wanted(state, spec);
	uint8_t *slot = take(state, &state->slots[sort]);
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
	c->word = (uintptr_t)slot | emit_zero_of(spec->kind, spec->signature) << 1 | sort;
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
		error = provide(space, &state->slots[sort], wanted[sort]);
	if (error)
		return error;
	for (size_t i = 0; i < n; i++)
		bind_one(state, &specs[i], c[i]);
	code_account(space->code, CODE_STUBS, (ptrdiff_t)(n * EMIT_SLOT));
	for (unsigned sort = 0; sort < POOL_SORTS; sort++)
		code_account(space->code, CODE_LITERALS,
			     (ptrdiff_t)(wanted[sort] * state->slots[sort].literals));
	return 0;
}

static int pool_bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	return pool_bind_many(space, spec, &c, 1);
}

/* A whole slot jumps through its first word, a head's body calls through the second. */
static void retarget(size_t distance, struct stub_callee *c, const void *target)
{
	const void **words = (const void **)(slot_of(c->word) + distance);

	__atomic_store_n(&words[sort_of(c->word) == POOL_HEAD], target, __ATOMIC_RELEASE);
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

static void pool_release(struct stub_space *space, struct stub_callee *c)
{
	struct pool_state *state = space->state;
	uint64_t word = c->word;

	*c = (struct stub_callee){ 0 };
	if (poisoned(&state->poison)) {
		__atomic_store_n(&words_of(state, slot_of(word))->jump,
				 state->poison.entries[word >> 1 & 3], __ATOMIC_RELEASE);
		word = poison_pass(&state->poison, word);
		if (!word)
			return;
	}
	struct pool_slots *slots = &state->slots[sort_of(word)];
	give(state, slots, slot_of(word));
	code_account(space->code, CODE_STUBS, -EMIT_SLOT);
	code_account(space->code, CODE_LITERALS, -(ptrdiff_t)slots->literals);
}

const struct stub_ops stub_pool = {
	.name = "pool",
	.summary = "identical 16-byte slots made a quantum at once, literals beside them",
	.flags = STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_TABLE | STUB_CAN_SHARE,
	.state = sizeof(struct pool_state),
	.open = pool_open,
	.close = pool_close,
	.prepare = pool_prepare,
	.bind = pool_bind,
	.bind_many = pool_bind_many,
	.retarget = pool_retarget,
	.retarget_many = pool_retarget_many,
	.release = pool_release,
};
