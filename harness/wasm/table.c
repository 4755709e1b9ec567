/*
 * table.c - binds and releases callees, table entries included: each entry is a callee, which a
 * later change of the table binds, retargets or releases, as engines do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wasm/internal.h"

/* ---- Binding --------------------------------------------------------------------------------- */

static int bind_each(struct stub_space *s, const struct stub_spec *specs,
		     struct stub_callee *const *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int e = s->ops->bind(s, &specs[i], c[i]);

		if (!e)
			continue;
		while (i--)
			s->ops->release(s, c[i]);
		return e;
	}
	return 0;
}

int wasm_bind(struct wasm_instance *in, const struct stub_spec *specs, struct stub_callee *const *c,
	      size_t n)
{
	struct stub_space *s = in->space;
	uint64_t t0 = clock_ns();
	int e = 0;

	stub_space_lock(s);
	if (s->ops->prepare)
		e = s->ops->prepare(s, specs, n);
	if (!e)
		e = s->ops->bind_many ? s->ops->bind_many(s, specs, c, n)
				      : bind_each(s, specs, c, n);
	stub_space_unlock(s);
	in->stats.bind_ns += clock_ns() - t0;
	in->stats.bound += e ? 0 : (uint32_t)n;
	return e;
}

void wasm_release(struct wasm_instance *in, struct stub_callee *c)
{
	if (!c->code)
		return;
	stub_space_lock(in->space);
	in->space->ops->release(in->space, c);
	stub_space_unlock(in->space);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* The newest code of a function that a program or a segment names. */
static const void *newest(const struct wasm_module *m, wasm_rt_function_ptr_t func)
{
	const void *p, *now;

	memcpy(&p, &func, sizeof p);
	now = wasm_module_at_tier(m, p, m->current ? 2 : 0);
	return now ? now : p;
}

static int entry_spec(struct wasm_instance *in, const wasm_rt_funcref_table_t *t,
		      const wasm_rt_funcref_t *ref, struct stub_spec *spec)
{
	const struct wasm_func_type *type = &in->module->types[ref->func_type - 1];
	uint32_t table = 1;

	while (table < in->ntables && in->tables[table - 1] != t)
		table++;
	*spec = (struct stub_spec){ .kind = STUB_INDIRECT,
				    .signature = type->signature,
				    .target = newest(in->module, ref->func),
				    .context = in->block,
				    .module = in->serial,
				    .table = in->serial * WASM_TABLES + table };
	return type->fits ? 0 : -ENOTSUP;
}

static int rebind(struct wasm_instance *in, struct stub_callee *c, const struct stub_spec *spec,
		  bool same_type)
{
	struct stub_space *s = in->space;
	int e = 0;

	stub_space_lock(s);
	if (c->code && same_type) {
		if (c->target != spec->target)
			e = s->ops->retarget(s, c, spec->target);
	} else {
		if (c->code)
			s->ops->release(s, c);
		e = s->ops->bind(s, spec, c);
	}
	stub_space_unlock(s);
	in->stats.rebound++;
	return e;
}

int wasm_table_entry(struct wasm_instance *in, wasm_rt_funcref_table_t *t, uint32_t i,
		     const wasm_rt_funcref_t *ref)
{
	struct stub_callee *c = (struct stub_callee *)&t->slots[i];
	struct stub_spec spec;
	int e = 0;

	if (!ref->func) {
		in->stats.rebound += c->code != NULL;
		wasm_release(in, c);
	} else {
		e = entry_spec(in, t, ref, &spec);
		if (!e)
			e = rebind(in, c, &spec, t->data[i].func_type == ref->func_type);
	}
	/* A failed bind leaves the entry empty, so that calls of it trap. */
	t->data[i] = e || !ref->func ? (wasm_rt_funcref_t){ 0 } : *ref;
	return e;
}

int wasm_table_segment(struct wasm_instance *in, wasm_rt_funcref_table_t *t, uint32_t d,
		       const struct wasm_element *elements, uint32_t n, const uint32_t *types)
{
	struct stub_spec *specs = calloc((size_t)n + 1, sizeof *specs);
	struct stub_callee **c = calloc((size_t)n + 1, sizeof(struct stub_callee *));
	int e = specs && c ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && !e; i++) {
		wasm_rt_funcref_t ref = { types[elements[i].type], elements[i].func, in->block };

		c[i] = (struct stub_callee *)&t->slots[d + i];
		wasm_release(in, c[i]);
		t->data[d + i] = (wasm_rt_funcref_t){ 0 };
		e = entry_spec(in, t, &ref, &specs[i]);
	}
	if (!e)
		e = wasm_bind(in, specs, c, n);
	for (uint32_t i = 0; i < n && !e; i++)
		t->data[d + i] =
		    (wasm_rt_funcref_t){ types[elements[i].type], elements[i].func, in->block };
	free(specs);
	free(c);
	return e;
}
