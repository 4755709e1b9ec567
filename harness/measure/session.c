/* session.c - compiles a module once, opens it where a run wants it, and checks what runs print. */
#include "measure/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/space.h"
#include "runs/figures.h"

void wasm_session_open(struct wasm_session *w, const struct job *job, const struct setup *setup,
		       json_t *figures, char why[CELL_ERROR], struct prng *rng)
{
	*w = (struct wasm_session){ .job = job, .setup = setup, .figures = figures, .why = why };
	prng_seed(rng, job->seed);
	w->code_config = setup->code;
	w->code_config.colour = prng_below(rng, 512);
	w->code_config.faults = getenv("STUBMAP_CODE_TEST");
	w->offset = 16 * prng_below(rng, 256);
	wasm_program_folder(&setup->wasm, w->folder);
}

void wasm_session_close(struct wasm_session *w)
{
	jit_object_free(&w->object);
	free(w->first);
}

static int compile(struct wasm_session *w, const struct wasm_module *m)
{
	static const struct figure_name name = FIGURE_NAME(compile, ns, module, "clock");

	if (w->object.data)
		return 0;
	if (wasm_module_compile(m, w->job->cell.tier, w->job->cache, &w->object, w->why))
		return -1;
	if (w->object.cached)
		figure_missing(w->figures, name, "the object came from the cache");
	else
		figure_one(w->figures, name, 1, w->object.compile_ns);
	return 0;
}

int wasm_site_open(struct wasm_session *w, struct wasm_site *p, const struct stub_ops *ops,
		   enum code_wx wx)
{
	struct code_config config = w->code_config;

	config.wx = wx;
	if (jit_code_open(&p->code, &config, w->why) ||
	    jit_space_open(&p->space, ops, p->code, &w->setup->stub, &wasm_stub_runtime, w->why))
		return -1;
	p->space_open = true;
	if (wasm_module_open(&p->module, p->code, w->setup->wasm.name, w->folder, w->why))
		return -1;
	if (compile(w, p->module) ||
	    wasm_module_load(p->module, w->job->cell.tier, &w->object, w->offset, w->why))
		return -1;
	wasm_thread_open(&p->thread);
	return 0;
}

void wasm_site_close(struct wasm_site *p)
{
	if (p->module)
		wasm_module_close(p->module);
	if (p->space_open)
		stub_space_close(&p->space);
	if (p->code)
		jit_code_close(p->code);
}

int wasm_session_check(struct wasm_session *w, const struct wasi *wasi)
{
	size_t size;
	const char *output = wasi_output(wasi, &size);

	if (!w->setup->wasm.own)
		return wasm_program_check(&w->setup->wasm, w->folder, wasi, w->why);
	if (!w->first) {
		w->first = malloc(size + 1);
		w->first_size = size;
		if (!w->first)
			return -1;
		memcpy(w->first, output, size);
	}
	if (size == w->first_size && !memcmp(output, w->first, size))
		return 0;
	snprintf(w->why, CELL_ERROR, "%s: two runs printed different output", w->setup->wasm.name);
	return -1;
}
