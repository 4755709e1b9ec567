/* cells.c - makes the options of cells from the table of a cell's keys, and a plan's cell from the
 * options that were given. */
#include "cli/cells.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs/plan.h"

static const char *const titles[CELL_GROUPS] = {
	[CELL_ARM] = "arms",
	[CELL_WORKLOAD] = "workload",
	[CELL_GC] = "programs on the collected heap (gc:NAME)",
	[CELL_LIVES] = "tier-up, flood, churn",
};

static struct option_spec spec_of(struct cell_options *o, size_t i)
{
	const struct cell_key *k = &cell_keys[i];
	struct option_spec s = { .name = o->names[i],
				 .letter = k->letter,
				 .type = OPTION_LIST,
				 .value = k->value,
				 .help = k->help,
				 .out = &o->lists[i] };

	snprintf(o->names[i], sizeof o->names[i], "%s", k->name);
	for (char *at = o->names[i]; (at = strchr(at, '_'));)
		*at = '-';
	if (!strcmp(k->name, "workload"))
		s.type = OPTION_FILES;
	if (k->type == CELL_FLAG) {
		s.type = OPTION_FLAG;
		s.out = &o->flags[i];
	} else if (k->one) {
		s.type = OPTION_NUMBER;
		s.out = &o->numbers[i];
		s.min = k->min ? k->min : 1; /* 0: all, as if it were not given */
		s.max = k->max;
	}
	return s;
}

void cell_options_specs(struct cell_options *o, bool model, struct option_spec *specs, size_t *n,
			struct option_group *groups)
{
	for (unsigned g = 0; g < CELL_GROUPS; g++) {
		const size_t first = *n;

		for (size_t i = 0; i < CELL_KEYS; i++) {
			const struct cell_key *k = &cell_keys[i];

			if (k->help && k->group == g && (k->model || !model))
				specs[(*n)++] = spec_of(o, i);
		}
		if (*n > first)
			*groups++ = (struct option_group){ titles[g], first };
	}
}

struct option_list *cell_options_list(struct cell_options *o, const char *key)
{
	size_t i = 0;

	while (strcmp(cell_keys[i].name, key)) {
		i++;
		assert(i < CELL_KEYS);
	}
	return &o->lists[i];
}

bool cell_options_given(const struct cell_options *o)
{
	for (size_t i = 0; i < CELL_KEYS; i++)
		if (o->lists[i].n || o->flags[i] || o->numbers[i])
			return true;
	return false;
}

/* A list of words as a JSON array: of numbers, if each word is one;
 * a pattern becomes the names that it matches. */
static json_t *words_to_json(const struct cell_key *k, const struct option_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++) {
		uint64_t v;

		if (k->type != CELL_TEXT && !options_size(list->words[i], &v))
			json_array_append_new(array, json_integer((json_int_t)v));
		else {
			json_t *word = json_string(list->words[i]);
			json_t *names = plan_values(k->name, word);

			if (json_array_size(names))
				json_array_extend(array, names);
			else /* a pattern of nothing: the plan refuses it, as any name */
				json_array_append(array, word);
			json_decref(names);
			json_decref(word);
		}
	}
	return array;
}

json_t *cell_options_to_json(const struct cell_options *o)
{
	json_t *cell = json_object();

	for (size_t i = 0; i < CELL_KEYS; i++) {
		const struct cell_key *k = &cell_keys[i];

		if (o->lists[i].n)
			json_object_set_new(cell, k->name, words_to_json(k, &o->lists[i]));
		if (o->flags[i])
			json_object_set_new(cell, k->name, json_true());
		if (o->numbers[i])
			json_object_set_new(cell, k->name, json_integer((json_int_t)o->numbers[i]));
	}
	return cell;
}

void cell_options_free(struct cell_options *o)
{
	for (size_t i = 0; i < CELL_KEYS; i++)
		free(o->lists[i].text);
}
