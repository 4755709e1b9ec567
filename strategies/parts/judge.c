/* judge.c - encodes a whole list of safepoints, and says what an answer about one is worth. */
#include <errno.h>
#include <stdlib.h>

#include "../map.h"

/* The functions that are still to be opened. */
struct functions {
	const struct map_function *next;
	size_t left;
	uint32_t end; /* of the last one opened */
	bool open;
};

static int open_function(const struct map_ops *ops, void *state, struct functions *f,
			 uint32_t start, uint32_t end)
{
	if (start > end || (f->open && start < f->end))
		return -EINVAL;
	f->open = true;
	f->end = end;
	return ops->function(state, start, end);
}

/* Opens all functions that begin before pc, and if the last of them ends before it, or there is
 * none, one that fills the gap up to the next; the last gap ends at `last`. */
static int open_until(const struct map_ops *ops, void *state, struct functions *f, uint32_t pc,
		      uint32_t last)
{
	int error = 0;
	while (f->left && !error && (f->next->start < pc || !f->next->start)) {
		error = open_function(ops, state, f, f->next->start, f->next->end);
		f->next++;
		f->left--;
	}
	if (error || (f->open && pc <= f->end))
		return error;
	return open_function(ops, state, f, f->open ? f->end : 0, f->left ? f->next->start : last);
}

/* Adds all; *i is the safepoint under way, n at a fault of the functions. */
static int add_all(const struct map_ops *ops, void *state, const struct safepoint *points, size_t n,
		   struct functions *f, size_t *i)
{
	int error = 0;
	for (*i = 0; *i < n && !error; *i += !error) {
		if (ops->function && f->left + f->open)
			error = open_until(ops, state, f, points[*i].pc, points[n - 1].pc);
		if (error) {
			*i = n;
			return error;
		}
		error = ops->add(state, &points[*i]);
	}
	for (; ops->function && f->left && !error; f->left--, f->next++)
		error = open_function(ops, state, f, f->next->start, f->next->end);
	return error;
}

int map_encode_functions(const struct map_ops *ops, const struct safepoint *points, size_t n,
			 const struct map_function *functions, size_t nfunctions,
			 struct map_bytes *out, size_t *bad)
{
	struct functions f = { functions, nfunctions, 0, false };
	size_t len = out->len, i;
	void *state = calloc(1, ops->state ? ops->state : 1);
	if (!state)
		return -ENOMEM;
	int error = add_all(ops, state, points, n, &f, &i);
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

int map_encode(const struct map_ops *ops, const struct safepoint *points, size_t n,
	       struct map_bytes *out, size_t *bad)
{
	return map_encode_functions(ops, points, n, NULL, 0, out, bad);
}

int map_load(const struct map_ops *ops, struct map_bytes *table)
{
	struct map_bytes loaded = { 0 };
	int error = ops->load ? ops->load(table->data, table->len, &loaded) : 0;
	if (error || !ops->load) {
		free(loaded.data);
		return error;
	}
	free(table->data);
	*table = loaded;
	return 0;
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
