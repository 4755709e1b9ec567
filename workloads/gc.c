/* gc.c - the table of garbage-collected programs: one line for each file in gc/. */
#include "gc.h"

#include <string.h>

/*    name   size is     small usual max    summary */
#define PROGRAMS(X)                                                                              \
	X(trees, "depth", 5, 14, 20, "binary trees: many small objects, recursion")              \
	X(sort, "elements", 60, 20000, 1000000, "a linked list, merge-sorted")                   \
	X(map, "insertions", 80, 40000, 1000000, "a hash map that grows: arrays of references")  \
	X(lisp, "n", 3, 16, 24, "a Lisp interpreter: closures, deep recursion")                  \
	X(wide, "rounds", 1, 200, 100000, "frames of hundreds of live slots")                    \
	X(nest, "depth", 12, 300, 2000, "host -> JIT -> host -> JIT through every kind of stub") \
	X(gaps, "rounds", 6, 2000, 1000000, "call sites without references right behind others")

#define DECLARE(id, ...)                                                         \
	extern const uint8_t _binary_##id##_bc_start[], _binary_##id##_bc_end[]; \
	uint64_t gc_##id##_native(uint32_t size);
PROGRAMS(DECLARE)

#define DEFINE(id, means, few, many, most, text)        \
	static const struct gc_program program_##id = { \
		.name = #id,                            \
		.summary = text,                        \
		.workload = "gc:" #id,                  \
		.size_means = means,                    \
		.small = few,                           \
		.usual = many,                          \
		.max = most,                            \
		.bitcode = _binary_##id##_bc_start,     \
		.bitcode_end = _binary_##id##_bc_end,   \
		.native = gc_##id##_native,             \
	};
PROGRAMS(DEFINE)

#define ROW(id, ...) &program_##id,
const struct gc_program *const gc_programs[] = { PROGRAMS(ROW) NULL };

const char *const gc_mode_names[GC_MODES] = {
	[GC_NORMAL] = "normal",
	[GC_EVERY] = "every",
	[GC_RANDOM] = "random",
	[GC_NEVER] = "never",
};

const struct gc_program *gc_program_find(const char *name)
{
	for (size_t i = 0; gc_programs[i]; i++)
		if (!strcmp(gc_programs[i]->name, name))
			return gc_programs[i];
	return NULL;
}

const struct gc_program *gc_program_of(const char *workload)
{
	for (size_t i = 0; gc_programs[i]; i++)
		if (!strcmp(gc_programs[i]->workload, workload))
			return gc_programs[i];
	return NULL;
}
