/*
 * ranged_start.c - ranges by their start alone: the last start <= pc answers.
 *
 *      count | first pc[count] | offset[count] | records ...
 *
 * Runs are ranged.c's, equal records are written once. Without an end every pc from the first
 * safepoint on has some map: a pc that is no safepoint is detected only before the first.
 *
 * ranged-start records empty maps, so at least every safepoint gets its own. ranged-unsafe leaves
 * them out, as one is tempted to: an empty safepoint then gets the map of the one before, perhaps
 * another function's, and the collector traces dead slots. That was CVE-2021-39218; the row is here
 * to show that the harness notices.
 */
#include "../parts/table.h"

static int ranged_start_add(void *state, const struct safepoint *p)
{
	int error = map_builder_begin(state, p);
	if (!error)
		error = map_builder_run(state, p, true, false);
	return map_builder_end(state, p, error);
}

static int ranged_unsafe_add(void *state, const struct safepoint *p)
{
	int error = map_builder_begin(state, p);
	if (!error && p->nlive)
		error = map_builder_run(state, p, true, false);
	return map_builder_end(state, p, error);
}

static inline enum map_answer ranged_start_at(const struct map_table *t, size_t entry, uint32_t pc,
					      struct map_live *out)
{
	if (pc < map_load32(t->start + 4 * entry))
		return MAP_NO_SAFEPOINT;
	return map_record_or_empty(t, map_load32(t->offset + 4 * entry), out);
}

MAP_TABLE_READER(ranged_start, 2, MAP_NO_SAFEPOINT)

static inline enum map_answer ranged_unsafe_at(const struct map_table *t, size_t entry, uint32_t pc,
					       struct map_live *out)
{
	if (pc < map_load32(t->start + 4 * entry))
		return MAP_ABSENT;
	return map_record(t, map_load32(t->offset + 4 * entry), out);
}

MAP_TABLE_READER(ranged_unsafe, 2, MAP_ABSENT)

const struct map_ops map_ranged_start = {
	.name = "ranged-start",
	.summary = "runs of equal maps by their starts, empty ones too, bitmaps written once",
	.limits = "16 GiB of records",
	.flags = MAP_EMPTIES,
	.state = sizeof(struct map_builder),
	.add = ranged_start_add,
	.finish = map_builder_finish,
	.lookup = ranged_start_lookup,
	.lookup_many = ranged_start_lookup_many,
	.split = ranged_start_split,
};

const struct map_ops map_ranged_unsafe = {
	.name = "ranged-unsafe",
	.summary = "ranged-start without the empty maps: wrong by design, a control",
	.limits = "16 GiB of records",
	.flags = MAP_UNSAFE,
	.state = sizeof(struct map_builder),
	.add = ranged_unsafe_add,
	.finish = map_builder_finish,
	.lookup = ranged_unsafe_lookup,
	.lookup_many = ranged_unsafe_lookup_many,
	.split = ranged_unsafe_split,
};
