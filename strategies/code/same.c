/*
 * same.c - quanta that hold the same bytes, as one physical quantum (CODE_DUAL).
 *
 *      executable view     | first | ... | at   | at+q | at+2q | ...
 *                              |            |      |      |
 *      pages of the memfd      P <----------+------+------+     the file's own pages: holes
 *
 * mremap of a shared mapping with an old size of 0 maps its pages once more, with all that was
 * asked for them (dual.c). It saves the memory of n - 1 of n quanta, and lines of a physically
 * tagged instruction cache; it costs a system call and a mapping for each quantum, and the kernel
 * limits the number of mappings.
 */
#include <sys/mman.h>

#include "memory.h"

static int map_again(struct code_memory *code, uint8_t *at, const void *of, size_t bytes)
{
	code->stats.syscalls++;
	return mremap((void *)(uintptr_t)of, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) ==
		       MAP_FAILED
		   ? -errno
		   : 0;
}

/* The kernel needs no room for it: one mapping replaces as many as there are. */
int code_apart(struct code_memory *code, void *at, size_t bytes)
{
	if (!code->config.share || dual_forked(code))
		return -EINVAL;
	return code_refusal(dual_own(code, (uintptr_t)at, bytes));
}

int code_same(struct code_memory *code, void *at, size_t bytes, const void *first)
{
	const size_t quantum = code->config.quantum;
	size_t done = 0;
	int error = 0;

	if (!code->config.share || dual_forked(code))
		return -EINVAL;
	for (; done < bytes && !error; done += error ? 0 : quantum)
		error = map_again(code, (uint8_t *)at + done, first, quantum);
	if (error && done)
		(void)code_apart(code, at, done);
	return code_refusal(error);
}
