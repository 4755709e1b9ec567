/*
 * module.c - takes a module from its files to objects: reads its boundaries from the wasm file, and
 * compiles the bitcode of wasm2c's output. Finds functions in loaded code.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/internal.h"

/* ---- Files ----------------------------------------------------------------------------------- */

/* scripts/wasm-build leaves a line in a file if it could not build. */
static int not_built(const char *name, const char *folder, char *error)
{
	size_t size;
	char *why = (char *)wasm_file_read(folder, "why", &size);

	if (why && (!*why || *why == '\n'))
		snprintf(error, WASM_ERROR,
			 "%s: not built, and nothing says why (a full disk, ulimit -n?)", name);
	else if (why)
		snprintf(error, WASM_ERROR, "%s: not built: %.*s", name, (int)strcspn(why, "\n"),
			 why);
	else
		snprintf(error, WASM_ERROR, "%s: not built (%.120s): run `make wasm`", name,
			 folder);
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

/* ---- Code ------------------------------------------------------------------------------------ */

int wasm_module_compile(const struct wasm_module *m, unsigned tier, const char *cache,
			struct jit_object *out, char error[WASM_ERROR])
{
	const struct jit_options options = { .tier = tier, .cache = cache };

	return jit_compile(m->name, m->bitcode, m->bitcode_size, &options, out, error);
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
	if (!f || f->code != function || !m->tiers[wasm_tier_index(tier)].text)
		return NULL;
	return loaded_address(&m->tiers[wasm_tier_index(tier)], f->name);
}

size_t wasm_module_text(const struct wasm_module *m, unsigned tier)
{
	return m->tiers[wasm_tier_index(tier)].text_size;
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
