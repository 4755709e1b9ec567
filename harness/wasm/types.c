/*
 * types.c - function types by number. wasm2c's code names each type once, at load, and compares
 * numbers from then on; both tiers of a module must get the same numbers.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/internal.h"
#include "workloads/wasm/wasm-rt.h"

static uint32_t number_of(struct wasm_module *m, const char *letters)
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

/* The module whose registration runs: the function that wasm2c calls has no argument for it. */
static _Thread_local struct wasm_module *registering;

int wasm_types_register(struct wasm_module *m, const void *function)
{
	void (*call)(void);

	memcpy(&call, &function, sizeof call);
	registering = m;
	call();
	bool good = registering;
	registering = NULL;
	return good ? 0 : -ENOMEM;
}

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...)
{
	static const char letters[] = {
		[WASM_RT_I32] = 'i', [WASM_RT_I64] = 'l',     [WASM_RT_F32] = 'f',
		[WASM_RT_F64] = 'd', [WASM_RT_FUNCREF] = 'F', [WASM_RT_EXTERNREF] = 'E'
	};
	char *text = malloc((size_t)params + results + 2), *at = text;
	uint32_t number = 0;
	va_list ap;

	va_start(ap, results);
	for (uint32_t i = 0; at && i < params + results; i++) {
		if (i == params)
			*at++ = '>';
		*at++ = letters[va_arg(ap, int)];
	}
	va_end(ap);
	if (text) {
		if (!results)
			*at++ = '>';
		*at = 0;
		number = registering ? number_of(registering, text) : 0;
	}
	free(text);
	if (!number)
		registering = NULL;
	return number;
}
