/*
 * gc.h - programs on a garbage-collected heap: C sources in gc/, each built twice, as LLVM bitcode
 * (references are address_space(1) pointers) and natively (plain pointers, memory freed only at the
 * end), which gives the right answer.
 *
 * The bitcode is part of the executable, so that it is always found. A module defines `uint64_t
 * gc_main(rt *, uint32_t size)`; some also define `gc_step` (gc/rt.h), to which calls of rt_hop and
 * rt_cross return. It calls only functions of gc/rt.h.
 */
#ifndef STUBMAP_GC_H
#define STUBMAP_GC_H

#include <stddef.h>
#include <stdint.h>

struct gc_program {
	const char *name, *summary;
	const char *workload; /* the name of its cells: "gc:NAME" */
	const char *size_means;
	uint32_t small;	     /* well below a second with a collection at each allocation */
	uint32_t usual, max; /* sizes are 1..max */
	const uint8_t *bitcode, *bitcode_end;
	uint64_t (*native)(uint32_t size);
};

extern const struct gc_program *const gc_programs[]; /* NULL ends it */
const struct gc_program *gc_program_find(const char *name);
const struct gc_program *gc_program_of(const char *workload); /* "gc:NAME"; NULL: none */

/* When a cell's collector collects. */
enum gc_mode {
	GC_NORMAL, /* when a budget is used up that grows with the live bytes */
	GC_EVERY,  /* at each allocation */
	GC_RANDOM, /* when a random budget is used up, drawn anew after each collection */
	GC_NEVER,  /* only if the program asks: tells the cost of collecting */
	GC_MODES
};
extern const char *const gc_mode_names[GC_MODES];

/* Adds a program's number v to its answer; returns the new state. */
static inline uint64_t gc_mix(uint64_t state, uint64_t v)
{
	state = (state ^ v) * 0x9e3779b97f4a7c15u;
	return state ^ state >> 29;
}

#endif
