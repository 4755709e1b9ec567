/*
 * internal.h - what strategies ask of the code memory beyond code.h. The library does not export
 * it.
 */
#ifndef STUBMAP_CODE_INTERNAL_H
#define STUBMAP_CODE_INTERNAL_H

#include <pthread.h>

#include "../code.h"

#pragma GCC visibility push(hidden)

/* Instead of writing what was reserved (whole quanta): each quantum of [at, at+bytes) shows the
 * committed quantum first, whose code it can run at once. CODE_DUAL, else -EINVAL; -ENOMEM: no
 * mapping left, and [at, at+bytes) is as it was. Not to be released afterwards. */
int code_same(struct code_memory *code, void *at, size_t bytes, const void *first);
/* For code/same.c, which makes some. */
void code_count_syscalls(struct code_memory *code, uint64_t n);

/* Bookkeeping: live bytes of stubs' code (CODE_STUBS) or of literals, may be negative. */
void code_account(struct code_memory *code, enum code_area area, ptrdiff_t bytes);
/* Bytes of stubs' code that go from live to retired, or (negative) back before they are freed. */
void code_retire(struct code_memory *code, ptrdiff_t bytes);

/*
 * From now on other threads run this code while it is written. Toggle: what was committed is never
 * unprotected. Dual, rwx: a commit ends with membarrier(2), PRIVATE_EXPEDITED_SYNC_CORE: each
 * thread of the process executes a serialising instruction after the stores before it. 0, or
 * -ENOSYS: the kernel has no such barrier (Linux before 4.16, or a filter). Any number of times.
 */
int code_set_running(struct code_memory *code);
/* Whether committed code stays as it is until its quantum is released: running, under toggle. */
bool code_frozen(const struct code_memory *code);
/* Held by a thread that changes this memory while callers run: stub_space_lock. */
pthread_mutex_t *code_mutex(struct code_memory *code);

#pragma GCC visibility pop

#endif
