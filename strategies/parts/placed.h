/*
 * placed.h - records of whole stubs, each at a place of its own; page and template share them. A
 * callee's word is its record's number + 1.
 *
 *      callee.word --> record (the stub that calls reach)
 *                        | before
 *                        '--> record (replaced by a retarget) --> ... --> 0
 *
 * A thread that has read the old code pointer can still call a replaced stub: the stub stays until
 * its callee's release or the space's reclaim.
 *
 * A strategy whose places are an arena's sets `arena`: reclaim then moves stubs out of the sparsest
 * quanta, which replaces them, too, and STUB_COMPACT is one of its flags.
 */
#ifndef STUBMAP_PLACED_H
#define STUBMAP_PLACED_H

#include "poison.h"

struct placed {
	uint8_t *at;
	uint32_t size;
	enum emit_form form;
	struct emit_patches patches;
	enum stub_kind kind;
	stub_signature signature;
	const uint64_t *bound;
	unsigned nbound;
	struct stub_callee *callee; /* whose stub it is now; NULL: nobody's */
	uint32_t before;	    /* word of the stub that it replaced; 0: none is kept */
	uint32_t prev, next;	    /* the list of records with a `before`; next: free ones, too */
};

struct placed_list {
	struct placed *records;
	uint32_t count, capacity;
	uint32_t free;	   /* word of the first free record */
	uint32_t replaced; /* word of the first record with a `before` */
	/* Copied from the space and its code memory, for paths that are measured. */
	size_t distance;    /* S */
	uintptr_t from, to; /* the stubs' area */
	bool baked, frozen;
	struct poison poison;
	struct arena *arena; /* of all stubs, to be kept compact; NULL: there is none */
	/* The strategy sets both. Makes n stubs that can be called, in new records, whose words go
	 * to words[]. 0, or -ENOMEM, -ENOTSUP: it made none. */
	int (*make)(struct stub_space *, const struct stub_spec *, uint32_t *words, size_t n);
	/* Frees a stub's code; the caller frees the record. */
	void (*drop)(struct stub_space *, const struct placed *);
};

/* For the beginning of a strategy's open and the end of its close. 0 or -ENOMEM. */
int placed_open(struct placed_list *list, struct stub_space *space);
void placed_close(struct placed_list *list);
/* A new record's word, or 0: no memory. Pointers to records are valid until the next new one. */
uint32_t placed_new(struct placed_list *list);
void placed_free(struct placed_list *list, uint32_t word);
static inline struct placed *placed_at(const struct placed_list *list, uint64_t word)
{
	return &list->records[word - 1];
}

/* The form of a stub for target, wherever the stub will lie. */
static inline enum emit_form placed_form(const struct placed_list *list, const void *target)
{
	if (!list->baked)
		return EMIT_TABLE;
	return emit_in_reach((void *)list->from, target) && emit_in_reach((void *)list->to, target)
		   ? EMIT_NEAR
		   : EMIT_FAR;
}
struct emit_config placed_config(const struct stub_space *space, enum emit_form form);
/* Writes the literals of a stub whose code is in place and writable. */
void placed_literals(const struct stub_space *space, const struct placed_list *list,
		     const struct placed *placed, const struct stub_spec *spec);
/* The last step of bind: c's words, the code pointer last. */
void placed_publish(const struct placed_list *list, const struct stub_spec *spec, uint32_t word,
		    struct stub_callee *c);

/* The hooks of the same names, for a space whose state begins with a placed_list. */
int placed_retarget(struct stub_space *space, struct stub_callee *c, const void *target);
int placed_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			 const void *const *targets, size_t n, size_t *done);
void placed_release(struct stub_space *space, struct stub_callee *c);
void placed_reclaim(struct stub_space *space);

/* Live bytes of code that a stub of `size` bytes counts as: whole slots, as in a packed area. */
static inline ptrdiff_t placed_bytes(size_t size)
{
	return (ptrdiff_t)((size + EMIT_SLOT - 1) / EMIT_SLOT * EMIT_SLOT);
}
/* Bytes of the stub's words in the side table. */
static inline ptrdiff_t placed_literal_bytes(const struct stub_space *space,
					     const struct placed *placed)
{
	ptrdiff_t words = space->config.poison ? 4 : placed->form == EMIT_TABLE ? 2 : 0;

	return 8 * (words + (placed->form == EMIT_TABLE ? (ptrdiff_t)placed->nbound : 0));
}

#endif
