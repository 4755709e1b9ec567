/*
 * trace.h - reader of recorded crossings of the wasm boundary (traces/NAME.trace.zst, format in
 * traces/README.md). It holds what was measured and nothing else; what has to be drawn to make a
 * population of it is replay.c's affair.
 */
#ifndef STUBMAP_TRACE_H
#define STUBMAP_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "workload.h"

enum { TRACE_ERROR = 200 };

/* Static counts of one instance. */
struct trace_instance {
	uint32_t bytes;	       /* of its module */
	uint32_t functions;    /* imported and defined */
	uint32_t signatures;   /* distinct ones among its types */
	uint32_t exports;      /* distinct functions exported */
	uint32_t imports;      /* functions imported */
	uint32_t host_imports; /* those of them bound to host functions */
	uint32_t builtins;   /* runtime functions: imported ones, and operations that were called */
	uint32_t table_size; /* slots, as far as ever known in use */
	uint32_t table_filled; /* of these */
};

/* A boundary that was crossed. */
struct trace_stub {
	enum boundary_kind kind;
	uint32_t instance;
	uint32_t place; /* entry_js: function index; exit_js: import index; indirect: table slot;
			   builtin: 0, 1, ... by first crossing */
	char signature[20]; /* as in struct boundary */
	uint64_t count;	    /* times crossed */
};

struct trace {
	char name[64], program[160]; /* what ran, with the package's version where known */
	struct trace_instance *instances;
	uint32_t ninstances;
	struct trace_stub *stubs; /* by first crossing */
	uint32_t nstubs;
	uint32_t *events; /* indices of stubs */
	uint64_t nevents;
};

/*
 * Both: 0, or -EINVAL (not a trace, cut off, damaged, absurd), -ENOMEM, or what opening the file
 * gave; one line in error, and *out is empty.
 */
int trace_read(const char *path, struct trace *out, char error[TRACE_ERROR]);
/* From the uncompressed bytes; the line does not name a file. */
int trace_parse(const uint8_t *data, size_t len, struct trace *out, char error[TRACE_ERROR]);
void trace_free(struct trace *);

/* Boundaries of a kind that the instance has, crossed or not, and the places they lie among. */
uint32_t trace_population(const struct trace_instance *, enum boundary_kind, uint32_t *places);

#endif
