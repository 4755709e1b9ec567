/*
 * keys.c - code that is mapped writable and executable, under a protection key that denies writes
 * to all threads, except to the one that has reserved or patched and not yet committed.
 *
 *      reserve, patch:  write allowed to this thread     one instruction each, no system call,
 *      commit, release: denied again, with the last      no translation is lost
 *                       page that was open
 *
 * The rights of a key are in a register of the thread. So reserve and patch must be followed by
 * commit or release in the same thread. A thread that began before code_open may execute the code
 * but not even read it, and neither may a signal handler: both have the rights that the kernel sets
 * for keys that nobody asked for.
 *
 * It has run only on an emulated processor with keys (qemu's TCG); it has not been timed.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "memory.h"

int keys_open(struct code_memory *code)
{
	struct keys *keys = &code->keys;
	int error = 0;

	keys->pages = calloc(CODE_S / CODE_PAGE / 64, sizeof(*keys->pages));
	if (!keys->pages)
		return -ENOMEM;
	code->stats.syscalls++;
	keys->key = pkey_alloc(0, PKEY_DISABLE_WRITE);
	if (keys->key < 0) /* ENOSPC: no keys at all, or all in use */
		return errno == EPERM || errno == EACCES ? -EACCES : -ENOTSUP;
	for (struct area *p = code->areas; p <= &code->areas[CODE_MODULES] && !error; p++) {
		code->stats.syscalls++;
		if (pkey_mprotect((void *)p->from, area_size(p), PROT_READ | PROT_WRITE | PROT_EXEC,
				  keys->key))
			error = -errno;
	}
	return error;
}

void keys_close(struct code_memory *code)
{
	if (code->keys.key >= 0)
		pkey_free(code->keys.key);
	free(code->keys.pages);
}

void keys_turn(struct code_memory *code, uintptr_t at, size_t bytes, bool open)
{
	struct keys *keys = &code->keys;
	const size_t first = (at - code->areas[CODE_STUBS].from) / CODE_PAGE;
	const size_t last = (at + bytes - 1 - code->areas[CODE_STUBS].from) / CODE_PAGE;

	for (size_t i = first; i <= last; i++) {
		const uint64_t bit = 1ull << i % 64;

		if (!(keys->pages[i / 64] & bit) == open) {
			keys->pages[i / 64] ^= bit;
			keys->open += open ? 1u : ~0u;
		}
	}
	if (open || !keys->open)
		pkey_set(keys->key, open ? 0 : PKEY_DISABLE_WRITE);
}
