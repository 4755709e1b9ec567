/*
 * program.h - how a program of this folder is run: `steps()` calls of `step(i)`, i from 0. Each is
 * built twice, as a wasm module (a WASI reactor) and natively with twin.c; both must print the
 * same, and their steps return the same.
 */
#ifndef STUBMAP_WASM_PROGRAM_H
#define STUBMAP_WASM_PROGRAM_H

#include <stdint.h>

#ifdef __wasm__
#define EXPORT(name)  __attribute__((export_name(#name)))
#define IMPORT(which) __attribute__((import_module("env"), import_name(#which)))
#else
#define EXPORT(name)
#endif

EXPORT(steps) uint32_t steps(void);
EXPORT(step) uint32_t step(uint32_t i);

#endif
