/*
 * none.c - no map at all: the floor. It is what a JIT without references pays; an encoder's bytes
 * and times are compared with it.
 */
#include "../parts/table.h"

static int none_add(void *state, const struct safepoint *p)
{
	return map_builder_end(state, p, map_builder_begin(state, p));
}

static enum map_answer none_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				   struct map_live *out)
{
	(void)map, (void)pc, (void)scratch, (void)out;
	return len ? MAP_DAMAGED : MAP_ABSENT;
}

static void none_split(const uint8_t *map, size_t len, size_t *index, size_t *data)
{
	(void)map;
	*index = len;
	*data = 0;
}

const struct map_ops map_none = {
	.name = "none",
	.summary = "no map",
	.flags = MAP_FLOOR,
	.state = sizeof(struct map_builder),
	.add = none_add,
	.finish = map_builder_finish,
	.lookup = none_lookup,
	.split = none_split,
};
