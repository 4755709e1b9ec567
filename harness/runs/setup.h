/*
 * setup.h - a cell resolved: what its names mean to this build. It is made once, where a cell is
 * about to be run; nobody below reads a name again.
 */
#ifndef STUBMAP_RUNS_SETUP_H
#define STUBMAP_RUNS_SETUP_H

#include <stubmap/stub.h>

#include "runs/cell.h"
#include "workloads/gc.h"
#include "workloads/wasm.h"

struct map_ops; /* map.h */

struct setup {
	enum family family;
	const struct stub_ops *stubs;
	const struct map_ops *maps; /* of a program on the collected heap; else NULL */
	/* One of these, as the family has it. A reader's own file: its texts are the cell's. */
	struct workload workload;
	const struct gc_program *program;
	struct wasm_program wasm;
	/* Without what the seed and the environment decide (colour, faults). */
	struct code_config code;
	struct stub_config stub;
	/* 0 where they do not apply. */
	enum stub_kind kind;
	stub_signature signature;
	enum gc_mode mode;
};

/* 0, or -EINVAL with one line in error: a name that means nothing here. The setup lives as long as
 * the cell. */
int setup_of(const struct cell *, struct setup *, char error[CELL_ERROR]);

#endif
