/* tenant.c - opens, binds, calls and releases instances of one module. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stamp.h"
#include "calls/tenant.h"

static int make_order(struct tenants *t)
{
	const struct world *w = t->w;
	const uint32_t n = w->scenario.nboundaries, crossed = w->scenario.crossed;
	bool *met = calloc(n, sizeof *met);
	uint32_t end = crossed;

	if (!met)
		return -ENOMEM;
	memcpy(t->order, w->crossed, crossed * sizeof *t->order);
	for (uint32_t i = 0; i < crossed; i++)
		met[w->crossed[i]] = true;
	for (uint32_t k = 0; k < n; k++)
		if (!met[k])
			t->order[end++] = k;
	free(met);
	return 0;
}

int tenants_open(struct tenants *t, struct world *w, uint32_t count)
{
	const uint32_t n = w->scenario.nboundaries;

	*t = (struct tenants){ .w = w, .count = count };
	t->order = malloc(n * sizeof *t->order);
	t->specs = malloc(n * sizeof *t->specs);
	t->pointers = malloc(n * sizeof(struct stub_callee *));
	t->all = calloc(count, sizeof *t->all);
	if (!t->order || !t->specs || !t->pointers || !t->all || make_order(t))
		return world_fail(w, "instances", -ENOMEM);
	for (uint32_t i = 0; i < count; i++)
		if (!(t->all[i].callees = code_data(w->code, n * sizeof(struct stub_callee)))) {
			snprintf(w->why, CELL_ERROR, "no memory for the callees of %u instances",
				 count);
			return -1;
		}
	return 0;
}

void tenants_close(struct tenants *t)
{
	free(t->order);
	free(t->specs);
	free(t->pointers);
	free(t->all);
}

static uint32_t salt_of(const struct tenants *t, uint32_t number, unsigned i)
{
	return t->w->scenario.context_salt[i] + number * 2654435769u;
}

static void make_instances(const struct tenants *t, struct tenant *a, uint32_t number)
{
	a->number = number;
	a->state = t->w->state;
	a->state.callees = a->callees;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++) {
		a->instances[i] = t->w->instances[i];
		a->instances[i].head.salt = salt_of(t, number, i);
		a->state.instances[i] = &a->instances[i].head;
	}
}

int tenant_bind(struct tenants *t, struct tenant *a, uint32_t number, uint32_t n, uint64_t *ns)
{
	struct world *w = t->w;
	const struct stub_ops *ops = w->ops;
	uint32_t done = 0;
	int e = 0;

	make_instances(t, a, number);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t k = t->order[i];

		t->specs[i] = w->specs[k];
		t->specs[i].context = &a->instances[w->scenario.boundaries[k].instance];
		t->pointers[i] = &a->callees[k];
	}
	struct stamp s = stamp_begin();
	if (ops->prepare)
		e = ops->prepare(&w->space, t->specs, n);
	if (!e && ops->bind_many)
		e = ops->bind_many(&w->space, t->specs, t->pointers, n);
	while (!e && !ops->bind_many && done < n) {
		e = ops->bind(&w->space, &t->specs[done], t->pointers[done]);
		done += !e;
	}
	*ns = stamp_end(s).ns;
	if (!e)
		a->n = n;
	while (e && done)
		ops->release(&w->space, t->pointers[--done]);
	return e ? world_fail(w, "bind", e) : 0;
}

uint64_t tenant_release(struct tenants *t, struct tenant *a)
{
	struct stamp s = stamp_begin();

	for (uint32_t i = 0; i < a->n; i++)
		t->w->ops->release(&t->w->space, &a->callees[t->order[i]]);
	a->n = 0;
	return stamp_end(s).ns;
}

uint64_t tenant_call(struct tenants *t, struct tenant *a, uint32_t from, uint32_t count, bool *good)
{
	const struct world *w = t->w;
	const uint32_t x = (uint32_t)w->job->seed + a->number;
	uint32_t acc[SCENARIO_INSTANCES] = { 0 };
	struct scenario s = w->scenario;

	a->state.x = x;
	a->state.rounds = 1;
	a->state.events = w->thunks + w->scenario.nevents + from;
	a->state.nevents = count;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		a->instances[i].head.accumulator = 0;
	struct stamp time = stamp_begin();
	w->round(&a->state);
	time = stamp_end(time);

	s.events = w->crossed + from;
	s.nevents = count;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		s.context_salt[i] = salt_of(t, a->number, i);
	*good = scenario_run(&s, 0, 1, x, acc) == a->state.x && !w->host->raised;
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		*good &= acc[i] == a->instances[i].head.accumulator;
	return time.ns;
}

int tenant_wrong(struct tenants *t, const struct tenant *a, uint32_t from)
{
	snprintf(t->w->why, CELL_ERROR,
		 "%s: wrong answer of instance %u, calls from thunk %u: %08x; %llu raised",
		 t->w->job->cell.stubs, a->number, from, a->state.x,
		 (unsigned long long)t->w->host->raised);
	return -1;
}
