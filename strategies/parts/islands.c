/*
 * islands.c - writes quanta of islands, with a chunk of records each, and frees their slots.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "islands.h"
#include "watched.h"

_Static_assert(!offsetof(struct island_slots, slots), "slots.h's functions find the islands there");

/* ---- Quanta come and go --------------------------------------------------------------------- */

static void write_islands(const struct island_slots *s, const uint8_t *at, const uint8_t *records)
{
	const size_t quantum = (size_t)1 << s->slots.size;
	uint8_t *write = code_writable(s->slots.code, at);

	for (size_t i = 0; i < quantum; i += EMIT_ISLAND) {
		const uint8_t *next = at + i + s->shape.records + 4;
		int32_t offset = (int32_t)(records - next);

		memcpy(write + i, s->shape.code, EMIT_ISLAND);
		if (!s->shape.record)
			continue;
		memcpy(write + i + s->shape.records, &offset, 4);
		records += (size_t)s->shape.slots * s->shape.record;
	}
}

static int make_room(struct island_slots *s, uint32_t end)
{
	const uint32_t n = end < 2 * s->end ? 2 * s->end : end;

	if (end <= s->end)
		return 0;
	struct island_quantum *bigger = realloc(s->quanta, n * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	s->quanta = bigger;
	s->end = n;
	return 0;
}

/* Where records have a chunk of their own. Shared quanta hold the same bytes: their records lie at
 * the same distance. */
static bool has_chunks(const struct island_slots *s)
{
	return s->shape.record && !s->slots.same;
}

static int write_quanta(struct slots *slots, uint8_t *at, uint32_t n, uint32_t written)
{
	struct island_slots *s = (struct island_slots *)slots;
	const size_t quantum = (size_t)1 << slots->size;
	const uint32_t first = slots_quantum_at(slots, at);

	if (make_room(s, first + n) || (has_chunks(s) && chunks_provide(&s->chunks, n)))
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++, at += quantum) {
		uint8_t *records = has_chunks(s) ? chunks_take(&s->chunks)
						 : at + code_literal_distance(slots->code);

		s->quanta[first + i] = (struct island_quantum){ records, 0 };
		if (i < written)
			write_islands(s, at, records);
	}
	return 0;
}

static void gone(struct slots *slots, uint32_t quantum)
{
	struct island_slots *s = (struct island_slots *)slots;

	if (has_chunks(s))
		chunks_give(&s->chunks, s->quanta[quantum].records);
}

void islands_open(struct island_slots *s, struct code_memory *code, enum emit_record sort,
		  const struct emit_config *config)
{
	const struct code_config *memory = code_get_config(code);

	s->sort = sort;
	s->by = config->by;
	emit_island(&s->shape, sort, config->markers);
	uint32_t each = memory->quantum / EMIT_ISLAND * s->shape.slots;
	if (memory->share && s->shape.record && each > memory->quantum / s->shape.record)
		each = memory->quantum / s->shape.record;
	slots_open(&s->slots, code, each);
	s->slots.write = write_quanta;
	s->slots.gone = gone;
	s->slots.literals = s->shape.record;
	s->chunks = (struct chunks){ .code = code, .bytes = (size_t)each * s->shape.record };
}

void islands_close(struct island_slots *s)
{
	slots_close(&s->slots);
	chunks_close(&s->chunks);
	free(s->quanta);
}

/* ---- The watch ------------------------------------------------------------------------------ */

/* Tells [from, to) of an island. */
static void tell(const struct island_slots *s, enum stub_role role, const uint8_t *island,
		 unsigned from, unsigned to)
{
	struct stub_change changes[EMIT_ISLAND];
	unsigned n = emit_island_frames(&s->shape, changes), kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (changes[i].at >= from && changes[i].at < to)
			changes[kept++] = (struct stub_change){ (uint16_t)(changes[i].at - from),
								changes[i].frame };
	watched_changes(s->slots.code, role, s->by, island + from, to - from, changes, kept);
}

static void tell_slots(const struct island_slots *s, const uint8_t *at, size_t bytes)
{
	for (size_t i = 0; code_get_config(s->slots.code)->watch && i < bytes; i += EMIT_ISLAND) {
		tell(s, STUB_ROLE_SLOTS, at + i, 0, EMIT_ISLAND_HEAD);
		tell(s, STUB_ROLE_SLOTS, at + i, s->shape.behind, EMIT_ISLAND);
	}
}

/* The islands of a quantum are first used in order: the lowest free slot is taken. */
static void tell_head(struct island_slots *s, const uint8_t *slot)
{
	struct island_quantum *q = &s->quanta[slots_quantum_at(&s->slots, slot)];
	const uint32_t island = islands_place(s, slot) / s->shape.slots;

	if (!s->shape.record || island < q->heads)
		return;
	tell(s, STUB_ROLE_HEAD, islands_island(slot), EMIT_ISLAND_HEAD, s->shape.behind);
	q->heads = island + 1;
}

void islands_tell(struct island_slots *s, const uint8_t *slot, const struct stub_spec *spec)
{
	tell_head(s, slot);
	watched_slot(s->slots.code, s->by, slot, s->shape.slot,
		     s->shape.record ? s->shape.slot - EMIT_ISLAND_JUMP : 0, spec);
}

void islands_tell_moved(struct island_slots *s, const uint8_t *from, const uint8_t *to)
{
	const struct stub_watch *watch = code_get_config(s->slots.code)->watch;

	tell_head(s, to);
	watch->moved(watch->arg, from, to);
}

/* ---- Slots ---------------------------------------------------------------------------------- */

int islands_provide(struct island_slots *s, size_t n)
{
	uint8_t *at;
	size_t bytes;

	if (n <= slots_free_now(&s->slots))
		return 0;
	int error = slots_provide(&s->slots, n, &at, &bytes);
	if (!error)
		tell_slots(s, at, bytes);
	return error;
}

void islands_free(struct island_slots *s, uint8_t *slot)
{
	uint8_t *record = islands_record_of(s, slot);
	const uint8_t *trap = islands_island(slot) + s->shape.trap;

	if (s->sort == EMIT_FULL)
		__atomic_store_n((const void **)record, (const void *)trap, __ATOMIC_RELEASE);
	else if (s->sort != EMIT_BARE) /* an offset from the record */
		__atomic_store_n((int32_t *)record, (int32_t)(trap - record), __ATOMIC_RELEASE);
	slots_free(&s->slots, islands_number(s, slot));
}
