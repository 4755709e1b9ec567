/*
 * wasmtime.c - the ring of ring.js for Wasmtime's C API: N wasm functions called from C ("in"), or
 * N functions of C called from wasm ("out"), each at one call site; scripts/peers/engines looks at
 * the process's code at each mark.
 *
 *   wasmtime LIBRARY in|out N SEED
 *
 * LIBRARY is the shared object in the wheel of the Python package, which has no headers: the
 * declarations are those of its wasmtime/_bindings.py, for version 50. What is asked for at once:
 * "in" takes each function out of a table, "out" makes each and puts it there, between the marks.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CALLS = 200000,
	SAMPLES = 15,
	MOST = 16384,
	EXTERN_TABLE = 3,
	VALUE_I32 = 0,
	VALUE_FUNCREF = 5
};

struct engine;
struct store;
struct context;
struct module;
struct error;
struct trap;
struct caller;
struct type;
struct function_type;
struct bytes {
	size_t size;
	char *data;
};
struct types {
	size_t size;
	struct type **data;
};
struct function {
	uint64_t store;
	void *hidden;
};
struct table {
	struct {
		uint64_t store;
		uint32_t hidden;
	} first;
	uint32_t hidden;
};
struct instance {
	uint64_t store;
	size_t hidden;
};
union raw {
	int32_t i32;
	uint64_t v128[2];
};
struct value {
	uint8_t kind;
	union {
		int32_t i32;
		struct function function;
		uint64_t most[3];
	} of;
};
struct external {
	uint8_t kind;
	union {
		struct function function;
		struct table table;
		uint64_t most[3];
	} of;
};
typedef size_t callback(void *, struct caller *, union raw *, size_t);

static struct engine *(*wasm_engine_new)(void);
static struct store *(*wasmtime_store_new)(struct engine *, void *, void (*)(void *));
static struct context *(*wasmtime_store_context)(struct store *);
static struct error *(*wasmtime_wat2wasm)(const char *, size_t, struct bytes *);
static struct error *(*wasmtime_module_new)(struct engine *, const char *, size_t,
					    struct module **);
static struct error *(*wasmtime_instance_new)(struct context *, struct module *, struct external *,
					      size_t, struct instance *, struct trap **);
static bool (*wasmtime_instance_export_get)(struct context *, struct instance *, const char *,
					    size_t, struct external *);
static bool (*wasmtime_table_get)(struct context *, struct table *, uint64_t, struct value *);
static struct error *(*wasmtime_table_set)(struct context *, struct table *, uint64_t,
					   const struct value *);
static struct type *(*wasm_valtype_new)(uint8_t);
static void (*wasm_valtype_vec_new)(struct types *, size_t, struct type *const *);
static struct function_type *(*wasm_functype_new)(struct types *, struct types *);
static void (*wasmtime_func_new_unchecked)(struct context *, struct function_type *, callback *,
					   void *, void (*)(void *), struct function *);
static struct error *(*wasmtime_func_call_unchecked)(struct context *, struct function *,
						     union raw *, size_t, struct trap **);
static void (*wasmtime_error_message)(struct error *, struct bytes *);

static const struct {
	const char *name;
	void *at;
} imports[] = {
#define IMPORT(name) { #name, &name }
	IMPORT(wasm_engine_new),
	IMPORT(wasmtime_store_new),
	IMPORT(wasmtime_store_context),
	IMPORT(wasmtime_wat2wasm),
	IMPORT(wasmtime_module_new),
	IMPORT(wasmtime_instance_new),
	IMPORT(wasmtime_instance_export_get),
	IMPORT(wasmtime_table_get),
	IMPORT(wasmtime_table_set),
	IMPORT(wasm_valtype_new),
	IMPORT(wasm_valtype_vec_new),
	IMPORT(wasm_functype_new),
	IMPORT(wasmtime_func_new_unchecked),
	IMPORT(wasmtime_func_call_unchecked),
	IMPORT(wasmtime_error_message),
};

static struct context *context;
static struct table table;
static struct function functions[MOST], rounds_of;
static int32_t constants[MOST], order[MOST];
static int n;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void well(struct error *e)
{
	struct bytes text;

	if (!e)
		return;
	wasmtime_error_message(e, &text);
	fprintf(stderr, "%.*s\n", (int)text.size, text.data);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void mark(const char *name)
{
	printf("mark %s\n", name);
	fflush(stdout);
	if (getchar() == EOF)
		exit(1);
}

/* The functions' module for "in"; for "out" one that calls whatever is in its table. */
static struct bytes module_text(bool in)
{
	size_t room = 4096 + (size_t)n * 96;
	char *text = malloc(room), *at = text, *end = text + room;
	struct bytes wasm;

	if (!text)
		fail("no memory");
	at += snprintf(at, (size_t)(end - at),
		       "(module (type $f (func (param i32) (result i32)))"
		       " (table (export \"table\") %d funcref)",
		       n);
	for (int i = 0; in && i < n; i++)
		at += snprintf(at, (size_t)(end - at),
			       " (func $f%d (type $f) (i32.add (local.get 0)"
			       " (i32.const %d)))",
			       i, i);
	if (in) {
		at += snprintf(at, (size_t)(end - at), " (elem (i32.const 0)");
		for (int i = 0; i < n; i++)
			at += snprintf(at, (size_t)(end - at), " $f%d", i);
		at += snprintf(at, (size_t)(end - at), ")");
	}
	snprintf(at, (size_t)(end - at),
		 " (func (export \"round\") (type $f) (local $i i32) (loop $l"
		 " (local.set 0 (call_indirect (type $f) (local.get 0) (local.get $i)))"
		 " (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
		 " (i32.const %d)))) (local.get 0)))",
		 n);
	well(wasmtime_wat2wasm(text, strlen(text), &wasm));
	free(text);
	return wasm;
}

static size_t add(void *env, struct caller *caller, union raw *values, size_t count)
{
	(void)caller;
	(void)count;
	values->i32 += *(const int32_t *)env;
	return 0; /* no trap */
}

static int32_t call(struct function *f, int32_t x)
{
	union raw value = { .i32 = x };
	struct trap *trap = NULL;

	well(wasmtime_func_call_unchecked(context, f, &value, 1, &trap));
	if (trap)
		fail("a trap");
	return value.i32;
}

static int32_t round_of(bool in, int32_t x)
{
	if (!in)
		return call(&rounds_of, x);
	for (int i = 0; i < n; i++)
		x = call(&functions[i], x);
	return x;
}

static void make(bool in)
{
	struct type *parameter = wasm_valtype_new(VALUE_I32), *result = wasm_valtype_new(VALUE_I32);
	struct types parameters, results;
	struct value v = { .kind = VALUE_FUNCREF };

	wasm_valtype_vec_new(&parameters, 1, &parameter);
	wasm_valtype_vec_new(&results, 1, &result);
	struct function_type *type = wasm_functype_new(&parameters, &results);

	for (int i = 0; i < n; i++) {
		if (in) {
			if (!wasmtime_table_get(context, &table, (uint64_t)order[i], &v))
				fail("no such element");
			functions[i] = v.of.function;
		} else {
			wasmtime_func_new_unchecked(context, type, add, &constants[order[i]], NULL,
						    &functions[i]);
			v.of.function = functions[i];
			well(wasmtime_table_set(context, &table, (uint64_t)i, &v));
		}
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double time_rounds(bool in)
{
	int rounds = (CALLS + n - 1) / n;
	uint32_t sum = (uint32_t)round_of(in, 0);
	double times[SAMPLES];

	for (int s = 0; s < SAMPLES; s++) {
		int32_t x = 0;
		double begun = now();

		for (int r = 0; r < rounds; r++)
			x = round_of(in, x);
		times[s] = (now() - begun) / rounds / n;
		if ((uint32_t)x != sum * (uint32_t)rounds)
			fail("a wrong sum");
	}
	qsort(times, SAMPLES, sizeof *times, ascending);
	return times[SAMPLES / 2];
}

static void open_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);

	if (!library)
		fail(dlerror());
	for (size_t i = 0; i < sizeof imports / sizeof *imports; i++) {
		void *f = dlsym(library, imports[i].name);

		if (!f)
			fail(dlerror());
		memcpy(imports[i].at, &f, sizeof f);
	}
}

int main(int argc, char **argv)
{
	if (argc != 5 || (n = atoi(argv[3])) < 1 || n > MOST)
		fail("usage: wasmtime LIBRARY in|out N SEED");
	bool in = !strcmp(argv[2], "in");
	uint32_t seed = (uint32_t)atoi(argv[4]);
	open_library(argv[1]);
	for (int i = 0; i < n; i++)
		constants[i] = order[i] = i;
	for (int i = n - 1; i > 0; i--) {
		seed = seed * 1664525 + 1013904223;
		int k = (int)((uint64_t)seed * (uint64_t)(i + 1) >> 32), t = order[i];

		order[i] = order[k];
		order[k] = t;
	}

	struct engine *engine = wasm_engine_new();
	struct bytes wasm = module_text(in);
	struct module *module;
	struct instance instance;
	struct external found;
	struct trap *trap = NULL;
	struct value v = { .kind = VALUE_FUNCREF };

	context = wasmtime_store_context(wasmtime_store_new(engine, NULL, NULL));
	well(wasmtime_module_new(engine, wasm.data, wasm.size, &module));
	well(wasmtime_instance_new(context, module, NULL, 0, &instance, &trap));
	if (trap || !wasmtime_instance_export_get(context, &instance, "table", 5, &found))
		fail("no table");
	table = found.of.table;
	if (!wasmtime_instance_export_get(context, &instance, "round", 5, &found))
		fail("no function");
	rounds_of = found.of.function;
	if (in && (uint32_t)call(&rounds_of, 0) != (uint32_t)n * (uint32_t)(n - 1) / 2)
		fail("a wrong sum");

	mark("before");
	double begun = now();
	make(in);
	if ((uint32_t)round_of(in, 0) != (uint32_t)n * (uint32_t)(n - 1) / 2)
		fail("a wrong sum");
	double first = (now() - begun) / n;
	mark("after");
	double every = time_rounds(in);
	v.of.function = functions[0];
	for (int i = 1; i < n; i++) {
		functions[i] = functions[0];
		if (!in)
			well(wasmtime_table_set(context, &table, (uint64_t)i, &v));
	}
	double one = time_rounds(in);
	printf("tell {\"n\": %d, \"make\": %g, \"call\": %g, \"one\": %g}\n", n,
	       first > every ? first - every : 0, every, one);
	return 0;
}
