/*
 * runtime.h - the functions that garbage-collected programs call (workloads/gc/rt.h), each behind a
 * stub of the allocator under test, and the entries into the program.
 */
#ifndef STUBMAP_GC_RUNTIME_H
#define STUBMAP_GC_RUNTIME_H

#include "gc/collector.h"
#include "gc/guard.h"
#include "jit/host.h"

enum gc_boundary {
	GC_ALLOC,
	GC_EMIT,
	GC_COLLECT,
	GC_POLL,
	GC_HOP,
	GC_CROSS,
	GC_STEP_NATIVE,
	GC_STEP_JS,
	GC_MAIN,
	GC_BOUNDARIES
};

struct gc_runtime;

struct gc_instance {
	struct host_instance host; /* stubs and programs see its head */
	struct gc_runtime *runtime;
};

struct gc_runtime {
	struct collector *collector; /* opened by the caller, before the program runs */
	struct guard guard;
	struct host host;
	struct gc_instance instances[2]; /* rt_hop and rt_cross lead from either to the second */
	struct stub_callee *callees;	 /* GC_BOUNDARIES of them */
	uint8_t *pads;			 /* GC_BOUNDARIES x STUB_CALL_PAD, executable */
	volatile uint32_t *poll_flag;	 /* rt_poll_flag */
	void **self;			 /* rt_self */
	struct code_memory *code;
	uint64_t answer; /* so far */
	uint64_t hops;	 /* host frames that were entered from compiled code */
};

/* Makes callees and pads, which the loader needs. 0 or -ENOMEM. */
int gc_runtime_open(struct gc_runtime *, struct code_memory *);
void gc_runtime_close(struct gc_runtime *);
/* For load_hooks; arg is the runtime. */
const void *gc_runtime_resolve(void *arg, const char *symbol, enum load_use use);
/* Binds a stub at each boundary, by the strategy of the space. 0, -ENOENT (the module has no
 * gc_main) or the strategy's error. */
int gc_runtime_bind(struct gc_runtime *, struct stub_space *, const struct loaded *module);
void gc_runtime_release(struct gc_runtime *, struct stub_space *);

/* Calls gc_main(size) through its entry stub and adds its result to the answer. Call it within
 * guard_run(&runtime->guard): a failure of the collector abandons that. */
void gc_runtime_main(struct gc_runtime *, uint32_t size);

#endif
