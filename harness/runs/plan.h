/*
 * plan.h - what a sweep is to run, and in which order.
 *
 * A plan is one JSON object:
 *   {"name": "first", "seed": 1, "blocks": 12, "iterations": 12,
 *    "baseline": {"stubs": "page"},
 *    "cells": [{"workload": "ring", "kind": "indirect", "stubs": "*", "live": [4, 64, 4096]}, ...]}
 * A list in a cell stands for each of its values, a name with * or ? for each known name that it
 * matches (for maps without those that are known to fail, the floor and the unsafe ones: name them
 * to have them); the product of all is meant. The keys of "baseline" are the arm: cells that are
 * equal but for them are a group, each group must hold its baseline, and gets it a second time (the
 * replica, A/A) to tell how much noise alone makes of no difference. "counters": true counts the
 * steady calls by hardware: as many of a survey's groups of counters as fit are taken in turn, one
 * a block. "timeout": seconds after which an invocation is ended; where it is left out, 120 and
 * what its upgrades may take.
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
	PLAN_MAX_TIMEOUT = 1000000
};

struct plan {
	const char *name; /* in json */
	uint64_t seed;
	unsigned blocks, iterations;
	unsigned timeout_s; /* 0: the usual one (spawn.h) */
	bool counters;
	const json_t *baseline; /* in json */
	json_t *json;		/* as loaded */
	struct cell *cells;	/* the replicas too */
	size_t n;
};

/* 0; -EINVAL with one line in error (of a file: name, line and column); -errno for a file that
 * can't be read, with a line as well; -ENOMEM. */
int plan_load(const char *path, struct plan *, char error[PLAN_ERROR]);
/* Keeps a reference to json. */
int plan_from_json(json_t *json, struct plan *, char error[PLAN_ERROR]);
void plan_free(struct plan *);
/* An error of a plan that a command made of its options: without the name of the plan's part. */
const char *plan_plain_error(const char *error);

/* A name with * or ? as the list of names that it matches; a list as it stands; anything else as a
 * list of itself. The caller owns it. */
json_t *plan_values(const char *key, json_t *v);

/* order[n]: the cells' indices as block runs them, shuffled by the plan's seed and the block. */
void plan_order(const struct plan *, unsigned block, uint32_t *order);
/* What all cells of a block have for a seed: 0..2^53-1, so that every JSON reader keeps it. */
uint64_t plan_block_seed(const struct plan *, unsigned block);

/* The baseline of c's group: c with the baseline's keys, no replica. Equal for all of a group.
 * 0, or -EINVAL where baseline does not fit a cell. */
int plan_baseline_of(const json_t *baseline, const struct cell *c, struct cell *out);

#endif
