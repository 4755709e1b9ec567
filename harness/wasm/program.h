/*
 * program.h - takes a live wasm program from its folder to its answer: all that a cell, a test or a
 * flood of instances needs to run it as workloads/wasm.h defines.
 */
#ifndef STUBMAP_WASM_PROGRAM_H
#define STUBMAP_WASM_PROGRAM_H

#include "workloads/wasm.h"
#include "wasm/file.h"
#include "wasm/wasi.h"
#include "wasm/wasm.h"

enum { WASM_PATH = 4096 };

/* The times of one run of a program, by clock_ns. */
struct wasm_times {
	uint64_t first_ns; /* the first call into the instance */
	uint64_t run_ns;   /* from the first call to the last */
	uint64_t entries;  /* calls into it */
};

/* As home_find. False: not found; path is then the name under the working folder. */
bool wasm_find(const char *name, char path[WASM_PATH]);
/* The folder where a program was or will be built: wasm/PROGRAM, or wasm/own/HASH for a user's
 * module, or if that can't be written, home_temp's. */
void wasm_program_folder(const struct wasm_program *, char folder[WASM_PATH]);
/* Opens the system that the program expects, with its file in place.
 * 0, or -errno with one line in error. */
int wasm_program_system(const struct wasm_program *, const char *folder, uint64_t seed,
			struct wasi *, char error[WASM_ERROR]);
/* 0 if the file exports what wasm_drive calls; else -EINVAL, with one line in error that begins
 * with the name. It is told from the file alone, before anything is built. */
int wasm_program_enters(const struct wasm_file *, const char *name, char *error, size_t size);
/*
 * Runs the program once from front to back in a fresh instance: `_initialize`, `steps`, and
 * each `step`, by turns as C and as the dynamic language would call it; or `_start` if a
 * user's module is a WASI command. times may be NULL. WASM_RETURNED: wasi has its output and
 * the results of its steps.
 */
enum wasm_end wasm_drive(struct wasm_instance *, const struct wasm_module *, struct wasm_thread *,
			 struct wasi *, struct wasm_times *, char error[WASM_ERROR]);
/* 0 if wasi's output is, byte for byte, that of the native twin; else -EINVAL or -ENOENT with one
 * line in error that says what differs. */
int wasm_program_check(const struct wasm_program *, const char *folder, const struct wasi *,
		       char error[WASM_ERROR]);

#endif
