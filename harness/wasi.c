/*
 * wasi.c - the calls of WASI preview 1 that programs made with wasi-libc use, on files in memory.
 *
 * Every address and length comes from the program: at() answers NULL for what does not lie in its
 * memory, and the call then fails with EFAULT, as in an engine.
 */
#include "wasi.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
enum { TYPE_DIRECTORY = 3, TYPE_FILE = 4 };
enum { O_CREATE = 1, O_DIRECTORY_ONLY = 2, O_EXCLUSIVE = 4, O_TRUNCATE = 8 };
enum { FLAG_APPEND = 1 };
enum { ROOT = 3 };
enum { MAX_FILE = 256 << 20 };

/* ---- The program's memory -------------------------------------------------------------------- */

static void *at(const struct wasi_call *c, uint64_t address, uint64_t n)
{
	return address + n <= c->size ? c->memory + address : NULL;
}

static bool put32(const struct wasi_call *c, uint64_t address, uint32_t v)
{
	void *p = at(c, address, sizeof v);

	return p && memcpy(p, &v, sizeof v);
}

static bool put64(const struct wasi_call *c, uint64_t address, uint64_t v)
{
	void *p = at(c, address, sizeof v);

	return p && memcpy(p, &v, sizeof v);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* ---- Arguments, environment, clock, random --------------------------------------------------- */

static uint32_t args_sizes_get(struct wasi_call *c)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < c->wasi->nargs; i++)
		bytes += (uint32_t)strlen(c->wasi->args[i]) + 1;
	return put32(c, c->a[0], c->wasi->nargs) && put32(c, c->a[1], bytes) ? OK : E_FAULT;
}

static uint32_t args_get(struct wasi_call *c)
{
	uint64_t text = c->a[1];

	for (unsigned i = 0; i < c->wasi->nargs; i++) {
		size_t n = strlen(c->wasi->args[i]) + 1;
		void *to = at(c, text, n);

		if (!to || !put32(c, c->a[0] + 4 * i, (uint32_t)text))
			return E_FAULT;
		memcpy(to, c->wasi->args[i], n);
		text += n;
	}
	return OK;
}

/* An empty environment. */
static uint32_t environ_sizes_get(struct wasi_call *c)
{
	return put32(c, c->a[0], 0) && put32(c, c->a[1], 0) ? OK : E_FAULT;
}

static uint32_t environ_get(struct wasi_call *c)
{
	(void)c;
	return OK;
}

static uint32_t clock_res_get(struct wasi_call *c)
{
	return put64(c, c->a[1], 1000000) ? OK : E_FAULT;
}

static uint32_t clock_time_get(struct wasi_call *c)
{
	const uint64_t start = 1700000000000000000u;

	return put64(c, c->a[2], start + ++c->wasi->ticks * 1000000) ? OK : E_FAULT;
}

static uint32_t random_get(struct wasi_call *c)
{
	uint8_t *to = at(c, c->a[0], c->a[1]);

	if (!to)
		return E_FAULT;
	for (uint64_t i = 0; i < c->a[1]; i++)
		to[i] = (uint8_t)prng_next(&c->wasi->random);
	return OK;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int resize(struct wasi_file *f, uint64_t size)
{
	if (size > MAX_FILE)
		return -1;
	if (size > f->room) {
		size_t room = f->room ? f->room : 4096;

		while (room < size)
			room *= 2;
		uint8_t *data = realloc(f->data, room);
		if (!data)
			return -1;
		f->data = data;
		f->room = room;
	}
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	f->size = size;
	return 0;
}

static struct wasi_file *find_file(struct wasi *w, const char *name)
{
	for (unsigned i = 2; i < WASI_FILES; i++)
		if (!strcmp(w->files[i].name, name))
			return &w->files[i];
	return NULL;
}

static struct wasi_fd *fd_of(struct wasi_call *c)
{
	struct wasi_fd *fd = &c->wasi->fds[c->a[0] < WASI_FDS ? c->a[0] : 0];

	return c->a[0] < WASI_FDS && fd->kind != WASI_CLOSED ? fd : NULL;
}

static struct wasi_fd *file_fd(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);

	return fd && fd->kind == WASI_FILE ? fd : NULL;
}

/* The name of n bytes at an address, without what stands for the root. */
static uint32_t name_at(const struct wasi_call *c, uint64_t address, uint64_t n,
			char name[WASI_NAME])
{
	const char *p = at(c, address, n);

	if (!p)
		return E_FAULT;
	while (n && (*p == '/' || (*p == '.' && (n == 1 || p[1] == '/'))))
		p++, n--;
	if (n >= WASI_NAME)
		return E_NAMETOOLONG;
	memcpy(name, p, n);
	name[n] = 0;
	return OK;
}

/* Moves bytes between a file and what an array of (address, length) pairs says. */
static uint32_t transfer(struct wasi_call *c, struct wasi_file *f, uint64_t *offset, bool write,
			 uint64_t result)
{
	uint32_t done = 0;

	for (uint64_t i = 0; i < c->a[2]; i++) {
		const uint8_t *pair = at(c, c->a[1] + 8 * i, 8);
		if (!pair)
			return E_FAULT;
		uint64_t n = get32(pair + 4), left;
		uint8_t *p = at(c, get32(pair), n);
		if (!p)
			return E_FAULT;
		if (write && n && *offset + n > f->size && resize(f, *offset + n))
			return E_NOSPC;
		left = *offset < f->size ? f->size - *offset : 0;
		n = n < left ? n : left;
		if (n && write)
			memcpy(f->data + *offset, p, n);
		else if (n)
			memcpy(p, f->data + *offset, n);
		*offset += n;
		done += (uint32_t)n;
	}
	return put32(c, result, done) ? OK : E_FAULT;
}

static uint32_t fd_write(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	if (!fd || c->a[0] == 0)
		return E_BADF;
	if (fd->flags & FLAG_APPEND || c->a[0] < ROOT)
		fd->at = fd->file->size;
	return transfer(c, fd->file, &fd->at, true, c->a[3]);
}

static uint32_t fd_read(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	if (c->a[0] == 0) /* standard input is at its end */
		return put32(c, c->a[3], 0) ? OK : E_FAULT;
	return fd ? transfer(c, fd->file, &fd->at, false, c->a[3]) : E_BADF;
}

static uint32_t fd_pwrite(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);
	uint64_t offset = c->a[3];

	return fd && c->a[0] > ROOT ? transfer(c, fd->file, &offset, true, c->a[4]) : E_BADF;
}

static uint32_t fd_pread(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);
	uint64_t offset = c->a[3];

	return fd && c->a[0] > ROOT ? transfer(c, fd->file, &offset, false, c->a[4]) : E_BADF;
}

static uint32_t fd_seek(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	if (!fd)
		return E_BADF;
	if (c->a[0] < ROOT)
		return E_SPIPE;
	const uint64_t from[] = { 0, fd->at, fd->file->size };
	if (c->a[2] > 2 || (int64_t)(from[c->a[2]] + c->a[1]) < 0)
		return E_INVAL;
	fd->at = from[c->a[2]] + c->a[1];
	return put64(c, c->a[3], fd->at) ? OK : E_FAULT;
}

static uint32_t fd_tell(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	return !fd ? E_BADF : put64(c, c->a[1], fd->at) ? OK : E_FAULT;
}

static uint32_t fd_close(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);

	if (!fd)
		return E_BADF;
	if (fd->file && !--fd->file->open && !fd->file->name[0]) {
		free(fd->file->data); /* unlinked while it was open */
		*fd->file = (struct wasi_file){ 0 };
	}
	*fd = (struct wasi_fd){ 0 };
	return OK;
}

/* The first becomes the second, which is closed. */
static uint32_t fd_renumber(struct wasi_call *c)
{
	struct wasi_fd *from = fd_of(c);
	struct wasi_call to = { .wasi = c->wasi, .a = { c->a[1] } };

	if (!from || c->a[1] >= WASI_FDS)
		return E_BADF;
	if (c->a[0] == c->a[1])
		return OK;
	if (fd_close(&to))
		return E_BADF;
	c->wasi->fds[c->a[1]] = *from;
	*from = (struct wasi_fd){ 0 };
	return OK;
}

static uint32_t fd_sync(struct wasi_call *c)
{
	return fd_of(c) ? OK : E_BADF;
}

static uint32_t fd_fdstat_get(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);
	uint8_t *out = at(c, c->a[1], 24);

	if (!fd)
		return E_BADF;
	if (!out)
		return E_FAULT;
	memset(out, 0, 8);
	out[0] = fd->kind == WASI_DIRECTORY ? TYPE_DIRECTORY : TYPE_FILE;
	memcpy(out + 2, &fd->flags, sizeof fd->flags);
	memset(out + 8, 0xff, 16); /* every right */
	return OK;
}

static uint32_t fd_fdstat_set_flags(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);

	if (fd)
		fd->flags = (uint16_t)c->a[1];
	return fd ? OK : E_BADF;
}

/* file NULL: the directory. */
static uint32_t put_stat(struct wasi_call *c, uint64_t address, const struct wasi_file *f)
{
	uint8_t *out = at(c, address, 64);
	uint64_t one = 1, number = f ? (uint64_t)(f - c->wasi->files) + 2 : 1;

	if (!out)
		return E_FAULT;
	memset(out, 0, 64);
	memcpy(out + 8, &number, 8);
	out[16] = f ? TYPE_FILE : TYPE_DIRECTORY;
	memcpy(out + 24, &one, 8);
	if (f)
		memcpy(out + 32, &(uint64_t){ f->size }, 8);
	return OK;
}

static uint32_t fd_filestat_get(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);

	return fd ? put_stat(c, c->a[1], fd->file) : E_BADF;
}

static uint32_t fd_filestat_set_size(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	return !fd ? E_BADF : resize(fd->file, c->a[1]) ? E_NOSPC : OK;
}

static uint32_t fd_prestat_get(struct wasi_call *c)
{
	if (c->a[0] != ROOT)
		return E_BADF;
	return put32(c, c->a[1], 0) && put32(c, c->a[1] + 4, 1) ? OK : E_FAULT;
}

static uint32_t fd_prestat_dir_name(struct wasi_call *c)
{
	char *out = at(c, c->a[1], c->a[2]);

	if (c->a[0] != ROOT)
		return E_BADF;
	if (!out || !c->a[2])
		return E_FAULT;
	*out = '/';
	return OK;
}

static struct wasi_file *new_file(struct wasi *w, const char *name)
{
	for (unsigned i = 2; i < WASI_FILES; i++)
		if (!w->files[i].name[0] && !w->files[i].open) {
			strcpy(w->files[i].name, name);
			return &w->files[i];
		}
	return NULL;
}

static uint32_t path_open(struct wasi_call *c)
{
	struct wasi *w = c->wasi;
	uint32_t flags = (uint32_t)c->a[4], fd = ROOT + 1;
	char name[WASI_NAME];
	uint32_t e = name_at(c, c->a[2], c->a[3], name);

	while (fd < WASI_FDS && w->fds[fd].kind != WASI_CLOSED)
		fd++;
	if (e || fd == WASI_FDS)
		return e ? e : E_MFILE;
	if (!name[0]) {
		w->fds[fd] = (struct wasi_fd){ .kind = WASI_DIRECTORY };
		return put32(c, c->a[8], fd) ? OK : E_FAULT;
	}
	struct wasi_file *f = find_file(w, name);
	if (f && flags & O_CREATE && flags & O_EXCLUSIVE)
		return E_EXIST;
	if (f && flags & O_DIRECTORY_ONLY)
		return E_NOTDIR;
	if (!f && !(flags & O_CREATE))
		return E_NOENT;
	if (!f && !(f = new_file(w, name)))
		return E_NOSPC;
	if (flags & O_TRUNCATE)
		f->size = 0;
	f->open++;
	w->fds[fd] = (struct wasi_fd){ .kind = WASI_FILE, .file = f, .flags = (uint16_t)c->a[7] };
	return put32(c, c->a[8], fd) ? OK : E_FAULT;
}

static uint32_t path_filestat_get(struct wasi_call *c)
{
	char name[WASI_NAME];
	uint32_t e = name_at(c, c->a[2], c->a[3], name);
	struct wasi_file *f = e ? NULL : find_file(c->wasi, name);

	if (e)
		return e;
	return f || !name[0] ? put_stat(c, c->a[4], f) : E_NOENT;
}

static uint32_t path_unlink_file(struct wasi_call *c)
{
	char name[WASI_NAME];
	uint32_t e = name_at(c, c->a[1], c->a[2], name);
	struct wasi_file *f = e || !name[0] ? NULL : find_file(c->wasi, name);

	if (e || !f)
		return e ? e : E_NOENT;
	f->name[0] = 0;
	if (!f->open) {
		free(f->data);
		*f = (struct wasi_file){ 0 };
	}
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
	if (!(f = find_file(w, name)) && !(f = new_file(w, name)))
		return -ENFILE;
	if (resize(f, size))
		return -ENOMEM;
	if (size)
		memcpy(f->data, data, size);
	return 0;
}

int wasi_print(struct wasi *w, const char *text, size_t size)
{
	struct wasi_file *f = &w->files[0];
	size_t old = f->size;

	if (resize(f, old + size))
		return -ENOMEM;
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
	{ "fd_close", "i>i", fd_close },
	{ "fd_datasync", "i>i", fd_sync },
	{ "fd_fdstat_get", "ii>i", fd_fdstat_get },
	{ "fd_fdstat_set_flags", "ii>i", fd_fdstat_set_flags },
	{ "fd_filestat_get", "ii>i", fd_filestat_get },
	{ "fd_filestat_set_size", "il>i", fd_filestat_set_size },
	{ "fd_pread", "iiili>i", fd_pread },
	{ "fd_prestat_dir_name", "iii>i", fd_prestat_dir_name },
	{ "fd_prestat_get", "ii>i", fd_prestat_get },
	{ "fd_pwrite", "iiili>i", fd_pwrite },
	{ "fd_read", "iiii>i", fd_read },
	{ "fd_readdir", "iiili>i", not_here },
	{ "fd_renumber", "ii>i", fd_renumber },
	{ "fd_seek", "ilii>i", fd_seek },
	{ "fd_sync", "i>i", fd_sync },
	{ "fd_tell", "ii>i", fd_tell },
	{ "fd_write", "iiii>i", fd_write },
	{ "path_create_directory", "iii>i", not_here },
	{ "path_filestat_get", "iiiii>i", path_filestat_get },
	{ "path_filestat_set_times", "iiiilli>i", not_here },
	{ "path_open", "iiiiillii>i", path_open },
	{ "path_readlink", "iiiiii>i", not_here },
	{ "path_remove_directory", "iii>i", not_here },
	{ "path_rename", "iiiiii>i", not_here },
	{ "path_unlink_file", "iii>i", path_unlink_file },
	{ "poll_oneoff", "iiii>i", not_here },
	{ "sched_yield", ">i", sched_yield_ },
	{ "proc_exit", "i>", NULL },
	{ NULL, NULL, NULL },
};
