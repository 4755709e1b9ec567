/*
 * gc.h - programs that live on a garbage-collected heap: C sources in gc/, each built twice, as
 * LLVM bitcode (references are address_space(1) pointers) and natively (plain pointers, memory that
 * is only freed at the end), which gives the answer.
 *
 * The bitcode is part of the executable, so that it is found wherever that is run from. A module
 * defines `uint64_t gc_main(rt *, uint32_t size)`; some also `gc_step` (gc/rt.h), which its own
 * calls of rt_hop and rt_cross come back to. What else it calls is gc/rt.h's list.
 */
#ifndef STUBMAP_GC_H
#define STUBMAP_GC_H

#include <stddef.h>
#include <stdint.h>

struct gc_program {
	const char *name, *summary;
	const char *workload; /* the name of its cells: "gc:NAME" */
	const char *size_means;
	uint32_t small;	     /* a size for a collection at each allocation: well below a second */
	uint32_t usual, max; /* sizes are 1..max */
	const uint8_t *bitcode, *bitcode_end;
	uint64_t (*native)(uint32_t size);
};

extern const struct gc_program *const gc_programs[]; /* NULL ends it */
const struct gc_program *gc_program_find(const char *name);
const struct gc_program *gc_program_of(const char *workload); /* "gc:NAME"; NULL: none */

/* When a cell's collector collects. */
enum gc_mode {
	GC_NORMAL, /* when a budget is used up that grows with what is live */
	GC_EVERY,  /* at each allocation */
	GC_RANDOM, /* when a random budget is used up, drawn anew after each collection */
	GC_NEVER,  /* only where the program asks for it: what collecting costs, by subtraction */
	GC_MODES
};
extern const char *const gc_mode_names[GC_MODES];

/* How a program's numbers become its answer: the state after v. */
static inline uint64_t gc_mix(uint64_t state, uint64_t v)
{
	state = (state ^ v) * 0x9e3779b97f4a7c15u;
	return state ^ state >> 29;
}

#endif
