/*
 * replay.c - the crossings of a real program, in their order, among all boundaries of the program.
 *
 * A trace tells which stubs were crossed, where they lie in their tables and how many more there
 * are, but not the others' places and signatures. These are drawn, always with the same seed, so
 * that a replay has the same population everywhere:
 *
 *      places of a table   . . X . . . X . . X . .      X: crossed, known
 *      population          . o X o . o X o o X o .      o: drawn among the other places, until
 *                                                       the static count is reached
 *
 * A drawn boundary takes its signature from a crossed one of its kind, drawn uniformly. Boundaries
 * are numbered in an eager engine's order: instance by instance, exports, imports, table slots,
 * builtins, each by place; so the hot ones lie scattered among the cold ones.
 *
 * Instances: entries and exits keep the trace's instance (modulo SCENARIO_INSTANCES), builtins
 * belong to the runtime (0). For a call_indirect a trace only tells whose table was used; a replay
 * puts the target of slot k into instance 1 + k % 7, so that each call crosses instances. A
 * boundary's module and table are the trace's instance and that instance's table, not the target's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "trace.h"

#define NOBODY UINT32_MAX

/* The same for all runs: the population belongs to the workload, not to a run. */
static const uint64_t population_seed = 0x73747562;

/* Boundaries that any trace may have; of more it needs an event for each. And places among which
 * they are drawn. */
enum { FREE_POPULATION = 65536, MAX_PLACES = 1 << 26 };

struct builder {
	const struct trace *trace;
	struct scenario *s;
	uint32_t *number;   /* each trace stub's number among the boundaries */
	uint32_t *of_kind;  /* the trace's stubs, kind by kind; of a kind in their order */
	uint32_t *of_group; /* by instance, kind by kind, in their order */
	uint32_t from[BOUNDARY_KINDS + 1]; /* in of_kind */
	uint32_t next;			   /* in of_group */
	uint64_t random;
	char *error;
};

static int count_population(const struct trace *t, uint32_t *out, char *error)
{
	uint64_t total = 0, room = 0, most = t->nevents;
	uint32_t places;

	for (uint32_t i = 0; i < t->ninstances; i++)
		for (unsigned kind = 0; kind < BOUNDARY_KINDS; kind++) {
			total += trace_population(&t->instances[i], kind, &places);
			room += places;
		}
	most = most < FREE_POPULATION	  ? FREE_POPULATION
	       : most > WORKLOAD_MAX_LIVE ? WORKLOAD_MAX_LIVE
					  : most;
	if (!total || !t->nevents)
		return workload_refuse(error, -EINVAL,
				       "%llu boundaries, %llu crossings; allowed: 1 or more",
				       (unsigned long long)total, (unsigned long long)t->nevents);
	if (total > most)
		return workload_refuse(
		    error, -EINVAL,
		    "%llu boundaries, %llu crossings; allowed: %d, or as many as "
		    "crossings, to %d",
		    (unsigned long long)total, (unsigned long long)t->nevents, FREE_POPULATION,
		    WORKLOAD_MAX_LIVE);
	if (room > MAX_PLACES)
		return workload_refuse(error, -EINVAL, "%llu functions and slots; at most %d",
				       (unsigned long long)room, MAX_PLACES);
	*out = (uint32_t)total;
	return 0;
}

/* Orders the stubs by kind, and by instance and kind. */
static int order_stubs(struct builder *b)
{
	const struct trace *t = b->trace;
	const size_t groups = (size_t)t->ninstances * BOUNDARY_KINDS;
	uint32_t *from = calloc(groups + 1, sizeof *from), at[BOUNDARY_KINDS];

	b->of_kind = calloc((size_t)t->nstubs + 1, sizeof *b->of_kind);
	b->of_group = calloc((size_t)t->nstubs + 1, sizeof *b->of_group);
	if (!from || !b->of_kind || !b->of_group) {
		free(from);
		return workload_refuse(b->error, -ENOMEM, "no memory for %u stubs", t->nstubs);
	}
	for (uint32_t i = 0; i < t->nstubs; i++) {
		const struct trace_stub *s = &t->stubs[i];

		b->from[s->kind + 1]++;
		from[(size_t)s->instance * BOUNDARY_KINDS + s->kind + 1]++;
	}
	for (unsigned kind = 0; kind < BOUNDARY_KINDS; kind++)
		b->from[kind + 1] += b->from[kind];
	for (size_t g = 0; g < groups; g++)
		from[g + 1] += from[g];
	memcpy(at, b->from, sizeof at);
	for (uint32_t i = 0; i < t->nstubs; i++) {
		const struct trace_stub *s = &t->stubs[i];

		b->of_kind[at[s->kind]++] = i;
		b->of_group[from[(size_t)s->instance * BOUNDARY_KINDS + s->kind]++] = i;
	}
	free(from);
	return 0;
}

/* Finds the trace's stub at each place of the next group; returns how
 * many there are, or -EINVAL. */
static int owners(struct builder *b, uint32_t instance, enum boundary_kind kind, uint32_t *owner,
		  uint32_t places)
{
	int n = 0;

	for (uint32_t p = 0; p < places; p++)
		owner[p] = NOBODY;
	for (; b->next < b->trace->nstubs; b->next++, n++) {
		const uint32_t i = b->of_group[b->next];
		const struct trace_stub *stub = &b->trace->stubs[i];

		if (stub->instance != instance || stub->kind != kind)
			break;
		if (owner[stub->place] != NOBODY)
			return workload_refuse(b->error, -EINVAL, "stubs %u and %u are the same",
					       owner[stub->place], i);
		owner[stub->place] = i;
	}
	return n;
}

/* Draws a crossed stub of the kind, whose signature an uncrossed one takes; of any kind if the
 * program crossed none of this kind (it may never call an import). */
static const struct trace_stub *draw_model(struct builder *b, enum boundary_kind kind)
{
	const struct trace *t = b->trace;
	const uint32_t n = b->from[kind + 1] - b->from[kind];

	if (!t->nstubs)
		return NULL;
	const uint32_t chosen = random_below(&b->random, n ? n : t->nstubs);
	return &t->stubs[n ? b->of_kind[b->from[kind] + chosen] : chosen];
}

static int append(struct builder *b, uint32_t instance, enum boundary_kind kind, uint32_t stub)
{
	uint32_t k = b->s->nboundaries++;
	struct boundary *to = &b->s->boundaries[k];
	const struct trace_stub *model;

	if (stub != NOBODY)
		b->number[stub] = k;
	model = stub == NOBODY ? draw_model(b, kind) : &b->trace->stubs[stub];
	if (!model)
		return workload_refuse(b->error, -EINVAL,
				       "no boundary was crossed: no signature to draw from");
	to->kind = kind;
	to->module = instance;
	to->table = kind == BOUNDARY_INDIRECT ? 1 + instance : 0;
	if (kind == BOUNDARY_BUILTIN)
		to->instance = 0;
	else if (kind == BOUNDARY_INDIRECT)
		to->instance = 1 + k % (SCENARIO_INSTANCES - 1);
	else
		to->instance = instance % SCENARIO_INSTANCES;
	memcpy(to->signature, model->signature, sizeof to->signature);
	return 0;
}

/* Appends all boundaries of one kind of one instance, by selection sampling: one pass, in order. */
static int append_all(struct builder *b, uint32_t instance, enum boundary_kind kind)
{
	uint32_t places, n, left, *owner;
	int known, status = 0;

	n = trace_population(&b->trace->instances[instance], kind, &places);
	owner = calloc((size_t)places + 1, sizeof *owner);
	if (!owner)
		return workload_refuse(b->error, -ENOMEM, "no memory for %u places", places);
	known = owners(b, instance, kind, owner, places);
	if (known < 0) {
		status = known;
	} else if ((uint32_t)known > n) {
		status = workload_refuse(b->error, -EINVAL,
					 "instance %u: %d boundaries of kind %u crossed, it has %u",
					 instance, known, (unsigned)kind, n);
	}
	left = places - (uint32_t)known;
	n -= (uint32_t)known;
	for (uint32_t p = 0; p < places && !status; p++) {
		if (owner[p] == NOBODY && random_below(&b->random, left--) >= n)
			continue;
		n -= owner[p] == NOBODY;
		status = append(b, instance, kind, owner[p]);
	}
	free(owner);
	return status;
}

static int build(struct builder *b, uint32_t population)
{
	int status = 0;

	b->s->boundaries = calloc(population, sizeof *b->s->boundaries);
	b->number = calloc((size_t)b->trace->nstubs + 1, sizeof *b->number);
	if (!b->s->boundaries || !b->number)
		return workload_refuse(b->error, -ENOMEM, "no memory for %u boundaries",
				       population);
	status = order_stubs(b);
	for (uint32_t i = 0; i < b->trace->ninstances && !status; i++)
		for (unsigned kind = 0; kind < BOUNDARY_KINDS && !status; kind++)
			status = append_all(b, i, kind);
	return status;
}

/* Moves the trace's events to the scenario. */
static void take_events(struct builder *b, struct trace *t, uint64_t max)
{
	struct scenario *s = b->s;

	s->nevents = max && max < t->nevents ? max : t->nevents;
	s->events = t->events;
	t->events = NULL;
	for (uint64_t i = 0; i < s->nevents; i++)
		s->events[i] = b->number[s->events[i]];
}

int replay_open(const struct workload *w, const struct workload_params *params, struct scenario *s,
		char error[WORKLOAD_ERROR])
{
	struct trace trace = { 0 };
	char path[4096], why[WORKLOAD_ERROR];
	struct builder b = { .trace = &trace, .s = s, .random = population_seed, .error = why };
	uint64_t random = params->seed;
	uint32_t population = 0;
	int n, status;

	memset(s, 0, sizeof *s);
	if (!params->data && !workload_own(w))
		return workload_refuse(error, -EINVAL, "%s: no folder with traces/ was given",
				       w->name);
	n = workload_own(w)
		? snprintf(path, sizeof path, "%s", w->trace)
		: snprintf(path, sizeof path, "%s/traces/%s.trace.zst", params->data, w->trace);
	if (n < 0 || (size_t)n >= sizeof path)
		return workload_refuse(error, -ENAMETOOLONG, "%s: the folder's name is too long",
				       w->name);
	status = trace_read(path, &trace, error);
	if (status)
		return status;
	s->shape = SCENARIO_DISPATCH;
	if (!workload_own(w) && strcmp(trace.name, w->trace) != 0)
		status = workload_refuse(why, -EINVAL, "it holds the trace '%s'", trace.name);
	if (!status)
		status = count_population(&trace, &population, why);
	if (!status)
		status = build(&b, population);
	if (!status) {
		take_events(&b, &trace, params->max_events);
		status = scenario_finish(s, &random);
		if (status)
			workload_refuse(why, status, "no memory");
	}
	if (status) {
		workload_refuse(error, status, "%.100s: %.90s", path, why);
		scenario_close(s);
	}
	free(b.number);
	free(b.of_kind);
	free(b.of_group);
	trace_free(&trace);
	return status;
}
