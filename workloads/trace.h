/*
 * trace.h - reads recorded crossings of the wasm boundary (traces/NAME.trace.zst, format
 * in traces/README.md). A trace holds only what was measured; replay.c draws what a
 * population needs beyond that.
 */
#ifndef STUBMAP_TRACE_H
#define STUBMAP_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "workload.h"

enum { TRACE_ERROR = 200 };

/* Static counts of one instance. */
struct trace_instance {
	uint32_t bytes;	       /* its module's */
	uint32_t functions;    /* imported and defined */
	uint32_t signatures;   /* distinct ones among its types */
	uint32_t exports;      /* distinct functions exported */
	uint32_t imports;      /* functions imported */
	uint32_t host_imports; /* those bound to host functions */
	uint32_t builtins;   /* runtime functions: imported ones, and operations that were called */
	uint32_t table_size; /* slots known to be used, at the most */
	uint32_t table_filled; /* filled ones among these */
};

/* A boundary that was crossed. */
struct trace_stub {
	enum boundary_kind kind;
	uint32_t instance;
	/* entry_js: function index; exit_js: import index; indirect: table slot; builtin: 0, 1, ...
	 * by first crossing. */
	uint32_t place;
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
 * Both return 0, or -EINVAL (not a trace, cut off, damaged, absurd), -ENOMEM, or an error of
 * opening the file, with one line in error and *out empty.
 */
int trace_read(const char *path, struct trace *out, char error[TRACE_ERROR]);
/* trace_parse takes the uncompressed bytes; its line does not name a file. */
int trace_parse(const uint8_t *data, size_t len, struct trace *out, char error[TRACE_ERROR]);
void trace_free(struct trace *);

/* How many boundaries of a kind the instance has, crossed or not;
 * *places: among how many places. */
uint32_t trace_population(const struct trace_instance *, enum boundary_kind, uint32_t *places);

#endif
