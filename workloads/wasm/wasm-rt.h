/*
 * wasm-rt.h - stubmap's runtime for the C that wasm2c writes, which includes it. The names are
 * wasm2c's (wabt 1.0.32), the layouts are abi.h's. Bounds are checked in the code, not by signals.
 */
#ifndef STUBMAP_WASM_RT_H
#define STUBMAP_WASM_RT_H

#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

#define LIKELY(x)			__builtin_expect(!!(x), 1)
#define UNLIKELY(x)			__builtin_expect(!!(x), 0)
#define wasm_rt_memcpy			__builtin_memcpy
#define wasm_rt_unreachable		__builtin_unreachable
#define WASM_RT_MEMCHECK_SIGNAL_HANDLER 0
#define WASM_RT_USE_STACK_DEPTH_COUNT	0

enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_FUNCREF, WASM_RT_EXTERNREF };

static const wasm_rt_funcref_t wasm_rt_funcref_null_value;
static const wasm_rt_externref_t wasm_rt_externref_null_value;

/* Called without a stub: at instantiation, or because they never return. */
_Noreturn void wasm_rt_trap(wasm_rt_trap_t why);
_Noreturn void wasm_rt_trap_indirect(const wasm_rt_funcref_t *entry); /* NULL: past the end */
uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...);
void wasm_rt_allocate_memory(wasm_rt_memory_t *, uint32_t pages, uint32_t max_pages);
void wasm_rt_free_memory(wasm_rt_memory_t *);
void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *, uint32_t size, uint32_t max_size);
void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *);
void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *, uint32_t size, uint32_t max);
void wasm_rt_free_externref_table(wasm_rt_externref_table_t *);
uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *, uint32_t n, wasm_rt_externref_t);
bool wasm_rt_is_initialized(void);

#endif
