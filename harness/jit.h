/*
 * jit.h - compiles LLVM modules to objects, places them in code memory, and knows where each
 * function went. Two floors: jit.c (LLVM-C 19: passes, code generation, the object cache) and
 * loader.c (an ELF object from memory to its place, relocation by relocation).
 */
#ifndef STUBMAP_JIT_H
#define STUBMAP_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../strategies/stub.h"

enum { JIT_ERROR = 240 };

struct jit_options {
	unsigned tier;        /* 0 or 2 */
	bool statepoints;     /* functions hold references: run rewrite-statepoints-for-gc */
	bool polls;           /* with statepoints: place-safepoints first */
	const char *cache;    /* folder for objects, by content; NULL: none. Made when missing. */
};

struct jit_object {
	uint8_t *data; /* a relocatable ELF object; jit_object_free */
	size_t size;
	uint64_t compile_ns; /* CLOCK_MONOTONIC, front to back; of the cache's read where cached */
	bool cached;
};

/* source: textual IR or bitcode. 0, or -EINVAL (does not parse or verify), -ENOMEM, -EIO, with one
 * line in error. */
int jit_compile(const char *name, const void *source, size_t size, const struct jit_options *,
                struct jit_object *out, char error[JIT_ERROR]);
void jit_object_free(struct jit_object *);

/* What the loader asks where a symbol is not defined in the object. */
enum load_use { LOAD_CALL, LOAD_DATA };

struct load_hooks {
	/* The address for one relocation, or NULL: the load fails and names the symbol. */
	const void *(*resolve)(void *arg, const char *symbol, enum load_use use);
	void *arg;
	uint32_t text_offset; /* set-up randomisation: bytes before the text, a multiple of 16 */
};

struct load_function {
	const char *name;
	const void *code;
	uint32_t size; /* bytes */
};

struct loaded {
	const uint8_t *text; /* executable address of the first text byte */
	size_t text_size;
	struct load_function *functions; /* by address */
	size_t nfunctions;
	const uint8_t *stackmaps; /* .llvm_stackmaps after relocation, or NULL */
	size_t stackmaps_size;
	/* private */
	void *region;
	size_t region_size;
	char *names;
	struct code_memory *code;
};

int jit_load(struct code_memory *, const struct jit_object *, const struct load_hooks *,
             struct loaded *out, char error[JIT_ERROR]);
void jit_unload(struct loaded *);
const void *loaded_address(const struct loaded *, const char *symbol); /* function; NULL: none */
const struct load_function *loaded_function_at(const struct loaded *, const void *pc);

#endif
