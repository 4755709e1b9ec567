/* live.c - opens places, and checks a run's answer; see live.h. */
#include "measure/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs/figures.h"

void wasm_live_open(struct live *l, const struct job *job, const struct setup *setup,
		    json_t *figures, char why[CELL_ERROR], struct prng *rng)
{
	*l = (struct live){ .job = job, .setup = setup, .figures = figures, .why = why };
	prng_seed(rng, job->seed);
	l->code_config = setup->code;
	l->code_config.colour = prng_below(rng, 512);
	l->code_config.faults = getenv("STUBMAP_CODE_TEST");
	l->offset = 16 * prng_below(rng, 256);
	wasm_program_folder(&setup->wasm, l->folder);
}

void wasm_live_close(struct live *l)
{
	jit_object_free(&l->object);
	free(l->first);
}

static int compile(struct live *l, const struct wasm_module *m)
{
	static const struct figure_name name = FIGURE_NAME(compile, ns, module, "clock");

	if (l->object.data)
		return 0;
	if (wasm_module_compile(m, l->job->cell.tier, l->job->cache, &l->object, l->why))
		return -1;
	if (l->object.cached)
		figure_missing(l->figures, name, "the object came from the cache");
	else
		figure_one(l->figures, name, 1, l->object.compile_ns);
	return 0;
}

int wasm_place_open(struct live *l, struct place *p, const struct stub_ops *ops, enum code_wx wx)
{
	struct code_config config = l->code_config;

	config.wx = wx;
	int e = code_open(&p->code, &config);
	if (!e)
		e = stub_space_open(&p->space, ops, p->code, &l->setup->stub, &wasm_stub_runtime);
	p->space_open = !e;
	if (e) {
		snprintf(l->why, CELL_ERROR, "%s: code memory %s: %s", ops->name, code_wx_names[wx],
			 e == -EACCES ? "the kernel forbids this policy" : strerror(-e));
		return -1;
	}
	if (wasm_module_open(&p->module, p->code, l->setup->wasm.name, l->folder, l->why))
		return -1;
	if (compile(l, p->module) ||
	    wasm_module_load(p->module, l->job->cell.tier, &l->object, l->offset, l->why))
		return -1;
	wasm_thread_open(&p->thread);
	return 0;
}

void wasm_place_close(struct place *p)
{
	if (p->module)
		wasm_module_close(p->module);
	if (p->space_open)
		stub_space_close(&p->space);
	if (p->code)
		code_close(p->code);
}

int wasm_live_check(struct live *l, const struct wasi *wasi)
{
	size_t size;
	const char *output = wasi_output(wasi, &size);

	if (!l->setup->wasm.own)
		return wasm_program_check(&l->setup->wasm, l->folder, wasi, l->why);
	if (!l->first) {
		l->first = malloc(size + 1);
		l->first_size = size;
		if (!l->first)
			return -1;
		memcpy(l->first, output, size);
	}
	if (size == l->first_size && !memcmp(output, l->first, size))
		return 0;
	snprintf(l->why, CELL_ERROR, "%s: two runs printed different output", l->setup->wasm.name);
	return -1;
}
