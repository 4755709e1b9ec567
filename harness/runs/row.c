/* row.c - checks lines of invocations, and finds them by block and cell. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "runs/row.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- The figures ------------------------------------------------------------------------- */

/* A figure without samples says why, and counts for nothing. */
static int check_figure(const json_t *figure, char *error)
{
	const json_t *samples = json_object_get(figure, "samples"), *sample;
	const json_t *per = json_object_get(figure, "per");
	const json_t *warmup = json_object_get(figure, "warmup");
	const char *phase = text_of(figure, "phase"), *event = text_of(figure, "event");
	size_t i;

	if (!json_is_object(figure))
		return run_refuse(error, -EINVAL, "a figure must be an object");
	if (!samples || json_is_null(samples))
		return 0;
	if (!json_is_array(samples))
		return run_refuse(error, -EINVAL, "figure %s/%s: samples must be a list or null",
				  phase, event);
	if (!json_is_number(per) || !(json_number_value(per) > 0))
		return run_refuse(error, -EINVAL, "figure %s/%s: per must be a number over 0",
				  phase, event);
	if (warmup && (!json_is_integer(warmup) || json_integer_value(warmup) < 0))
		return run_refuse(error, -EINVAL,
				  "figure %s/%s: warmup must be a whole number, 0 or more", phase,
				  event);
	json_array_foreach((json_t *)samples, i, sample)
		if (!json_is_number(sample))
			return run_refuse(error, -EINVAL, "figure %s/%s: sample %zu is no number",
					  phase, event, i + 1);
	return 0;
}

/* ---- The plan's cells -------------------------------------------------------------------- */

/* Whether a plan's value (one, a list, a pattern) stands for v. */
static bool stands_for(const json_t *value, const json_t *v)
{
	const char *pattern = json_string_value(value), *name = json_string_value(v);
	json_t *one;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach((json_t *)value, i, one)
			if (stands_for(one, v))
				return true;
		return false;
	}
	return json_equal(value, v) || (pattern && name && !fnmatch(pattern, name, 0));
}

/* Keys that a plan may leave to the cell's program or kind. */
static bool may_be_filled_in(const char *key)
{
	return !strcmp(key, "maps") || !strcmp(key, "signature") || !strcmp(key, "size");
}

static bool entry_has(const json_t *entry, const struct cell *cell, const json_t *json)
{
	struct cell usual;
	json_t *plain, *v;
	const char *key;
	bool has = true;

	json_object_foreach((json_t *)entry, key, v)
		if (!json_object_get(json, key) || !stands_for(v, json_object_get(json, key)))
			return false;
	cell_defaults(&usual);
	if (json_object_get(entry, "workload"))
		memcpy(usual.workload, cell->workload, sizeof usual.workload);
	if (json_object_get(entry, "stubs"))
		memcpy(usual.stubs, cell->stubs, sizeof usual.stubs);
	cell_resolve(&usual);
	plain = cell_to_json(&usual);
	json_object_foreach((json_t *)json, key, v)
		if (!json_object_get(entry, key) && strcmp(key, "replica") &&
		    !may_be_filled_in(key) && !json_equal(v, json_object_get(plain, key)))
			has = false;
	json_decref(plain);
	return has;
}

/* Asks the plan's text: this program may not know the arms of an old plan. */
static bool plan_has(const struct run *run, const struct cell *cell)
{
	const json_t *entries = json_object_get(json_object_get(run->head, "plan"), "cells");
	struct cell base = *cell;
	json_t *json, *entry;
	bool has = false;
	size_t i;

	if (!json_is_array(entries))
		return true; /* a head without cells asks for nothing */
	if (cell->replica) {
		if (plan_baseline_of(run->baseline, cell, &base))
			return false;
		base.replica = cell->replica;
		if (!cell_equal(&base, cell))
			return false;
	}
	json = cell_to_json(cell);
	json_array_foreach((json_t *)entries, i, entry)
		has |= entry_has(entry, cell, json);
	json_decref(json);
	return has;
}

/* Whether the cell was found good in the first row's block: most cells are in each block. */
static bool known_cell(const struct run *run, const struct cell *cell)
{
	return run->n && row_find(run, run->invocations[0].block, cell) < run->n;
}

/* ---- A line ------------------------------------------------------------------------------ */

int row_read(const struct run *run, json_t *json, struct invocation *inv, char error[RUN_ERROR])
{
	const json_t *block = json_object_get(json, "block"), *figure;
	const json_t *segment = json_object_get(json, "segment");
	const char *status = text_of(json, "status");
	char why[CELL_ERROR];
	size_t i;

	*inv = (struct invocation){ .json = json, .figures = json_object_get(json, "figures") };
	if (strcmp(text_of(json, "type"), "invocation") || !json_is_integer(block) ||
	    !json_is_array(inv->figures) || (strcmp(status, "ok") && strcmp(status, "failed")))
		return run_refuse(error, -EINVAL,
				  "no invocation: it lacks its type, block, status or figures");
	if (json_integer_value(block) < 0 || json_integer_value(block) >= PLAN_MAX_BLOCKS)
		return run_refuse(error, -EINVAL, "block %lld: 0 to %d are allowed",
				  (long long)json_integer_value(block), PLAN_MAX_BLOCKS - 1);
	if (segment && (!json_is_integer(segment) || json_integer_value(segment) < 0 ||
			json_integer_value(segment) >= (json_int_t)json_array_size(run->segments)))
		return run_refuse(error, -EINVAL,
				  "it names a segment that no line before it begins");
	if (cell_read(json_object_get(json, "cell"), &inv->cell, why))
		return run_refuse(error, -EINVAL, "%s", why);
	json_array_foreach((json_t *)inv->figures, i, figure)
		if (check_figure(figure, error))
			return -EINVAL;
	inv->block = (uint32_t)json_integer_value(block);
	inv->segment = (uint32_t)json_integer_value(segment);
	inv->ok = !strcmp(status, "ok");
	inv->why = inv->ok ? NULL : text_of(json, "why");
	inv->stopped = json_is_true(json_object_get(json, "stopped"));
	if (!known_cell(run, &inv->cell) && !plan_has(run, &inv->cell))
		return run_refuse(error, -EINVAL, "the run's plan has no such cell: %s on %s",
				  inv->cell.stubs, inv->cell.workload);
	return 0;
}

/* ---- By block and cell: a table of 1 + indices, open addressing --------------------------- */

static uint64_t mix_text(uint64_t h, const char *text)
{
	while (*text)
		h = prng_mix(h ^ (unsigned char)*text++);
	return h;
}

/* Equal cells have equal values of these keys. */
static size_t slot_of(const struct run *run, uint32_t block, const struct cell *c)
{
	uint64_t h = prng_mix(block) ^ c->replica;

	return (size_t)mix_text(mix_text(mix_text(h, c->stubs), c->workload), c->maps) &
	       (run->nslots - 1);
}

size_t row_find(const struct run *run, uint32_t block, const struct cell *cell)
{
	if (!run->nslots)
		return run->n;
	for (size_t at = slot_of(run, block, cell); run->slots[at];
	     at = (at + 1) & (run->nslots - 1)) {
		const struct invocation *inv = &run->invocations[run->slots[at] - 1];
		if (inv->block == block && cell_equal(&inv->cell, cell))
			return run->slots[at] - 1;
	}
	return run->n;
}

static void put(struct run *run, size_t i)
{
	const struct invocation *inv = &run->invocations[i];
	size_t at = slot_of(run, inv->block, &inv->cell);

	while (run->slots[at])
		at = (at + 1) & (run->nslots - 1);
	run->slots[at] = (uint32_t)i + 1;
}

int row_room(struct run *run)
{
	size_t n = run->nslots ? run->nslots * 2 : 64;

	if (run->n * 2 < run->nslots)
		return 0;
	struct invocation *all = realloc(run->invocations, n / 2 * sizeof *all);
	if (!all)
		return -ENOMEM;
	run->invocations = all;
	uint32_t *slots = calloc(n, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	free(run->slots);
	run->slots = slots;
	run->nslots = n;
	for (size_t i = 0; i < run->n; i++)
		put(run, i);
	return 0;
}

void row_add(struct run *run)
{
	put(run, run->n - 1);
}
