/*
 * file.h - files that a reader named: what each is is seen before it is read, so that nothing waits
 * for a pipe that nobody writes to, or reads a device without end. And what became of a written
 * one.
 */
#ifndef STUBMAP_BASE_FILE_H
#define STUBMAP_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>

enum file_kind {
	FILE_WHOLE,  /* read in any order: a regular file */
	FILE_STREAM, /* read once from its start: a pipe or a terminal, too, as /dev/stdin may be */
};

/* A descriptor for reading, or -errno with "PATH: why" in error (-ENOTSUP: of another kind). */
int file_open(const char *path, enum file_kind kind, char *error, size_t size);
/* The same as a stream; NULL, and *r is -errno. */
FILE *file_stream(const char *path, enum file_kind kind, int *r, char *error, size_t size);

/*
 * 0, or -errno for what was written to f and not taken. A stream knows that a write failed, not
 * why: one byte more is written then, which fails for the same reason.
 */
int file_flush(FILE *f);
/* The same, and closes f. */
int file_finish(FILE *f);
/* All of it, or -errno. */
int file_write(int fd, const void *data, size_t n);

#endif
