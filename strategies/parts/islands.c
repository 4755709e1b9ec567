/*
 * islands.c - writes quanta of islands once, hands their slots out and takes them back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "islands.h"
#include "watched.h"

void islands_open(struct island_slots *s, struct code_memory *code, enum emit_record sort,
		  const struct emit_config *config)
{
	const size_t quantum = code_get_config(code)->quantum;

	s->sort = sort;
	s->by = config->by;
	emit_island(&s->shape, sort, config->base, config->markers);
	s->each = (uint32_t)(quantum / EMIT_ISLAND * s->shape.slots);
	if (code_get_config(code)->share && s->each > quantum / s->shape.record)
		s->each = (uint32_t)(quantum / s->shape.record);
	while (1u << s->shift <= s->each)
		s->shift++;
}

void islands_close(struct island_slots *s)
{
	free(s->quanta);
}

static void write_islands(struct code_memory *code, const struct island_slots *s,
			  const struct island_quantum *q)
{
	const size_t quantum = code_get_config(code)->quantum;
	uint8_t *write = code_writable(code, q->code);

	for (size_t at = 0; at < quantum; at += EMIT_ISLAND) {
		const uint8_t *next = q->code + at + s->shape.records + 4;
		const uint8_t *records =
		    q->records + at / EMIT_ISLAND * s->shape.slots * s->shape.record;
		int32_t offset = (int32_t)(records - next);

		memcpy(write + at, s->shape.code, EMIT_ISLAND);
		memcpy(write + at + s->shape.records, &offset, 4);
	}
}

/* Writes n new quanta and makes them executable. Shared ones: only the first of all is written, the
 * others show it. */
static int write_quanta(struct code_memory *code, const struct island_slots *s,
			const struct island_quantum *q, size_t n)
{
	const struct code_config *config = code_get_config(code);
	const size_t written = !config->share ? n : s->nquanta ? 0 : 1;
	int error = 0;

	for (size_t i = 0; i < written; i++)
		write_islands(code, s, &q[i]);
	if (written)
		error = code_commit(code, q->code, written * config->quantum);
	if (!error && written < n)
		error = code_same(code, q[written].code, (n - written) * config->quantum,
				  s->nquanta ? s->quanta->code : q->code);
	return error;
}

static int make_room(struct island_slots *s, uint32_t n)
{
	uint32_t capacity = s->capacity ? s->capacity : 4;

	while (capacity < s->nquanta + n)
		capacity *= 2;
	if (capacity == s->capacity)
		return 0;
	struct island_quantum *bigger = realloc(s->quanta, capacity * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	s->quanta = bigger;
	s->capacity = capacity;
	return 0;
}

static uint32_t never_used(const struct island_slots *s)
{
	return (s->nquanta - (s->fresh >> s->shift)) * s->each - islands_index(s, s->fresh);
}

/* Records for new quanta; those of an attempt that failed serve the next. Shared quanta have theirs
 * where their first literals are, all at one distance. */
static uint8_t *new_records(struct island_slots *s, struct code_memory *code, uint8_t *at,
			    size_t bytes)
{
	if (code_get_config(code)->share)
		return at + code_literal_distance(code);
	if (s->table_bytes < bytes) {
		s->table = code_table(code, bytes);
		s->table_bytes = s->table ? bytes : 0;
	}
	return s->table;
}

/* Tells [from, to) of an island. */
static void tell(const struct island_slots *s, const struct code_memory *code, enum stub_role role,
		 const uint8_t *island, unsigned from, unsigned to)
{
	struct stub_change changes[EMIT_ISLAND];
	unsigned n = emit_island_frames(&s->shape, changes), kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (changes[i].at >= from && changes[i].at < to)
			changes[kept++] = (struct stub_change){ (uint16_t)(changes[i].at - from),
								changes[i].frame };
	watched_changes(code, role, s->by, island + from, to - from, changes, kept);
}

static void tell_slots(const struct island_slots *s, const struct code_memory *code,
		       const uint8_t *at, size_t bytes)
{
	for (size_t i = 0; code_get_config(code)->watch && i < bytes; i += EMIT_ISLAND) {
		tell(s, code, STUB_ROLE_SLOTS, at + i, 0, EMIT_ISLAND_HEAD);
		tell(s, code, STUB_ROLE_SLOTS, at + i, s->shape.behind, EMIT_ISLAND);
	}
}

/* Islands are first used in order. */
void islands_tell(struct island_slots *s, const struct code_memory *code, uint32_t number,
		  const struct stub_spec *spec)
{
	uint32_t island = number / (1u << s->shift) * (s->each / s->shape.slots + 1) +
			  islands_index(s, number) / s->shape.slots;

	if (island >= s->heads) {
		tell(s, code, STUB_ROLE_HEAD, islands_island(s, number), EMIT_ISLAND_HEAD,
		     s->shape.behind);
		s->heads = island + 1;
	}
	watched_slot(code, s->by, islands_slot(s, number), s->shape.slot,
		     s->shape.slot - EMIT_ISLAND_JUMP, spec);
}

int islands_provide(struct island_slots *s, struct code_memory *code, size_t n)
{
	const struct code_config *config = code_get_config(code);
	size_t have = s->nfree + never_used(s);

	if (n <= have)
		return 0;
	uint32_t quanta = (uint32_t)((n - have + s->each - 1) / s->each);
	size_t bytes = (size_t)quanta * config->quantum;
	size_t step = config->share ? config->quantum : (size_t)s->each * s->shape.record;
	if (make_room(s, quanta))
		return -ENOMEM;
	uint8_t *at = code_reserve(code, CODE_STUBS, bytes);
	if (!at)
		return -ENOMEM;
	uint8_t *records = new_records(s, code, at, quanta * step);
	struct island_quantum *q = s->quanta + s->nquanta;
	for (uint32_t i = 0; i < quanta && records; i++)
		q[i] =
		    (struct island_quantum){ at + (size_t)i * config->quantum, records + i * step };
	int error = records ? write_quanta(code, s, q, quanta) : -ENOMEM;
	if (error) {
		code_release(code, at, bytes);
		return error;
	}
	s->nquanta += quanta;
	if (!config->share) {
		s->table += quanta * step;
		s->table_bytes -= quanta * step;
	}
	tell_slots(s, code, at, bytes);
	return 0;
}

static uint32_t next_free(enum emit_record sort, const void *record)
{
	switch (sort) {
	case EMIT_OFFSETS:
		return ((const struct offsets_record *)record)->context;
	case EMIT_WORDS:
		return (uint32_t)((const struct words_record *)record)->context;
	case EMIT_BODY:
		return (uint32_t)((const struct body_record *)record)->target;
	default:
		return (uint32_t)((const struct full_record *)record)->target;
	}
}

uint32_t islands_take(struct island_slots *s)
{
	uint32_t number = s->fresh;

	if (s->free) {
		number = s->free - 1;
		s->free = next_free(s->sort, islands_record(s, number));
		s->nfree--;
	} else if (islands_index(s, ++s->fresh) == s->each) {
		s->fresh = ((number >> s->shift) + 1) << s->shift;
	}
	return number;
}

void islands_give(struct island_slots *s, uint32_t number)
{
	uint8_t *record = islands_record(s, number);
	const uint8_t *trap = islands_island(s, number) + s->shape.trap;
	int32_t offset = (int32_t)(trap - record);

	switch (s->sort) {
	case EMIT_OFFSETS:
		__atomic_store_n(&((struct offsets_record *)record)->target, offset,
				 __ATOMIC_RELEASE);
		((struct offsets_record *)record)->context = s->free;
		break;
	case EMIT_WORDS:
		__atomic_store_n(&((struct words_record *)record)->target, (const void *)trap,
				 __ATOMIC_RELEASE);
		((struct words_record *)record)->context = s->free;
		break;
	case EMIT_BODY:
		__atomic_store_n(&((struct body_record *)record)->body, offset, __ATOMIC_RELEASE);
		((struct body_record *)record)->target = s->free;
		break;
	default:
		__atomic_store_n(&((struct full_record *)record)->body, (const void *)trap,
				 __ATOMIC_RELEASE);
		__atomic_store_n(&((struct full_record *)record)->target, (uint64_t)s->free,
				 __ATOMIC_RELAXED);
	}
	s->free = number + 1;
	s->nfree++;
}
