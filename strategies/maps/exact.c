/*
 * exact.c - Wasmtime's format: every non-empty safepoint by its return address.
 *
 *      count | pc[count] | offset[count] | records ...
 *
 * exact is byte for byte what Wasmtime (since March 2025) writes as the section
 * `.wasmtime.stackmap` (no bytes: no section): a record for each pc. exact-consed writes equal
 * records once; since an offset may point anywhere, the reader is the same. Both are simple and
 * quick to read, for eight bytes of index a safepoint. Empty maps are left out, so a pc that is no
 * safepoint looks like an empty one.
 */
#include "../parts/table.h"

static int exact_entry(struct map_builder *b, const struct safepoint *p, bool consed)
{
	uint32_t offset;
	int error = map_builder_begin(b, p);
	if (error || !p->nlive)
		return map_builder_end(b, p, error);
	error = map_builder_record(b, p, &offset);
	if (!error && consed)
		error = map_builder_cons(b, &offset);
	if (!error)
		map_builder_entry(b, p->pc, offset);
	return map_builder_end(b, p, error);
}

static int exact_add(void *state, const struct safepoint *p)
{
	return exact_entry(state, p, false);
}

static int exact_consed_add(void *state, const struct safepoint *p)
{
	return exact_entry(state, p, true);
}

static inline enum map_answer exact_at(const struct map_table *t, size_t entry, uint32_t pc,
				       struct map_live *out)
{
	if (map_load32(t->start + 4 * entry) != pc)
		return MAP_ABSENT;
	return map_record(t, map_load32(t->offset + 4 * entry), out);
}

MAP_TABLE_READER(exact, 2, MAP_ABSENT)

const struct map_ops map_exact = {
	.name = "exact",
	.summary = "Wasmtime's format: a sorted pc and a bitmap for each non-empty safepoint",
	.limits = "16 GiB of records",
	.flags = MAP_EXACT,
	.state = sizeof(struct map_builder),
	.add = exact_add,
	.finish = map_builder_finish,
	.lookup = exact_lookup,
	.lookup_many = exact_lookup_many,
	.split = exact_split,
};

const struct map_ops map_exact_consed = {
	.name = "exact-consed",
	.summary = "exact, equal bitmaps written once; the reader is the same",
	.limits = "16 GiB of records",
	.flags = MAP_EXACT,
	.state = sizeof(struct map_builder),
	.add = exact_consed_add,
	.finish = map_builder_finish,
	.lookup = exact_lookup,
	.lookup_many = exact_lookup_many,
	.split = exact_split,
};
