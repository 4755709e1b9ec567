/*
 * wasm.h - live wasm: a module is opened once and its code loaded once; instances of it
 * are cheap, each with a memory, tables, globals and stubs of its own.
 *
 *      wasm_module    what the file says; its code in one or both tiers    shared by all
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
 * Hooks of the space are entered between stub_space_lock and stub_space_unlock.
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
 * folder/module.wasm and folder/module.bc (scripts/wasm-build makes them from one another). name is
 * for messages. 0; -ENOENT (not built: the line says why), -EINVAL (a module that can't be taken),
 * -ENOMEM, each with one line in error that names the module. *out is NULL then. Nothing is
 * compiled yet.
 */
int wasm_module_open(struct wasm_module **out, struct code_memory *, const char *name,
		     const char *folder, char error[WASM_ERROR]);
/* No instance may be left. */
void wasm_module_close(struct wasm_module *);

/* From any thread, as jit_compile; tier 0 or 2. */
int wasm_module_compile(const struct wasm_module *, unsigned tier, const char *cache,
			struct jit_object *out, char error[WASM_ERROR]);
/* Places the code of a tier: once a tier, before the first instance or while instances of the other
 * tier run; it touches the code memory, so under the space's lock where others do. text_offset as
 * load_hooks has it. Where both are loaded, new instances and table entries start in the one loaded
 * last. */
int wasm_module_load(struct wasm_module *, unsigned tier, const struct jit_object *,
		     uint32_t text_offset, char error[WASM_ERROR]);
/* Where the compiled function (of any tier) lies in that tier; NULL: it is no function of the
 * module, or the tier has none of that name (not loaded; inlined everywhere). */
const void *wasm_module_at_tier(const struct wasm_module *, const void *function, unsigned tier);
/* Bytes of text that tier takes, 0: not loaded. */
size_t wasm_module_text(const struct wasm_module *, unsigned tier);
const char *wasm_module_name(const struct wasm_module *);
/* The export's number for wasm_instance_export, or -ENOENT. Functions only. */
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
	struct wasm_run *run;
	struct wasm_instance *instances;
	uint8_t *stack_limit;
};

/* On the thread itself. The struct must outlive its instances. */
void wasm_thread_open(struct wasm_thread *);
/*
 * Runs body(arg), which may enter instances of this thread as often as it likes; a trap or an exit
 * comes back here (by longjmp: what body allocated is for the caller to find in *arg).
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
 * memory, runs the start function. wasi: what its imports see; may be NULL where it has none of
 * wasi's. 0, -EINVAL (an import that the host has not, a trap on the way), -ENOTSUP (a signature
 * that no stub can be made for), -ENOMEM, with one line in error; nothing stays bound then.
 */
int wasm_instance_open(struct wasm_instance **out, struct wasm_module *, struct stub_space *,
		       struct wasm_thread *, struct wasi *, char error[WASM_ERROR]);
/* Releases its stubs. Not while it runs. */
void wasm_instance_close(struct wasm_instance *);
void wasm_instance_stats(const struct wasm_instance *, struct wasm_instance_stats *out);

/* A callee to enter by: STUB_ENTRY_NATIVE or STUB_ENTRY_JS. */
struct stub_callee *wasm_instance_export(struct wasm_instance *, int number, enum stub_kind);

struct wasm_callee {
	struct stub_callee
	    *callee; /* ->target: a function of the module, but for imports, builtins */
	enum stub_kind kind;
	uint32_t index; /* of the export, import, table entry or builtin */
};

/* Every callee that is bound now, at most max; returns how many there are. A table that changes
 * later makes the list old. */
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
