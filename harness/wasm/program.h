/*
 * program.h - a live wasm program from its folder to its answer: everything that a cell, a test
 * or a flood of instances needs to run one as a program is meant to be run (workloads/wasm.h).
 */
#ifndef STUBMAP_WASM_PROGRAM_H
#define STUBMAP_WASM_PROGRAM_H

#include "workloads/wasm.h"
#include "wasm/wasi.h"
#include "wasm/wasm.h"

enum { WASM_PATH = 4096 };

/* What one run of a program took; clock_ns. */
struct wasm_times {
	uint64_t first_ns; /* the first call into the instance */
	uint64_t run_ns;   /* from the first call to the last */
	uint64_t entries;  /* calls into it */
};

/* As home_find. False: not there; path then is what it would be under the working folder. */
bool wasm_find(const char *name, char path[WASM_PATH]);
/* Where a program was built, or is to be: wasm/PROGRAM, or wasm/own/HASH for a reader's module. */
void wasm_program_folder(const struct wasm_program *, char folder[WASM_PATH]);
/* The system that the program expects, its file in place. 0, or -errno with one line in error. */
int wasm_program_system(const struct wasm_program *, const char *folder, uint64_t seed,
			struct wasi *, char error[WASM_ERROR]);
/*
 * Runs the program once from front to back in a fresh instance: `_initialize`, `steps`, and each
 * `step`, by turns as C and as the dynamic language would call it; or `_start`, where a reader's
 * module is a WASI command. times may be NULL. WASM_RETURNED: whatever it printed is in wasi, with
 * the results of its steps.
 */
enum wasm_end wasm_drive(struct wasm_instance *, const struct wasm_module *, struct wasm_thread *,
			 struct wasi *, struct wasm_times *, char error[WASM_ERROR]);
/* 0 where wasi's output is, byte for byte, what the native twin printed; else -EINVAL or -ENOENT
 * with one line in error that says what differs. */
int wasm_program_check(const struct wasm_program *, const char *folder, const struct wasi *,
		       char error[WASM_ERROR]);

#endif
