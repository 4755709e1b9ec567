/*
 * module.c - a module from its files to code: what the wasm file says of the boundaries, the
 * bitcode of what wasm2c made of it, and the objects of both tiers where the loader put them.
 *
 * The code is shared by all instances: it finds everything through its first argument. Its own
 * writable data is what wasm2c calls the function types, filled in once a tier at load.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/internal.h"

static int index_of(unsigned tier)
{
	return tier == 0 ? 0 : 1;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* scripts/wasm-build leaves a line where it could not build. */
static int not_built(const char *name, const char *folder, char *error)
{
	size_t size;
	char *why = (char *)wasm_file_read(folder, "why", &size);

	snprintf(error, WASM_ERROR, "%s: not built: %.*s", name,
		 why ? (int)strcspn(why, "\n") : 120, why ? why : folder);
	free(why);
	return -ENOENT;
}

int wasm_module_open(struct wasm_module **out, struct code_memory *code, const char *name,
		     const char *folder, char error[WASM_ERROR])
{
	struct wasm_module *m = calloc(1, sizeof *m);
	size_t size;
	int e = -ENOMEM;

	*out = NULL;
	if (!m)
		goto no_memory;
	m->code = code;
	m->current = -1;
	snprintf(m->name, sizeof m->name, "%s", name);
	uint8_t *bytes = wasm_file_read(folder, "module.wasm", &size);
	if (!bytes) {
		free(m);
		return not_built(name, folder, error);
	}
	e = wasm_file_parse(&m->file, name, bytes, size, error);
	free(bytes);
	if (!e && !(m->bitcode = wasm_file_read(folder, "module.bc", &m->bitcode_size)))
		e = not_built(name, folder, error);
	if (e)
		wasm_module_close(m);
	else
		*out = m;
	return e;
no_memory:
	snprintf(error, WASM_ERROR, "%s: out of memory", name);
	return e;
}

void wasm_module_close(struct wasm_module *m)
{
	for (int i = 0; i < 2; i++)
		jit_unload(&m->tiers[i]);
	for (uint32_t i = 0; i < m->ntypes; i++)
		free(m->types[i].letters);
	free(m->types);
	free(m->bitcode);
	wasm_file_close(&m->file);
	free(m);
}

/* ---- Types ----------------------------------------------------------------------------------- */

uint32_t wasm_module_type(struct wasm_module *m, const char *letters)
{
	for (uint32_t i = 0; i < m->ntypes; i++)
		if (!strcmp(m->types[i].letters, letters))
			return i + 1;
	struct wasm_func_type *types = realloc(m->types, (m->ntypes + 1) * sizeof *types);
	if (!types)
		return 0;
	m->types = types;
	types[m->ntypes] = (struct wasm_func_type){ .letters = strdup(letters) };
	if (!types[m->ntypes].letters)
		return 0;
	types[m->ntypes].fits = !stub_signature_parse(letters, &types[m->ntypes].signature);
	return ++m->ntypes;
}

/* ---- Code ------------------------------------------------------------------------------------ */

int wasm_module_compile(const struct wasm_module *m, unsigned tier, const char *cache,
			struct jit_object *out, char error[WASM_ERROR])
{
	const struct jit_options options = { .tier = tier, .cache = cache };

	return jit_compile(m->name, m->bitcode, m->bitcode_size, &options, out, error);
}

static const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	(void)arg;
	(void)use;
	return wasm_runtime_resolve(symbol);
}

/* The module's own answer to "which is number n?"; NULL past the last. */
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

/* wasm2c sorts the imports as it likes: the file's lists are put in the order of its code. */
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
	int i = index_of(tier), e;

	if (m->tiers[i].text) {
		snprintf(error, WASM_ERROR, "%s: tier %u is loaded already", m->name, tier);
		return -EINVAL;
	}
	e = jit_load(m->code, object, &hooks, &m->tiers[i], error);
	if (e)
		return e;
	if (wasm_runtime_register(m, loaded_address(&m->tiers[i], "wasm_register"))) {
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

const void *wasm_module_symbol(const struct wasm_module *m, const char *symbol)
{
	return m->current < 0 ? NULL : loaded_address(&m->tiers[m->current], symbol);
}

const void *wasm_module_at_tier(const struct wasm_module *m, const void *function, unsigned tier)
{
	const struct load_function *f = NULL;

	for (int i = 0; i < 2 && !f; i++)
		if (m->tiers[i].text)
			f = loaded_function_at(&m->tiers[i], function);
	if (!f || f->code != function || !m->tiers[index_of(tier)].text)
		return NULL;
	return loaded_address(&m->tiers[index_of(tier)], f->name);
}

size_t wasm_module_text(const struct wasm_module *m, unsigned tier)
{
	return m->tiers[index_of(tier)].text_size;
}

const char *wasm_module_name(const struct wasm_module *m)
{
	return m->name;
}

int wasm_module_export(const struct wasm_module *m, const char *name)
{
	for (uint32_t i = 0; i < m->file.nexports; i++)
		if (!strcmp(m->file.exports[i].name, name))
			return (int)i;
	return -ENOENT;
}

stub_signature wasm_module_signature(const struct wasm_module *m, int number)
{
	return m->file.types[m->file.exports[number].type].signature;
}
