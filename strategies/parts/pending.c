/*
 * pending.c - the rings of callees that wait for their stubs.
 */
#include <stdlib.h>

#include "pending.h"

static int grow(struct pending_ring *ring)
{
	uint32_t n = ring->capacity ? ring->capacity * 2 : 64;
	struct pending *at = realloc(ring->at, n * sizeof(*at));

	if (!at)
		return -1;
	for (; ring->used < PENDING_RINGS; ring->used++)
		at[ring->used] = (struct pending){ .before = ring->used, .behind = ring->used };
	ring->at = at;
	ring->capacity = n;
	return 0;
}

static void append(struct pending_ring *ring, uint32_t anchor, uint32_t word)
{
	uint32_t last = ring->at[anchor].before;

	ring->at[word].before = last;
	ring->at[word].behind = anchor;
	ring->at[last].behind = ring->at[anchor].before = word;
}

static void unlink_from(struct pending_ring *ring, uint32_t word)
{
	const struct pending *p = &ring->at[word];

	ring->at[p->before].behind = p->behind;
	ring->at[p->behind].before = p->before;
}

uint32_t pending_add(struct pending_ring *ring, const struct stub_spec *spec, struct stub_callee *c)
{
	uint32_t word = ring->free;

	if (word)
		ring->free = ring->at[word].behind;
	else if (ring->used == ring->capacity && grow(ring))
		return 0;
	else
		word = ring->used++;
	ring->at[word] = (struct pending){ .callee = c,
					   .signature = spec->signature,
					   .bound = spec->bound,
					   .module = spec->module,
					   .table = spec->table,
					   .kind = (uint8_t)spec->kind,
					   .nbound = (uint8_t)spec->nbound };
	append(ring, PENDING_WAITING, word);
	ring->count++;
	return word;
}

void pending_remove(struct pending_ring *ring, uint32_t word)
{
	unlink_from(ring, word);
	ring->at[word] = (struct pending){ .behind = ring->free };
	ring->free = word;
	ring->count--;
}

void pending_called(struct pending_ring *ring, uint32_t word)
{
	unlink_from(ring, word);
	append(ring, PENDING_CALLED, word);
}

struct stub_spec pending_spec(const struct pending_ring *ring, uint32_t word)
{
	const struct pending *p = &ring->at[word];

	return (struct stub_spec){ .kind = (enum stub_kind)p->kind,
				   .signature = p->signature,
				   .target = p->callee->target,
				   .context = p->callee->context,
				   .bound = p->bound,
				   .nbound = p->nbound,
				   .module = p->module,
				   .table = p->table };
}
