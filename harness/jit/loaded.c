/*
 * loaded.c - a module after loading: finds functions by address and by name, and unloads.
 *
 * Sixteen thousand targets may be looked up by name, and a stack walk asks for the function of each
 * frame: both are binary searches, over one table and one index.
 */
#include "jit/jit.h"

#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b)
{
	const struct load_function *f = a, *g = b;

	if (f->code != g->code)
		return f->code < g->code ? -1 : 1;
	return strcmp(f->name, g->name);
}

static int by_name(const void *a, const void *b, void *functions)
{
	const struct load_function *f = functions;

	return strcmp(f[*(const uint32_t *)a].name, f[*(const uint32_t *)b].name);
}

void loaded_index(struct loaded *m)
{
	qsort(m->functions, m->nfunctions, sizeof(*m->functions), by_address);
	for (uint32_t i = 0; i < m->nfunctions; i++)
		m->by_name[i] = i;
	qsort_r(m->by_name, m->nfunctions, sizeof(*m->by_name), by_name, m->functions);
}

void jit_unload(struct loaded *m)
{
	if (m->space)
		m->space->ops->detach(m->space, m->region, (uint8_t *)m->region + m->region_size);
	if (m->region)
		code_release(m->code, m->region, m->region_size);
	free(m->functions);
	free(m->by_name);
	free(m->names);
	memset(m, 0, sizeof(*m));
}

const void *loaded_address(const struct loaded *m, const char *symbol)
{
	size_t low = 0, high = m->nfunctions;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct load_function *f = &m->functions[m->by_name[middle]];
		int order = strcmp(symbol, f->name);

		if (order == 0)
			return f->code;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct load_function *loaded_function_at(const struct loaded *m, const void *pc)
{
	uintptr_t at = (uintptr_t)pc;
	size_t low = 0, high = m->nfunctions;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if ((uintptr_t)m->functions[middle].code <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || at - (uintptr_t)m->functions[low - 1].code >= m->functions[low - 1].size)
		return NULL;
	return &m->functions[low - 1];
}
