/*
 * table.c - literals that lie at no fixed distance from their stubs.
 *
 *      | stubs | modules | A: of stubs | ....... | B: of stubs | table     |g|
 *      base              +S                      +2S           +2S+384M
 *
 * The stubs' area is smaller than S: behind the second literals of the last stub there is room.
 */
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
