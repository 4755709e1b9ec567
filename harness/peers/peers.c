/* peers.c - the list of peers, and loading one: dlopen of peers/NAME.so beside the program, or the
 * reason that the build left there (scripts/peer-build). */
#include "peers/peers.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/home.h"

#define PREFIX "peer:"

const struct peer_row peer_rows[] = {
	{ PREFIX "asmjit", "ctx+jump",
	  "AsmJit's JitRuntime: three instructions of ours, assembled and placed by it", 0 },
	{ PREFIX "orc", "jump",
	  "LLVM's LocalIndirectStubsManager: a jump alone, callers pass the context", 0 },
	{ PREFIX "ffcall-trampoline", "var+jump",
	  "libffcall's trampolines: a store to a variable, then a body that reads it", 0 },
	{ PREFIX "ffcall-callback", "handler",
	  "libffcall's callbacks: a handler in C gets the arguments, and calls", 0 },
	{ PREFIX "libffi", "handler",
	  "libffi's closures: a handler in C gets the arguments, and calls", 0 },
	{ PREFIX "luajit", "Lua",
	  "LuaJIT's callbacks: a function in Lua gets the arguments, and calls; there is one page "
	  "of them",
	  512 },
	{ NULL, NULL, NULL, 0 },
};

const struct peer_row *peer_named(const char *name)
{
	for (const struct peer_row *r = peer_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

/* Why there is no object: the line that the build left, if it did. */
static void why_not(const char *name, char why[PEER_WHY])
{
	char file[64], path[PATH_MAX];
	FILE *f = NULL;

	snprintf(file, sizeof file, "peers/%s.why", name);
	if (!home_find(file, path, sizeof path))
		f = fopen(path, "re");
	if (!f || !fgets(why, PEER_WHY, f))
		snprintf(why, PEER_WHY, "%s%s was not built: make", PREFIX, name);
	why[strcspn(why, "\n")] = 0;
	if (f)
		fclose(f);
}

const struct peer *peer_load(const struct peer_row *row, char why[PEER_WHY])
{
	const char *name = row->name + strlen(PREFIX);
	char file[64], path[PATH_MAX];
	const struct peer *peer;
	void *object;

	snprintf(file, sizeof file, "peers/%s.so", name);
	if (home_find(file, path, sizeof path)) {
		why_not(name, why);
		return NULL;
	}
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	peer = object ? dlsym(object, "peer") : NULL;
	if (!peer) {
		const char *said = dlerror();

		/* The place of the object is this machine's, and goes into no record. */
		if (said && !strncmp(said, path, strlen(path)))
			said += strlen(path) + strspn(said + strlen(path), ": ");
		snprintf(why, PEER_WHY, "%s can't be loaded: %s", row->name, said ? said : "");
		return NULL;
	}
	if (peer->contract == PEER_CONTRACT && !strcmp(peer->ops->name, row->name))
		return peer;
	snprintf(why, PEER_WHY, "%s: %s is of another build: make", row->name, file);
	return NULL;
}
