/*
 * island.c - the fewest bytes a stub. Indirect: slots of 12 bytes that read the callee. Other
 * kinds: slots of 4 that only say which they are; one head for some fifty finds the rest, in a
 * table.
 *
 *   quantum   | island | island | ...         island: 256 bytes, emit.h draws it
 *
 *   callee -> | mov rdi, [r10+16]; jmp [r10+8] | ...                               bare: indirect
 *   callee -> | push i; jmp head | ... head: record i = records + i * size, go on ... | trap |
 *
 *   records   size
 *   body        4    | i32 body |                          other kinds
 *   bound       8    | i32 body | i32 bound - context |    bind, its arguments in reach
 *   full        32   | body | target | context | bound |   bind, out of reach; all under poison
 *
 * A stub's literals are its callee's words, which every strategy keeps, and the caller has just
 * read their line. An indirect stub then takes 12.8 bytes in all where pool's takes 32. Its slot is
 * there for the branch predictor, to which its jump is one of its own. By trial on an Emerald
 * Rapids guest (64, 256 and 4,096 live, of pool's time): such slots 1.0, 1.0, 0.9; one adapter for
 * all callees, which takes no bytes, 1.1, 1.1, 7.5. The code is 8 bytes, but eight jumps a line are
 * too many for the predictor of a Zen 3 guest: by trial with 1,024 live 2.0 of pool's time, six a
 * line 1.2, five or four 0.95. The 4-byte slots' direct jumps may stand as close as they can: 8
 * bytes apart their calls took 1.4 times as long there.
 *
 * Literals of its own, in at most 13 bytes an indirect stub, leave 5 bytes of code, in which no
 * indirect jump fits beside a number: fifty slots shared a head with 8 bytes of literals each (1.7,
 * 2.0, 15). What remained when each slot had a head of its own was the taken jump to it: 1.4, and
 * 1.1 where the slot fell through to its head.
 *
 * The other kinds take 8.4 bytes, a bind 12.4, where pool's take 48, and pay with that jump and a shared indirect
 * one. The body does not wait for either: neither target nor context depends on the record. (With
 * both in the record, calls of entry_js took 1.3 of pool's time.) A body is counted from its
 * record: +-2 GiB, all of the code memory.
 *
 * Islands are written a quantum at a time, for ever, and never changed. Records lie densely in a
 * table of their own; under code_config.share at the quantum's own literals, as then all quanta
 * hold the same bytes. The lowest free slot is taken first, and the stubs of the highest quanta
 * move down so that these can be given back, with their records (parts/slots.h, islands.h).
 *
 * Memory order: as pool's. bind stores a record's other fields first, then the one that the head
 * goes on to (release), and the callee's words, then the callee's code pointer (release). Retarget
 * is one aligned store of the target to the callee and one to a full record; the stub reads one of
 * the two, once: a call under way goes to the old target or the new. So callers may run meanwhile,
 * under every policy, and a retarget leaves nothing to reclaim. A stub that moves gets a copy of
 * its record before its code pointer: a caller that has read the old pointer finds the old slot and
 * record unchanged until the next reclaim.
 *
 * Poison: all records are full; the body leads to the report, and the slot's address takes the
 * bound argument's place, to name the stub.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../parts/bodies.h"
#include "../parts/islands.h"
#include "../parts/poison.h"

struct island_state {
	struct arena arena;
	struct bodies bodies;
	struct emit_config body, full; /* of the bodies behind these records */
	struct island_slots slots[EMIT_RECORDS];
	struct poison poison;
	const struct stub_watch *watch; /* the code memory's */
};

/* A callee's word keeps its sort of record (slots_own); if that is full, also emit_zero, which
 * poison asks for. */
static unsigned traits_of(const struct stub_spec *spec, enum emit_record sort)
{
	return sort < EMIT_FULL ? sort : EMIT_FULL + emit_zero_of(spec->kind, spec->signature);
}
_Static_assert(EMIT_FULL + EMIT_ZEROES <= 8 && EMIT_FULL == EMIT_RECORDS - 1, "three bits");

static enum emit_record sort_of(unsigned traits)
{
	return traits < EMIT_FULL ? (enum emit_record)traits : EMIT_FULL;
}

/* ---- The sort of record ---------------------------------------------------------------------- */

static intptr_t way_to_bound(const struct stub_spec *spec)
{
	return (intptr_t)((uintptr_t)spec->bound - (uintptr_t)spec->context);
}

static enum emit_record sort_wanted(const struct island_state *state, const struct stub_spec *spec)
{
	if (poisoned(&state->poison))
		return EMIT_FULL;
	if (spec->kind == STUB_INDIRECT)
		return EMIT_BARE;
	if (!spec->nbound)
		return EMIT_BODY;
	return way_to_bound(spec) == (int32_t)way_to_bound(spec) ? EMIT_BOUND : EMIT_FULL;
}

/* ---- The strategy -------------------------------------------------------------------------- */

static void report(void *arg, uint8_t *r11, struct stub_callee *r10)
{
	const struct stub_space *space = arg;
	const struct full_record *record = (const struct full_record *)r11;

	(void)r10;
	space->runtime.released(&(struct stub_owner){
	    .code = (const void *)(uintptr_t)__atomic_load_n(&record->bound, __ATOMIC_RELAXED),
	    .target = (const void *)(uintptr_t)__atomic_load_n(&record->target, __ATOMIC_RELAXED),
	    .context = __atomic_load_n(&record->context, __ATOMIC_RELAXED) });
}

static int island_open(struct stub_space *space)
{
	struct island_state *state = space->state;

	arena_init(&state->arena, space->code);
	state->watch = code_get_config(space->code)->watch;
	state->full = (struct emit_config){ .form = EMIT_BEHIND,
					    .markers = space->config.markers,
					    .distance = offsetof(struct full_record, context),
					    .runtime = space->runtime,
					    .by = space->ops->name };
	state->body = state->full;
	state->body.form = EMIT_SHORT;
	return poison_open(&state->poison, space, report);
}

static void island_close(struct stub_space *space)
{
	struct island_state *state = space->state;

	for (unsigned sort = 0; sort < EMIT_RECORDS; sort++)
		islands_close(&state->slots[sort]);
	poison_close(&state->poison);
	bodies_close(&state->bodies);
	arena_close(&state->arena);
}

static int island_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct island_state *state = space->state;
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		error = emit_check(&specs[i], &space->runtime);
		enum emit_record sort = sort_wanted(state, &specs[i]);
		if (!error && sort != EMIT_BARE)
			error =
			    bodies_add(&state->bodies, &state->arena,
				       sort == EMIT_FULL ? &state->full : &state->body, &specs[i]);
	}
	int committed = arena_commit(&state->arena);
	return error && committed != -ENOTRECOVERABLE ? error : committed;
}

static void fill_full(const struct island_state *state, struct full_record *r,
		      const struct stub_spec *spec)
{
	const void *body = bodies_find(&state->bodies, spec, EMIT_BEHIND)->code;

	__atomic_store_n(&r->target, (uintptr_t)spec->target, __ATOMIC_RELAXED);
	__atomic_store_n(&r->context, spec->context, __ATOMIC_RELAXED);
	__atomic_store_n(&r->bound, spec->nbound == 1 ? *spec->bound : (uintptr_t)spec->bound,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&r->body, body, __ATOMIC_RELEASE);
}

static void fill_short(const struct island_state *state, struct short_record *r,
		       const struct stub_spec *spec)
{
	const uint8_t *body = bodies_find(&state->bodies, spec, EMIT_SHORT)->code;

	if (spec->nbound)
		r->bound[0] = (int32_t)way_to_bound(spec);
	__atomic_store_n(&r->body, (int32_t)(body - (uint8_t *)r), __ATOMIC_RELEASE);
}

static void bind_one(struct island_state *state, const struct stub_spec *spec,
		     struct stub_callee *c)
{
	enum emit_record sort = sort_wanted(state, spec);
	struct island_slots *s = &state->slots[sort];
	const uint32_t number = slots_take(&s->slots, c, traits_of(spec, sort));
	uint8_t *record = islands_record(s, number);

	if (sort == EMIT_FULL)
		fill_full(state, (struct full_record *)record, spec);
	else if (sort != EMIT_BARE)
		fill_short(state, (struct short_record *)record, spec);
	c->target = spec->target;
	c->context = spec->context;
	__atomic_store_n(&c->code, islands_slot(s, number), __ATOMIC_RELEASE);
}

static int island_bind_many(struct stub_space *space, const struct stub_spec *specs,
			    struct stub_callee *const *c, size_t n)
{
	struct island_state *state = space->state;
	size_t wanted[EMIT_RECORDS] = { 0 };

	int error = island_prepare(space, specs, n);
	for (size_t i = 0; i < n && !error; i++)
		wanted[sort_wanted(state, &specs[i])]++;
	for (unsigned sort = 0; sort < EMIT_RECORDS && !error; sort++) {
		struct island_slots *s = &state->slots[sort];

		if (!wanted[sort])
			continue;
		if (!islands_opened(s))
			islands_open(s, space->code, sort, &state->body);
		error = islands_provide(s, wanted[sort]);
	}
	for (unsigned sort = 0; sort < EMIT_RECORDS && error; sort++)
		slots_trim(&state->slots[sort].slots); /* one sort may have found room */
	if (error)
		return error;
	for (size_t i = 0; i < n; i++)
		bind_one(state, &specs[i], c[i]);
	for (unsigned sort = 0; sort < EMIT_RECORDS; sort++)
		if (wanted[sort])
			slots_account(&state->slots[sort].slots);
	for (size_t i = 0; state->watch && i < n; i++)
		islands_tell(&state->slots[sort_of(slots_own(c[i]))], c[i]->code, &specs[i]);
	return 0;
}

static int island_bind(struct stub_space *space, const struct stub_spec *spec,
		       struct stub_callee *c)
{
	return island_bind_many(space, spec, &c, 1);
}

static void retarget(const struct island_state *state, struct stub_callee *c, const void *target)
{
	enum emit_record sort = sort_of(slots_own(c));
	__atomic_store_n(&c->target, target, __ATOMIC_RELEASE);
	if (sort == EMIT_FULL) {
		struct full_record *r = islands_record_of(&state->slots[sort], c->code);

		__atomic_store_n(&r->target, (uintptr_t)target, __ATOMIC_RELEASE);
	}
}

static int island_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	retarget(space->state, c, target);
	return 0;
}

static int island_retarget_many(struct stub_space *space, struct stub_callee *const *c,
				const void *const *targets, size_t n, size_t *done)
{
	for (size_t i = 0; i < n; i++)
		retarget(space->state, c[i], targets[i]);
	*done = n;
	return 0;
}

/* A name in the quarantine is a slot's address. */
static void island_release(struct stub_space *space, struct stub_callee *c)
{
	struct island_state *state = space->state;
	const unsigned traits = slots_own(c);
	struct island_slots *s = &state->slots[sort_of(traits)];
	uint8_t *slot = (uint8_t *)(uintptr_t)c->code;

	slots_leave(&s->slots, c, islands_number(s, slot));
	*c = (struct stub_callee){ 0 };
	if (poisoned(&state->poison)) {
		struct full_record *record = islands_record_of(s, slot);

		__atomic_store_n(&record->bound, (uintptr_t)slot, __ATOMIC_RELAXED);
		__atomic_store_n(&record->body,
				 (const void *)state->poison.entries[traits - EMIT_FULL],
				 __ATOMIC_RELEASE);
		slot = (uint8_t *)(uintptr_t)poison_pass(&state->poison, (uintptr_t)slot);
		if (!slot)
			return;
	}
	if (state->watch)
		state->watch->gone(state->watch->arg, slot, s->shape.slot);
	islands_free(s, slot);
}

/* The old slot and record stay as they are; what is counted from the record changes. */
static void move(void *arg, struct stub_callee *c, uint32_t to)
{
	struct island_state *state = arg;
	struct island_slots *s = &state->slots[sort_of(slots_own(c))];
	const uint8_t *old = c->code, *from = islands_record_of(s, old);
	uint8_t *slot = islands_slot(s, to), *record = islands_record(s, to);

	memcpy(record, from, s->shape.record);
	if (s->sort == EMIT_BODY || s->sort == EMIT_BOUND)
		((struct short_record *)record)->body += (int32_t)(from - record);
	__atomic_store_n(&c->code, slot, __ATOMIC_RELEASE);
	if (state->watch)
		islands_tell_moved(s, old, slot);
}

/* Poisoned stubs stay where they are: stale callers are known by the slot that they call. */
static void island_reclaim(struct stub_space *space)
{
	struct island_state *state = space->state;

	for (unsigned sort = 0; sort < EMIT_RECORDS && !poisoned(&state->poison); sort++)
		if (islands_opened(&state->slots[sort]))
			slots_compact(&state->slots[sort].slots, space->config.running, move,
				      state);
}

const struct stub_ops stub_island = {
	.name = "island",
	.summary = "slots of 12 bytes that read the callee, or of 4 that name a record to a head",
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
