/* kernel.c - the system calls of code memory, each counted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif

int kernel_protect(struct code_memory *code, uintptr_t at, size_t bytes, int prot)
{
	code->stats.syscalls++;
	return mprotect((void *)at, bytes, prot) ? -errno : 0;
}

int kernel_advise(struct code_memory *code, uintptr_t at, size_t bytes, int advice)
{
	code->stats.syscalls++;
	return madvise((void *)at, bytes, advice) ? -errno : 0;
}

int kernel_map(struct code_memory *code, uintptr_t *at, size_t bytes, int prot, int flags, int fd,
	       off_t offset)
{
	code->stats.syscalls++;
	void *got = mmap((void *)*at, bytes, prot, flags, fd, offset);
	if (got == MAP_FAILED)
		return -errno;
	if (!(flags & MAP_FIXED)) /* else it lies in a region that is counted */
		code->stats.mappings++;
	*at = (uintptr_t)got;
	return 0;
}

void kernel_unmap(struct code_memory *code, uintptr_t at, size_t bytes)
{
	code->stats.syscalls++;
	munmap((void *)at, bytes);
}

bool kernel_resident(struct code_memory *code, uintptr_t at)
{
	unsigned char there[CODE_LARGE_QUANTUM / CODE_PAGE];
	size_t n = 0;

	code->stats.syscalls++;
	if (mincore((void *)at, CODE_LARGE_QUANTUM, there))
		return false;
	while (n < sizeof(there) && there[n] & 1)
		n++;
	return n == sizeof(there);
}

int kernel_barrier(struct code_memory *code, int command)
{
	code->stats.syscalls++;
	return syscall(SYS_membarrier, command, 0, 0) ? -errno : 0;
}

/* MFD_NOEXEC_SEAL: nobody can start the file as a program, and vm.memfd_noexec=2 allows no file
 * without the flag. The flag does not restrict mappings. A kernel before 6.3 does not know it. */
int kernel_file(struct code_memory *code, int *fd, size_t bytes, bool large)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (large ? MFD_HUGETLB | MFD_HUGE_2MB : 0);

	code->stats.syscalls++;
	*fd = memfd_create("stubmap-code", flags | MFD_NOEXEC_SEAL);
	if (*fd < 0 && errno == EINVAL) {
		code->stats.syscalls++;
		*fd = memfd_create("stubmap-code", flags);
	}
	if (*fd < 0)
		return -errno;
	code->stats.syscalls++;
	if (!ftruncate(*fd, (off_t)bytes))
		return 0;
	int error = -errno;
	kernel_close(code, fd);
	return error;
}

int kernel_read_only(struct code_memory *code, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	code->stats.syscalls++;
	return open(path, O_RDONLY | O_CLOEXEC);
}

int kernel_seal(struct code_memory *code, int fd, bool final)
{
	code->stats.syscalls++;
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (final ? F_SEAL_FUTURE_WRITE : 0);
	return fcntl(fd, F_ADD_SEALS, seals) ? -errno : 0;
}

void kernel_close(struct code_memory *code, int *fd)
{
	if (*fd < 0)
		return;
	code->stats.syscalls++;
	close(*fd);
	*fd = -1;
}

/* From 2^33 on, below where the kernel puts programs and libraries. */
int kernel_random(struct code_memory *code, uintptr_t *at)
{
	uint64_t r;

	code->stats.syscalls++;
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
		return -errno; /* eight bytes come whole or not at all */
	*at = (uintptr_t)((r >> 18 & ~(uint64_t)(2 * CODE_MIB - 1)) + ((uint64_t)1 << 33));
	return 0;
}
