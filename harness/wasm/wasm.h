/*
 * wasm.h - live wasm: a module is opened and its code loaded once; its instances are cheap, each
 * with its own memory, tables, globals and stubs.
 *
 *      wasm_module    the file's contents; code in one or both tiers       shared by all
 *      wasm_thread    the host's side of one thread                        one a thread
 *      wasm_instance  runs in one thread at a time, that of its wasm_thread
 *
 * Every call between host and program goes through a callee that the space's strategy bound:
 *
 *      wasm_enter_* -> entry_native, entry_js -> export
 *      program -> exit_js -> host function (wasi.h, imports.c)
 *      program -> indirect -> entry of a table          (rebound by table.set, .grow, .copy, ...)
 *      program -> builtin -> memory.grow, table.set, floor ... (runtime.c)
 *
 * Hooks of the space are called between stub_space_lock and stub_space_unlock.
 */
#ifndef STUBMAP_WASM_WASM_H
#define STUBMAP_WASM_WASM_H

#include <stddef.h>
#include <stdint.h>
#include <stubmap/stub.h>

#include "jit/host.h"
#include "jit/jit.h"

enum { WASM_ERROR = JIT_ERROR };

struct wasi;

/* ---- Modules ------------------------------------------------------------------------------- */

struct wasm_module;

/*
 * folder/module.wasm and folder/module.bc (scripts/wasm-build makes them from one another).
 * name is for messages. 0; or -ENOENT (not built: the line says why), -EINVAL (a module that
 * can't be taken), -ENOMEM, with one line in error that names the module, and *out is NULL.
 * Nothing is compiled yet.
 */
int wasm_module_open(struct wasm_module **out, struct code_memory *, const char *name,
		     const char *folder, char error[WASM_ERROR]);
/* No instance may be left. */
void wasm_module_close(struct wasm_module *);

/* Compiles tier 0 or 2, as jit_compile; may be called in any thread. */
int wasm_module_compile(const struct wasm_module *, unsigned tier, const char *cache,
			struct jit_object *out, char error[WASM_ERROR]);
/* Places the code of a tier, once for each tier, before the first instance or while instances of
 * the other tier run. It changes the code memory: take the space's lock if other threads change it,
 * too. text_offset: see load_hooks. If both tiers are loaded, new instances and table entries use
 * the one loaded last. */
int wasm_module_load(struct wasm_module *, unsigned tier, const struct jit_object *,
		     uint32_t text_offset, char error[WASM_ERROR]);
/* The address in that tier of a compiled function of any tier; NULL: it is not a function of the
 * module, or the tier lacks it (not loaded; inlined everywhere). */
const void *wasm_module_at_tier(const struct wasm_module *, const void *function, unsigned tier);
/* Bytes of the tier's text; 0: not loaded. */
size_t wasm_module_text(const struct wasm_module *, unsigned tier);
const char *wasm_module_name(const struct wasm_module *);
/* The number of an exported function for wasm_instance_export, or -ENOENT. */
int wasm_module_export(const struct wasm_module *, const char *name);
stub_signature wasm_module_signature(const struct wasm_module *, int number); /* of an export */

/* ---- Threads ------------------------------------------------------------------------------- */

enum wasm_end {
	WASM_RETURNED,
	WASM_EXITED, /* by proc_exit: thread->exit_code */
	WASM_TRAPPED /* error says why, with module and function */
};

struct wasm_thread {
	struct host host;
	uint32_t exit_code;
	/* private */
	struct wasm_landing *landing;
	struct wasm_instance *instances;
	uint8_t *stack_limit;
};

/* Call it on the thread itself. The struct must outlive the thread's instances. */
void wasm_thread_open(struct wasm_thread *);
/*
 * Runs body(arg), which may enter instances of this thread as often as it likes; a trap or an exit
 * returns here (by longjmp: body must keep in *arg what it allocated).
 */
enum wasm_end wasm_run(struct wasm_thread *, void (*body)(void *), void *arg,
		       char error[WASM_ERROR]);

/* ---- Instances ----------------------------------------------------------------------------- */

struct wasm_instance;

struct wasm_instance_stats {
	uint64_t bind_ns;     /* inside the strategy: prepare and bind, at instantiation */
	uint64_t open_ns;     /* all of wasm_instance_open */
	uint32_t bound;	      /* callees bound at instantiation */
	uint64_t rebound;     /* table entries bound, retargeted or released since */
	uint64_t heap, table; /* bytes: linear memory now; the instance's block, tables, callees */
};

/* For the space that instances bind in; raise and released end wasm_run. */
extern const struct stub_runtime wasm_stub_runtime;

/*
 * Binds every import, builtin, export (twice: native and js) and table entry, lays out the
 * memory, runs the start function. wasi is the system that its imports see; NULL if it imports none
 * of WASI. 0, -EINVAL (the host lacks an import, or code trapped), -ENOTSUP (no stub can be made
 * for a signature), -ENOMEM, with one line in error: nothing stays bound.
 */
int wasm_instance_open(struct wasm_instance **out, struct wasm_module *, struct stub_space *,
		       struct wasm_thread *, struct wasi *, char error[WASM_ERROR]);
/* Releases its stubs. It must not be running. */
void wasm_instance_close(struct wasm_instance *);
void wasm_instance_stats(const struct wasm_instance *, struct wasm_instance_stats *out);

/* A callee to enter by: STUB_ENTRY_NATIVE or STUB_ENTRY_JS. */
struct stub_callee *wasm_instance_export(struct wasm_instance *, int number, enum stub_kind);

struct wasm_callee {
	/* callee->target is a function of the module, except for imports and builtins. */
	struct stub_callee *callee;
	enum stub_kind kind;
	uint32_t index; /* of the export, import, table entry or builtin */
};

/* Lists at most max of the callees that are bound now; returns how many there are. A later change
 * of a table outdates the list. */
size_t wasm_instance_callees(const struct wasm_instance *, struct wasm_callee *out, size_t max);

/* Calls through a callee of an instance; only inside wasm_run. The conventions are stub.h's. */
static inline void wasm_enter_native(const struct stub_callee *c, uint64_t *argv)
{
	void (*enter)(uint64_t *);
	const void *code = __atomic_load_n(&c->code, __ATOMIC_ACQUIRE);

	__builtin_memcpy(&enter, &code, sizeof enter);
	__builtin_call_with_static_chain(enter(argv), (void *)(uintptr_t)c);
}

static inline stub_value wasm_enter_js(const struct stub_callee *c, stub_value *argv, size_t argc)
{
	stub_value (*enter)(stub_value *, size_t);
	const void *code = __atomic_load_n(&c->code, __ATOMIC_ACQUIRE);

	__builtin_memcpy(&enter, &code, sizeof enter);
	return __builtin_call_with_static_chain(enter(argv, argc), (void *)(uintptr_t)c);
}

#endif
