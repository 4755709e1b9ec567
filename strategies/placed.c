/*
 * placed.c - whole stubs, their literals and how a target is replaced; see placed.h.
 *
 * A baked target is one aligned field inside an instruction (emit_x86_64.c says why that is safe
 * against other processors' fetches). The change of protection around it is not: under toggle no
 * code of the page can run meanwhile, so the embedder must have stopped the callers. A table's
 * target is a word of data: one store (release), read by the stub's call instruction, old or new.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "placed.h"

void placed_close(struct placed_list *list)
{
	free(list->records);
	*list = (struct placed_list){ 0 };
}

uint32_t placed_new(struct placed_list *list)
{
	uint32_t word = list->free;

	if (word) {
		list->free = list->records[word - 1].next;
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
	return ++list->count;
}

void placed_free(struct placed_list *list, uint32_t word)
{
	list->records[word - 1].next = list->free;
	list->free = word;
}

struct emit_config placed_config(const struct stub_space *space, const void *target)
{
	struct emit_config config = { .form = EMIT_TABLE,
				      .markers = space->config.markers,
				      .distance = code_literal_distance(space->code),
				      .runtime = space->runtime };
	uintptr_t from, to;

	if (space->config.literals == STUB_LITERALS_BAKED) {
		code_range(space->code, CODE_STUBS, &from, &to);
		config.form =
		    emit_in_reach((void *)from, target) && emit_in_reach((void *)to, target)
			? EMIT_NEAR
			: EMIT_FAR;
	}
	return config;
}

static const void **table_word(const struct stub_space *space, const struct placed *placed)
{
	return (const void **)(placed->at + code_literal_distance(space->code));
}

void placed_literals(const struct stub_space *space, const struct placed *placed,
		     const struct stub_spec *spec)
{
	if (placed->form == EMIT_TABLE) {
		const void **word = table_word(space, placed);
		word[0] = spec->target;
		word[1] = spec->context;
		if (spec->nbound)
			memcpy(&word[2], spec->bound, spec->nbound * sizeof(*spec->bound));
	} else {
		emit_literals(placed->form, &placed->patches,
			      code_writable(space->code, placed->at), placed->at, spec);
	}
}

struct stub_spec placed_spec(const struct placed *placed, const struct callee *c,
			     const void *target)
{
	return (struct stub_spec){ .kind = placed->kind,
				   .signature = placed->signature,
				   .target = target,
				   .context = c->context,
				   .bound = placed->bound,
				   .nbound = placed->nbound };
}

int placed_retarget(const struct stub_space *space, const struct placed *placed, const void *target)
{
	if (placed->form == EMIT_TABLE) {
		__atomic_store_n(table_word(space, placed), target, __ATOMIC_RELEASE);
		return 0;
	}
	if (placed->form == EMIT_NEAR && placed_config(space, target).form != EMIT_NEAR)
		return -ERANGE;
	uint8_t *field = placed->at + placed->patches.target;
	size_t bytes = placed->form == EMIT_NEAR ? 4 : 8;
	int error = code_patch(space->code, field, bytes);
	if (error)
		return error;
	emit_retarget(placed->form, &placed->patches, code_writable(space->code, placed->at),
		      placed->at, target);
	return code_commit(space->code, field, bytes);
}
