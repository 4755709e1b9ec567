/*
 * wasi.c - the calls of WASI preview 1 that programs made with wasi-libc use: the table of all
 * calls, and those that are not about files (these: wasi_file.c).
 */
#include "wasm/wasi_call.h"

#include <errno.h>
#include <stdlib.h>

enum { ROOT = 3 };

/* ---- Arguments, environment, clock, random --------------------------------------------------- */

static uint32_t args_sizes_get(struct wasi_call *c)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < c->wasi->nargs; i++)
		bytes += (uint32_t)strlen(c->wasi->args[i]) + 1;
	return wasi_put32(c, c->a[0], c->wasi->nargs) && wasi_put32(c, c->a[1], bytes) ? OK
										       : E_FAULT;
}

static uint32_t args_get(struct wasi_call *c)
{
	uint64_t text = c->a[1];

	for (unsigned i = 0; i < c->wasi->nargs; i++) {
		size_t n = strlen(c->wasi->args[i]) + 1;
		void *to = wasi_at(c, text, n);

		if (!to || !wasi_put32(c, c->a[0] + 4 * i, (uint32_t)text))
			return E_FAULT;
		memcpy(to, c->wasi->args[i], n);
		text += n;
	}
	return OK;
}

/* An empty environment. */
static uint32_t environ_sizes_get(struct wasi_call *c)
{
	return wasi_put32(c, c->a[0], 0) && wasi_put32(c, c->a[1], 0) ? OK : E_FAULT;
}

static uint32_t environ_get(struct wasi_call *c)
{
	(void)c;
	return OK;
}

static uint32_t clock_res_get(struct wasi_call *c)
{
	return wasi_put64(c, c->a[1], 1000000) ? OK : E_FAULT;
}

static uint32_t clock_time_get(struct wasi_call *c)
{
	const uint64_t start = 1700000000000000000u;

	return wasi_put64(c, c->a[2], start + ++c->wasi->ticks * 1000000) ? OK : E_FAULT;
}

static uint32_t random_get(struct wasi_call *c)
{
	uint8_t *to = wasi_at(c, c->a[0], c->a[1]);

	if (!to)
		return E_FAULT;
	for (uint64_t i = 0; i < c->a[1]; i++)
		to[i] = (uint8_t)prng_next(&c->wasi->random);
	return OK;
}

static uint32_t not_here(struct wasi_call *c)
{
	(void)c;
	return E_NOSYS;
}

static uint32_t sched_yield_(struct wasi_call *c)
{
	(void)c;
	return OK;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void wasi_open(struct wasi *w, const char *const *args, unsigned nargs, uint64_t seed)
{
	*w = (struct wasi){ .nargs = nargs < WASI_ARGS ? nargs : WASI_ARGS };
	for (unsigned i = 0; i < w->nargs; i++)
		w->args[i] = args[i];
	prng_seed(&w->random, seed);
	w->fds[0] = w->fds[1] = (struct wasi_fd){ .kind = WASI_FILE, .file = &w->files[0] };
	w->fds[2] = (struct wasi_fd){ .kind = WASI_FILE, .file = &w->files[1] };
	w->fds[ROOT].kind = WASI_DIRECTORY;
	w->files[0].open = 2;
	w->files[1].open = 1;
	strcpy(w->files[0].name, "(output)");
	strcpy(w->files[1].name, "(error)");
}

void wasi_close(struct wasi *w)
{
	for (unsigned i = 0; i < WASI_FILES; i++)
		free(w->files[i].data);
	*w = (struct wasi){ 0 };
}

int wasi_add_file(struct wasi *w, const char *name, const void *data, size_t size)
{
	struct wasi_file *f = NULL;

	if (strlen(name) >= WASI_NAME)
		return -ENAMETOOLONG;
	if (!(f = wasi_find_file(w, name)) && !(f = wasi_new_file(w, name)))
		return -ENFILE;
	if (wasi_resize(f, size))
		return -ENOMEM;
	if (size)
		memcpy(f->data, data, size);
	return 0;
}

int wasi_print(struct wasi *w, const char *text, size_t size)
{
	struct wasi_file *f = &w->files[0];
	size_t old = f->size;

	if (wasi_resize(f, old + size))
		return -ENOMEM;
	if (size)
		memcpy(f->data + old, text, size);
	return 0;
}

const char *wasi_output(const struct wasi *w, size_t *size)
{
	*size = w->files[0].size;
	return w->files[0].data ? (const char *)w->files[0].data : "";
}

const struct wasi_function wasi_functions[] = {
	{ "args_get", "ii>i", args_get },
	{ "args_sizes_get", "ii>i", args_sizes_get },
	{ "environ_get", "ii>i", environ_get },
	{ "environ_sizes_get", "ii>i", environ_sizes_get },
	{ "clock_res_get", "ii>i", clock_res_get },
	{ "clock_time_get", "ili>i", clock_time_get },
	{ "random_get", "ii>i", random_get },
	{ "fd_close", "i>i", wasi_fd_close },
	{ "fd_datasync", "i>i", wasi_fd_sync },
	{ "fd_fdstat_get", "ii>i", wasi_fd_fdstat_get },
	{ "fd_fdstat_set_flags", "ii>i", wasi_fd_fdstat_set_flags },
	{ "fd_filestat_get", "ii>i", wasi_fd_filestat_get },
	{ "fd_filestat_set_size", "il>i", wasi_fd_filestat_set_size },
	{ "fd_pread", "iiili>i", wasi_fd_pread },
	{ "fd_prestat_dir_name", "iii>i", wasi_fd_prestat_dir_name },
	{ "fd_prestat_get", "ii>i", wasi_fd_prestat_get },
	{ "fd_pwrite", "iiili>i", wasi_fd_pwrite },
	{ "fd_read", "iiii>i", wasi_fd_read },
	{ "fd_readdir", "iiili>i", not_here },
	{ "fd_renumber", "ii>i", wasi_fd_renumber },
	{ "fd_seek", "ilii>i", wasi_fd_seek },
	{ "fd_sync", "i>i", wasi_fd_sync },
	{ "fd_tell", "ii>i", wasi_fd_tell },
	{ "fd_write", "iiii>i", wasi_fd_write },
	{ "path_create_directory", "iii>i", not_here },
	{ "path_filestat_get", "iiiii>i", wasi_path_filestat_get },
	{ "path_filestat_set_times", "iiiilli>i", not_here },
	{ "path_open", "iiiiillii>i", wasi_path_open },
	{ "path_readlink", "iiiiii>i", not_here },
	{ "path_remove_directory", "iii>i", not_here },
	{ "path_rename", "iiiiii>i", not_here },
	{ "path_unlink_file", "iii>i", wasi_path_unlink_file },
	{ "poll_oneoff", "iiii>i", not_here },
	{ "sched_yield", ">i", sched_yield_ },
	{ "proc_exit", "i>", NULL },
	{ NULL, NULL, NULL },
};
