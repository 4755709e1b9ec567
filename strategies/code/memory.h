/*
 * memory.h - one code memory as the files of this folder see it: its areas, and each system call
 * that is made for it, counted.
 */
#ifndef STUBMAP_CODE_MEMORY_H
#define STUBMAP_CODE_MEMORY_H

#include <errno.h>
#include <sys/types.h>

#include "internal.h"
#include "quanta.h"

#define CODE_MIB  ((size_t)1 << 20)
#define CODE_PAGE ((size_t)4096)
#define CODE_S	  (512 * CODE_MIB)

/* An area; literals and data have no quanta. */
struct area {
	uintptr_t from, to;
	uintptr_t alias;  /* dual: the writable view of `from`; else 0 */
	uintptr_t around; /* the reservation in which that view lies between guards */
	struct quanta quanta;
};

/* Under pkey: the pages that are reserved or patched and not committed, one bit each from the
 * stubs' first; while there are any, the thread that opened them may write. */
struct keys {
	int key; /* -1: none */
	uint32_t open;
	uint64_t *pages;
};

struct code_memory {
	struct code_config config;
	struct code_stats stats;
	struct area areas[CODE_AREAS];
	uintptr_t map;
	size_t guard;	      /* bytes between areas, and around each writable view */
	volatile char *owner; /* dual: 1; in a child of the process 0 (fork) */
	bool by_return;	      /* dual: how to serialise */
	int file;	      /* dual and share: a descriptor that can't write; else -1 */
	struct keys keys;
	size_t data_used;
	char *faults;	   /* copy of config.faults */
	const char *fault; /* next letter; NULL: nothing fails */
	bool has_literals; /* some were accounted: release gives their pages back */
	bool running;
	pthread_mutex_t lock; /* held to change any of this while callers run */
};

static inline size_t area_size(const struct area *p)
{
	return p->to - p->from;
}

static inline bool code_large(const struct code_memory *code)
{
	return code->config.quantum == CODE_LARGE_QUANTUM;
}

#pragma GCC visibility push(hidden)

/* ---- System calls: 0 or -errno (kernel.c) --------------------------------------------------- */

int kernel_protect(struct code_memory *code, uintptr_t at, size_t bytes, int prot);
int kernel_advise(struct code_memory *code, uintptr_t at, size_t bytes, int advice);
/* *at: an address, 0, or (without MAP_FIXED) a wish; it becomes the mapping's address. */
int kernel_map(struct code_memory *code, uintptr_t *at, size_t bytes, int prot, int flags, int fd,
	       off_t offset);
void kernel_unmap(struct code_memory *code, uintptr_t at, size_t bytes);
int kernel_barrier(struct code_memory *code, int command);
/* Whether all pages of [at, at + CODE_LARGE_QUANTUM) are there. */
bool kernel_resident(struct code_memory *code, uintptr_t at);
/* A file in memory, of `bytes`; large: of hugetlb's 2 MiB pages. *fd: -1 on failure. */
int kernel_file(struct code_memory *code, int *fd, size_t bytes, bool large);
/* A descriptor of the same file that can't write; -1: there is no /proc to open it by. */
int kernel_read_only(struct code_memory *code, int fd);
/* Fixes the file's size; final: also denies writes to it, except through present mappings. */
int kernel_seal(struct code_memory *code, int fd, bool final);
void kernel_close(struct code_memory *code, int *fd); /* -1: nothing; *fd becomes -1 */
/* An address to wish for, 2 MiB aligned: one of 2^25. */
int kernel_random(struct code_memory *code, uintptr_t *at);

/* The kernel's reasons as code.h has them: forbidden, a limit of files, or no room. */
static inline int code_refusal(int error)
{
	const bool forbidden = error == -EPERM || error == -EACCES || error == -ENOSYS;

	const bool files = error == -EFBIG || error == -EMFILE || error == -ENFILE;

	return forbidden ? -EACCES : files ? error : error ? -ENOMEM : 0;
}

/* ---- Policies: 0 or -errno ------------------------------------------------------------------ */

int dual_open(struct code_memory *code);
void dual_close(struct code_memory *code);
/* Whether this process is a child of the one that opened the memory: it has no code then. */
bool dual_forked(const struct code_memory *code);
/* Makes quanta show the file's own pages again, which code_same has taken from them. */
int dual_own(struct code_memory *code, uintptr_t at, size_t bytes);

int keys_open(struct code_memory *code); /* -ENOTSUP: no protection key is to be had */
void keys_close(struct code_memory *code);
/* Lets this thread write the pages of [at, at+bytes), or ends it. */
void keys_turn(struct code_memory *code, uintptr_t at, size_t bytes, bool open);

/* ---- Large pages (large.c) ------------------------------------------------------------------ */

/* Maps the code areas, without access, in 2 MiB pages of hugetlb if there are any. */
int large_private(struct code_memory *code);
/* The kernel's advice for a view of code, by the quantum: as large pages as it can, or none. */
void large_advise(struct code_memory *code, uintptr_t at, size_t bytes);
/* Quanta that are writable, and unused, get their pages. 0, or -ENOMEM: hugetlb has none left. */
int large_fill(struct code_memory *code, uintptr_t at, size_t bytes);
/* Finds out, by the stubs' first quantum, which pages the kernel gives: code_stats.pages. */
void large_try(struct code_memory *code);

/* Makes this processor forget all instructions that it has fetched (serialise.c). */
void code_serialise(const struct code_memory *code);
bool serialise_by_return(void); /* for code->by_return */

#pragma GCC visibility pop

#endif
