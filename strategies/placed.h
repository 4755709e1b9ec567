/*
 * placed.h - records of whole stubs that lie somewhere of their own: what page and template share.
 * A callee's word is its record's number + 1.
 */
#ifndef STUBMAP_PLACED_H
#define STUBMAP_PLACED_H

#include "emit.h"

struct placed {
	uint8_t *at;
	uint8_t *before; /* where it lay before its target went out of reach; NULL: nowhere */
	uint32_t size, size_before;
	enum emit_form form;
	struct emit_patches patches;
	enum stub_kind kind;
	stub_signature signature;
	const uint64_t *bound;
	unsigned nbound;
	uint32_t next; /* free records: the next one's number + 1 */
};

struct placed_list {
	struct placed *records;
	uint32_t count, capacity;
	uint32_t free; /* number + 1 */
};

void placed_close(struct placed_list *list);
/* A new record's number + 1, or 0: no memory. Pointers to records hold until the next one. */
uint32_t placed_new(struct placed_list *list);
void placed_free(struct placed_list *list, uint32_t word);

/* The form a stub for target takes, wherever it may come to lie; fills in the rest of config. */
struct emit_config placed_config(const struct stub_space *space, const void *target);
/* Writes the literals of a stub whose code is in place and writable. */
void placed_literals(const struct stub_space *space, const struct placed *placed,
		     const struct stub_spec *spec);
/* The spec that a stub was made for, with another target. */
struct stub_spec placed_spec(const struct placed *placed, const struct callee *c,
			     const void *target);
/* Changes the target where the stub lies. 0, -ENOMEM, or -ERANGE: a near call does not reach it. */
int placed_retarget(const struct stub_space *space, const struct placed *placed,
		    const void *target);

/* Live bytes of code that a stub of `size` bytes stands for: whole slots, as in a packed area. */
static inline ptrdiff_t placed_bytes(size_t size)
{
	return (ptrdiff_t)((size + EMIT_SLOT - 1) / EMIT_SLOT * EMIT_SLOT);
}
/* Bytes of its literals in the side table. */
static inline ptrdiff_t placed_literal_bytes(const struct placed *placed)
{
	return placed->form == EMIT_TABLE ? 16 + 8 * (ptrdiff_t)placed->nbound : 0;
}

#endif
