/*
 * jit.h - compiles LLVM modules to objects, places them in code memory, and knows where each
 * function went. compile.c (LLVM-C 19: passes, code generation, the object cache); loader.c (an ELF
 * object from memory to its place, relocation by relocation); loaded.c (what lies where).
 */
#ifndef STUBMAP_JIT_JIT_H
#define STUBMAP_JIT_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stubmap/stub.h>

enum { JIT_ERROR = 240 };

struct jit_options {
	unsigned tier;	   /* 0 or 2 */
	bool statepoints;  /* functions hold references: run rewrite-statepoints-for-gc */
	bool polls;	   /* with statepoints: place-safepoints first */
	const char *cache; /* folder for objects, by content; NULL: none. Made when missing. */
};

struct jit_object {
	uint8_t *data; /* a relocatable ELF object; jit_object_free */
	size_t size;
	uint64_t compile_ns; /* CLOCK_MONOTONIC; from the cache: the time of the read */
	bool cached;
	uint32_t copied; /* functions that were not compiled, but copied (calls/copies.h) */
};

/* source: textual IR or bitcode. 0, or -EINVAL (does not parse or verify), -ENOMEM, -EIO, with one
 * line in error. */
int jit_compile(const char *name, const void *source, size_t size, const struct jit_options *,
		struct jit_object *out, char error[JIT_ERROR]);
/* Whether the cache has the object; out is then as after jit_compile. */
bool jit_cached(const void *source, size_t size, const struct jit_options *, struct jit_object *);
void jit_object_free(struct jit_object *);
/* Whether objects can be kept in that folder; it is made if missing. */
bool jit_cache_usable(const char *folder);

/* The loader's question about a symbol that the object does not define. */
enum load_use { LOAD_CALL, LOAD_DATA };

struct load_hooks {
	/* The address for one relocation, or NULL: the load fails and names the symbol. */
	const void *(*resolve)(void *arg, const char *symbol, enum load_use use);
	/* Near calls; optional: the callee that a called symbol stands for, or NULL: ask resolve.
	 * Its calls become sites of space, which must take them (stub_takes_sites). */
	struct stub_callee *(*callee)(void *arg, const char *symbol, bool *passes_context);
	struct stub_space *space;
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
	size_t region_size, region_used;
	char *names;
	uint32_t *by_name; /* indices of functions[], sorted by name */
	struct code_memory *code;
	struct stub_space *space; /* that took sites; NULL: none */
};

/*
 * Places text, read-only data and stack maps in one region of CODE_MODULES, writable data in
 * code_data, and relocates. hooks->resolve is asked once for each relocation against a symbol
 * that the object does not define (once for all that share a GOT entry). A call whose answer is
 * out of reach goes through a pad of 16 bytes in the module (jmp [rip], address), and so does a
 * call of a callee, until the space makes it direct; any other relocation that does not fit is
 * an error. 0, -EINVAL (a bad object, an unknown relocation, a symbol that nobody defines),
 * -ERANGE (does not fit), -ENOMEM, with one line in error; after an error nothing stays
 * allocated, except in code_data.
 */
int jit_load(struct code_memory *, const struct jit_object *, const struct load_hooks *,
	     struct loaded *out, char error[JIT_ERROR]);
/* Gives the region back, and its sites, before their space is closed. Writable data stays with the
 * code memory, which can't free it separately. */
void jit_unload(struct loaded *);
/* For the loader alone: orders functions[] and fills by_name[]. */
void loaded_index(struct loaded *);
const void *loaded_address(const struct loaded *, const char *symbol); /* function; NULL: none */
const struct load_function *loaded_function_at(const struct loaded *, const void *pc);

#endif
