/*
 * wasm_helpers.h - a module opened on a strategy, for tests: built programs of build/wasm, and the
 * small modules of workloads/wasm/bad.
 */
#ifndef STUBMAP_TESTS_WASM_HELPERS_H
#define STUBMAP_TESTS_WASM_HELPERS_H

#include <errno.h>

#include "wasm/program.h"
#include "cache_helpers.h"

struct opened {
	struct code_memory *code;
	struct stub_space space;
	struct wasm_module *module;
	struct wasm_thread thread;
	struct wasi wasi;
	char error[WASM_ERROR];
};

/* The object of the module that was opened last: tests go through all strategies with one. */
static struct {
	struct jit_object object;
	char folder[WASM_PATH];
	unsigned tier;
} kept;

static const struct jit_object *object_of(struct opened *o, const char *folder, unsigned tier)
{
	if (kept.object.data && kept.tier == tier && !strcmp(kept.folder, folder))
		return &kept.object;
	jit_object_free(&kept.object);
	kept.tier = tier;
	assert_true(snprintf(kept.folder, sizeof kept.folder, "%s", folder) < WASM_PATH);
	if (wasm_module_compile(o->module, tier, cache, &kept.object, o->error))
		return NULL;
	return &kept.object;
}

/* 0, or the error of the first call that failed. running: hooks and callers side by side. */
static int open_running(struct opened *o, const char *name, const char *folder,
			const struct stub_ops *ops, enum code_wx wx, unsigned tier, bool running)
{
	const struct code_config code = { .wx = wx, .quantum = 4096 };
	const struct stub_config config = { .running = running };

	*o = (struct opened){ .module = NULL };
	assert_int_equal(code_open(&o->code, &code), 0);
	assert_int_equal(stub_space_open(&o->space, ops, o->code, &config, &wasm_stub_runtime), 0);
	wasm_thread_open(&o->thread);
	wasi_open(&o->wasi, NULL, 0, 1);
	int e = wasm_module_open(&o->module, o->code, name, folder, o->error);
	if (e)
		return e;
	const struct jit_object *object = object_of(o, folder, tier);
	return object ? wasm_module_load(o->module, tier, object, 16, o->error) : -EINVAL;
}

static int open_module(struct opened *o, const char *name, const char *folder,
		       const struct stub_ops *ops, enum code_wx wx, unsigned tier)
{
	return open_running(o, name, folder, ops, wx, tier, false);
}

static void close_module(struct opened *o)
{
	if (o->module)
		wasm_module_close(o->module);
	wasi_close(&o->wasi);
	stub_space_close(&o->space);
	code_close(o->code);
}

#endif
