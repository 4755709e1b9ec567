/*
 * refusals.h - a kernel that refuses a system call of the test's choice: of all calls that this
 * program makes by these names, the n-th from now, or that one and all later ones. A program's own
 * definitions come before libc's, so the library's calls come here; libc's own do not.
 *
 * It is included once in a program.
 */
#ifndef STUBMAP_TEST_REFUSALS_H
#define STUBMAP_TEST_REFUSALS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>

static struct {
	uint64_t calls;
	uint64_t fail_at; /* this call from now fails; 0: none */
	int error;	  /* as this; 0: ENOMEM */
	bool all;	  /* and all later ones fail, until fail_at is set anew */
} kernel;

static bool blind_to_proc; /* there is no /proc/self/fd */

static bool refused(void)
{
	kernel.calls++;
	if (!kernel.fail_at || kernel.fail_at > 1) {
		kernel.fail_at -= kernel.fail_at != 0;
		return false;
	}
	kernel.fail_at = kernel.all;
	errno = kernel.error ? kernel.error : ENOMEM;
	return true;
}

static long raw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

/* Of those that libc has no name for, membarrier is the library's. */
long syscall(long nr, ...)
{
	va_list args;
	long a[6];

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (nr == SYS_membarrier && a[0] && refused()) /* 0 asks which barriers there are */
		return -1;
	return raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return refused() ? MAP_FAILED
			 : (void *)raw(SYS_mmap, (long)at, (long)bytes, prot, flags, fd, offset);
}

/* Counted; never refused: memory can always be given back. */
int munmap(void *at, size_t bytes)
{
	kernel.calls++;
	return (int)raw(SYS_munmap, (long)at, (long)bytes, 0, 0, 0, 0);
}

int mprotect(void *at, size_t bytes, int prot)
{
	return refused() ? -1 : (int)raw(SYS_mprotect, (long)at, (long)bytes, prot, 0, 0, 0);
}

void *mremap(void *at, size_t old, size_t bytes, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	void *to = va_arg(args, void *);
	va_end(args);
	return refused()
		   ? MAP_FAILED
		   : (void *)raw(SYS_mremap, (long)at, (long)old, (long)bytes, flags, (long)to, 0);
}

int madvise(void *at, size_t bytes, int advice)
{
	return refused() ? -1 : (int)raw(SYS_madvise, (long)at, (long)bytes, advice, 0, 0, 0);
}

int mincore(void *at, size_t bytes, unsigned char *out)
{
	return refused() ? -1 : (int)raw(SYS_mincore, (long)at, (long)bytes, (long)out, 0, 0, 0);
}

int memfd_create(const char *name, unsigned flags)
{
	return refused() ? -1 : (int)raw(SYS_memfd_create, (long)name, flags, 0, 0, 0, 0);
}

int ftruncate(int fd, off_t length)
{
	return refused() ? -1 : (int)raw(SYS_ftruncate, fd, length, 0, 0, 0, 0);
}

ssize_t getrandom(void *out, size_t n, unsigned flags)
{
	return refused() ? -1 : raw(SYS_getrandom, (long)out, (long)n, flags, 0, 0, 0);
}

/* The library's two uses: to seal, and to open what it has open. */
int fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	long arg = va_arg(args, long);
	va_end(args);
	return command == F_ADD_SEALS && refused() ? -1
						   : (int)raw(SYS_fcntl, fd, command, arg, 0, 0, 0);
}

int open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	long mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	return !strncmp(path, "/proc/self/fd/", 14) && (refused() || blind_to_proc)
		   ? -1
		   : (int)raw(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

int pkey_alloc(unsigned flags, unsigned rights)
{
	return refused() ? -1 : (int)raw(SYS_pkey_alloc, flags, rights, 0, 0, 0, 0);
}

int pkey_mprotect(void *at, size_t bytes, int prot, int key)
{
	return refused() ? -1 : (int)raw(SYS_pkey_mprotect, (long)at, (long)bytes, prot, key, 0, 0);
}

/* Counted; never refused: the kernel closes whatever it says. */
int close(int fd)
{
	kernel.calls++;
	return (int)raw(SYS_close, fd, 0, 0, 0, 0, 0);
}

#endif
