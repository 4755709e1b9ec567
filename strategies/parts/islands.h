/*
 * islands.h - the slots and records of island.c: which are free, and how more are made.
 *
 *      quantum    | island | island | ...        code, 256 bytes each (emit.h draws one)
 *      records    | r0 r1 r2 ... | ...           of one size, dense from quantum to quantum
 *
 * A slot's number is quantum << shift | index; a slot's name is its number + 1, and 0 names none.
 * Free slots form a list through their records, the last released first; slots that were never used
 * are taken in order. Quanta are not given back.
 */
#ifndef STUBMAP_ISLANDS_H
#define STUBMAP_ISLANDS_H

#include "../code/internal.h"
#include "../emit/emit.h"

/* emit.h has what heads and bodies read. A free slot's record leads to the island's trap and holds
 * the name of the next free slot. */
struct offsets_record {
	int32_t target;
	uint32_t context; /* - base; free: the next free slot */
};
struct words_record {
	const void *target;
	uint64_t context; /* free: the next free slot */
};
struct body_record {
	int32_t body;
	uint32_t context; /* bind: bound - context */
	uint64_t target;  /* free: the next free slot */
};
struct full_record {
	const void *body;
	uint64_t target; /* free: the next free slot */
	void *context;
	uint64_t bound; /* the only bound argument or the address of several; poisoned: the slot */
};

struct island_quantum {
	uint8_t *code, *records;
};

/* The slots with one sort of record. A slot's number is quantum << shift | index; names of slots
 * are numbers + 1, 0 names none. */
struct island_slots {
	enum emit_record sort;
	const char *by; /* for who watches */
	uint32_t
	    heads; /* it knows the heads of the islands that are used and come before this one */
	struct emit_island shape;
	struct island_quantum *quanta;
	uint32_t nquanta, capacity;
	uint32_t each; /* slots a quantum */
	unsigned shift;
	uint32_t fresh; /* the first slot that was never used */
	uint32_t free, nfree;
	uint8_t *table; /* for the records of the next quanta */
	size_t table_bytes;
};

/* Sets what all quanta of this sort have in common; slots is zeroed. Of config, base, markers and
 * by are read. */
void islands_open(struct island_slots *slots, struct code_memory *code, enum emit_record sort,
		  const struct emit_config *config);
void islands_close(struct island_slots *slots); /* heap memory only */
/* Makes sure that n slots are free; adds missing ones in one run of quanta. 0 or -ENOMEM. */
int islands_provide(struct island_slots *slots, struct code_memory *code, size_t n);
/* The number of a slot that nobody has. One must be free. */
uint32_t islands_take(struct island_slots *slots);
void islands_give(struct island_slots *slots, uint32_t number);
/* For a memory that is watched: a slot was bound. */
void islands_tell(struct island_slots *slots, const struct code_memory *code, uint32_t number,
		  const struct stub_spec *spec);

static inline uint32_t islands_index(const struct island_slots *slots, uint32_t number)
{
	return number & ((1u << slots->shift) - 1);
}
static inline void *islands_record(const struct island_slots *slots, uint32_t number)
{
	return slots->quanta[number >> slots->shift].records +
	       islands_index(slots, number) * slots->shape.record;
}
/* The start of a slot's island, and the slot. */
static inline uint8_t *islands_island(const struct island_slots *slots, uint32_t number)
{
	return slots->quanta[number >> slots->shift].code +
	       islands_index(slots, number) / slots->shape.slots * EMIT_ISLAND;
}
static inline uint8_t *islands_slot(const struct island_slots *slots, uint32_t number)
{
	return islands_island(slots, number) +
	       emit_island_slot(&slots->shape, islands_index(slots, number) % slots->shape.slots);
}

#endif
