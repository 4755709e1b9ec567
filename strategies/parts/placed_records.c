/*
 * placed_records.c - the records of whole stubs (placed.h): one array that grows, and a list of the
 * free ones in it.
 */
#include <stdlib.h>

#include "placed.h"

void placed_close(struct placed_list *list)
{
	free(list->records);
	poison_close(&list->poison);
}

uint32_t placed_new(struct placed_list *list)
{
	uint32_t word = list->free;

	if (word) {
		list->free = placed_at(list, word)->next;
		return word;
	}
	if (list->count == list->capacity) {
		uint32_t n = list->capacity ? list->capacity * 2 : 64;
		struct placed *bigger = realloc(list->records, n * sizeof(*bigger));
		if (!bigger)
			return 0;
		list->records = bigger;
		list->capacity = n;
	}
	list->records[list->count].callee = NULL;
	return ++list->count;
}

void placed_free(struct placed_list *list, uint32_t word)
{
	placed_at(list, word)->callee = NULL;
	placed_at(list, word)->next = list->free;
	list->free = word;
}

struct emit_config placed_config(const struct stub_space *space, enum emit_form form)
{
	return (struct emit_config){ .form = form,
				     .markers = space->config.markers,
				     .distance = code_literal_distance(space->code),
				     .runtime = space->runtime,
				     .poison = space->config.poison,
				     .by = space->ops->name };
}
