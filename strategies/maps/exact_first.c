/*
 * exact_first.c - Wasmtime's format with one change, the smallest that its maintainers could take:
 *
 *      record today     frame_size | nwords | bitmap[nwords]
 *      record here      frame_size | nwords + 65536 * first | bitmap[nwords]
 *
 * `first` counts the words of the bitmap before the first that has a live slot; these are left out,
 * as those behind the last already are. Bit i of word w is slot 32 * (first + w) + i. Nothing else
 * changes: a map with a live slot in its first word has the same record as today, so a reader of
 * this reads today's tables too. A live slot from 32 * 65535 on, as only a frame of 8 MiB less 124
 * bytes or more has one, is refused with -EFBIG: 16 bits can't count the words up to it.
 *
 * Where it matters: a frame has its outgoing arguments and its scalars at SP, and its references
 * above them. In Wasmtime's own code for a module's start, one frame of 52 KB keeps thousands of
 * references, and most words of most of its bitmaps are zeros before the first live slot.
 *
 * exact-first-consed writes equal records once, as exact-consed does.
 */
#include "../parts/table.h"

static int exact_first_entry(struct map_builder *b, const struct safepoint *p, bool consed)
{
	uint32_t offset;
	int error = map_builder_begin(b, p);
	if (error || !p->nlive)
		return map_builder_end(b, p, error);
	b->trimmed = true;
	error = map_builder_record(b, p, &offset);
	if (!error && consed)
		error = map_builder_cons(b, &offset);
	if (!error)
		map_builder_entry(b, p->pc, offset);
	return map_builder_end(b, p, error);
}

static int exact_first_add(void *state, const struct safepoint *p)
{
	return exact_first_entry(state, p, false);
}

static int exact_first_consed_add(void *state, const struct safepoint *p)
{
	return exact_first_entry(state, p, true);
}

static inline enum map_answer exact_first_at(const struct map_table *t, size_t entry, uint32_t pc,
					     struct map_live *out)
{
	if (map_load32(t->start + 4 * entry) != pc)
		return MAP_ABSENT;
	return map_record_trimmed(t, map_load32(t->offset + 4 * entry), out);
}

MAP_TABLE_READER(exact_first, 2, MAP_ABSENT)

#define LIMITS "a last live slot below 2,097,120 (65,535 words of a bitmap), 16 GiB of records"

const struct map_ops map_exact_first = {
	.name = "exact-first",
	.summary = "exact, bitmaps begin at their first word that has a live slot",
	.limits = LIMITS,
	.flags = MAP_EXACT,
	.state = sizeof(struct map_builder),
	.add = exact_first_add,
	.finish = map_builder_finish,
	.lookup = exact_first_lookup,
	.lookup_many = exact_first_lookup_many,
	.split = exact_first_split,
};

const struct map_ops map_exact_first_consed = {
	.name = "exact-first-consed",
	.summary = "exact-first, equal bitmaps written once",
	.limits = LIMITS,
	.flags = MAP_EXACT,
	.state = sizeof(struct map_builder),
	.add = exact_first_consed_add,
	.finish = map_builder_finish,
	.lookup = exact_first_lookup,
	.lookup_many = exact_first_lookup_many,
	.split = exact_first_split,
};
