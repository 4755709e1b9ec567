/*
 * bodies.c - finds and keeps what a strategy made for a kind of stub.
 *
 * A body is kept until the space is closed. Those of one bodies_prepare lie side by side. Where
 * callers run under toggle, a quantum is written once (arena.h): there each bodies_prepare that
 * makes a body takes a quantum for good, so that signatures that come one by one cost one each.
 * Strategies can't mend that, as stubs and callers lead to a body where it is: the embedder names
 * its signatures to one prepare.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bodies.h"
#include "watched.h"

/*
 * A signature takes 56 bits; three are left for the form, four for the kind, and one that is always
 * set. Each number of bound arguments counts as a kind of its own, behind the others.
 */
static uint64_t key_of(const struct stub_spec *spec, enum emit_form form)
{
	unsigned kind = spec->nbound ? STUB_KINDS - 1 + spec->nbound : (unsigned)spec->kind;

	_Static_assert((int)STUB_KINDS + (int)STUB_MAX_BOUND <= 16 && (int)EMIT_FORMS <= 8, "bits");
	return spec->signature << 8 | (uint64_t)form << 5 | (uint64_t)kind << 1 | 1;
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

const struct body *bodies_find(const struct bodies *bodies, const struct stub_spec *spec,
			       enum emit_form form)
{
	if (!bodies->count)
		return NULL;
	const struct body *body = slot_of(bodies, key_of(spec, form));
	return body->key ? body : NULL;
}

const struct body *bodies_at(const struct bodies *bodies, const void *code)
{
	const struct body *body = bodies->table;

	while (body->code != code)
		body++;
	return body;
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

int bodies_insert(struct bodies *bodies, const struct stub_spec *spec, enum emit_form form,
		  const struct body *body)
{
	if (bodies->count * 2 >= bodies->capacity && grow(bodies))
		return -ENOMEM;
	struct body *slot = slot_of(bodies, key_of(spec, form));
	*slot = *body;
	slot->key = key_of(spec, form);
	bodies->count++;
	return 0;
}

/* Makes the body that a spec needs, if it is missing; it can be called after the next commit. */
static int add(struct bodies *bodies, struct arena *arena, const struct emit_config *config,
	       const struct stub_spec *spec)
{
	uint8_t code[EMIT_MAX];
	size_t size;
	struct emit_patches none;

	if (bodies_find(bodies, spec, config->form))
		return 0;
	int error = emit_body(code, config, spec, &size, &none);
	if (error)
		return error;
	uint8_t *at = arena_take(arena, size);
	if (!at)
		return -errno;
	struct body body = { .code = at,
			     .size = (uint32_t)size,
			     .zero = emit_zero_of(spec->kind, spec->signature) };
	error = bodies_insert(bodies, spec, config->form, &body);
	if (error)
		arena_give(arena, at, size);
	else
		memcpy(code_writable(arena->code, at), code, size);
	if (!error)
		watched_body(arena->code, STUB_ROLE_BODY, at, size, config, spec);
	return error;
}

int bodies_prepare(struct bodies *bodies, struct arena *arena, const struct emit_config *config,
		   unsigned without, const struct stub_spec *specs, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		error = emit_check(&specs[i], &config->runtime);
		if (!error && !(without >> specs[i].kind & 1))
			error = add(bodies, arena, config, &specs[i]);
	}
	int committed = arena_commit(arena);
	return error && committed != -ENOTRECOVERABLE ? error : committed;
}

void bodies_bind(const struct bodies *bodies, const struct stub_spec *spec, struct stub_callee *c)
{
	c->target = spec->target;
	c->context = spec->context;
	c->word = spec->nbound ? (uintptr_t)spec->bound : 1;
	__atomic_store_n(&c->code, bodies_find(bodies, spec, EMIT_CALLEE)->code, __ATOMIC_RELEASE);
}

int bodies_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	(void)space;
	__atomic_store_n(&c->target, target, __ATOMIC_RELEASE);
	return 0;
}

int bodies_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			 const void *const *targets, size_t n, size_t *done)
{
	(void)space;
	for (size_t i = 0; i < n; i++)
		__atomic_store_n(&c[i]->target, targets[i], __ATOMIC_RELEASE);
	*done = n;
	return 0;
}
