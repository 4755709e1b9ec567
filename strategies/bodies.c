/*
 * bodies.c - what a strategy made for a kind and signature; see bodies.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bodies.h"

/* A signature takes 56 bits. */
static uint64_t key_of(enum stub_kind kind, stub_signature s, enum emit_form form)
{
	return s << 8 | (uint64_t)form << 4 | (uint64_t)kind << 1 | 1;
}

static struct body *slot_of(const struct bodies *bodies, uint64_t key)
{
	uint32_t i = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32);

	while (bodies->table[i & (bodies->capacity - 1)].key &&
	       bodies->table[i & (bodies->capacity - 1)].key != key)
		i++;
	return &bodies->table[i & (bodies->capacity - 1)];
}

void bodies_close(struct bodies *bodies)
{
	free(bodies->table);
	*bodies = (struct bodies){ 0 };
}

const struct body *bodies_find(const struct bodies *bodies, enum stub_kind kind, stub_signature s,
			       enum emit_form form)
{
	if (!bodies->count)
		return NULL;
	const struct body *body = slot_of(bodies, key_of(kind, s, form));
	return body->key ? body : NULL;
}

static int grow(struct bodies *bodies)
{
	struct bodies bigger = { .capacity = bodies->capacity ? bodies->capacity * 2 : 16 };

	bigger.table = calloc(bigger.capacity, sizeof(*bigger.table));
	if (!bigger.table)
		return -ENOMEM;
	for (uint32_t i = 0; i < bodies->capacity; i++)
		if (bodies->table[i].key)
			*slot_of(&bigger, bodies->table[i].key) = bodies->table[i];
	bigger.count = bodies->count;
	free(bodies->table);
	*bodies = bigger;
	return 0;
}

int bodies_insert(struct bodies *bodies, enum stub_kind kind, stub_signature s, enum emit_form form,
		  const struct body *body)
{
	if (bodies->count * 2 >= bodies->capacity && grow(bodies))
		return -ENOMEM;
	struct body *slot = slot_of(bodies, key_of(kind, s, form));
	*slot = *body;
	slot->key = key_of(kind, s, form);
	bodies->count++;
	return 0;
}

static int make(struct bodies *bodies, struct arena *arena, const struct emit_config *config,
		const struct stub_spec *spec)
{
	uint8_t code[EMIT_MAX];
	size_t size;
	struct emit_patches none;

	int error = emit_body(code, config, spec->kind, spec->signature, &size, &none);
	if (error)
		return error;
	uint8_t *at = arena_take(arena, size);
	if (!at)
		return -ENOMEM;
	struct body body = { .code = at, .size = (uint32_t)size };
	error = bodies_insert(bodies, spec->kind, spec->signature, config->form, &body);
	if (error)
		arena_give(arena, at, size);
	else
		memcpy(code_writable(arena->code, at), code, size);
	return error;
}

int bodies_prepare(struct bodies *bodies, struct arena *arena, const struct emit_config *config,
		   unsigned without, const struct stub_spec *specs, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		error = emit_check(specs[i].kind, specs[i].signature);
		if (!error && !(without >> specs[i].kind & 1) &&
		    !bodies_find(bodies, specs[i].kind, specs[i].signature, config->form))
			error = make(bodies, arena, config, &specs[i]);
	}
	int committed = arena_commit(arena);
	return error ? error : committed;
}
