/*
 * heap.c - a semi-space heap whose old spaces are taken away.
 *
 *      reservation (64 GiB of addresses)
 *      | retired: no access ... | starts | objects ... | free | gap | not yet used: no access ... |
 *                               now      first         top          end
 *
 *      | header | reference 0 | ... | other bytes ... | header | ...
 *               ^ what references point to
 *      header: payload's bytes (a multiple of 8) | references << 32;   once moved: new address | 1
 *
 * Each collection takes a fresh range of addresses and gives the old range's pages back, so that a
 * pointer that was not updated faults at its next use, wherever that is; an address comes again
 * only after 64 GiB of others. It costs three system calls a collection and a page fault for each
 * page used, which a collector made for speed would avoid.
 *
 * Maps say where pointers are, not which object each belongs to, so a pointer into an object finds
 * its base in the starts bitmap: the last header below it. One past the end of an object is the
 * next one's header, so such a pointer is handled, too; a pointer further outside is not.
 */
#include "gc/heap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define RESERVE ((size_t)64 << 30)
#define PAGE	((size_t)4096)

enum { HEADER = 8 };

static size_t align_up(size_t v, size_t to)
{
	return (v + to - 1) & ~(to - 1);
}

size_t heap_need(uint32_t nrefs, uint32_t nbytes)
{
	return HEADER + align_up(8 * (size_t)nrefs + nbytes, 8);
}

/* ---- Spaces -------------------------------------------------------------------------------- */

static int space_open(struct heap *h, size_t objects, struct heap_space *s)
{
	/* The gap keeps the address one past the last object's end inside the space. */
	size_t words = objects / 8 + 2, starts = align_up(words / 8 + 1, 64);
	size_t size = align_up(starts + 8 * words, PAGE);

	if (size > h->reserved / 2)
		return -ENOMEM;
	if (size > h->reserved - h->next)
		h->next = 0;
	/* Only two spaces exist at a time, each below half of all: starting over
	 * does not meet the old one. */
	uint8_t *at = h->reservation + h->next;
	if (mprotect(at, size, PROT_READ | PROT_WRITE))
		return -ENOMEM;
	h->next += size;
	*s = (struct heap_space){ .starts = at,
				  .first = at + starts,
				  .top = at + starts,
				  .limit = at + size - 8,
				  .end = at + size };
	return 0;
}

int heap_open(struct heap *h, size_t budget)
{
	*h = (struct heap){ .reserved = RESERVE };
	h->reservation =
	    mmap(NULL, RESERVE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->reservation == MAP_FAILED) {
		h->reservation = NULL;
		return -ENOMEM;
	}
	int err = space_open(h, budget, &h->now);
	if (err)
		heap_close(h);
	else
		heap_budget(h, budget);
	return err;
}

void heap_close(struct heap *h)
{
	if (h->reservation)
		munmap(h->reservation, h->reserved);
	h->reservation = NULL;
}

void heap_budget(struct heap *h, size_t budget)
{
	size_t room = (size_t)(h->now.end - 8 - h->now.top);

	h->now.limit = h->now.top + (budget < room ? budget : room);
}

bool heap_is_retired(const struct heap *h, const void *p)
{
	uintptr_t at = (uintptr_t)p, from = (uintptr_t)h->reservation;

	return h->reservation && at - from < h->reserved &&
	       at - (uintptr_t)h->now.starts >= (size_t)(h->now.end - h->now.starts);
}

/* ---- Objects ------------------------------------------------------------------------------- */

static uint64_t *new_object(struct heap_space *s, uint64_t header)
{
	size_t word = (size_t)(s->top - s->first) / 8;
	uint64_t *object = (uint64_t *)(void *)s->top;

	s->starts[word / 8] |= (uint8_t)(1u << word % 8);
	*object = header;
	s->top += HEADER + (uint32_t)header;
	return object;
}

void *heap_alloc(struct heap *h, uint32_t nrefs, uint32_t nbytes)
{
	size_t need = heap_need(nrefs, nbytes);

	if (need > UINT32_MAX || need > (size_t)(h->now.limit - h->now.top))
		return NULL;
	return new_object(&h->now, (uint64_t)nrefs << 32 | (need - HEADER)) + 1;
}

/* The header of the object that p is in or one past the end of: the last one below p. */
static uint64_t *object_of(const struct heap_space *s, const uint8_t *p)
{
	size_t word = (size_t)(p - s->first - 1) / 8, byte = word / 8;
	unsigned bits = s->starts[byte] & ((2u << word % 8) - 1);

	while (!bits)
		bits = s->starts[--byte];
	word = 8 * byte + 31 - (unsigned)__builtin_clz(bits);
	return (uint64_t *)(void *)(s->first + 8 * word);
}

enum heap_root heap_forward(struct heap *h, void **ref)
{
	uint8_t *p = *ref;

	if (!p)
		return HEAP_NULL;
	if (p < h->old.first + HEADER || p > h->old.top)
		return HEAP_OUTSIDE;
	uint64_t *from = object_of(&h->old, p);
	if (!(*from & 1)) {
		uint64_t *to = new_object(&h->now, *from);

		memcpy(to + 1, from + 1, (uint32_t)*from);
		h->moved_objects++;
		h->moved_bytes += HEADER + (uint32_t)*from;
		*from = (uintptr_t)(to + 1) | 1;
	}
	h->inside += p != (uint8_t *)(from + 1);
	*ref = (uint8_t *)(uintptr_t)(*from - 1) + (p - (uint8_t *)(from + 1));
	return HEAP_MOVED;
}

int heap_flip(struct heap *h, size_t budget)
{
	struct heap_space fresh;
	int err = space_open(h, heap_used(h) + budget, &fresh);

	if (err)
		return err;
	h->old = h->now;
	h->now = fresh;
	return 0;
}

uint64_t heap_scan(struct heap *h)
{
	uint64_t outside = 0;

	for (uint8_t *at = h->now.first; at < h->now.top;) {
		uint64_t header = *(uint64_t *)(void *)at;
		void **refs = (void **)(void *)(at + HEADER);

		for (uint32_t i = 0; i < header >> 32; i++)
			outside += heap_forward(h, &refs[i]) == HEAP_OUTSIDE;
		at += HEADER + (uint32_t)header;
	}
	return outside;
}

int heap_retire(struct heap *h)
{
	size_t size = (size_t)(h->old.end - h->old.starts);
	void *at = mmap(h->old.starts, size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	h->old = (struct heap_space){ 0 };
	return at == MAP_FAILED ? -ENOMEM : 0;
}
