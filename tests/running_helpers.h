/*
 * running_helpers.h - under which policies this kernel lets code be replaced while it is called:
 * all but CODE_TOGGLE need membarrier SYNC_CORE (Linux 4.16), which a sandbox may refuse.
 */
#ifndef STUBMAP_TEST_RUNNING_HELPERS_H
#define STUBMAP_TEST_RUNNING_HELPERS_H

#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stubmap/code.h"

static inline bool can_run(enum code_wx wx)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return wx == CODE_TOGGLE ||
	       (commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
}

/* Dual, where it can be had. */
static inline enum code_wx running_wx(void)
{
	return can_run(CODE_DUAL) ? CODE_DUAL : CODE_TOGGLE;
}

#endif
