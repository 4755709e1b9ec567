/*
 * rt.h - the functions that a garbage-collected program may use, as bitcode and natively.
 *
 * As bitcode, REF pointers are references: the collector moves their objects, so they may only be
 * in locals, parameters and objects, and every function below may collect. An object is its
 * references, then its other bytes. Every call takes the instance (rt), whose first word the stubs
 * need. Natively, REF is empty and memory is freed at the end.
 */
#ifndef STUBMAP_GC_RT_H
#define STUBMAP_GC_RT_H

#include "../gc.h"

#define NOINLINE __attribute__((noinline))

/* A program is GC_EXPORT uint64_t gc_main(rt *c, uint32_t size) { ... } and its functions. */
typedef struct rt rt;

#ifndef GC_NATIVE

#define REF	  __attribute__((address_space(1)))
#define GC_EXPORT /* found by name */

/* Allocates nrefs references (null), then nbytes zeroes. */
REF void *rt_alloc(rt *, uint32_t nrefs, uint32_t nbytes);
/* Mixes a number into the answer. */
void rt_emit(rt *, uint64_t v);
/* Collects now, whatever the mode. */
void rt_collect(rt *);
/* Calls gc_step(another instance, p, depth) through the host, which collects before and after. */
REF void *rt_hop(rt *, REF void *p, uint32_t depth);
/* Calls gc_step like an indirect call that changes the instance. */
REF void *rt_cross(rt *, REF void *p, uint32_t depth);
void rt_poll(rt *);

uint64_t gc_main(rt *, uint32_t size);

extern volatile uint32_t rt_poll_flag;
extern rt *const rt_self;

/* LLVM's place-safepoints inserts this as polls: at function entries and in loops. */
void gc_safepoint_poll(void) __asm__("gc.safepoint_poll");
void gc_safepoint_poll(void)
{
	if (__builtin_expect(rt_poll_flag, 0))
		rt_poll(rt_self);
}

#else /* GC_NATIVE: the program's name */

#include <stdlib.h>

#define REF
#define GC_EXPORT static

struct chunk {
	struct chunk *next;
	size_t used, size;
	uint64_t data[];
};

struct rt {
	uint64_t answer;
	struct chunk *chunks;
};

static uint64_t gc_main(rt *, uint32_t size);

static inline void *rt_alloc(rt *c, uint32_t nrefs, uint32_t nbytes)
{
	size_t bytes = (sizeof(void *) * nrefs + nbytes + 7) / 8 * 8;
	struct chunk *k = c->chunks;

	if (!k || k->size - k->used < bytes) {
		size_t size = bytes > 1 << 20 ? bytes : 1 << 20;

		k = calloc(1, sizeof(*k) + size);
		if (!k)
			abort();
		k->size = size;
		k->next = c->chunks;
		c->chunks = k;
	}
	k->used += bytes;
	return (char *)k->data + k->used - bytes;
}

static inline void rt_emit(rt *c, uint64_t v)
{
	c->answer = gc_mix(c->answer, v);
}

static inline void rt_collect(rt *c)
{
	(void)c;
}

#define rt_hop	 gc_step
#define rt_cross gc_step

#define GC_PASTE(name)	     gc_##name##_native
#define GC_NATIVE_MAIN(name) GC_PASTE(name)

uint64_t GC_NATIVE_MAIN(GC_NATIVE)(uint32_t size);
uint64_t GC_NATIVE_MAIN(GC_NATIVE)(uint32_t size)
{
	rt c = { 0 };

	rt_emit(&c, gc_main(&c, size));
	while (c.chunks) {
		struct chunk *next = c.chunks->next;

		free(c.chunks);
		c.chunks = next;
	}
	return c.answer;
}

#endif
#endif
