/*
 * glue.h - weave.awk puts it between wasm2c's head of each file and the module's code: from here on
 * every call that leaves the program goes through a slot, with its address in r10 (the static
 * chain), and every frame is checked against the stack's limit.
 */
#define SLOT_CODE(slot) (*(const void *volatile *)&(slot)->code)
#define THROUGH(slot, type, ...) \
	__builtin_call_with_static_chain(((type)SLOT_CODE(slot))(__VA_ARGS__), (void *)(slot))

/* ---- Frames: engines compare with a limit in the instance, too ----------------------------- */

#undef FUNC_PROLOGUE
#define FUNC_PROLOGUE                                                                     \
	if (UNLIKELY((uint8_t *)__builtin_frame_address(0) < instance->head.stack_limit)) \
		TRAP(EXHAUSTION);

/* ---- Imports: exit_js ------------------------------------------------------------------------ */

#define IMPORT(number, type, ctx, ...)                                                        \
	THROUGH(((struct wasm_head *)(void *)(ctx))->imports + (number), type, (void *)(ctx), \
		##__VA_ARGS__)

/* ---- Tables: indirect ------------------------------------------------------------------------ */

#undef CALL_INDIRECT
#define CALL_INDIRECT(table, type, ft, x, callee_instance, ...)                     \
	((LIKELY((x) < (table).size && (table).data[x].func &&                      \
		 (table).data[x].func_type == func_types[ft]) ||                    \
	  (wasm_rt_trap_indirect((x) < (table).size ? (table).data + (x) : 0), 0)), \
	 THROUGH((table).slots + (x), type, instance, ##__VA_ARGS__))

/* ---- The runtime: builtin -------------------------------------------------------------------- */

#define BUILTIN(name, type, ...) \
	THROUGH(instance->head.builtins + WASM_BUILTIN_##name, type, instance, __VA_ARGS__)

/* A funcref is passed by its address. */
#define REF(value) \
	(&(wasm_rt_funcref_t){ (value).func_type, (value).func, (value).module_instance })

#define memory_fill(m, d, v, n) \
	BUILTIN(memory_fill, void (*)(void *, void *, u32, u32, u32), m, d, v, n)
#define memory_copy(to, from, d, s, n) \
	BUILTIN(memory_copy, void (*)(void *, void *, void *, u32, u32, u32), to, from, d, s, n)
#define memory_init(m, data, size, d, s, n)                                                       \
	BUILTIN(memory_init, void (*)(void *, void *, const void *, u32, u32, u32, u32), m, data, \
		size, d, s, n)
#define wasm_rt_grow_memory(m, n) BUILTIN(memory_grow, u32 (*)(void *, void *, u32), m, n)

#define wasm_rt_grow_funcref_table(t, n, v) \
	BUILTIN(table_grow, u32 (*)(void *, void *, u32, const void *), t, n, REF(v))
#define funcref_table_set(t, i, v) \
	BUILTIN(table_set, void (*)(void *, void *, u32, const void *), t, i, REF(v))
#define funcref_table_fill(t, d, v, n) \
	BUILTIN(table_fill, void (*)(void *, void *, u32, const void *, u32), t, d, REF(v), n)
#define funcref_table_copy(to, from, d, s, n) \
	BUILTIN(table_copy, void (*)(void *, void *, void *, u32, u32, u32), to, from, d, s, n)
#define funcref_table_init(t, elements, size, d, s, n, self, types)                          \
	BUILTIN(table_init,                                                                  \
		void (*)(void *, void *, const void *, u32, u32, u32, u32, const void *), t, \
		elements, size, d, s, n, types)

#define wasm_floor(x)	   BUILTIN(floor, f64 (*)(void *, f64), x)
#define wasm_floorf(x)	   BUILTIN(floorf, f32 (*)(void *, f32), x)
#define wasm_ceil(x)	   BUILTIN(ceil, f64 (*)(void *, f64), x)
#define wasm_ceilf(x)	   BUILTIN(ceilf, f32 (*)(void *, f32), x)
#define wasm_trunc(x)	   BUILTIN(trunc, f64 (*)(void *, f64), x)
#define wasm_truncf(x)	   BUILTIN(truncf, f32 (*)(void *, f32), x)
#define wasm_nearbyint(x)  BUILTIN(nearbyint, f64 (*)(void *, f64), x)
#define wasm_nearbyintf(x) BUILTIN(nearbyintf, f32 (*)(void *, f32), x)
