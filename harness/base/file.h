/*
 * file.h - files that a user named. Each file's kind is checked before it is read, so that no
 * command waits for a pipe that nobody writes to, or reads a device without end. Writers learn
 * whether all was written.
 */
#ifndef STUBMAP_BASE_FILE_H
#define STUBMAP_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>

enum file_kind {
	FILE_WHOLE,  /* read in any order: a regular file */
	FILE_STREAM, /* read once from its start: a pipe or a terminal, too, as /dev/stdin may be */
};

/* A descriptor for reading, or -errno with "PATH: why" in error (-ENOTSUP:
 * a file of another kind). */
int file_open(const char *path, enum file_kind kind, char *error, size_t size);
/* As file_open, but returns a stream; NULL, and *r is -errno. */
FILE *file_stream(const char *path, enum file_kind kind, int *r, char *error, size_t size);

/* Whether a file of that name can be moved into place: 0, if there is none or a regular file.
 * -errno with "PATH: why" in error: a device, a pipe, a folder and a link stay what they are. */
int file_replaceable(const char *path, char *error, size_t size);

/*
 * 0, or -errno if some of the bytes written to f did not arrive. A stream knows that a write
 * failed, not why: then one more byte is written, which fails for the same reason.
 */
int file_flush(FILE *f);
/* As file_flush, and closes f. */
int file_finish(FILE *f);
/* Writes all n bytes: 0, or -errno. */
int file_write(int fd, const void *data, size_t n);

#endif
