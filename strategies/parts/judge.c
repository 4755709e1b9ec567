/* judge.c - encodes a whole list of safepoints, and says what an answer about one is worth. */
#include <errno.h>
#include <stdlib.h>

#include "../map.h"

int map_encode(const struct map_ops *ops, const struct safepoint *points, size_t n,
	       struct map_bytes *out, size_t *bad)
{
	size_t len = out->len, i = 0;
	int error = 0;
	void *state = calloc(1, ops->state ? ops->state : 1);
	if (!state)
		return -ENOMEM;
	for (; i < n && !error; i += !error)
		error = ops->add(state, &points[i]);
	if (bad)
		*bad = i;
	int finished = ops->finish(state, error ? NULL : out);
	free(state);
	if (!error)
		error = finished;
	if (error)
		out->len = len;
	return error;
}

const char *const map_outcome_names[MAP_OUTCOMES] = {
	[MAP_CORRECT] = "correct",
	[MAP_WRONG] = "wrong",
	[MAP_SILENT] = "silent",
	[MAP_DETECTED] = "detected",
};

static bool same_places(const struct safepoint *truth, const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t place, i = 0;
	for (; map_next(live, &at, &place); i++)
		if (i == truth->nlive || truth->live[i] != place)
			return false;
	return i == truth->nlive && (!live->frame_size || live->frame_size == truth->frame_size);
}

enum map_outcome map_judge(const struct safepoint *truth, enum map_answer answer,
			   const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t place;
	switch (answer) {
	case MAP_FOUND:
		if (truth)
			return same_places(truth, live) ? MAP_CORRECT : MAP_WRONG;
		return map_next(live, &at, &place) ? MAP_WRONG : MAP_SILENT;
	case MAP_ABSENT:
		return truth && !truth->nlive ? MAP_CORRECT : MAP_SILENT;
	default:
		return MAP_DETECTED;
	}
}
