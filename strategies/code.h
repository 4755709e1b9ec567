/*
 * code.h - a public header of libstubmap: the executable memory that stubs and modules lie in.
 *
 * One reservation of address space, so that any two addresses in it are in reach
 * of a 32-bit displacement:
 *
 *      base                 +S                   +2S                  +3S
 *      | stubs   | modules  | literals A         | literals B         | data (rw)
 *
 * The literals of a stub at address p lie at p + S and p + 2S: the side table's address follows
 * from the stub's own. Code is handed out in quanta; A and B are plain read-write memory that the
 * kernel fills on first touch. Strategies place stubs here (stub.h); the embedder places its own
 * code like this:
 *
 *      struct code_memory *memory;
 *      int error = code_open(&memory, &(struct code_config){ .wx = CODE_DUAL, .quantum = 4096 });
 *
 *      uint8_t *at = code_reserve(memory, CODE_MODULES, size);
 *      memcpy(code_writable(memory, at), bytes, size);
 *      error = code_commit(memory, at, size);
 *      ((int (*)(void))(uintptr_t)at)();
 *      code_release(memory, at, size);
 *
 *      code_close(memory);
 *
 * Only one thread at a time may be inside these functions, for one code memory;
 * code_writable, code_range, code_range_alias, code_literal_distance and code_get_config
 * may be called at any time.
 */
#ifndef STUBMAP_CODE_H
#define STUBMAP_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stub_watch;

enum code_wx {
	CODE_TOGGLE, /* mprotect: writable, then executable, never both */
	CODE_DUAL,   /* one memfd, mapped twice: an executable view, a writable one */
	CODE_RWX,    /* writable and executable: measures what the others cost */
	/* Writable and executable, but a protection key denies writes to every thread, except to
	 * the one that has reserved or patched, until this thread commits or releases. A thread
	 * older than code_open can run this code but not read it. It needs a processor with keys;
	 * it has been tested only in an emulated one. */
	CODE_PKEY,
	CODE_WX_POLICIES
};
extern const char *const code_wx_names[CODE_WX_POLICIES]; /* "toggle", "dual", "rwx", "pkey" */

/* The pages that the kernel gives for code. Only quanta of CODE_LARGE_QUANTUM ask for
 * pages larger than 4 KiB. */
enum { CODE_LARGE_QUANTUM = 2 << 20 };
enum code_pages {
	CODE_PAGES_SMALL,	/* 4 KiB, in one aligned reservation */
	CODE_PAGES_TRANSPARENT, /* 2 MiB as far as the kernel finds free memory: no promise */
	CODE_PAGES_HUGETLB,	/* 2 MiB out of vm.nr_hugepages; without a free one reserve fails */
	CODE_PAGE_SIZES
};
extern const char *const code_page_names[CODE_PAGE_SIZES]; /* "4 KiB pages", ... */

enum code_area { CODE_STUBS, CODE_MODULES, CODE_LITERALS, CODE_DATA, CODE_AREAS };

struct code_config {
	enum code_wx wx;
	/* Bytes: 4096, 16384, 65536, or 2 MiB in large pages (code_stats.pages). */
	uint32_t quantum;
	/* Set-up randomisation: moves the base by this many 4 KiB pages, 0..511,
	 * rounded down to whole quanta. */
	uint32_t colour;
	/* CODE_DUAL only, and no quanta of 2 MiB: quanta that hold the same bytes become one
	 * physical quantum, if the strategy makes such quanta (STUB_CAN_SHARE); the first of them
	 * is never given back. It keeps a descriptor open. */
	bool share;
	size_t limit_stubs; /* bytes of code that stubs may take; 0: the whole area */
	/* For tests: each letter decides one reserve (a: works, f: fails; A, F: this one and all
	 * later ones) or one commit (o: works, c: fails). NULL: nothing fails. */
	const char *faults;
	/* Is told of the stubs in this memory (watch.h); it must outlive
	 * the memory. NULL: no watch. */
	const struct stub_watch *watch;
};

struct code_stats {
	uint64_t syscalls; /* made by this code memory since code_open */
	/* Regions of address space that this code memory asked for and holds; the kernel may split
	 * them further, by protection. */
	uint64_t mappings;
	uint64_t reserved;			     /* bytes of address space */
	uint64_t quanta_stubs, quanta_modules;	     /* held now */
	uint64_t committed_stubs, committed_modules; /* bytes: quanta held x quantum */
	uint64_t used_stubs;	/* bytes of code that live stubs, bodies and templates occupy */
	uint64_t retired;	/* bytes of code that retargets replaced, kept until reclaim */
	uint64_t used_literals; /* bytes of literals that live stubs occupy */
	enum code_pages pages;	/* that the first quantum got when code_open tried it */
};

struct code_memory;

/*
 * 0, or -EINVAL (config), -EACCES (the kernel forbids the policy), -ENOTSUP (no protection key to
 * be had), -EFBIG (dual: RLIMIT_FSIZE is too small for its file), -EMFILE or -ENFILE (dual: no
 * descriptor is left for it), -ENOMEM: *out is then NULL. The kernel may also come to forbid it
 * later (a filter, PR_SET_MDWE): then the call that needs it fails.
 *
 * A child of fork has its own copy under all policies but CODE_DUAL. Under CODE_DUAL it has no
 * code: calls into it crash, and it can't write the parent's code; reserve, patch and commit fail
 * there, and code_close frees heap memory alone. A bind or retarget that only stores data succeeds
 * there all the same; its stub can't be called either.
 */
int code_open(struct code_memory **out, const struct code_config *config);
void code_close(struct code_memory *code); /* NULL: nothing */
const struct code_config *code_get_config(const struct code_memory *code);
void code_get_stats(const struct code_memory *code, struct code_stats *out);

/* Whole quanta, contiguous, writable until committed. CODE_STUBS or CODE_MODULES. NULL, and errno:
 * ENOMEM (no room, or no mapping left), EACCES (the kernel forbids it), EINVAL. */
void *code_reserve(struct code_memory *code, enum code_area area, size_t bytes);
/* The address to write `at` through: `at` itself, or the writable view under CODE_DUAL. */
void *code_writable(const struct code_memory *code, const void *at);
/* Makes [at, at+bytes) executable; reserved or patched code must not run before its commit.
 * From its return on the calling thread executes the new bytes; so does each other thread if a
 * space with stub_config.running is open on this memory. Without that, another thread that may
 * have fetched from there before must first execute a serialising instruction (as CPUID; a lock
 * is none). 0, -EINVAL (not all of it is reserved), -ENOMEM (no mapping left), -EACCES
 * (forbidden). On failure it stays writable; under CODE_TOGGLE the code in the touched pages
 * can't run until a commit succeeds. */
int code_commit(struct code_memory *code, void *at, size_t bytes);
/* Makes committed code writable again, until its next commit. Under CODE_TOGGLE no code in the
 * touched pages (of 4 KiB; with quanta of 2 MiB, these) can run meanwhile; with a space of
 * stub_config.running it is refused: -EBUSY. Other errors as code_commit's: all code still runs. */
int code_patch(struct code_memory *code, void *at, size_t bytes);
/* Gives whole quanta back, from a quantum's start, committed or not, with the literals that belong
 * to them. A refusal of the kernel only delays the return of memory. */
void code_release(struct code_memory *code, void *at, size_t bytes);
/* Read-write memory within reach of all code (16-byte aligned, zeroed, never freed on its own).
 * NULL: no room. */
void *code_data(struct code_memory *code, size_t bytes);

/* S of the picture: bytes from a stub to its first literals; the second lie twice as far. */
size_t code_literal_distance(const struct code_memory *code);
/* [*from, *to): the addresses of an area; CODE_LITERALS covers A and B. For a meter to look at. */
void code_range(const struct code_memory *code, enum code_area area, uintptr_t *from,
		uintptr_t *to);
/* Under CODE_DUAL: the writable view of an area (same memory as code_range's), else empty. */
void code_range_alias(const struct code_memory *code, enum code_area area, uintptr_t *from,
		      uintptr_t *to);

#ifdef __cplusplus
}
#endif

#endif
