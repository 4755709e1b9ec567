/*
 * abi.h - what compiled wasm and its embedder share: the head of an instance, memories, tables, and
 * the runtime functions that compiled code calls through builtin stubs.
 *
 * An instance is one block; compiled code gets its address as the first argument (`ctx`):
 *
 *      | struct wasm_head | wasm2c's part: globals, memories, tables |
 *         | imports  -> slot[]   one an imported function: exit_js stubs
 *         | builtins -> slot[]   one a row of WASM_BUILTINS
 *      table: data[i] is entry i's function, slots[i] the callee through which it is called
 *
 * A slot is a function object (word for word the struct stub_callee of stub.h): it must not move
 * while it is bound.
 */
#ifndef STUBMAP_WASM_ABI_H
#define STUBMAP_WASM_ABI_H

#include <stdint.h>

struct wasm_slot {
	const void *code, *target;
	void *context;
	uint64_t word;
};

struct wasm_head {
	void *activation;     /* the thread's; stubs read it */
	uint64_t reserved[2]; /* for the embedder, like host and owner */
	void *host;
	uint8_t *stack_limit; /* a frame below it traps */
	struct wasm_slot *imports, *builtins;
	void *owner;
};

typedef void (*wasm_rt_function_ptr_t)(void);

typedef struct {
	uint32_t func_type;	     /* a number of wasm_rt_register_func_type */
	wasm_rt_function_ptr_t func; /* NULL: no function */
	void *module_instance;
} wasm_rt_funcref_t;

typedef void *wasm_rt_externref_t;

typedef struct {
	uint8_t *data; /* never moves: all its address space is reserved */
	uint32_t pages, max_pages;
	uint64_t size; /* bytes: 65536 a page */
} wasm_rt_memory_t;

typedef struct {
	wasm_rt_funcref_t *data;
	struct wasm_slot *slots;
	uint32_t max_size, size;
} wasm_rt_funcref_table_t;

typedef struct {
	wasm_rt_externref_t *data;
	uint32_t max_size, size;
} wasm_rt_externref_table_t;

/* One element of a segment, in wasm2c's layout. */
struct wasm_element {
	uint32_t type; /* index of func_types[] */
	wasm_rt_function_ptr_t func;
	uintptr_t offset;
};

/* The reasons for a trap; an indirect call traps by wasm_rt_trap_indirect. */
typedef enum {
	WASM_RT_TRAP_NONE,
	WASM_RT_TRAP_OOB,
	WASM_RT_TRAP_INT_OVERFLOW,
	WASM_RT_TRAP_DIV_BY_ZERO,
	WASM_RT_TRAP_INVALID_CONVERSION,
	WASM_RT_TRAP_UNREACHABLE,
	WASM_RT_TRAP_CALL_INDIRECT,
	WASM_RT_TRAP_EXHAUSTION,
	WASM_RT_TRAPS
} wasm_rt_trap_t;

/*
 * Runtime functions behind builtin stubs: name, and signature without ctx in stub.h's letters (i l
 * f d; r is an address).
 */
#define WASM_BUILTINS(X)          \
	X(memory_grow, "ri>i")    \
	X(memory_fill, "riii>")   \
	X(memory_copy, "rriii>")  \
	X(memory_init, "rriiii>") \
	X(table_grow, "rir>i")    \
	X(table_set, "rir>")      \
	X(table_fill, "riri>")    \
	X(table_copy, "rriii>")   \
	X(table_init, "rriiiir>") \
	X(floor, "d>d")           \
	X(floorf, "f>f")          \
	X(ceil, "d>d")            \
	X(ceilf, "f>f")           \
	X(trunc, "d>d")           \
	X(truncf, "f>f")          \
	X(nearbyint, "d>d")       \
	X(nearbyintf, "f>f")

#define WASM_BUILTIN_NUMBER(name, signature) WASM_BUILTIN_##name,
enum wasm_builtin { WASM_BUILTINS(WASM_BUILTIN_NUMBER) WASM_NBUILTINS };

#endif
