/*
 * cells.h - the options of `run` and `model` that say which cells are wanted: one for each key of a
 * cell that is an option (cell.h), a list, unless it is a flag or one number is enough.
 */
#ifndef STUBMAP_CLI_CELLS_H
#define STUBMAP_CLI_CELLS_H

#include <jansson.h>

#include "cli/options.h"
#include "runs/cell.h"

struct cell_options {
	struct option_list lists[CELL_KEYS];
	uint64_t numbers[CELL_KEYS]; /* 0: not given */
	bool flags[CELL_KEYS];
	char names[CELL_KEYS][24]; /* of the options: max-events */
};

/* Appends the options, by group, to specs[*n], and where each group begins to groups. */
void cell_options_specs(struct cell_options *, bool model, struct option_spec *specs, size_t *n,
			struct option_group *groups);
/* The list of the words given for a key; the caller may add to it. */
struct option_list *cell_options_list(struct cell_options *, const char *key);
bool cell_options_given(const struct cell_options *); /* any of them */
/* A cell as a plan has it, with lists for values; names that a pattern stands
 * for. The caller owns it. */
json_t *cell_options_to_json(const struct cell_options *);
void cell_options_free(struct cell_options *);

#endif
