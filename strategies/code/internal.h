/*
 * internal.h - functions of the code memory for strategies alone. The library does not export them.
 */
#ifndef STUBMAP_CODE_INTERNAL_H
#define STUBMAP_CODE_INTERNAL_H

#include <pthread.h>

#include "../code.h"

#pragma GCC visibility push(hidden)

/* Makes each reserved quantum of [at, at+bytes) show the committed quantum `first`, whose code
 * can run there at once. 0, -EINVAL (not code_config.share), -ENOMEM, -EACCES (no mapping
 * left, or refused; nothing has changed). These quanta must not be released before code_apart,
 * nor `first` before them. */
int code_same(struct code_memory *code, void *at, size_t bytes, const void *first);
/* Gives such quanta their own pages back. 0, or an error of code_same's: nothing has changed. */
int code_apart(struct code_memory *code, void *at, size_t bytes);

/* Bookkeeping: live bytes of stubs' code (CODE_STUBS) or of literals, may be negative. */
void code_account(struct code_memory *code, enum code_area area, ptrdiff_t bytes);
/* Moves bytes of stubs' code from live to retired, or (negative) back before they are freed. */
void code_retire(struct code_memory *code, ptrdiff_t bytes);

/*
 * Tells that from now on other threads run this code while it is written. Toggle: committed code is
 * never unprotected. Dual, rwx, pkey: a commit ends with membarrier(2),
 * PRIVATE_EXPEDITED_SYNC_CORE: each thread of the process executes a serialising instruction after
 * the stores before it. 0, or -ENOSYS: the kernel has no such barrier (Linux before 4.16, or a
 * filter). It may be called any number of times.
 */
int code_set_running(struct code_memory *code);
/* Whether committed code stays as it is until its quantum is released: running, under toggle. */
bool code_frozen(const struct code_memory *code);
/* Held by a thread that changes this memory while callers run: stub_space_lock. */
pthread_mutex_t *code_mutex(struct code_memory *code);

#pragma GCC visibility pop

#endif
