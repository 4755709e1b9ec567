/*
 * setup.h - a cell resolved: the objects of this build that its names stand for. It is made once,
 * before a cell is run; no code below reads a name again.
 */
#ifndef STUBMAP_RUNS_SETUP_H
#define STUBMAP_RUNS_SETUP_H

#include <stubmap/stub.h>

#include "peers/peers.h"
#include "runs/cell.h"
#include "workloads/gc.h"
#include "workloads/wasm.h"

struct map_ops; /* map.h */

struct setup {
	enum family family;
	const struct stub_ops *stubs;
	const struct peer *peer;    /* whose stubs they are; NULL: this library's own */
	const struct map_ops *maps; /* for a program on the collected heap; else NULL */
	/* The family decides which of these three is set.
	 * For a user's own file the texts are the cell's. */
	struct workload workload;
	const struct gc_program *program;
	struct wasm_program wasm;
	/* Both without the fields that seed and environment decide (colour, faults). */
	struct code_config code;
	struct stub_config stub;
	/* 0 if they do not apply. */
	enum stub_kind kind;
	stub_signature signature;
	enum gc_mode mode;
};

/* 0, or -EINVAL with one line in error: an unknown name, a peer that is not there. The setup is
 * valid as long as the cell. */
int setup_of(const struct cell *, struct setup *, char error[CELL_ERROR]);

#endif
