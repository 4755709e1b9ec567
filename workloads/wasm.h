/*
 * wasm.h - live wasm programs: C of ours or of Debian's source packages, compiled to wasm, and by
 * wasm2c to bitcode that the JIT compiles (scripts/wasm-build). A program is run by `steps()`
 * calls of its export `step(i)`; its output and the steps' results must be those of the same
 * program compiled natively.
 */
#ifndef STUBMAP_WASM_H
#define STUBMAP_WASM_H

#include <stdbool.h>
#include <stddef.h>

struct wasm_program {
	const char *name, *summary;
	const char *workload; /* the name of its cells: "wasm:NAME" */
	const char *flooded;  /* of cells that instantiate it many times: "flood:wasm:NAME" */
	bool flood;	      /* it was named by `flooded` */
	const char *file;     /* a file in the program's system; NULL: none */
	bool fetched;	      /* its source comes over the network when it is built */
	bool own;	      /* a user's module: has no native twin to compare with */
};

extern const struct wasm_program *const wasm_programs[]; /* NULL ends it */
const struct wasm_program *wasm_program_find(const char *workload);
/* Finds the program that a workload's name means: a row of the table, or with "wasm:FILE.wasm" a
 * user's own module, whose texts then point into `workload`; "flood:" may stand before either.
 * False: neither. out may be NULL. */
bool wasm_program_named(const char *workload, struct wasm_program *out);

#endif
