/*
 * bodies.h - a small table of the code that a strategy made for bodies: code that many stubs share,
 * or templates that stubs are copied from. Its key is all that a body depends on: kind, signature,
 * number of bound arguments, form.
 */
#ifndef STUBMAP_BODIES_H
#define STUBMAP_BODIES_H

#include "../code/arena.h"

struct body {
	uint64_t key; /* 0: empty */
	const uint8_t *code;
	uint32_t size;
	struct emit_patches patches;
	enum emit_zero zero; /* how a call that is not made returns */
};

struct bodies {
	struct body *table; /* open addressing */
	uint32_t capacity, count;
};

void bodies_close(struct bodies *bodies);
/* NULL: not in the table. Pointers are valid until the next bodies_insert. */
const struct body *bodies_find(const struct bodies *bodies, const struct stub_spec *spec,
			       enum emit_form form);
/* The body whose code begins at `code`; it must be in the table. Searches all of the table. */
const struct body *bodies_at(const struct bodies *bodies, const void *code);
/* 0 or -ENOMEM. The key must be new. */
int bodies_insert(struct bodies *bodies, const struct stub_spec *spec, enum emit_form form,
		  const struct body *body);

/* Makes the shared bodies that n specs need and that are missing, in one opening of the arena;
 * kinds whose bit (1 << kind) is in `without` need none. 0, -ENOMEM, or an error of emit_body;
 * bodies that were made stay. */
int bodies_prepare(struct bodies *bodies, struct arena *arena, const struct emit_config *config,
		   unsigned without, const struct stub_spec *specs, size_t n);

/* Binds c to the shared body in EMIT_CALLEE, which must be there: it reads c's words, and c needs
 * no code of its own. The private word is 1 or a pointer. */
void bodies_bind(const struct bodies *bodies, const struct stub_spec *spec, struct stub_callee *c);
/* Hooks of a strategy (stub.h) whose stubs read the callee's target. */
int bodies_retarget(struct stub_space *space, struct stub_callee *c, const void *target);
int bodies_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			 const void *const *targets, size_t n, size_t *done);

#endif
