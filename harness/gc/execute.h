/*
 * execute.h - runs one program on the collected heap under one encoder and one stub allocator:
 * compiles it, encodes its maps, binds its stubs, runs it, and judges the answer.
 */
#ifndef STUBMAP_GC_EXECUTE_H
#define STUBMAP_GC_EXECUTE_H

#include <stdbool.h>
#include <stdint.h>
#include <stubmap/map.h>
#include <stubmap/stub.h>

#include "workloads/gc.h"
#include "gc/collector.h"
#include "corpora/fault.h"

enum { GC_ERROR = 240 };

/* What a run records for other uses. Initially {0}; free it by corpus_close, walk_log_close. */
struct gc_record {
	struct corpus corpus; /* the true safepoints, if the run ended with GC_OK */
	struct walk_log walks;
};

struct gc_task {
	const struct gc_program *program;
	uint32_t size; /* 1..program->max */
	const struct map_ops *maps;
	const struct stub_ops *stubs;
	enum code_wx wx;
	uint32_t quantum; /* bytes, as code_open takes it */
	unsigned tier;	  /* 0 or 2 */
	bool polls;
	enum gc_mode mode;
	uint64_t seed; /* of the random budgets, the code's base and the text's offset */
	bool check;    /* judge every answer of the encoder; not when timing */
	struct gc_fault fault;
	const char *cache;	  /* folder for objects; NULL: none */
	struct gc_record *record; /* NULL: not wanted, as when timing */
};

enum gc_status {
	GC_OK,
	GC_REFUSED, /* bad input: nothing was run */
	GC_BROKEN, /* could not be made or run: compiler, memory, a strategy's error, a lost walk */
	GC_DETECTED, /* the encoder refused a return address of the program */
	GC_BAD_ROOT, /* it named a place that held no reference */
	GC_FAULT,    /* the program faulted; in an old space: a root was missed */
	GC_WRONG_ANSWER,
	GC_WRONG_MAP, /* right answer, but a wrong map (only with check) */
	GC_STATUSES
};
extern const char *const gc_status_names[GC_STATUSES];

/* Filled in as far as the run came, whatever the status. */
struct gc_result {
	uint64_t answer, expected;
	struct collector_stats stats;
	uint64_t program_ns; /* CLOCK_MONOTONIC; with the collections */
	uint64_t compile_ns;
	bool cached;   /* compile_ns is not the compiler's time */
	uint64_t hops; /* calls from compiled code to compiled code through the host */
	uint32_t safepoints, empties;
	uint64_t encode_ns; /* of all safepoints into the table */
	uint64_t load_ns;   /* of the table, by an encoder that loads it (map.h); else 0 */
	size_t map_bytes, index_bytes, text_bytes;
	uint64_t fault_room; /* faults of the task's kind that its maps can have */
};

/* If the status is not GC_OK, why has one line. */
enum gc_status gc_execute(const struct gc_task *, struct gc_result *, char why[GC_ERROR]);

#endif
