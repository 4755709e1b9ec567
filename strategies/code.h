/*
 * code.h - a public header of libstubmap: the executable memory that stubs and modules lie in.
 *
 * One reservation of address space, so that any two addresses in it are in reach of a 32-bit
 * displacement:
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
 * Only one thread at a time may be inside these functions, for one code memory; code_writable,
 * code_range, code_range_alias, code_literal_distance and code_get_config may be called at any
 * time.
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
	CODE_WX_POLICIES
};
extern const char *const code_wx_names[CODE_WX_POLICIES]; /* "toggle", "dual", "rwx" */

enum code_area { CODE_STUBS, CODE_MODULES, CODE_LITERALS, CODE_DATA, CODE_AREAS };

struct code_config {
	enum code_wx wx;
	uint32_t quantum; /* bytes: 4096, 16384 or 65536; -EINVAL otherwise */
	/* Set-up randomisation: moves the base by this many 4 KiB pages, 0..511, rounded down to
	 * whole quanta. */
	uint32_t colour;
	/* CODE_DUAL only: quanta that hold the same bytes become one physical quantum, if the
	 * strategy makes such quanta (STUB_CAN_SHARE); the first of them is never given back. */
	bool share;
	size_t limit_stubs; /* bytes of code that stubs may take; 0: the whole area */
	/* For tests: each letter decides one reserve (a: works, f: fails; A, F: this one and all
	 * later ones) or one commit (o: works, c: fails). NULL: nothing fails. */
	const char *faults;
	/* Is told of the stubs in this memory (watch.h); it must outlive the memory. NULL: nobody
	 * is. */
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
};

struct code_memory;

/* 0, or -EINVAL (config), -EACCES (the kernel forbids the policy), -ENOMEM: *out is then NULL. */
int code_open(struct code_memory **out, const struct code_config *config);
void code_close(struct code_memory *code); /* NULL: nothing */
const struct code_config *code_get_config(const struct code_memory *code);
void code_get_stats(const struct code_memory *code, struct code_stats *out);

/* Whole quanta, contiguous, writable until committed. CODE_STUBS or CODE_MODULES. NULL: no room. */
void *code_reserve(struct code_memory *code, enum code_area area, size_t bytes);
/* The address to write `at` through: `at` itself, or the writable view under CODE_DUAL. */
void *code_writable(const struct code_memory *code, const void *at);
/* Makes [at, at+bytes) executable; reserved or patched code must not run before its commit. While a
 * space with stub_config.running is open on this memory, it returns only when each thread is sure
 * to execute the new bytes. 0, -EINVAL (not all of it is reserved), -ENOMEM (no mapping left). */
int code_commit(struct code_memory *code, void *at, size_t bytes);
/* Makes committed code writable again, until its next commit. Under CODE_TOGGLE no code in the
 * touched pages can run meanwhile; with a space of stub_config.running it is refused: -EBUSY. Other
 * errors as code_commit's. */
int code_patch(struct code_memory *code, void *at, size_t bytes);
/* Gives whole quanta back, from a quantum's start, committed or not, with the literals that belong
 * to them. */
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
