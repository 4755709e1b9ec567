/*
 * wasi.h - the system that a wasm program sees: WASI preview 1, in memory alone. Files exist in it
 * alone, the clock moves a millisecond at each reading, random bytes follow from the seed: so a
 * program does the same each time. Missing calls return ENOSYS.
 */
#ifndef STUBMAP_WASM_WASI_H
#define STUBMAP_WASM_WASI_H

#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"

enum { WASI_FDS = 32, WASI_FILES = 32, WASI_ARGS = 8, WASI_NAME = 96 };

struct wasi_file {
	char name[WASI_NAME]; /* "": a free place */
	uint8_t *data;
	size_t size, room;
	unsigned open; /* descriptors */
};

struct wasi_fd {
	enum { WASI_CLOSED, WASI_DIRECTORY, WASI_FILE } kind;
	struct wasi_file *file;
	uint64_t at;
	uint16_t flags;
};

struct wasi {
	const char *args[WASI_ARGS];
	unsigned nargs;
	struct wasi_file files[WASI_FILES]; /* the first two: standard output and error */
	struct wasi_fd fds[WASI_FDS];
	struct prng random;
	uint64_t ticks; /* readings of the clock */
};

void wasi_open(struct wasi *, const char *const *args, unsigned nargs, uint64_t seed);
void wasi_close(struct wasi *);
/* Adds a file with a copy of data. 0, -ENOMEM, -ENFILE (too many), -ENAMETOOLONG. */
int wasi_add_file(struct wasi *, const char *name, const void *data, size_t size);
/* Writes to standard output, as the program would. 0, -ENOMEM. */
int wasi_print(struct wasi *, const char *text, size_t size);
/* The standard output so far; valid until more is written. */
const char *wasi_output(const struct wasi *, size_t *size);

/* One call: its arguments in order, and the program's memory. */
struct wasi_call {
	struct wasi *wasi;
	uint8_t *memory;
	uint64_t size;
	uint64_t a[9];
};

struct wasi_function {
	const char *name, *signature;
	uint32_t (*call)(struct wasi_call *); /* WASI's errno; NULL: proc_exit */
};
extern const struct wasi_function wasi_functions[]; /* a name NULL ends it */

#endif
