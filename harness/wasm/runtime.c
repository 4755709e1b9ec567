/*
 * runtime.c - the runtime of compiled wasm: memories, tables, rounding. A running program calls
 * these functions through builtin stubs, with its instance as first argument; at instantiation
 * wasm2c's code calls them directly, and they find the instance by its run.
 *
 * Memories and tables that may grow have all their address space reserved at once, so that they
 * never move: a bound callee must not.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "workloads/wasm/wasm-rt.h"
#include "wasm/internal.h"

enum { PAGE = 65536 };

#define STOP(in, what) wasm_stop(in, NULL, what)

/* ---- Memory ---------------------------------------------------------------------------------- */

static uint64_t room_of(const wasm_rt_memory_t *m)
{
	uint64_t pages = m->max_pages < WASM_MAX_PAGES ? m->max_pages : WASM_MAX_PAGES;

	return (pages ? pages : 1) * PAGE;
}

/* Reserves zeroed pages; untouched pages take no memory. */
static void *reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *m, uint32_t pages, uint32_t max_pages)
{
	struct wasm_instance *in = wasm_current_landing()->opening;

	*m = (wasm_rt_memory_t){ .pages = pages, .max_pages = max_pages };
	m->size = (uint64_t)pages * PAGE;
	m->data = reserve(room_of(m));
	if (!m->data)
		STOP(in, "no address space for its memory");
	in->memory = m;
}

void wasm_rt_free_memory(wasm_rt_memory_t *m)
{
	if (m->data)
		munmap(m->data, room_of(m));
}

static uint32_t memory_grow(void *ctx, wasm_rt_memory_t *m, uint32_t n)
{
	uint32_t old = m->pages;

	(void)ctx;
	if (n > room_of(m) / PAGE || old > room_of(m) / PAGE - n)
		return UINT32_MAX;
	m->pages += n;
	m->size = (uint64_t)m->pages * PAGE;
	return old;
}

static void check_range(void *ctx, uint64_t at, uint64_t n, uint64_t size)
{
	if (at + n > size)
		STOP(wasm_instance_of(ctx), "out of bounds access");
}

static void memory_fill(void *ctx, wasm_rt_memory_t *m, uint32_t to, uint32_t value, uint32_t n)
{
	check_range(ctx, to, n, m->size);
	memset(m->data + to, (int)(value & 255), n);
}

static void memory_copy(void *ctx, wasm_rt_memory_t *to, const wasm_rt_memory_t *from, uint32_t d,
			uint32_t s, uint32_t n)
{
	check_range(ctx, d, n, to->size);
	check_range(ctx, s, n, from->size);
	memmove(to->data + d, from->data + s, n);
}

static void memory_init(void *ctx, wasm_rt_memory_t *m, const uint8_t *data, uint32_t size,
			uint32_t d, uint32_t s, uint32_t n)
{
	check_range(ctx, s, n, size);
	check_range(ctx, d, n, m->size);
	if (n) /* an empty segment's data is NULL */
		memcpy(m->data + d, data + s, n);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static uint32_t table_room(const wasm_rt_funcref_table_t *t)
{
	return t->max_size < WASM_MAX_TABLE ? t->max_size : WASM_MAX_TABLE;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *t, uint32_t size, uint32_t max_size)
{
	struct wasm_instance *in = wasm_current_landing()->opening;

	*t = (wasm_rt_funcref_table_t){ .max_size = max_size, .size = size };
	if (in->ntables == WASM_TABLES)
		STOP(in, "more than 16 tables");
	t->data = reserve(((size_t)table_room(t) + 1) * sizeof *t->data);
	t->slots = reserve(((size_t)table_room(t) + 1) * sizeof *t->slots);
	in->tables[in->ntables++] = t;
	if (!t->data || !t->slots)
		STOP(in, "no address space for its table");
}

/* wasm_instance_close has released its stubs before. */
void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *t)
{
	if (t->data)
		munmap(t->data, ((size_t)table_room(t) + 1) * sizeof *t->data);
	if (t->slots)
		munmap(t->slots, ((size_t)table_room(t) + 1) * sizeof *t->slots);
}

static void set_entry(struct wasm_instance *in, wasm_rt_funcref_table_t *t, uint32_t i,
		      const wasm_rt_funcref_t *ref)
{
	const int e = wasm_table_entry(in, t, i, ref);
	char what[WASM_ERROR];
	const void *code;

	if (!e)
		return;
	if (e != -ENOTSUP)
		STOP(in, "out of memory for a table entry's stub");
	memcpy(&code, &ref->func, sizeof code);
	snprintf(what, sizeof what,
		 "table entry %u: no stub passes the signature %.40s of %.60s "
		 "(workloads/wasm/README.md lists what can be taken),",
		 i, in->module->types[ref->func_type - 1].letters,
		 wasm_function_at(in->module, code));
	STOP(in, what);
}

static void table_set(void *ctx, wasm_rt_funcref_table_t *t, uint32_t i,
		      const wasm_rt_funcref_t *ref)
{
	check_range(ctx, i, 1, t->size);
	set_entry(wasm_instance_of(ctx), t, i, ref);
}

static void table_fill(void *ctx, wasm_rt_funcref_table_t *t, uint32_t d,
		       const wasm_rt_funcref_t *ref, uint32_t n)
{
	check_range(ctx, d, n, t->size);
	for (uint32_t i = 0; i < n; i++)
		set_entry(wasm_instance_of(ctx), t, d + i, ref);
}

static uint32_t table_grow(void *ctx, wasm_rt_funcref_table_t *t, uint32_t n,
			   const wasm_rt_funcref_t *ref)
{
	uint32_t old = t->size;

	if (n > table_room(t) || old > table_room(t) - n)
		return UINT32_MAX;
	t->size += n;
	table_fill(ctx, t, old, ref, n);
	return old;
}

static void table_copy(void *ctx, wasm_rt_funcref_table_t *to, const wasm_rt_funcref_table_t *from,
		       uint32_t d, uint32_t s, uint32_t n)
{
	check_range(ctx, d, n, to->size);
	check_range(ctx, s, n, from->size);
	for (uint32_t k = 0; k < n; k++) {
		/* If the two overlap, an entry must be read before it is written. */
		uint32_t i = d <= s ? k : n - 1 - k;
		wasm_rt_funcref_t ref = from->data[s + i];

		set_entry(wasm_instance_of(ctx), to, d + i, &ref);
	}
}

/* Sets a whole segment at once, as an engine does at instantiation. wasm_file_parse has checked
 * that a stub can be made for each of its functions. */
static void table_init(void *ctx, wasm_rt_funcref_table_t *t, const struct wasm_element *elements,
		       uint32_t size, uint32_t d, uint32_t s, uint32_t n, const uint32_t *types)
{
	check_range(ctx, s, n, size);
	check_range(ctx, d, n, t->size);
	int e = wasm_table_segment(wasm_instance_of(ctx), t, d, elements + s, n, types);
	if (e)
		STOP(wasm_instance_of(ctx), "out of memory for a table's stubs");
}

/* Nothing here makes external references, so all of them are null. */
void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *t, uint32_t size, uint32_t max)
{
	*t = (wasm_rt_externref_table_t){ .max_size = max, .size = size };
	t->data = calloc((size_t)size + 1, sizeof *t->data);
	if (!t->data)
		STOP(wasm_current_landing()->opening, "out of memory for its table");
}

void wasm_rt_free_externref_table(wasm_rt_externref_table_t *t)
{
	free(t->data);
}

uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *t, uint32_t n,
				      wasm_rt_externref_t value)
{
	uint32_t old = t->size;

	if (n > WASM_MAX_TABLE || old + n > WASM_MAX_TABLE || old + n > t->max_size)
		return UINT32_MAX;
	void *data = realloc(t->data, ((size_t)old + n + 1) * sizeof *t->data);
	if (!data)
		return UINT32_MAX;
	t->data = data;
	for (uint32_t i = 0; i < n; i++)
		t->data[old + i] = value;
	t->size += n;
	return old;
}

/* ---- Rounding -------------------------------------------------------------------------------- */

#define ROUND(name, type)                               \
	static type round_##name(void *ctx, type value) \
	{                                               \
		(void)ctx;                              \
		return name(value);                     \
	}
ROUND(floor, double)
ROUND(floorf, float)
ROUND(ceil, double)
ROUND(ceilf, float)
ROUND(trunc, double)
ROUND(truncf, float)
ROUND(nearbyint, double)
ROUND(nearbyintf, float)

/* ---- Names ----------------------------------------------------------------------------------- */

/* Converts a function's address to a data pointer, by copying its bytes. */
#define ADDRESS_OF(function)                              \
	__extension__({                                   \
		__typeof__(&(function)) f_ = &(function); \
		const void *p_;                           \
		memcpy(&p_, &f_, sizeof p_);              \
		p_;                                       \
	})

const void *wasm_runtime_builtin(enum wasm_builtin b, const char **signature)
{
	static const char *const signatures[] = {
#define SIGNATURE(name, text) text,
		WASM_BUILTINS(SIGNATURE)
	};

	*signature = signatures[b];
	switch (b) {
#define ROUNDING(name)            \
	case WASM_BUILTIN_##name: \
		return ADDRESS_OF(round_##name)
#define OTHER(name)               \
	case WASM_BUILTIN_##name: \
		return ADDRESS_OF(name)
		OTHER(memory_grow);
		OTHER(memory_fill);
		OTHER(memory_copy);
		OTHER(memory_init);
		OTHER(table_grow);
		OTHER(table_set);
		OTHER(table_fill);
		OTHER(table_copy);
		OTHER(table_init);
		ROUNDING(floor);
		ROUNDING(floorf);
		ROUNDING(ceil);
		ROUNDING(ceilf);
		ROUNDING(trunc);
		ROUNDING(truncf);
		ROUNDING(nearbyint);
		ROUNDING(nearbyintf);
	default:
		return NULL;
	}
}

const void *wasm_runtime_resolve(const char *symbol)
{
#define NAME(function)                  \
	if (!strcmp(symbol, #function)) \
		return ADDRESS_OF(function);
	NAME(wasm_rt_trap)
	NAME(wasm_rt_trap_indirect)
	NAME(wasm_rt_register_func_type)
	NAME(wasm_rt_allocate_memory)
	NAME(wasm_rt_free_memory)
	NAME(wasm_rt_allocate_funcref_table)
	NAME(wasm_rt_free_funcref_table)
	NAME(wasm_rt_allocate_externref_table)
	NAME(wasm_rt_free_externref_table)
	NAME(wasm_rt_grow_externref_table)
	/* Leaf functions that LLVM inserts calls of. */
	NAME(memcpy)
	NAME(memmove)
	NAME(memset)
	return NULL;
}
