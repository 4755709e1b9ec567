/* wasi_file.c - descriptors and paths of WASI preview 1, on files in memory. */
#include "wasm/wasi_call.h"

#include <stdlib.h>

enum { TYPE_DIRECTORY = 3, TYPE_FILE = 4 };
enum { O_CREATE = 1, O_DIRECTORY_ONLY = 2, O_EXCLUSIVE = 4, O_TRUNCATE = 8 };
enum { FLAG_APPEND = 1 };
enum { ROOT = 3 };
enum { MAX_FILE = 256 << 20 };

int wasi_resize(struct wasi_file *f, uint64_t size)
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

struct wasi_file *wasi_find_file(struct wasi *w, const char *name)
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

/* Copies the name of n bytes at an address, without its prefix for the root. */
static uint32_t name_at(const struct wasi_call *c, uint64_t address, uint64_t n,
			char name[WASI_NAME])
{
	const char *p = wasi_at(c, address, n);

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

/* Moves bytes between a file and the ranges in an array of (address, length) pairs. */
static uint32_t transfer(struct wasi_call *c, struct wasi_file *f, uint64_t *offset, bool write,
			 uint64_t result)
{
	uint32_t done = 0;

	for (uint64_t i = 0; i < c->a[2]; i++) {
		const uint8_t *pair = wasi_at(c, c->a[1] + 8 * i, 8);
		if (!pair)
			return E_FAULT;
		uint64_t n = wasi_get32(pair + 4), left;
		uint8_t *p = wasi_at(c, wasi_get32(pair), n);
		if (!p)
			return E_FAULT;
		if (write && *offset > MAX_FILE)
			return E_NOSPC;
		if (write && n && *offset + n > f->size && wasi_resize(f, *offset + n))
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
	return wasi_put32(c, result, done) ? OK : E_FAULT;
}

uint32_t wasi_fd_write(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	if (!fd || c->a[0] == 0)
		return E_BADF;
	if (fd->flags & FLAG_APPEND || c->a[0] < ROOT)
		fd->at = fd->file->size;
	return transfer(c, fd->file, &fd->at, true, c->a[3]);
}

uint32_t wasi_fd_read(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	if (c->a[0] == 0) /* standard input is at its end */
		return wasi_put32(c, c->a[3], 0) ? OK : E_FAULT;
	return fd ? transfer(c, fd->file, &fd->at, false, c->a[3]) : E_BADF;
}

uint32_t wasi_fd_pwrite(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);
	uint64_t offset = c->a[3];

	return fd && c->a[0] > ROOT ? transfer(c, fd->file, &offset, true, c->a[4]) : E_BADF;
}

uint32_t wasi_fd_pread(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);
	uint64_t offset = c->a[3];

	return fd && c->a[0] > ROOT ? transfer(c, fd->file, &offset, false, c->a[4]) : E_BADF;
}

uint32_t wasi_fd_seek(struct wasi_call *c)
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
	return wasi_put64(c, c->a[3], fd->at) ? OK : E_FAULT;
}

uint32_t wasi_fd_tell(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	return !fd ? E_BADF : wasi_put64(c, c->a[1], fd->at) ? OK : E_FAULT;
}

uint32_t wasi_fd_close(struct wasi_call *c)
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

/* Closes the second descriptor and gives its number to the first. */
uint32_t wasi_fd_renumber(struct wasi_call *c)
{
	struct wasi_fd *from = fd_of(c);
	struct wasi_call to = { .wasi = c->wasi, .a = { c->a[1] } };

	if (!from || c->a[1] >= WASI_FDS)
		return E_BADF;
	if (c->a[0] == c->a[1])
		return OK;
	if (wasi_fd_close(&to))
		return E_BADF;
	c->wasi->fds[c->a[1]] = *from;
	*from = (struct wasi_fd){ 0 };
	return OK;
}

uint32_t wasi_fd_sync(struct wasi_call *c)
{
	return fd_of(c) ? OK : E_BADF;
}

uint32_t wasi_fd_fdstat_get(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);
	uint8_t *out = wasi_at(c, c->a[1], 24);

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

uint32_t wasi_fd_fdstat_set_flags(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);

	if (fd)
		fd->flags = (uint16_t)c->a[1];
	return fd ? OK : E_BADF;
}

/* file NULL: the directory. */
static uint32_t put_stat(struct wasi_call *c, uint64_t address, const struct wasi_file *f)
{
	uint8_t *out = wasi_at(c, address, 64);
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

uint32_t wasi_fd_filestat_get(struct wasi_call *c)
{
	struct wasi_fd *fd = fd_of(c);

	return fd ? put_stat(c, c->a[1], fd->file) : E_BADF;
}

uint32_t wasi_fd_filestat_set_size(struct wasi_call *c)
{
	struct wasi_fd *fd = file_fd(c);

	return !fd ? E_BADF : wasi_resize(fd->file, c->a[1]) ? E_NOSPC : OK;
}

uint32_t wasi_fd_prestat_get(struct wasi_call *c)
{
	if (c->a[0] != ROOT)
		return E_BADF;
	return wasi_put32(c, c->a[1], 0) && wasi_put32(c, c->a[1] + 4, 1) ? OK : E_FAULT;
}

uint32_t wasi_fd_prestat_dir_name(struct wasi_call *c)
{
	char *out = wasi_at(c, c->a[1], c->a[2]);

	if (c->a[0] != ROOT)
		return E_BADF;
	if (!out || !c->a[2])
		return E_FAULT;
	*out = '/';
	return OK;
}

struct wasi_file *wasi_new_file(struct wasi *w, const char *name)
{
	for (unsigned i = 2; i < WASI_FILES; i++)
		if (!w->files[i].name[0] && !w->files[i].open) {
			strcpy(w->files[i].name, name);
			return &w->files[i];
		}
	return NULL;
}

uint32_t wasi_path_open(struct wasi_call *c)
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
		return wasi_put32(c, c->a[8], fd) ? OK : E_FAULT;
	}
	struct wasi_file *f = wasi_find_file(w, name);
	if (f && flags & O_CREATE && flags & O_EXCLUSIVE)
		return E_EXIST;
	if (f && flags & O_DIRECTORY_ONLY)
		return E_NOTDIR;
	if (!f && !(flags & O_CREATE))
		return E_NOENT;
	if (!f && !(f = wasi_new_file(w, name)))
		return E_NOSPC;
	if (flags & O_TRUNCATE)
		f->size = 0;
	f->open++;
	w->fds[fd] = (struct wasi_fd){ .kind = WASI_FILE, .file = f, .flags = (uint16_t)c->a[7] };
	return wasi_put32(c, c->a[8], fd) ? OK : E_FAULT;
}

uint32_t wasi_path_filestat_get(struct wasi_call *c)
{
	char name[WASI_NAME];
	uint32_t e = name_at(c, c->a[2], c->a[3], name);
	struct wasi_file *f = e ? NULL : wasi_find_file(c->wasi, name);

	if (e)
		return e;
	return f || !name[0] ? put_stat(c, c->a[4], f) : E_NOENT;
}

uint32_t wasi_path_unlink_file(struct wasi_call *c)
{
	char name[WASI_NAME];
	uint32_t e = name_at(c, c->a[1], c->a[2], name);
	struct wasi_file *f = e || !name[0] ? NULL : wasi_find_file(c->wasi, name);

	if (e || !f)
		return e ? e : E_NOENT;
	f->name[0] = 0;
	if (!f->open) {
		free(f->data);
		*f = (struct wasi_file){ 0 };
	}
	return OK;
}
