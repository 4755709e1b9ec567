/* file.c - looks at a path, opens it, and looks at the open file again:
 * it may be another one by then. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { REASON = 80 };

static int refuse(int r, const char *path, const char *why, char *error, size_t size)
{
	int room = size > REASON ? (int)(size - REASON) : 0;

	snprintf(error, size, "%.*s: %s", room, path, why);
	return r;
}

/* The reason why a file of that mode can't be read as kind asks; NULL: it can.
 * fd is -1 if it is not open. */
static const char *unfit(mode_t mode, enum file_kind kind, int fd)
{
	if (S_ISREG(mode))
		return NULL;
	if (S_ISDIR(mode))
		return strerror(EISDIR);
	if (kind == FILE_WHOLE)
		return S_ISFIFO(mode) || S_ISSOCK(mode) ? "a pipe; it must be a regular file"
							: "a device; it must be a regular file";
	if (S_ISFIFO(mode) || S_ISSOCK(mode) || (S_ISCHR(mode) && (fd < 0 || isatty(fd))))
		return NULL;
	return "a device; it must be a regular file or a pipe";
}

int file_open(const char *path, enum file_kind kind, char *error, size_t size)
{
	struct stat st;
	const char *why;
	int fd = -1, r;

	if (stat(path, &st))
		return refuse(-errno, path, strerror(errno), error, size);
	why = unfit(st.st_mode, kind, -1);
	if (!why) {
		fd = open(path, O_RDONLY | O_CLOEXEC | (kind == FILE_WHOLE ? O_NONBLOCK : 0));
		if (fd < 0 || fstat(fd, &st)) {
			r = refuse(-errno, path, strerror(errno), error, size);
			goto bad;
		}
		why = unfit(st.st_mode, kind, fd);
	}
	if (!why)
		return fd;
	r = refuse(S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP, path, why, error, size);
bad:
	if (fd >= 0)
		close(fd);
	return r;
}

FILE *file_stream(const char *path, enum file_kind kind, int *r, char *error, size_t size)
{
	int fd = file_open(path, kind, error, size);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	*r = fd < 0 ? fd : f ? 0 : refuse(-errno, path, strerror(errno), error, size);
	if (fd >= 0 && !f)
		close(fd);
	return f;
}

int file_replaceable(const char *path, char *error, size_t size)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : refuse(-errno, path, strerror(errno), error, size);
	if (S_ISREG(st.st_mode))
		return 0;
	return refuse(S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP, path,
		      S_ISLNK(st.st_mode) ? "a link; it must be a regular file"
					  : unfit(st.st_mode, FILE_WHOLE, -1),
		      error, size);
}

int file_flush(FILE *f)
{
	if (fflush(f))
		return errno ? -errno : -EIO;
	if (!ferror(f))
		return 0;
	return write(fileno(f), "\n", 1) < 0 ? -errno : -EIO;
}

int file_finish(FILE *f)
{
	int r = file_flush(f);

	if (fclose(f) && !r)
		r = -errno;
	return r;
}

int file_write(int fd, const void *data, size_t n)
{
	for (const char *p = data; n;) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? -errno : -EIO;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}
