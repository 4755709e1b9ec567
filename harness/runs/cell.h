/*
 * cell.h - a cell: an arm on a workload of a size.
 *
 * As JSON; in a plan values may be lists, which stand for their product:
 *   {"stubs": "pool", "maps": "none", "workload": "ring", "live": 64, "kind": "indirect",
 *    "signature": "i>i", "wx": "toggle", "quantum": 4096, "literals": "own", "markers": false,
 *    "tier": 2, "targets": 0, "replica": 0}
 *   {"stubs": "pool", "workload": "tierup", "live": 1024, "threads": 4, "upgrades": 1000000,
 *    "poison": true, ...}
 *   {"stubs": "pool", "workload": "flood", "live": 64, "instances": 100, ...}
 *   {"stubs": "lazy+pool", "policy": "all", "generic": 0, ...}    if stubs are made when called
 *   {"stubs": "pool", "maps": "exact", "workload": "gc:lisp", "wx": "toggle", "quantum": 4096,
 *    "tier": 2, "mode": "normal", "polls": false, "size": 16, "replica": 0}
 *   {"stubs": "pool", "maps": "none", "workload": "wasm:sqlite", "wx": "toggle", "quantum": 4096,
 *    "literals": "own", "markers": false, "tier": 2, "replica": 0}
 * A plan leaves out keys that do not apply; they get the default of cell_defaults. Only programs on
 * the collected heap (gc:NAME) have stack maps: elsewhere maps is "none".
 */
#ifndef STUBMAP_RUNS_CELL_H
#define STUBMAP_RUNS_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "runs/family.h"

enum { CELL_ERROR = 240, CELL_MAX_GENERIC = 1000 };

struct cell {
	char stubs[32], maps[32], workload[WORKLOAD_NAME];
	uint32_t live;	  /* 0: does not apply */
	uint32_t targets; /* ring: functions that the stubs lead to; 0: one each */
	char kind[16];	  /* "" : does not apply */
	char signature[20];
	char wx[8];	  /* toggle, dual, rwx, pkey */
	uint32_t quantum; /* 4096, 16384, 65536, CODE_LARGE_QUANTUM */
	char literals[8]; /* own, baked, table */
	bool markers;
	bool share;	     /* equal quanta of code are one physical quantum: wx dual */
	char policy[12];     /* lazy+NAME: which pending stubs a call makes */
	uint32_t generic;    /* lazy+NAME: calls interpreted first, 0..CELL_MAX_GENERIC */
	unsigned tier;	     /* 0, 2; a tier-up goes from 0 to 2 */
	uint64_t max_events; /* replay, churn: 0 is all */
	uint32_t threads;    /* tierup: callers, 1..8 */
	uint64_t upgrades;   /* tierup: of stubs, back and forth, 1..1000000 */
	uint32_t instances;  /* flood, churn: the most alive at once, 1..1000 */
	bool poison;	     /* tierup, churn: a released slot reports its old owner */
	char mode[8];	     /* gc: when to collect: normal, every, random, never */
	bool polls;	     /* gc: safepoint polls in loops and at entries */
	uint32_t size;	     /* gc: in the program's unit; 0 in a plan: its usual size */
	unsigned replica;    /* 1: the baseline under a second name (A/A) */
	/* Set by cell_resolve: which other keys apply, given workload and stubs. */
	enum family family;
	unsigned use; /* enum use */
};

enum cell_type { CELL_TEXT, CELL_U32, CELL_U64, CELL_FLAG };

/* Where a key stands in the help of `run`. */
enum cell_group { CELL_ARM, CELL_WORKLOAD, CELL_GC, CELL_LIVES, CELL_GROUPS };

/* A key of a cell, and the option of `run` and `model` that it is. */
struct cell_key {
	const char *name;
	enum cell_type type;
	size_t at, size;   /* in struct cell */
	uint64_t min, max; /* of numbers */
	unsigned use;	   /* enum use: which cells have it */
	unsigned order; /* cells are sorted by the keys in this order, equal ones as in the table */
	const char *help;  /* NULL: it is no option */
	const char *value; /* what the help calls its value; NULL for a flag */
	char letter;	   /* of its short option; 0: none */
	bool one;	   /* its option takes one number; else a list */
	bool model;	   /* it is an option of `model`, too */
	enum cell_group group;
};

enum { CELL_KEYS = 24 };
extern const struct cell_key cell_keys[CELL_KEYS];

void cell_defaults(struct cell *);
/* 0, or -EINVAL with one line in error: an unknown key, arm (with the nearest), or a value out of
 * range (with what is allowed). */
int cell_from_json(const json_t *, struct cell *, char error[CELL_ERROR]);
json_t *cell_to_json(const struct cell *);
bool cell_equal(const struct cell *, const struct cell *);
/* Negative, 0 or positive: the order of cells in tables. Names stand in the order of cell_names. */
int cell_order(const struct cell *, const struct cell *);
/* Call it after setting a cell's workload or stubs by hand; functions that make a whole
 * cell call it themselves. */
void cell_resolve(struct cell *);

/* As cell_from_json, but accepts any name: a run file may have arms that this build does not know.
 * Keys, types and lengths are checked. */
int cell_read(const json_t *, struct cell *, char error[CELL_ERROR]);
/* Whether the cell's workload and arm use a key. An unused one (live on a replay, policy on
 * pool) is refused by cell_from_json, left out by cell_to_json and ignored by cell_equal.
 * False for an unknown key. */
bool cell_applies(const struct cell *, const char *key);
/* Whether the workload is a user's own file, "wasm:FILE.wasm" or "replay:FILE.trace.zst". */
bool cell_names_file(const char *workload);
/* The names allowed for a key ("stubs", "maps", "workload", "kind", "wx", "literals", "policy",
 * "mode"), at most max of them; returns how many, 0 for any other key. */
size_t cell_names(const char *key, const char **names, size_t max);
enum { CELL_NAMES = 128 };

#endif
