/*
 * session.h - what the cells of live wasm programs share: the state of one job (wasm_session), and
 * of one strategy with one loading of the module (wasm_site). Private to wasm.c and wasm_flood.c.
 */
#ifndef STUBMAP_MEASURE_SESSION_H
#define STUBMAP_MEASURE_SESSION_H

#include "meters/counters.h"
#include "measure/phases.h"
#include "wasm/program.h"

struct wasm_session {
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
struct wasm_site {
	struct code_memory *code;
	struct stub_space space;
	bool space_open;
	struct wasm_module *module;
	struct wasm_thread thread;
};

/* Begins rng from the job's seed; it decides what the seed moves. */
void wasm_session_open(struct wasm_session *, const struct job *, const struct setup *,
		       json_t *figures, char why[CELL_ERROR], struct prng *rng);
void wasm_session_close(struct wasm_session *);

/* 0, or -1 with one line in why; wasm_site_close in any case. The module's object is compiled once
 * for each session. */
int wasm_site_open(struct wasm_session *, struct wasm_site *, const struct stub_ops *,
		   enum code_wx);
void wasm_site_close(struct wasm_site *);
/* A user's module has no native twin: all its runs, the floor's included, must print the same. */
int wasm_session_check(struct wasm_session *, const struct wasi *);

#endif
