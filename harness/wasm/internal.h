/*
 * internal.h - what the files behind wasm.h share: module.c, load.c, types.c (code), thread.c
 * (threads, traps), instance.c, table.c (binding), runtime.c (what compiled code calls).
 */
#ifndef STUBMAP_WASM_INTERNAL_H
#define STUBMAP_WASM_INTERNAL_H

#include <assert.h>
#include <setjmp.h>

#include "workloads/wasm/abi.h"
#include "wasm/file.h"
#include "wasm/wasm.h"

static_assert(sizeof(struct wasm_slot) == sizeof(struct stub_callee) &&
		  offsetof(struct wasm_slot, word) == offsetof(struct stub_callee, word),
	      "a slot is a callee");
static_assert(offsetof(struct wasm_head, activation) == offsetof(struct host_instance, head) &&
		  offsetof(struct wasm_head, host) == offsetof(struct host_instance, host),
	      "an instance begins as host.h has it");

/* Both tiers of a module have the same types: equal types have equal numbers, from 1. */
struct wasm_func_type {
	char *letters; /* parameters, '>', results */
	stub_signature signature;
	bool fits;
};

struct wasm_module {
	struct code_memory *code;
	char name[64];
	struct wasm_file file;
	uint8_t *bitcode;
	size_t bitcode_size;
	struct loaded tiers[2]; /* tier 0, tier 2 */
	int current;		/* of tiers[]; -1: none yet */
	struct wasm_func_type *types;
	uint32_t ntypes;
	uint32_t instances; /* opened so far: gives each its number */
};

static inline int wasm_tier_index(unsigned tier) /* of module->tiers */
{
	return tier == 0 ? 0 : 1;
}

struct wasm_instance {
	struct wasm_module *module;
	struct stub_space *space;
	struct wasm_thread *thread;
	struct wasi *wasi;
	struct wasm_head *block;     /* what compiled code calls ctx */
	struct stub_callee *callees; /* imports, builtins, native exports, js exports */
	uint32_t ncallees;
	wasm_rt_memory_t *memory; /* NULL: it has none */
	wasm_rt_funcref_table_t *tables[WASM_TABLES];
	uint32_t ntables, serial;
	char failed[80]; /* the message of a host function that failed */
	struct wasm_instance_stats stats;
	struct wasm_instance *next; /* in the thread's list */
};

/* The point to which a trap returns. */
struct wasm_landing {
	jmp_buf back;
	struct wasm_thread *thread;
	struct wasm_landing *outer;
	void *exit_frame; /* the activation's at the beginning */
	char *error;
	struct wasm_instance *opening; /* the instance being instantiated, or NULL */
};

/* The run of this thread that a trap would end. */
struct wasm_landing *wasm_current_landing(void);
/* wasm_run for the instance that is being opened. */
enum wasm_end wasm_run_opening(struct wasm_thread *, struct wasm_instance *opening,
			       void (*body)(void *), void *arg, char error[WASM_ERROR]);
/* Ends the current run with the error "module: what in function". pc lies in compiled code; NULL:
 * the newest exit frame says where. */
_Noreturn void wasm_stop(struct wasm_instance *, const void *pc, const char *what);
/* The name of the function at that code address, as far as it is known. */
const char *wasm_function_at(const struct wasm_module *, const void *code);
_Noreturn void wasm_exit(struct wasm_thread *, uint32_t code);

/* The address of a compiled function by its symbol, in the current tier. */
const void *wasm_module_symbol(const struct wasm_module *, const char *symbol);
/* Runs the module's own registration of its function types, which fills
 * module->types. 0, -ENOMEM. */
int wasm_types_register(struct wasm_module *, const void *function);
/* The address of a symbol that compiled code names but does not define, or NULL. */
const void *wasm_runtime_resolve(const char *symbol);
/* The C function behind a builtin, and its signature. */
const void *wasm_runtime_builtin(enum wasm_builtin, const char **signature);

/* Binds n callees that are not bound, by one bulk call if the strategy has one. 0 or the strategy's
 * error, with nothing bound. */
int wasm_bind(struct wasm_instance *, const struct stub_spec *, struct stub_callee *const *,
	      size_t n);
/* A callee that is not bound is left alone. */
void wasm_release(struct wasm_instance *, struct stub_callee *);

/* Sets entry i of a table, and its callee, to ref. 0, or the strategy's error. */
int wasm_table_entry(struct wasm_instance *, wasm_rt_funcref_table_t *, uint32_t i,
		     const wasm_rt_funcref_t *ref);

/* Sets n entries from an element segment, from entry d on, and binds them in bulk.
 * 0, or the strategy's error. */
int wasm_table_segment(struct wasm_instance *, wasm_rt_funcref_table_t *, uint32_t d,
		       const struct wasm_element *, uint32_t n, const uint32_t *types);

static inline struct wasm_instance *wasm_instance_of(const void *context)
{
	return ((const struct wasm_head *)context)->owner;
}

/* The host function that a module imports by these names; *signature: in letters. NULL: none. */
const void *wasm_host_function(const char *module, const char *name, const char **signature);

#endif
