/*
 * workload.h - the work of the strategies: a population of boundaries and the order in which they
 * are crossed, with the answer computed in plain C.
 *
 * A workload knows neither the JIT nor any strategy. It describes; the harness compiles
 * targets and callers from the description, binds a stub for each boundary, and runs. The
 * computation of each call is defined here in words (and by scenario_run in C), so that both
 * sides can be checked against it:
 *
 * The state x is 32 bits. A call of boundary k with state x makes each parameter j from the number
 * v = x + salt(k, j). A stored parameter (bind) is made from v = salt(k, j): it was stored before
 * there was a state. The target begins with h = target of k + context_salt[instance of k] + version
 * and computes h = rotl32(h, 5) + w for each parameter in order. By types:
 *
 *   type      parameter        w                 result                     next state
 *   i32       v                v                 h                          h
 *   i64       v << 32 | v      low + 2 * high    h << 32 | h ^ 0x55555555   low + 2 * high
 *   f32, f64  v & 0xffff       the integer       h & 0xffff                 the integer
 *   ref       &refs[v & 63]    the 32 bits       &refs[h & 63]              the 32 bits
 *   none                                         accumulator ^= h           x + 1
 *
 * refs[i] is i * 2654435761; the accumulator is that of the instance. builtin targets see
 * the caller's instance (instance 0), as runtime functions do. The answer is x at the
 * end, xor all accumulators.
 */
#ifndef STUBMAP_WORKLOAD_H
#define STUBMAP_WORKLOAD_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The kinds of boundary, in the order of enum stub_kind. */
enum boundary_kind {
	BOUNDARY_ENTRY_NATIVE,
	BOUNDARY_ENTRY_JS,
	BOUNDARY_EXIT_JS,
	BOUNDARY_INDIRECT,
	BOUNDARY_BUILTIN,
	BOUNDARY_BIND,
	BOUNDARY_REF,
	BOUNDARY_KINDS
};

enum { SCENARIO_INSTANCES = 8, SCENARIO_REFS = 64, SCENARIO_MAX_PARAMS = 16 };
enum { SCENARIO_MAX_BOUND = 4 };

struct boundary {
	enum boundary_kind kind;
	uint32_t instance;  /* of its target: 0..SCENARIO_INSTANCES-1 */
	char signature[20]; /* parameters '>' result, letters i l f d r: "ii>i" */
	uint32_t nbound; /* bind: how many parameters are stored, 1..SCENARIO_MAX_BOUND; else 0 */
	uint32_t module; /* the module whose export, import or table entry it is */
	uint32_t table;	 /* numbered across modules; 0: in no table */
};

/* How the harness makes the calls. */
enum scenario_shape {
	SCENARIO_STRAIGHT, /* one call site for each crossing, in line, as in compiled code */
	SCENARIO_DISPATCH, /* one for each boundary, reached through a table in order of events */
	SCENARIO_CHOSEN,   /* the same, but each call's result chooses the next: scenario_choice */
};

struct scenario {
	enum scenario_shape shape;
	struct boundary *boundaries; /* the whole population */
	uint32_t nboundaries;
	uint32_t *events; /* boundaries crossed, in order: one round */
	uint64_t nevents;
	uint32_t context_salt[SCENARIO_INSTANCES];
	uint32_t crossed; /* distinct boundaries among the events */
	uint32_t targets; /* boundary k leads to target k mod this; 0: to one of its own */
};

enum { WORKLOAD_NAME = 128 }; /* bytes of a name, with its zero */

struct workload_params {
	uint32_t live;		 /* ring: stubs, 1..1048576 */
	uint32_t targets;	 /* ring: see scenario; 0 is one each */
	enum boundary_kind kind; /* ring */
	const char *signature;	 /* ring: NULL is "i>i", of a bind "ii>i" */
	uint64_t seed;
	const char *data;    /* folder with traces/ */
	uint64_t max_events; /* replay: 0 is all */
};

/* What the harness does with the scenario. */
enum workload_life {
	LIFE_CALLS,  /* steady calls */
	LIFE_TIERUP, /* every stub is upgraded, again and again, while threads call through them */
	LIFE_FLOOD,  /* many instances at once, each with all of the boundaries */
	LIFE_CHURN,  /* instances come and go, each with the first of the boundaries */
	LIVES
};

struct workload {
	const char *name, *summary;
	enum workload_life life; /* other than LIFE_CALLS: the shape is dispatch */
	/* 0, or -errno with one line in error that names file or parameter and what is allowed. */
	int (*open)(const struct workload *, const struct workload_params *, struct scenario *,
		    char error[200]);
	bool chosen;	   /* ring: each result chooses the next call */
	const char *trace; /* replay: the trace's name, or a user's file */
};

extern const struct workload *const workloads[]; /* NULL ends it */
/* Finds the workload that a name means: one of these, or with "replay:FILE.trace.zst" a user's own
 * trace (workload_own), whose texts then point into `name`. False: neither. */
bool workload_named(const char *name, struct workload *out);
static inline bool workload_own(const struct workload *w)
{
	return w->trace && strchr(w->trace, '.');
}
void scenario_close(struct scenario *);

/* The number of boundary k's target. */
static inline uint32_t scenario_target(const struct scenario *s, uint32_t k)
{
	return s->targets ? k % s->targets : k;
}
/*
 * SCENARIO_CHOSEN: which of the round's n events comes as its i-th, if the state is x. Every event
 * is as likely as another, and nothing that a predictor can see tells which it will be before the
 * call before has returned: as in a program whose data decide what it calls.
 */
static inline uint32_t scenario_choice(uint32_t x, uint64_t i, uint64_t n)
{
	uint32_t h = x + (uint32_t)i * 2654435769u;

	h = (h ^ h >> 15) * 2246822507u;
	h ^= h >> 13;
	return (uint32_t)(h * n >> 32);
}

/* How many of a signature's parameters ring stores in a bind: half of them, rounded up. */
static inline uint32_t scenario_bound(uint32_t nparams)
{
	uint32_t half = (nparams + 1) / 2;

	return half < SCENARIO_MAX_BOUND ? half : SCENARIO_MAX_BOUND;
}
/* The number added to the state for parameter j of boundary k. */
static inline uint32_t scenario_salt(uint32_t k, uint32_t j)
{
	return (k * 2246822519u) ^ (j + 1) * 3266489917u;
}
/* Runs `rounds` rounds from state x on accumulators acc (one an instance), without a stub. */
uint32_t scenario_run(const struct scenario *, uint32_t version, uint64_t rounds, uint32_t x,
		      uint32_t acc[SCENARIO_INSTANCES]);

#endif
