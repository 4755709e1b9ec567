/*
 * wasm_prepare.c - a child compiles, the parent says how long it has been at it. A reader's own
 * module is built first, by the same script as ours.
 */
#include "wasm_prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "wasm_drive.h"

static const uint64_t second = 1000000000u;

/* A reader's module, and its bitcode; what the tools say first goes to folder/why. Always made
 * anew: it costs little beside the code, which is cached by content. Made aside and renamed, as
 * another process may be at the same module. The module itself is there even where the rest could
 * not be made: what can't be taken is then refused with the reason. */
static int build(const char *file, const char *folder)
{
	static const char command[] =
	    "mkdir -p \"$FOLDER\" && new=$(mktemp -d \"$FOLDER/XXXXXX\") || exit 1\n"
	    "trap 'rm -rf \"$new\"' EXIT\n"
	    "if { cp -- \"$MODULE\" \"$new/module.wasm\" && \"$SCRIPT\" \"$MODULE\" \"$new\"; }"
	    " >\"$new/log\" 2>&1\n"
	    "then rm -f \"$FOLDER/why\"\n"
	    "else rm -f \"$FOLDER\"/module.*\n"
	    "{ grep -m 1 error \"$new/log\" || head -n 1 \"$new/log\"; } >\"$new/why\"\n"
	    "fi\n"
	    "for f in \"$new\"/module.* \"$new/why\"\n"
	    "do [ ! -e \"$f\" ] || mv \"$f\" \"$FOLDER\"; done";
	char script[WASM_PATH];

	if (!wasm_find("scripts/wasm-build", script) || setenv("MODULE", file, 1) ||
	    setenv("FOLDER", folder, 1) || setenv("SCRIPT", script, 1))
		return -1;
	return system(command);
}

static int compile(const struct cell *c, const char *cache)
{
	struct wasm_program p;
	char folder[WASM_PATH], error[WASM_ERROR];
	struct wasm_module *m;
	struct jit_object object;

	cell_wasm(c, &p);
	wasm_program_folder(&p, folder);
	if (p.own && build(p.name, folder))
		return 1;
	if (!cache)
		return 0;
	/* Nothing is loaded, so no code memory. */
	if (wasm_module_open(&m, NULL, p.name, folder, error))
		return 1;
	int e = wasm_module_compile(m, c->tier, cache, &object, error);
	jit_object_free(&object);
	wasm_module_close(m);
	return e != 0;
}

static void prepare(const struct cell *c, const char *cache)
{
	uint64_t begun = clock_ns(), shown = begun;
	bool said = false;
	pid_t pid = fork();

	if (!pid)
		_exit(compile(c, cache));
	while (pid > 0 && !waitpid(pid, NULL, WNOHANG)) {
		usleep(20000);
		if (!isatty(2) || clock_ns() - begun < 2 * second || clock_ns() - shown < second)
			continue;
		shown = clock_ns();
		said = true;
		fprintf(stderr, "\r\033[Kcompiling %s, tier %u, once: %llu s", c->workload, c->tier,
			(unsigned long long)((shown - begun) / second));
	}
	if (said)
		fputs("\r\033[K", stderr);
}

/* cache, if objects can be kept there; else NULL, and a line that says so. */
static const char *usable(const char *cache)
{
	if (cache && jit_cache_usable(cache))
		return cache;
	fprintf(stderr,
		"stubmap: note: no cache (%s): large programs are compiled in each process\n",
		cache ? cache : "XDG_CACHE_HOME and HOME name no folder");
	return NULL;
}

void wasm_prepare(const struct cell *cells, size_t n, const char *cache)
{
	bool asked = false;

	for (size_t i = 0; i < n; i++) {
		struct wasm_program p;
		size_t k = 0;

		while (k < i && (strcmp(cells[k].workload, cells[i].workload) ||
				 cells[k].tier != cells[i].tier))
			k++;
		if (!cell_wasm(&cells[i], &p) || !(p.fetched || p.own) || k < i)
			continue;
		if (!asked)
			cache = usable(cache);
		asked = true;
		if (cache || p.own)
			prepare(&cells[i], cache);
	}
}
