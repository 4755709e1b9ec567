/*
 * same.c - quanta that hold the same bytes, as one physical quantum (CODE_DUAL).
 *
 *      executable view     | first | ... | at   | at+q | at+2q | ...
 *                              |            |      |      |
 *      pages of the memfd      P <----------+------+------+     the file's own pages: holes
 *
 * mremap of a shared mapping with an old size of 0 maps its pages once more; no descriptor is
 * needed. It saves the memory of n - 1 of n quanta, and lines of a physically tagged instruction
 * cache; it costs a system call and a mapping for each quantum, and the kernel limits the number of
 * mappings.
 */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

static int map_again(struct code_memory *code, void *at, const void *of, size_t bytes)
{
	void *got = mremap((void *)(uintptr_t)of, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at);

	code_count_syscalls(code, 1);
	return got == MAP_FAILED ? -errno : 0;
}

/* The file's own pages are found through the writable view. */
int code_apart(struct code_memory *code, void *at, size_t bytes)
{
	int error = map_again(code, at, code_writable(code, at), bytes);

	if (error)
		return error;
	code_count_syscalls(code, 1);
	return mprotect(at, bytes, PROT_READ | PROT_EXEC) ? -errno : 0;
}

int code_same(struct code_memory *code, void *at, size_t bytes, const void *first)
{
	const size_t quantum = code_get_config(code)->quantum;

	if (code_get_config(code)->wx != CODE_DUAL)
		return -EINVAL;
	for (size_t done = 0; done < bytes; done += quantum) {
		int error = map_again(code, (uint8_t *)at + done, first, quantum);
		if (error) {
			if (done)
				(void)code_apart(code, at, done);
			return error;
		}
	}
	return 0;
}
