/* space.c - what an error of the library means to who asked for that code memory or strategy. */
#include "jit/space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int jit_code_open(struct code_memory **code, const struct code_config *config,
		  char error[JIT_ERROR])
{
	int e = code_open(code, config);

	if (e)
		snprintf(error, JIT_ERROR, "code memory %s, quantum %u: %s",
			 (unsigned)config->wx < CODE_WX_POLICIES ? code_wx_names[config->wx] : "?",
			 config->quantum,
			 e == -EACCES	? "the kernel forbids this policy"
			 : e == -EINVAL ? "quanta of 4096, 16384 or 65536 are allowed, and sharing "
					  "them under dual alone"
					: strerror(-e));
	return e;
}

int jit_space_open(struct stub_space *space, const struct stub_ops *ops, struct code_memory *code,
		   const struct stub_config *config, const struct stub_runtime *runtime,
		   char error[JIT_ERROR])
{
	int e = stub_space_open(space, ops, code, config, runtime);

	if (e == -EINVAL && config->literals == STUB_LITERALS_OWN)
		snprintf(error, JIT_ERROR, "%s calls a function that this host does not have",
			 ops->name);
	else if (e == -EINVAL)
		snprintf(error, JIT_ERROR, "%s can't have its literals %s", ops->name,
			 config->literals == STUB_LITERALS_BAKED ? "baked" : "table");
	else if (e == -ENOSYS)
		snprintf(error, JIT_ERROR,
			 "upgrades under wx %s need membarrier SYNC_CORE, which this kernel "
			 "refuses; toggle does without",
			 code_wx_names[code_get_config(code)->wx]);
	else if (e)
		snprintf(error, JIT_ERROR, "%s: open: %s", ops->name,
			 e == -ENOMEM ? "out of code memory" : strerror(-e));
	return e;
}
