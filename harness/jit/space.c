/* space.c - says what an error of the library means for the code memory or the
 * strategy that was asked for. */
#include "jit/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/watch.h>

#include "jit/crash.h"
#include "names/names.h"

static int open_code(struct code_memory **code, const struct code_config *config,
		     char error[JIT_ERROR])
{
	int e = code_open(code, config);

	if (e)
		snprintf(error, JIT_ERROR, "code memory %s, quantum %u: %s",
			 (unsigned)config->wx < CODE_WX_POLICIES ? code_wx_names[config->wx] : "?",
			 config->quantum,
			 e == -EACCES	 ? "the kernel forbids this policy"
			 : e == -ENOTSUP ? "this CPU or kernel has no protection keys to give"
			 : e == -EFBIG	 ? "the limit of a file's size is too small (ulimit -f)"
			 : e == -EMFILE || e == -ENFILE
			     ? "no descriptor is left for its file (ulimit -n)"
			 : e == -EINVAL ? "quanta of 4096, 16384, 65536 or 2097152 are allowed, "
					  "and sharing them (but the last) under dual alone"
					: strerror(-e));
	return e;
}

/* The names that the environment wants for all stubs of this process; 0: none. */
static int wanted_names(unsigned *wanted, char error[JIT_ERROR])
{
	const char *text = getenv("STUBMAP_NAMES");

	*wanted = 0;
	if (!text || !*text || !names_parse(text, wanted))
		return 0;
	snprintf(error, JIT_ERROR, "STUBMAP_NAMES is '%s': a list of " NAMES_ALL " is allowed",
		 text);
	return -EINVAL;
}

const char *jit_stub_error(int error)
{
	switch (error) {
	case -ENOMEM:
		return "out of code memory, or of mappings (vm.max_map_count)";
	case -EACCES:
		return "the kernel forbids it";
	case -ENOTSUP:
		return "a signature or kind it can't make";
	default:
		return strerror(-error);
	}
}

int jit_code_open(struct code_memory **code, const struct code_config *config,
		  char error[JIT_ERROR])
{
	struct code_config named = *config;
	struct names *names = NULL;
	const char *path;
	unsigned wanted;

	*code = NULL;
	int e = wanted_names(&wanted, error);
	if (config->watch)
		wanted = 0;
	if (!e && !wanted && !(e = open_code(code, config, error)))
		crash_opened(*code);
	if (e || !wanted)
		return e;
	if ((e = names_open(&names, wanted, &path))) {
		snprintf(error, JIT_ERROR, "%s: %s", path, strerror(-e));
		return e;
	}
	named.watch = names_watch(names);
	if ((e = open_code(code, &named, error))) {
		names_close(names);
		return e;
	}
	crash_opened(*code);
	if ((e = names_attach(names, *code))) {
		snprintf(error, JIT_ERROR, "names of stubs: %s", strerror(-e));
		jit_code_close(*code);
		*code = NULL;
	}
	return e;
}

void jit_code_close(struct code_memory *code)
{
	struct names *names = code ? names_of(code) : NULL;

	crash_closed(code);
	code_close(code);
	names_close(names);
}

void jit_code_named(const struct code_memory *code)
{
	struct names *names = names_of(code);

	if (names)
		names_flush(names);
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
		snprintf(error, JIT_ERROR, "%s: open: %s", ops->name, jit_stub_error(e));
	return e;
}
