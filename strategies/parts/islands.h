/*
 * islands.h - the slots and records of island.c: how quanta of both are made, and given back.
 *
 *      quantum    | island | island | ...        code, 256 bytes each (emit.h draws one)
 *      chunk      | r0 r1 r2 ...                 its records, of one size, side by side; bare: none
 *
 * Slots are numbered, taken and moved as slots.h has it; a record's place is its slot's. A chunk is
 * no whole number of pages: chunks of one sort lie side by side, and go back with their quanta
 * (chunks.h). Under code_config.share a quantum's records lie where its first literals are, all at
 * one distance, and go back with these.
 */
#ifndef STUBMAP_ISLANDS_H
#define STUBMAP_ISLANDS_H

#include "../emit/emit.h"
#include "chunks.h"
#include "slots.h"

/* emit.h has what heads and bodies read. A free slot's record leads to the island's trap. */
struct short_record {
	int32_t body;
	int32_t bound[]; /* EMIT_BOUND: one, spec->bound - context */
};
struct full_record {
	const void *body;
	uint64_t target;
	void *context;
	uint64_t bound; /* the only bound argument or the address of several; poisoned: the slot */
};

struct island_quantum {
	uint8_t *records;
	uint32_t heads; /* the watch knows those of its first islands */
};

/* The slots with one sort of record. */
struct island_slots {
	struct slots slots; /* must be first */
	enum emit_record sort;
	const char *by; /* for who watches */
	struct emit_island shape;
	struct island_quantum *quanta; /* by number */
	uint32_t end;		       /* of quanta */
	struct chunks chunks;
};

/* Sets what all quanta of this sort have in common; slots is zeroed. Of config, markers and by are
 * read. */
void islands_open(struct island_slots *slots, struct code_memory *code, enum emit_record sort,
		  const struct emit_config *config);
static inline bool islands_opened(const struct island_slots *slots)
{
	return slots->slots.per > 0;
}
void islands_close(struct island_slots *slots); /* heap memory only; zeroed: nothing */
/* Makes sure that n slots are free; adds missing ones in one run of quanta. Errors as
 * slots_provide's. */
int islands_provide(struct island_slots *slots, size_t n);
/* Frees a slot that its callee has left. */
void islands_free(struct island_slots *slots, uint8_t *slot);
/* For a memory that is watched: a slot was bound; a stub moved there. */
void islands_tell(struct island_slots *slots, const uint8_t *slot, const struct stub_spec *spec);
void islands_tell_moved(struct island_slots *slots, const uint8_t *from, const uint8_t *to);

/* The start of a slot's island, and the slot. */
static inline const uint8_t *islands_island(const void *slot)
{
	return (const uint8_t *)((uintptr_t)slot & ~(uintptr_t)(EMIT_ISLAND - 1));
}
static inline uint8_t *islands_slot(const struct island_slots *s, uint32_t number)
{
	const uint32_t place = slots_place(&s->slots, number);

	return slots_address(&s->slots, slots_quantum(&s->slots, number)) +
	       place / s->shape.slots * EMIT_ISLAND +
	       emit_island_slot(&s->shape, place % s->shape.slots);
}
/* The reverse. */
static inline uint32_t islands_place(const struct island_slots *s, const void *slot)
{
	const uint32_t at = (uint32_t)((uintptr_t)slot & (((uintptr_t)1 << s->slots.size) - 1));

	return at / EMIT_ISLAND * s->shape.slots + emit_island_index(&s->shape, at % EMIT_ISLAND);
}
static inline uint32_t islands_number(const struct island_slots *s, const void *slot)
{
	return slots_quantum_at(&s->slots, slot) << s->slots.bits | islands_place(s, slot);
}
/* A slot's record, by the slot's number or address. */
static inline void *islands_record(const struct island_slots *s, uint32_t number)
{
	return s->quanta[slots_quantum(&s->slots, number)].records +
	       slots_place(&s->slots, number) * s->shape.record;
}
static inline void *islands_record_of(const struct island_slots *s, const void *slot)
{
	return s->quanta[slots_quantum_at(&s->slots, slot)].records +
	       islands_place(s, slot) * s->shape.record;
}

#endif
