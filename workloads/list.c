/*
 * list.c - every workload, one row each; the first is a quick run's default.
 */
#include <string.h>

#include "scenario.h"

static const struct workload ring = {
	.name = "ring",
	.summary = "N live stubs of one kind, crossed in a shuffled order",
	.open = ring_open,
};

static const struct workload ring_chosen = {
	.name = "ring:chosen",
	.summary = "as ring, but each result chooses the next call: nothing to predict",
	.open = ring_open,
	.chosen = true,
};

static const struct workload sqljs = {
	.name = "replay:sqljs",
	.summary = "sql.js 1.16.0: 1.89 M crossings of 140 among 619 boundaries",
	.open = replay_open,
	.trace = "sqljs",
};

static const struct workload sqlite3oo = {
	.name = "replay:sqlite3oo",
	.summary = "sqlite-wasm 3.53.4, oo1 API: 1.50 M crossings of 113 among 970 boundaries",
	.open = replay_open,
	.trace = "sqlite3oo",
};

static const struct workload dart_todomvc = {
	.name = "replay:dart-todomvc",
	.summary = "TodoMVC by dart2wasm: 4.90 M crossings of 2,544 among 14,587 boundaries",
	.open = replay_open,
	.trace = "dart-todomvc",
};

static const struct workload treesitter = {
	.name = "replay:treesitter",
	.summary = "web-tree-sitter 0.27.1: 2.60 M crossings of 65 among 359 boundaries",
	.open = replay_open,
	.trace = "treesitter",
};

static const struct workload rapier = {
	.name = "replay:rapier",
	.summary = "rapier3d 0.21.0: 1.29 M crossings of 78 among 2,091 boundaries",
	.open = replay_open,
	.trace = "rapier",
};

static const struct workload esbuild = {
	.name = "replay:esbuild",
	.summary = "esbuild-wasm 0.28.2: 0.13 M crossings of 504 among 5,335 boundaries",
	.open = replay_open,
	.trace = "esbuild",
};

static const struct workload pyodide = {
	.name = "replay:pyodide",
	.summary = "pyodide 314.0.7: 19.6 M crossings of 1,029 among 21,301 boundaries",
	.open = replay_open,
	.trace = "pyodide",
};

static const struct workload duckdb = {
	.name = "replay:duckdb",
	.summary = "duckdb-wasm 1.32.0: 0.45 M crossings of 1,415 among 113,050 boundaries",
	.open = replay_open,
	.trace = "duckdb",
};

static const struct workload hashwasm = {
	.name = "replay:hashwasm",
	.summary =
	    "hash-wasm 4.13.0: 0.12 M crossings of 3,600 among 5,400 boundaries, 900 instances",
	.open = replay_open,
	.trace = "hashwasm",
};

static const struct workload javamark = {
	.name = "replay:javamark",
	.summary = "commonmark 0.24.0, Java to WasmGC: 0.21 M crossings of 17 among 47 boundaries",
	.open = replay_open,
	.trace = "javamark",
};

static const struct workload tierup = {
	.name = "tierup",
	.summary = "O0 code runs under threads while O2 is compiled; then each stub is upgraded",
	.open = life_open,
	.life = LIFE_TIERUP,
};

static const struct workload flood = {
	.name = "flood",
	.summary = "one module instantiated many times, N stubs of one kind each",
	.open = life_open,
	.life = LIFE_FLOOD,
};

static const struct workload flood_sqljs = {
	.name = "flood:sqljs",
	.summary = "sql.js instantiated many times, its 619 boundaries each",
	.open = life_open,
	.life = LIFE_FLOOD,
	.trace = "sqljs",
};

static const struct workload churn = {
	.name = "churn",
	.summary = "instances of 1 to N stubs come and die in random order",
	.open = life_open,
	.life = LIFE_CHURN,
};

#define CHURN(id, log, what)                        \
	static const struct workload churn_##id = { \
		.name = "churn:" log,               \
		.summary = "instances as in " what, \
		.open = life_open,                  \
		.life = LIFE_CHURN,                 \
		.trace = log,                       \
	}

CHURN(javac_16m, "javac-16m", "HotSpot's 16 MiB code cache under javac");
CHURN(javac_32m, "javac-32m", "HotSpot's 32 MiB code cache under javac");
CHURN(javac_240m, "javac-240m", "HotSpot's 240 MiB code cache under javac");
CHURN(box2d, "v8-box2d", "V8's code of Box2D: real births, the oldest evicted");
CHURN(canvaskit, "v8-canvaskit", "V8's code of CanvasKit: births");
CHURN(dart, "v8-dart", "V8's code of a Dart program: births");
CHURN(duckdb, "v8-duckdb", "V8's code of DuckDB: births");
CHURN(pyodide, "v8-pyodide", "V8's code of Pyodide: births");
CHURN(rapier, "v8-rapier", "V8's code of Rapier: births");
CHURN(sqljs, "v8-sqljs", "V8's code of sql.js: births");

const struct workload *const workloads[] = { &ring,
					     &ring_chosen,
					     &sqljs,
					     &sqlite3oo,
					     &dart_todomvc,
					     &treesitter,
					     &rapier,
					     &esbuild,
					     &pyodide,
					     &duckdb,
					     &hashwasm,
					     &javamark,
					     &tierup,
					     &flood,
					     &flood_sqljs,
					     &churn,
					     &churn_javac_16m,
					     &churn_javac_32m,
					     &churn_javac_240m,
					     &churn_box2d,
					     &churn_canvaskit,
					     &churn_dart,
					     &churn_duckdb,
					     &churn_pyodide,
					     &churn_rapier,
					     &churn_sqljs,
					     NULL };

/* A user's own trace, whose path is a part of the name. */
static bool own_trace(const char *name, struct workload *out)
{
	static const char ending[] = ".trace.zst";
	const size_t n = strlen(name);

	if (strncmp(name, "replay:", 7) || n < 7 + sizeof ending || n >= WORKLOAD_NAME ||
	    strcmp(name + n - (sizeof ending - 1), ending))
		return false;
	*out = (struct workload){ .name = name,
				  .summary = "a trace of the reader's",
				  .open = replay_open,
				  .trace = name + 7 };
	return true;
}

bool workload_named(const char *name, struct workload *out)
{
	for (const struct workload *const *w = workloads; *w; w++)
		if (!strcmp((*w)->name, name)) {
			*out = **w;
			return true;
		}
	return own_trace(name, out);
}
