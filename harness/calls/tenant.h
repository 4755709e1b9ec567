/*
 * tenant.h - one of many instances of a world's module, with its own contexts and
 * callees and shared code.
 *
 * Its boundaries are counted in the order of their first crossing (those never crossed last), which
 * is also the order of the callers' thunks: a tenant of n boundaries has the first n of them.
 * Contexts have their own salts, so that a call that strays into another tenant is noticed.
 */
#ifndef STUBMAP_CALLS_TENANT_H
#define STUBMAP_CALLS_TENANT_H

#include "calls/world.h"

struct tenant {
	struct stub_callee *callees; /* by boundary, in reach of all code */
	struct host_instance instances[SCENARIO_INSTANCES];
	struct callers_state state;
	uint32_t number, n; /* n: bound boundaries, 0: none */
};

/* The order of one world's boundaries, and room for the arguments of a bind. */
struct tenants {
	struct world *w;
	uint32_t *order; /* nboundaries of them */
	struct stub_spec *specs;
	struct stub_callee **pointers;
	struct tenant *all;
	uint32_t count;
};

/* Makes room for count tenants. 0, or -1 with one line in the world's why. */
int tenants_open(struct tenants *, struct world *, uint32_t count);
void tenants_close(struct tenants *);

/*
 * Binds the first n boundaries, with one bulk call if the strategy has one; number sets the salts.
 * *ns is the time inside the strategy. 0, or -1 with one line in the world's why.
 */
int tenant_bind(struct tenants *, struct tenant *, uint32_t number, uint32_t n, uint64_t *ns);
/* Releases all its stubs; returns the time in ns. */
uint64_t tenant_release(struct tenants *, struct tenant *);
/* Crosses thunks from..from+count-1, each once, and returns the time in ns; *good: the answer was
 * that of plain C. */
uint64_t tenant_call(struct tenants *, struct tenant *, uint32_t from, uint32_t count, bool *good);
/* Writes the line for a wrong answer; returns -1. */
int tenant_wrong(struct tenants *, const struct tenant *, uint32_t from);

#endif
