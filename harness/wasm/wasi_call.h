/*
 * wasi_call.h - what the files behind wasi.h share: WASI's error numbers, and how a call reaches
 * into the program's memory. Every address and length comes from the program: wasi_at returns NULL
 * for a range outside its memory, and the call then fails with EFAULT, as in an engine.
 */
#ifndef STUBMAP_WASM_WASI_CALL_H
#define STUBMAP_WASM_WASI_CALL_H

#include <stdbool.h>
#include <string.h>

#include "wasm/wasi.h"

/* WASI's own numbers. */
enum wasi_errno {
	OK,
	E_BADF = 8,
	E_EXIST = 20,
	E_FAULT = 21,
	E_INVAL = 28,
	E_MFILE = 33,
	E_NAMETOOLONG = 37,
	E_NOENT = 44,
	E_NOSPC = 51,
	E_NOSYS = 52,
	E_NOTDIR = 54,
	E_SPIPE = 70,
};

static inline void *wasi_at(const struct wasi_call *c, uint64_t address, uint64_t n)
{
	return address + n <= c->size ? c->memory + address : NULL;
}

static inline bool wasi_put32(const struct wasi_call *c, uint64_t address, uint32_t v)
{
	void *p = wasi_at(c, address, sizeof v);

	return p && memcpy(p, &v, sizeof v);
}

static inline bool wasi_put64(const struct wasi_call *c, uint64_t address, uint64_t v)
{
	void *p = wasi_at(c, address, sizeof v);

	return p && memcpy(p, &v, sizeof v);
}

static inline uint32_t wasi_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Makes a file that large; new bytes are zero. 0, or -1. */
int wasi_resize(struct wasi_file *, uint64_t size);
struct wasi_file *wasi_find_file(struct wasi *, const char *name); /* NULL: none */
struct wasi_file *wasi_new_file(struct wasi *, const char *name);  /* NULL: too many */

/* wasi_file.c */
uint32_t wasi_fd_write(struct wasi_call *);
uint32_t wasi_fd_read(struct wasi_call *);
uint32_t wasi_fd_pwrite(struct wasi_call *);
uint32_t wasi_fd_pread(struct wasi_call *);
uint32_t wasi_fd_seek(struct wasi_call *);
uint32_t wasi_fd_tell(struct wasi_call *);
uint32_t wasi_fd_close(struct wasi_call *);
uint32_t wasi_fd_renumber(struct wasi_call *);
uint32_t wasi_fd_sync(struct wasi_call *);
uint32_t wasi_fd_fdstat_get(struct wasi_call *);
uint32_t wasi_fd_fdstat_set_flags(struct wasi_call *);
uint32_t wasi_fd_filestat_get(struct wasi_call *);
uint32_t wasi_fd_filestat_set_size(struct wasi_call *);
uint32_t wasi_fd_prestat_get(struct wasi_call *);
uint32_t wasi_fd_prestat_dir_name(struct wasi_call *);
uint32_t wasi_path_open(struct wasi_call *);
uint32_t wasi_path_filestat_get(struct wasi_call *);
uint32_t wasi_path_unlink_file(struct wasi_call *);

#endif
