/*
 * wasm.h - live wasm programs: C of ours or from Debian's source packages, compiled to wasm, and by
 * way of wasm2c to bitcode that the JIT compiles (scripts/wasm-build). A program is driven by
 * `steps()` calls of its export `step(i)`; what it prints, and what the steps return, must be what
 * the same program says when it is compiled natively.
 */
#ifndef STUBMAP_WASM_H
#define STUBMAP_WASM_H

#include <stdbool.h>
#include <stddef.h>

struct wasm_program {
	const char *name, *summary;
	const char *workload; /* the name of its cells: "wasm:NAME" */
	const char *flooded;  /* and of those that instantiate it many times: "flood:wasm:NAME" */
	bool flood;	      /* it was named so */
	const char *file;     /* a file that it finds in its system; NULL: none */
	bool fetched;	      /* its source comes over the network when it is built */
	bool own;	      /* a reader's module: no native twin to compare with */
};

extern const struct wasm_program *const wasm_programs[]; /* NULL ends it */
const struct wasm_program *wasm_program_find(const char *workload);
/* What a workload's name means: one of the table, or with "wasm:FILE.wasm" a reader's own module,
 * whose texts are then parts of `workload`; either with "flood:" in front. False: neither. out may
 * be NULL. */
bool wasm_program_named(const char *workload, struct wasm_program *out);

#endif
