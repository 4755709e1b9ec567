/*
 * cold.c - a replay from cold, in which every stub is made, and the least that it could have cost.
 *
 * - cold: a new space on the same code memory: instantiation (all boundaries bound), then the
 *   whole trace once, timed end to end; TIMES times, each in quanta without memory: new quanta, or
 *   quanta that page gave back.
 *
 * - costs: the input of the offline optimum (optimum.h), measured with the same placement in
 *   the same process, side by side: making the crossed stubs in one batch and one by one,
 *   the trace through them, and its start through the interpretive stub alone; the least of
 *   TIMES each, as a bound needs.
 *
 * - bound: the optimum's ns at these costs; regret: the ratio of the runs' ns to it.
 *
 * - oracle: a life like the first, with the same trigger and interpretive stub, in which each stub
 *   that the optimum makes is made by the first call of one of them, in one batch, and each other
 *   call is interpreted. Its time beyond the bound is the price of learning the boundaries, and of
 *   the first call itself: no policy that learns no more can avoid it.
 *
 * The compiled callers and targets are warm: an engine's would not be, but no policy affects them.
 * A cost is one number for all stubs of a trace, averaged over its mix of kinds: the bound belongs
 * to this model, not to the machine, and its source is `model`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jit/space.h"
#include "runs/figures.h"
#include "measure/phases.h"
#include "meters/memory.h"
#include "measure/optimum.h"
#include "calls/rounds.h"

enum { TIMES = 3, GENERIC_EVENTS = 200000, MILLI = 1000, MICRO = 1000000 };

struct cold {
	struct world *w;
	struct stub_space space;
	struct stub_space rest;	      /* oracle: of the boundaries that get no stub */
	bool *worth;		      /* oracle: of each boundary, whether it gets one */
	struct stub_spec *specs;      /* of the crossed stubs */
	struct stub_callee **callees; /* of the crossed stubs */
	uint64_t *calls;	      /* through each of these in one round */
	uint64_t ns[TIMES], instantiate[TIMES], made[TIMES], used[TIMES], committed[TIMES],
	    literals[TIMES], syscalls[TIMES];
};

/* ---- Spaces ------------------------------------------------------------------------------- */

static int open_space(struct cold *l, const struct stub_ops *ops, const struct stub_config *config)
{
	return jit_space_open(&l->space, ops, l->w->code, config, &host_runtime, l->w->why);
}

static void close_space(struct cold *l)
{
	for (uint32_t k = 0; k < l->w->scenario.nboundaries; k++)
		if (l->w->callees[k].code)
			l->space.ops->release(&l->space, &l->w->callees[k]);
	stub_space_close(&l->space);
}

static int bind(struct cold *l, const struct stub_spec *specs, struct stub_callee *const *c,
		size_t n, bool bulk)
{
	const struct stub_ops *ops = l->space.ops;
	int e = ops->prepare ? ops->prepare(&l->space, specs, n) : 0;

	if (!e && bulk && ops->bind_many)
		e = ops->bind_many(&l->space, specs, c, n);
	else
		for (size_t i = 0; i < n && !e; i++)
			e = ops->bind(&l->space, &specs[i], c[i]);
	return e ? world_fail(l->w, "cold", e) : 0;
}

/* ---- A life ------------------------------------------------------------------------------- */

static void count_made(struct cold *l, unsigned i)
{
	const struct world *w = l->w;
	const struct stub_ops *ops = l->space.ops;

	for (uint32_t k = 0; k < w->scenario.nboundaries; k++)
		l->made[i] +=
		    ops->made ? ops->made(&l->space, &w->callees[k]) : !(ops->flags & STUB_DIRECT);
	for (uint32_t k = 0; k < w->scenario.crossed; k++)
		l->used[i] +=
		    ops->made ? ops->made(&l->space, l->callees[k]) : !(ops->flags & STUB_DIRECT);
}

static int one_life(struct cold *l, unsigned i)
{
	struct world *w = l->w;
	struct code_stats before, after;

	code_get_stats(w->code, &before);
	if (open_space(l, w->ops, &w->setup->stub))
		return -1;
	rounds_zero(w);
	uint64_t start = clock_ns();
	int e = bind(l, w->specs, w->pointers, w->scenario.nboundaries, true);
	uint64_t bound = clock_ns();
	if (!e) {
		rounds_run(w, 1);
		l->ns[i] = clock_ns() - start;
		l->instantiate[i] = bound - start;
		e = rounds_check(w, &w->scenario, 0, 1);
	}
	code_get_stats(w->code, &after);
	l->committed[i] = after.committed_stubs - before.committed_stubs;
	l->literals[i] = after.used_literals - before.used_literals;
	l->syscalls[i] = after.syscalls - before.syscalls;
	if (!e)
		count_made(l, i);
	close_space(l);
	return e;
}

static void figure_lives(const struct cold *l, json_t *figures)
{
	const struct {
		struct figure_name name;
		const uint64_t *samples;
	} rows[] = {
		{ FIGURE_NAME(cold, ns, run, "clock"), l->ns },
		{ FIGURE_NAME(cold, instantiate_ns, run, "clock"), l->instantiate },
		{ FIGURE_NAME(cold, made, run, "count"), l->made },
		{ FIGURE_NAME(cold, used, run, "count"), l->used },
		{ FIGURE_NAME(cold, committed, run, "code"), l->committed },
		{ FIGURE_NAME(cold, used_literals, run, "code"), l->literals },
		{ FIGURE_NAME(cold, syscalls, run, "code"), l->syscalls },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		figure_samples(figures, rows[i].name, 1, 0, rows[i].samples, TIMES);
}

/* ---- Costs -------------------------------------------------------------------------------- */

static const struct stub_ops *deferred_kin(const struct stub_ops *placement)
{
	for (size_t i = 0; stub_strategies[i]; i++)
		if (stub_strategies[i]->inner == placement)
			return stub_strategies[i];
	return NULL;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

/* Makes the crossed stubs, in one batch or one by one; then, if call is given, times a round
 * through them, after one to warm up. */
static int make_crossed(struct cold *l, const struct stub_ops *placement, bool bulk, double *make,
			double *call)
{
	struct world *w = l->w;

	if (open_space(l, placement, &w->setup->stub))
		return -1;
	uint64_t t = clock_ns();
	int e = bind(l, l->specs, l->callees, w->scenario.crossed, bulk);
	*make = least(*make, (double)(clock_ns() - t));
	if (!e && call) {
		rounds_zero(w);
		rounds_run(w, 1);
		t = clock_ns();
		rounds_run(w, 1);
		*call = least(*call, (double)(clock_ns() - t) / (double)w->scenario.nevents);
		e = rounds_check(w, &w->scenario, 0, 2);
	}
	close_space(l);
	return e;
}

/* Times the trace's start with every call interpreted, after one pass to warm up. */
static int call_generic(struct cold *l, const struct stub_ops *kin, double *call)
{
	struct world *w = l->w;
	struct stub_config config = w->setup->stub;
	struct scenario start = w->scenario;

	config.policy = STUB_ONE;
	config.generic = UINT32_MAX;
	if (start.nevents > GENERIC_EVENTS)
		start.nevents = GENERIC_EVENTS;
	if (open_space(l, kin, &config))
		return -1;
	int e = bind(l, l->specs, l->callees, w->scenario.crossed, false);
	if (!e) {
		w->state.nevents = start.nevents;
		rounds_zero(w);
		rounds_run(w, 1);
		uint64_t t = clock_ns();
		rounds_run(w, 1);
		*call = least(*call, (double)(clock_ns() - t) / (double)start.nevents);
		e = rounds_check(w, &start, 0, 2);
		for (uint32_t k = 0; k < w->scenario.crossed && !e; k++)
			if (kin->made(&l->space, l->callees[k]))
				e = world_fail(w, "cold: a call was not interpreted", -EINVAL);
		w->state.nevents = w->scenario.nevents;
	}
	close_space(l);
	return e;
}

static int take_costs(struct cold *l, const struct stub_ops *placement, struct policy_costs *c)
{
	double n = (double)l->w->scenario.crossed, together = 1e18, alone = 1e18;
	int e = 0;

	*c = (struct policy_costs){ 0, 0, 1e18, 1e18 };
	for (unsigned i = 0; i < TIMES && !e; i++) {
		e = make_crossed(l, placement, true, &together, &c->call);
		if (!e)
			e = make_crossed(l, placement, false, &alone, NULL);
		if (!e)
			e = call_generic(l, deferred_kin(placement), &c->generic);
	}
	/* together = batch + n make, alone = n (batch + make) */
	if (placement->bind_many && n > 1 && alone > together)
		c->batch = (alone - together) / (n - 1);
	c->make = (together - c->batch) / n;
	if (c->make < 0)
		c->make = 0;
	return e;
}

/* ---- The oracle --------------------------------------------------------------------------- */

static int open_oracle(struct cold *l, const struct stub_ops *kin)
{
	struct stub_config config = l->w->setup->stub;

	config.policy = STUB_ALL;
	config.generic = 0;
	if (open_space(l, kin, &config))
		return -1;
	config.policy = STUB_ONE;
	config.generic = UINT32_MAX;
	return jit_space_open(&l->rest, kin, l->w->code, &config, &host_runtime, l->w->why);
}

static struct stub_space *oracle_space(struct cold *l, uint32_t k)
{
	return l->worth[k] ? &l->space : &l->rest;
}

static void close_oracle(struct cold *l)
{
	for (uint32_t k = 0; k < l->w->scenario.nboundaries && l->rest.ops; k++)
		if (l->w->callees[k].code)
			l->space.ops->release(oracle_space(l, k), &l->w->callees[k]);
	stub_space_close(&l->rest);
	stub_space_close(&l->space);
}

static int life_as_oracle(struct cold *l, const struct stub_ops *kin, uint64_t *ns)
{
	struct world *w = l->w;
	int e = open_oracle(l, kin);

	rounds_zero(w);
	uint64_t start = clock_ns();
	for (uint32_t k = 0; k < w->scenario.nboundaries && !e; k++) {
		e = kin->bind(oracle_space(l, k), &w->specs[k], w->pointers[k]);
		e = e ? world_fail(w, "cold", e) : 0;
	}
	if (!e) {
		rounds_run(w, 1);
		*ns = clock_ns() - start;
		e = rounds_check(w, &w->scenario, 0, 1);
	}
	close_oracle(l);
	return e;
}

static int ask_oracle(struct cold *l, const struct stub_ops *placement,
		      const struct policy_costs *c, json_t *figures)
{
	struct policy_optimum best = policy_optimum(c, l->calls, l->w->scenario.crossed);
	uint64_t ns[TIMES], regret[TIMES];
	int e = 0;

	for (uint32_t i = 0; i < l->w->scenario.crossed; i++)
		l->worth[l->w->crossed[i]] = best.made && policy_pays(c, l->calls[i]);
	for (unsigned i = 0; i < TIMES && !e; i++) {
		e = life_as_oracle(l, deferred_kin(placement), &ns[i]);
		regret[i] = (uint64_t)((double)ns[i] / best.ns * MICRO);
	}
	if (!e)
		figure_samples(figures, FIGURE_OF(cold, oracle, bound, "model"), MICRO, 0, regret,
			       TIMES);
	return e;
}

static void figure_costs(const struct cold *l, const struct policy_costs *c, json_t *figures)
{
	struct policy_optimum best = policy_optimum(c, l->calls, l->w->scenario.crossed);
	const struct {
		struct figure_name name;
		double ns;
	} rows[] = { { FIGURE_NAME(cold, cost_batch, batch, "clock"), c->batch },
		     { FIGURE_NAME(cold, cost_make, stub, "clock"), c->make },
		     { FIGURE_NAME(cold, cost_call, call, "clock"), c->call },
		     { FIGURE_NAME(cold, cost_generic, call, "clock"), c->generic } };
	uint64_t regret[TIMES];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		figure_one(figures, rows[i].name, MILLI, (uint64_t)(rows[i].ns * MILLI));
	figure_one(figures, FIGURE_OF(cold, bound_ns, run, "model"), 1, (uint64_t)best.ns);
	figure_one(figures, FIGURE_OF(cold, bound_made, run, "model"), 1, best.made);
	for (unsigned i = 0; i < TIMES; i++)
		regret[i] = (uint64_t)((double)l->ns[i] / best.ns * MICRO);
	figure_samples(figures, FIGURE_OF(cold, regret, bound, "model"), MICRO, 0, regret, TIMES);
}

/* ---- The phase ---------------------------------------------------------------------------- */

static int prepare(struct cold *l)
{
	const struct scenario *s = &l->w->scenario;

	l->specs = calloc(s->crossed, sizeof *l->specs);
	l->callees = calloc(s->crossed, sizeof *l->callees);
	l->calls = calloc(s->crossed, sizeof *l->calls);
	l->worth = calloc(s->nboundaries, sizeof *l->worth);
	if (!l->specs || !l->callees || !l->calls || !l->worth)
		return world_fail(l->w, "cold", -ENOMEM);
	for (uint32_t i = 0; i < s->crossed; i++) {
		l->specs[i] = l->w->specs[l->w->crossed[i]];
		l->callees[i] = l->w->pointers[l->w->crossed[i]];
	}
	for (uint64_t i = 0; i < s->nevents; i++)
		l->calls[l->w->thunks[i]]++;
	return 0;
}

int measure_cold(struct world *w, json_t *figures)
{
	const struct stub_ops *placement = w->ops->inner ? w->ops->inner : w->ops;
	struct cold l = { .w = w };
	struct policy_costs costs;
	int e;

	if (w->scenario.shape != SCENARIO_DISPATCH)
		return 0;
	e = prepare(&l);
	for (unsigned i = 0; i < TIMES && !e; i++)
		e = one_life(&l, i);
	if (!e)
		figure_lives(&l, figures);
	if (!e && deferred_kin(placement)) {
		e = take_costs(&l, placement, &costs);
		if (!e)
			figure_costs(&l, &costs, figures);
		if (!e)
			e = ask_oracle(&l, placement, &costs, figures);
	}
	free(l.specs);
	free(l.callees);
	free(l.calls);
	free(l.worth);
	return e;
}
