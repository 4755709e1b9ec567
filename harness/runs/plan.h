/*
 * plan.h - a plan: the cells that a sweep runs, and their order.
 *
 * A plan is one JSON object; its file may have comments, from // to the end of a line:
 *   {"name": "first", "seed": 1, "blocks": 12, "iterations": 12,
 *    "baseline": {"stubs": "page"},
 *    "cells": [{"workload": "ring", "kind": "indirect", "stubs": "*", "live": [4, 64, 4096]}, ...]}
 * Seed, blocks and iterations may be left out, and are then as in `stubmap run`.
 * A list in a cell stands for each of its values, a name with * or ? for each known name that it
 * matches (for maps without the encoders that are meant to fail, the floor and the unsafe ones:
 * these must be named); a cell stands for the product of all its values. The keys of "baseline"
 * are the arm: cells that are equal in all other keys form a group. Each group must hold its
 * baseline, and gets it a second time (the replica, A/A) to show how large a difference noise
 * alone makes. "counters": true counts the steady calls by hardware: the survey's groups of
 * counters are taken in turn, one for each block. "timeout": seconds after which an invocation is
 * ended, counted anew from where it begins to measure; the default is 120, and more if it has many
 * upgrades. "accept": {"load": 1.5, "steal": 1, "shared": 5, "aa": 20}: the limits that a run must
 * keep to count (analysis/accept.h defines them); a run beyond a limit is stored all the same, and
 * marked wherever it is shown.
 */
#ifndef STUBMAP_RUNS_PLAN_H
#define STUBMAP_RUNS_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runs/cell.h"

enum {
	PLAN_ERROR = 400,
	PLAN_MAX_CELLS = 10000,
	PLAN_MAX_BLOCKS = 1000,
	PLAN_MAX_ITERATIONS = 10000,
	PLAN_MAX_TIMEOUT = 1000000,
	/* The defaults of a plan. */
	PLAN_SEED = 1,
	PLAN_BLOCKS = 7,
	PLAN_ITERATIONS = 10
};

/* The limits that a run must keep, as its plan says beforehand; INFINITY:
 * the plan has no such limit. */
struct accept_rule {
	bool any;
	double load;   /* processes */
	double steal;  /* percent */
	double shared; /* percent */
	double aa;     /* percent */
};

struct plan {
	const char *name; /* in json */
	uint64_t seed;
	unsigned blocks, iterations;
	unsigned timeout_s; /* 0: the usual one (spawn.h) */
	bool counters;
	const json_t *baseline; /* in json */
	json_t *json;		/* as loaded, with what it left out */
	struct cell *cells;	/* replicas included */
	size_t n;
};

/* 0; -EINVAL with one line in error (for a file with name, line and column); -errno for a file that
 * can't be read, also with a line; -ENOMEM. */
int plan_load(const char *path, struct plan *, char error[PLAN_ERROR]);
/* Keeps a copy of json, and references to what is in it. */
int plan_from_json(json_t *json, struct plan *, char error[PLAN_ERROR]);
/* Whether a cell's arm is a peer. */
bool plan_has_peers(const struct plan *);
void plan_free(struct plan *);
/* Another number of samples, in the plan and in its text. */
void plan_iterate(struct plan *, unsigned iterations);
/* The error without the name of the plan's part, for plans that a command made from its options. */
const char *plan_plain_error(const char *error);

/* The rule of a plan's "accept" (NULL: none). 0, or -EINVAL with a line in error. */
int plan_accept_rule(const json_t *accept, struct accept_rule *, char error[PLAN_ERROR]);

/* A name with * or ? becomes the list of names that it matches; a list stays as it is; any other
 * value becomes a list of one. The caller owns it. */
json_t *plan_values(const char *key, json_t *v);

/* Fills order[n] with the cells' indices in the order of a block,
 * shuffled by the plan's seed and the block. */
void plan_order(const struct plan *, unsigned block, uint32_t *order);
/* The seed of all cells of a block: 0..2^53-1, so that every JSON reader keeps it exactly. */
uint64_t plan_block_seed(const struct plan *, unsigned block);

/* The baseline of c's group: c with the baseline's keys, not a replica. It is the same for all
 * cells of a group. 0, or -EINVAL: baseline does not fit a cell. */
int plan_baseline_of(const json_t *baseline, const struct cell *c, struct cell *out);

#endif
