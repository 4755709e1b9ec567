/*
 * instance.c - an instance of a module: its block, its callees, and what binds them.
 *
 *      callees   | imports | builtins | exports, native | exports, js |     one malloc
 *      tables    | entry 0 | entry 1 | ...                               room for all there may be
 *
 * Instantiation binds the first row in one piece, then lets the module's own code lay out memory
 * and tables; each element segment is bound in one piece too. Later changes of a table bind,
 * retarget or release one entry at a time, as engines do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wasm/internal.h"

/* ---- Binding --------------------------------------------------------------------------------- */

static int bind_each(struct stub_space *s, const struct stub_spec *specs, struct callee *const *c,
		     size_t n)
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

/* Binds n callees that are not bound, by one call where the strategy has one. 0 or the strategy's
 * error, with nothing bound. */
static int wasm_bind(struct wasm_instance *in, const struct stub_spec *specs,
		     struct callee *const *c, size_t n)
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

static void release(struct wasm_instance *in, struct callee *c)
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

static int rebind(struct wasm_instance *in, struct callee *c, const struct stub_spec *spec,
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
	struct callee *c = (struct callee *)&t->slots[i];
	struct stub_spec spec;
	int e = 0;

	if (!ref->func) {
		in->stats.rebound += c->code != NULL;
		release(in, c);
	} else {
		e = entry_spec(in, t, ref, &spec);
		if (!e)
			e = rebind(in, c, &spec, t->data[i].func_type == ref->func_type);
	}
	/* A failed bind leaves the entry empty: calls of it trap. */
	t->data[i] = e || !ref->func ? (wasm_rt_funcref_t){ 0 } : *ref;
	return e;
}

int wasm_table_segment(struct wasm_instance *in, wasm_rt_funcref_table_t *t, uint32_t d,
		       const struct wasm_element *elements, uint32_t n, const uint32_t *types)
{
	struct stub_spec *specs = calloc((size_t)n + 1, sizeof *specs);
	struct callee **c = calloc((size_t)n + 1, sizeof(struct callee *));
	int e = specs && c ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && !e; i++) {
		wasm_rt_funcref_t ref = { types[elements[i].type], elements[i].func, in->block };

		c[i] = (struct callee *)&t->slots[d + i];
		release(in, c[i]);
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

/* ---- What is bound at once ------------------------------------------------------------------- */

static int import_spec(struct wasm_instance *in, uint32_t i, struct stub_spec *spec, char *error)
{
	const struct wasm_file *f = &in->module->file;
	const struct wasm_import_entry *import = &f->imports[i];
	char has[20], wants[20];
	const char *letters;

	spec->kind = STUB_EXIT_JS;
	spec->signature = f->types[import->type].signature;
	spec->target = wasm_host_function(import->module, import->name, &letters);
	if (!spec->target) {
		snprintf(error, WASM_ERROR, "%s: missing import: the host has no function %s.%s",
			 in->module->name, import->module, import->name);
		return -EINVAL;
	}
	snprintf(has, sizeof has, "%s", letters);
	if (!strcmp(stub_signature_format(spec->signature, wants), has))
		return 0;
	snprintf(error, WASM_ERROR, "%s: import %s.%s has signature %s; the host's is %s",
		 in->module->name, import->module, import->name, wants, has);
	return -EINVAL;
}

static int make_specs(struct wasm_instance *in, struct stub_spec *specs, char *error)
{
	const struct wasm_file *f = &in->module->file;
	struct stub_spec *spec = specs;
	const char *letters;
	char symbol[32];

	for (uint32_t i = 0; i < f->nimports; i++)
		if (import_spec(in, i, spec++, error))
			return -EINVAL;
	for (unsigned b = 0; b < WASM_NBUILTINS; b++, spec++) {
		spec->kind = STUB_BUILTIN;
		spec->target = wasm_runtime_builtin((enum wasm_builtin)b, &letters);
		stub_signature_parse(letters, &spec->signature);
	}
	for (uint32_t i = 0; i < 2 * f->nexports; i++, spec++) {
		uint32_t number = i % f->nexports;

		snprintf(symbol, sizeof symbol, "wasm_export_%u", number);
		spec->kind = i < f->nexports ? STUB_ENTRY_NATIVE : STUB_ENTRY_JS;
		spec->signature = f->types[f->exports[number].type].signature;
		spec->target = wasm_module_symbol(in->module, symbol);
		if (!spec->target) {
			snprintf(error, WASM_ERROR, "%s: its code has no export %s",
				 in->module->name, f->exports[number].name);
			return -EINVAL;
		}
	}
	for (spec = specs; spec < specs + in->ncallees; spec++) {
		spec->context = in->block;
		spec->module = in->serial;
	}
	return 0;
}

static int bind_fixed(struct wasm_instance *in, char *error)
{
	struct stub_spec *specs = calloc(in->ncallees, sizeof *specs);
	struct callee **c = calloc(in->ncallees, sizeof(struct callee *));
	int e = specs && c ? make_specs(in, specs, error) : -ENOMEM;

	for (uint32_t i = 0; c && i < in->ncallees; i++)
		c[i] = &in->callees[i];
	if (!e && (e = wasm_bind(in, specs, c, in->ncallees)))
		snprintf(error, WASM_ERROR, "%s: %s: %s", in->module->name, in->space->ops->name,
			 e == -ENOTSUP ? "a signature that it can't make" : "out of code memory");
	free(specs);
	free(c);
	return e;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static const void *call_block(const struct wasm_instance *in, const char *symbol)
{
	const void *p = wasm_module_symbol(in->module, symbol);
	void (*call)(struct wasm_head *);

	memcpy(&call, &p, sizeof call);
	call(in->block);
	return p;
}

static void instantiate(void *arg)
{
	call_block(arg, "wasm_instantiate");
}

static uint64_t block_size(const struct wasm_module *m)
{
	const void *p = wasm_module_symbol(m, "wasm_instance_size");
	uint64_t (*call)(void);

	memcpy(&call, &p, sizeof call);
	return call();
}

static int make_block(struct wasm_instance *in)
{
	const struct wasm_file *f = &in->module->file;

	in->ncallees = f->nimports + WASM_NBUILTINS + 2 * f->nexports;
	in->callees = calloc(in->ncallees, sizeof *in->callees);
	in->block = calloc(1, block_size(in->module));
	if (!in->callees || !in->block)
		return -ENOMEM;
	*in->block = (struct wasm_head){
		.activation = &in->thread->host.activation,
		.host = &in->thread->host,
		.stack_limit = in->thread->stack_limit,
		.imports = (struct wasm_slot *)in->callees,
		.builtins = (struct wasm_slot *)(in->callees + f->nimports),
		.owner = in,
	};
	in->stats.table = in->ncallees * sizeof *in->callees + block_size(in->module);
	return 0;
}

int wasm_instance_open(struct wasm_instance **out, struct wasm_module *m, struct stub_space *space,
		       struct wasm_thread *thread, struct wasi *wasi, char error[WASM_ERROR])
{
	struct wasm_instance *in = calloc(1, sizeof *in);
	uint64_t t0 = clock_ns();
	int e;

	error[0] = 0;
	if (!in)
		return -ENOMEM;
	*in = (struct wasm_instance){ .module = m,
				      .space = space,
				      .thread = thread,
				      .wasi = wasi,
				      .serial =
					  __atomic_add_fetch(&m->instances, 1, __ATOMIC_RELAXED),
				      .next = thread->instances };
	thread->instances = in;
	e = make_block(in);
	if (!e)
		e = bind_fixed(in, error);
	if (!e && wasm_run_opening(thread, in, instantiate, in, error) != WASM_RETURNED)
		e = -EINVAL;
	in->stats.open_ns = clock_ns() - t0;
	if (!e) {
		*out = in;
		return 0;
	}
	if (!error[0])
		snprintf(error, WASM_ERROR, "%s: %s", m->name,
			 e == -ENOMEM ? "out of memory" : "exited while it was instantiated");
	wasm_instance_close(in);
	return e;
}

void wasm_instance_close(struct wasm_instance *in)
{
	struct wasm_instance **link = &in->thread->instances;

	for (uint32_t t = 0; t < in->ntables; t++)
		for (uint32_t i = 0; in->tables[t]->slots && i < in->tables[t]->size; i++)
			release(in, (struct callee *)&in->tables[t]->slots[i]);
	for (uint32_t i = 0; in->callees && i < in->ncallees; i++)
		release(in, &in->callees[i]);
	if (in->block)
		call_block(in, "wasm_free");
	while (*link != in)
		link = &(*link)->next;
	*link = in->next;
	free(in->block);
	free(in->callees);
	free(in);
}

void wasm_instance_stats(const struct wasm_instance *in, struct wasm_instance_stats *out)
{
	*out = in->stats;
	out->heap = in->memory ? in->memory->size : 0;
	for (uint32_t t = 0; t < in->ntables; t++)
		out->table += (uint64_t)in->tables[t]->size *
			      (sizeof *in->tables[t]->data + sizeof *in->tables[t]->slots);
}

struct callee *wasm_instance_export(struct wasm_instance *in, int number, enum stub_kind kind)
{
	const struct wasm_file *f = &in->module->file;

	if (number < 0 || (uint32_t)number >= f->nexports)
		return NULL;
	return &in->callees[f->nimports + WASM_NBUILTINS +
			    (kind == STUB_ENTRY_JS ? f->nexports : 0) + (uint32_t)number];
}

size_t wasm_instance_callees(const struct wasm_instance *in, struct wasm_callee *out, size_t max)
{
	const struct wasm_file *f = &in->module->file;
	size_t n = 0;

	for (uint32_t i = 0; i < in->ncallees; i++, n++) {
		struct wasm_callee c = { &in->callees[i], STUB_EXIT_JS, i };

		if (i >= f->nimports + WASM_NBUILTINS) {
			uint32_t k = i - f->nimports - WASM_NBUILTINS;
			enum stub_kind kind = k < f->nexports ? STUB_ENTRY_NATIVE : STUB_ENTRY_JS;
			c = (struct wasm_callee){ c.callee, kind, k % f->nexports };
		} else if (i >= f->nimports) {
			c = (struct wasm_callee){ c.callee, STUB_BUILTIN, i - f->nimports };
		}
		if (n < max)
			out[n] = c;
	}
	for (uint32_t t = 0; t < in->ntables; t++)
		for (uint32_t i = 0; i < in->tables[t]->size; i++) {
			struct callee *c = (struct callee *)&in->tables[t]->slots[i];
			if (!c->code)
				continue;
			if (n < max)
				out[n] = (struct wasm_callee){ c, STUB_INDIRECT, i };
			n++;
		}
	return n;
}
