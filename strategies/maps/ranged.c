/*
 * ranged.c - successive safepoints with the same map as one range.
 *
 *      count | first pc[count] | last pc[count] | offset[count] | records ...
 *
 * A range is a longest run of successive safepoints with equal frame size and live places, from
 * the first's pc to the last's. Runs of empty maps are ranges too (an empty map has no record,
 * and all are equal), so the gap between two ranges is known to hold no safepoint. Within a
 * range, though, a pc between two safepoints gets their map. It takes twelve bytes a range and
 * pays off if neighbours repeat.
 */
#include "../parts/table.h"

static int ranged_entry(struct map_builder *b, const struct safepoint *p, bool consed)
{
	int error = map_builder_begin(b, p);
	if (!error)
		error = map_builder_run(b, p, consed, true);
	return map_builder_end(b, p, error);
}

static int ranged_add(void *state, const struct safepoint *p)
{
	return ranged_entry(state, p, false);
}

static int ranged_consed_add(void *state, const struct safepoint *p)
{
	return ranged_entry(state, p, true);
}

static inline enum map_answer ranged_at(const struct map_table *t, size_t entry, uint32_t pc,
					struct map_live *out)
{
	if (pc < map_load32(t->start + 4 * entry) || pc > map_load32(t->end + 4 * entry))
		return MAP_NO_SAFEPOINT;
	return map_record_or_empty(t, map_load32(t->offset + 4 * entry), out);
}

MAP_TABLE_READER(ranged, 3, MAP_NO_SAFEPOINT)

const struct map_ops map_ranged = {
	.name = "ranged",
	.summary = "runs of equal maps as ranges with both ends, empty ones too",
	.limits = "16 GiB of records",
	.flags = MAP_EMPTIES,
	.state = sizeof(struct map_builder),
	.add = ranged_add,
	.finish = map_builder_finish,
	.lookup = ranged_lookup,
	.lookup_many = ranged_lookup_many,
	.split = ranged_split,
};

const struct map_ops map_ranged_consed = {
	.name = "ranged-consed",
	.summary = "ranged, equal bitmaps written once",
	.limits = "16 GiB of records",
	.flags = MAP_EMPTIES,
	.state = sizeof(struct map_builder),
	.add = ranged_consed_add,
	.finish = map_builder_finish,
	.lookup = ranged_lookup,
	.lookup_many = ranged_lookup_many,
	.split = ranged_split,
};
