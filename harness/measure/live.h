/*
 * live.h - what the cells of live wasm programs share: one job at work (struct live), one
 * strategy at work on one loading of its module (struct place). Private to measure_wasm*.c.
 */
#ifndef STUBMAP_MEASURE_LIVE_H
#define STUBMAP_MEASURE_LIVE_H

#include "meters/counters.h"
#include "measure/phases.h"
#include "wasm/program.h"

struct live {
	const struct job *job;
	const struct setup *setup;
	char *first; /* a reader's module: what its first run printed */
	size_t first_size;
	char folder[WASM_PATH];
	struct code_config code_config;
	struct jit_object object;
	uint32_t offset;	     /* of the text */
	struct counters *counters;   /* of the timed runs; NULL: none were asked for */
	struct wasm_callee *callees; /* CALLEES: of the instance that ran last */
	bool *crossed;		     /* of these: a call goes through it */
	json_t *figures;
	char *why;
};

/* One strategy at work on one loading of the module. */
struct place {
	struct code_memory *code;
	struct stub_space space;
	bool space_open;
	struct wasm_module *module;
	struct wasm_thread thread;
};

/* What the seed decides is drawn from rng, which it begins. */
void wasm_live_open(struct live *, const struct job *, const struct setup *, json_t *figures,
		    char why[CELL_ERROR], struct prng *rng);
void wasm_live_close(struct live *);

/* 0, or -1 with one line in why; wasm_place_close in any case. The module's object is compiled once
 * a live. */
int wasm_place_open(struct live *, struct place *, const struct stub_ops *, enum code_wx);
void wasm_place_close(struct place *);
/* A reader's module has no native twin: all runs, the floor's too, must say the same. */
int wasm_live_check(struct live *, const struct wasi *);

#endif
