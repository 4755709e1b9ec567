/*
 * growth.h - the memory that the whole process gains between two moments, as the kernel counts it:
 * code memory, a library's own memory, the heap. The pages of programs and libraries themselves,
 * files that were mapped at the first moment, are told apart.
 */
#ifndef STUBMAP_METERS_GROWTH_H
#define STUBMAP_METERS_GROWTH_H

#include <stddef.h>
#include <stdint.h>

#include "meters/memory.h"

/* Sums over mappings; bytes are PSS. */
struct growth {
	int64_t code, data; /* executable, and the others with the heap's blocks in use */
	int64_t files;	    /* of files that were mapped at the first moment */
	int64_t mappings;
	int64_t writable_code; /* mappings that may be written and executed */
};

struct growth_mark {
	struct growth at;
	struct growth_file {
		uintptr_t from, to;
	} *files;
	size_t n, room;
};

/*
 * In the heap the blocks in use count, not the pages: a compiler may have left free pages there. So
 * freed pages of the heap that are used again are growth, and a block's room in a page is not
 * rounded up. mallinfo2 is glibc's, of its main arena.
 *
 * 0, or -errno with one line in error; growth_free in any case.
 */
int growth_begin(struct growth_mark *, char error[METERS_ERROR]);
int growth_since(const struct growth_mark *, struct growth *out, char error[METERS_ERROR]);
void growth_free(struct growth_mark *);

#endif
