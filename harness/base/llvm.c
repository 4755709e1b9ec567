/* llvm.c - loads LLVM by one dlopen; the loader then finds LLVM's names after
 * those of all other libraries. */
#include "base/llvm.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
	pthread_once_t once;
	bool loaded;
	char why[LLVM_WHY];
} llvm = { .once = PTHREAD_ONCE_INIT };

static void load(void)
{
	const char *now = getenv("LD_BIND_NOW");

	if (now && *now) { /* the loader looked for LLVM's functions before LLVM was there */
		snprintf(llvm.why, sizeof llvm.why, "LLVM can't be used under LD_BIND_NOW");
		return;
	}
	llvm.loaded = dlopen(LLVM_LIBRARY, RTLD_LAZY | RTLD_GLOBAL) != NULL;
	if (!llvm.loaded)
		snprintf(llvm.why, sizeof llvm.why, "%s", dlerror());
}

bool llvm_load(char why[LLVM_WHY])
{
	pthread_once(&llvm.once, load);
	snprintf(why, LLVM_WHY, "%s", llvm.why);
	return llvm.loaded;
}

size_t llvm_head(unsigned char head[LLVM_HEAD])
{
	FILE *f = fopen(LLVM_LIBRARY, "re");
	size_t n = f ? fread(head, 1, LLVM_HEAD, f) : 0;

	if (f)
		fclose(f);
	return n;
}
