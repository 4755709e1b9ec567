/*
 * running_helpers.h - which policies can be had here, and under which of them this kernel lets code
 * be replaced while it is called: all but CODE_TOGGLE need membarrier SYNC_CORE (Linux 4.16), which
 * a sandbox may refuse.
 */
#ifndef STUBMAP_TEST_RUNNING_HELPERS_H
#define STUBMAP_TEST_RUNNING_HELPERS_H

#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stubmap/code.h"

/* Not where the kernel forbids it, or the processor has no protection keys. */
static inline bool can_open(enum code_wx wx)
{
	struct code_memory *code;
	int error = code_open(&code, &(struct code_config){ .wx = wx, .quantum = 4096 });

	code_close(code);
	return !error;
}

/* The i-th of the policies that can be had, round and round. */
static inline enum code_wx wx_of(unsigned i)
{
	enum code_wx had[CODE_WX_POLICIES];
	unsigned n = 0;

	for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
		if (can_open(wx))
			had[n++] = wx;
	return n ? had[i % n] : CODE_TOGGLE;
}

static inline bool can_run(enum code_wx wx)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (!can_open(wx))
		return false;
	return wx == CODE_TOGGLE ||
	       (commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
}

/* Dual, where it can be had. */
static inline enum code_wx running_wx(void)
{
	return can_run(CODE_DUAL) ? CODE_DUAL : CODE_TOGGLE;
}

#endif
