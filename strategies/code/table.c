/*
 * table.c - literals that lie at no fixed distance from their stubs.
 *
 *      | stubs | modules | A: of stubs | ....... | B: of stubs | table     |g|
 *      base              +S                      +2S           +2S+384M
 *
 * The stubs' area is smaller than S: behind the second literals of the last stub there is room.
 */
#include <sys/mman.h>

#include "memory.h"

void *code_table(struct code_memory *code, size_t bytes)
{
	uintptr_t at = code->areas[CODE_STUBS].to + 2 * CODE_S + code->table_used;
	uintptr_t end = code->areas[CODE_LITERALS].to;

	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > end - at)
		return NULL;
	code->table_used += bytes;
	return (void *)at;
}

/* What the kernel refuses of it delays only the return of memory. */
void code_table_drop(struct code_memory *code, void *at, size_t bytes)
{
	const uintptr_t from = ((uintptr_t)at + CODE_PAGE - 1) & ~(CODE_PAGE - 1);
	const uintptr_t to = ((uintptr_t)at + bytes) & ~(CODE_PAGE - 1);

	if (from < to)
		(void)kernel_advise(code, from, to - from, MADV_DONTNEED);
}
