/*
 * heap.h - the memory that the collector moves objects in: a semi-space heap
 * whose spaces never come back.
 */
#ifndef STUBMAP_GC_HEAP_H
#define STUBMAP_GC_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_space {
	uint8_t *starts; /* the space's first byte: bit i set if an object's header is word i */
	uint8_t *first;	 /* the first object */
	uint8_t *top;	 /* the next header goes here */
	uint8_t *limit;	 /* no allocation passes it; at most end - 8 */
	uint8_t *end;
};

struct heap {
	uint8_t *reservation;
	size_t reserved, next;	    /* bytes; next: where the next space may start */
	struct heap_space now, old; /* old: empty except from heap_flip to heap_retire */
	uint64_t moved_objects, moved_bytes;
	uint64_t inside; /* references moved that pointed into an object, or to its end */
};

/* Opens a first space with room for `budget` bytes of objects. 0 or -ENOMEM. */
int heap_open(struct heap *, size_t budget);
void heap_close(struct heap *);

/* Allocates a zeroed object of nrefs references and nbytes other bytes; returns its
 * payload's address. NULL: it does not fit below the limit; the caller collects, asking
 * for heap_need more bytes. */
void *heap_alloc(struct heap *, uint32_t nrefs, uint32_t nbytes);
/* Bytes that the object takes, its header included. */
size_t heap_need(uint32_t nrefs, uint32_t nbytes);
static inline size_t heap_used(const struct heap *h)
{
	return (size_t)(h->now.top - h->now.first);
}
/* Allows at most `budget` more bytes to be allocated. */
void heap_budget(struct heap *, size_t budget);

/*
 * One collection: heap_flip opens a new space with room for all of the old one and `budget` more
 * bytes; then call heap_forward for each root, then heap_scan; heap_retire makes the old space
 * inaccessible until the whole reservation has been used up. 0 or -ENOMEM.
 */
int heap_flip(struct heap *, size_t budget);

enum heap_root {
	HEAP_NULL,
	HEAP_MOVED,   /* *ref now points to the copy, at the same place in it */
	HEAP_OUTSIDE, /* not into the old space; unchanged */
};
enum heap_root heap_forward(struct heap *, void **ref);

/* Moves the objects that the moved objects refer to.
 * Returns how many of these references pointed outside. */
uint64_t heap_scan(struct heap *);
int heap_retire(struct heap *);
/* Whether an address is in the reservation, but not in the space in use. */
bool heap_is_retired(const struct heap *, const void *);

#endif
