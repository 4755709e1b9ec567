/*
 * instance.c - an instance of a module: makes its block and its callees, and binds them.
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
#include "jit/space.h"
#include "wasm/internal.h"

/* ---- Callees bound at instantiation ---------------------------------------------------------- */

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
	struct stub_callee **c = calloc(in->ncallees, sizeof(struct stub_callee *));
	int e = specs && c ? make_specs(in, specs, error) : -ENOMEM;

	for (uint32_t i = 0; c && i < in->ncallees; i++)
		c[i] = &in->callees[i];
	if (!e && (e = wasm_bind(in, specs, c, in->ncallees)))
		snprintf(error, WASM_ERROR, "%s: %s: %s", in->module->name, in->space->ops->name,
			 jit_stub_error(e));
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
			wasm_release(in, (struct stub_callee *)&in->tables[t]->slots[i]);
	for (uint32_t i = 0; in->callees && i < in->ncallees; i++)
		wasm_release(in, &in->callees[i]);
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

struct stub_callee *wasm_instance_export(struct wasm_instance *in, int number, enum stub_kind kind)
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
			struct stub_callee *c = (struct stub_callee *)&in->tables[t]->slots[i];
			if (!c->code)
				continue;
			if (n < max)
				out[n] = (struct wasm_callee){ c, STUB_INDIRECT, i };
			n++;
		}
	return n;
}
