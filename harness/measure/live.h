/*
 * live.h - what the cells of live wasm programs share: the state of one job (struct live), and of
 * one strategy with one loading of the module (struct place). Private to wasm.c and wasm_flood.c.
 */
#ifndef STUBMAP_MEASURE_LIVE_H
#define STUBMAP_MEASURE_LIVE_H

#include "meters/counters.h"
#include "measure/phases.h"
#include "wasm/program.h"

struct live {
	const struct job *job;
	const struct setup *setup;
	char *first; /* a user's module: the output of its first run */
	size_t first_size;
	char folder[WASM_PATH];
	struct code_config code_config;
	struct jit_object object;
	uint32_t offset;	     /* the text's */
	struct counters *counters;   /* for the timed runs; NULL: none */
	struct wasm_callee *callees; /* CALLEES of them: the last instance's */
	bool *crossed;		     /* whether a call goes through each of these */
	json_t *figures;
	char *why;
};

/* One strategy with one loading of the module. */
struct place {
	struct code_memory *code;
	struct stub_space space;
	bool space_open;
	struct wasm_module *module;
	struct wasm_thread thread;
};

/* Begins rng from the job's seed; it decides what the seed moves. */
void wasm_live_open(struct live *, const struct job *, const struct setup *, json_t *figures,
		    char why[CELL_ERROR], struct prng *rng);
void wasm_live_close(struct live *);

/* 0, or -1 with one line in why; wasm_place_close in any case. The module's object is compiled once
 * for each struct live. */
int wasm_place_open(struct live *, struct place *, const struct stub_ops *, enum code_wx);
void wasm_place_close(struct place *);
/* A user's module has no native twin: all its runs, the floor's included, must print the same. */
int wasm_live_check(struct live *, const struct wasi *);

#endif
