/* wasm_prepare.c - a child compiles, the parent says how long it has been at it. */
#include "wasm_prepare.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "wasm_drive.h"

static const uint64_t second = 1000000000u;

static int compile(const struct cell *c, const char *cache)
{
	const struct wasm_program *p = cell_wasm(c);
	char folder[WASM_PATH], error[WASM_ERROR];
	struct wasm_module *m;
	struct jit_object object;

	wasm_program_folder(p, folder);
	/* Nothing is loaded, so no code memory. */
	if (wasm_module_open(&m, NULL, p->name, folder, error))
		return 1;
	int e = wasm_module_compile(m, c->tier, cache, &object, error);
	jit_object_free(&object);
	wasm_module_close(m);
	return e != 0;
}

static void prepare(const struct cell *c, const char *cache)
{
	uint64_t begun = clock_ns(), shown = begun + second;
	bool said = false;
	pid_t pid = fork();

	if (!pid)
		_exit(compile(c, cache));
	while (pid > 0 && !waitpid(pid, NULL, WNOHANG)) {
		usleep(20000);
		if (!isatty(2) || clock_ns() - shown < second)
			continue;
		shown = clock_ns();
		said = true;
		fprintf(stderr, "\r\033[Kcompiling %s, tier %u, once: %llu s (about a minute)",
			c->workload, c->tier, (unsigned long long)((shown - begun) / second));
	}
	if (said)
		fputs("\r\033[K", stderr);
}

void wasm_prepare(const struct cell *cells, size_t n, const char *cache)
{
	for (size_t i = 0; cache && i < n; i++) {
		const struct wasm_program *p = cell_wasm(&cells[i]);
		size_t k = 0;

		while (k < i && (strcmp(cells[k].workload, cells[i].workload) ||
				 cells[k].tier != cells[i].tier))
			k++;
		if (p && p->fetched && k == i)
			prepare(&cells[i], cache);
	}
}
