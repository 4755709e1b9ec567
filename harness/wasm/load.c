/*
 * load.c - places the code of a tier: resolves its outside symbols, numbers its function types, and
 * puts the file's lists in the order of its code.
 *
 * The code is shared by all instances: it finds everything through its first argument. Its only
 * writable data are wasm2c's function types, filled in once for each tier at load.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wasm/internal.h"

static const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	(void)arg;
	(void)use;
	return wasm_runtime_resolve(symbol);
}

/* Asks the module's own code for the name of number n; NULL past the last. */
static const char *name_of(const struct loaded *code, const char *function, uint32_t n)
{
	const void *p = loaded_address(code, function);
	const char *(*call)(uint32_t);

	if (!p)
		return NULL;
	memcpy(&call, &p, sizeof call);
	return call(n);
}

static bool same_import(const struct wasm_import_entry *i, const char *name)
{
	size_t n = strlen(i->module);

	return !strncmp(i->module, name, n) && name[n] == '.' && !strcmp(i->name, name + n + 1);
}

/* wasm2c sorts the imports as it likes: puts the file's lists in the order of its code. */
static int order_names(struct wasm_module *m, const struct loaded *code)
{
	struct wasm_file *f = &m->file;
	const char *name;

	for (uint32_t n = 0; n < f->nimports; n++) {
		uint32_t i = n;

		name = name_of(code, "wasm_import_name", n);
		while (name && i < f->nimports && !same_import(&f->imports[i], name))
			i++;
		if (!name || i == f->nimports)
			return -EINVAL;
		struct wasm_import_entry in = f->imports[n];
		f->imports[n] = f->imports[i];
		f->imports[i] = in;
	}
	for (uint32_t n = 0; n < f->nexports; n++) {
		uint32_t i = n;

		name = name_of(code, "wasm_export_name", n);
		while (name && i < f->nexports && strcmp(f->exports[i].name, name))
			i++;
		if (!name || i == f->nexports)
			return -EINVAL;
		struct wasm_export_entry out = f->exports[n];
		f->exports[n] = f->exports[i];
		f->exports[i] = out;
	}
	return 0;
}

int wasm_module_load(struct wasm_module *m, unsigned tier, const struct jit_object *object,
		     uint32_t text_offset, char error[WASM_ERROR])
{
	const struct load_hooks hooks = { .resolve = resolve, .text_offset = text_offset };
	int i = wasm_tier_index(tier), e;

	if (m->tiers[i].text) {
		snprintf(error, WASM_ERROR, "%s: tier %u is loaded already", m->name, tier);
		return -EINVAL;
	}
	e = jit_load(m->code, object, &hooks, &m->tiers[i], error);
	if (e)
		return e;
	if (wasm_types_register(m, loaded_address(&m->tiers[i], "wasm_register"))) {
		jit_unload(&m->tiers[i]);
		snprintf(error, WASM_ERROR, "%s: out of memory for its function types", m->name);
		return -ENOMEM;
	}
	if (order_names(m, &m->tiers[i])) {
		jit_unload(&m->tiers[i]);
		snprintf(error, WASM_ERROR, "%s: module.bc is not of module.wasm", m->name);
		return -EINVAL;
	}
	m->current = i;
	return 0;
}
