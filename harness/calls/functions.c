/*
 * functions.c - which functions a module of a scenario has, in which order, what each of them
 * crosses or computes, and which arguments stubs pass for it.
 */
#include "calls/ir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sites in one function. Register allocation grows faster than linearly
 * if arguments go by memory. */
enum { SITES = 128 };

static int check(const struct scenario *s, stub_signature *signatures)
{
	if (s->nevents == 0)
		return -EINVAL;
	for (uint64_t i = 0; i < s->nevents; i++)
		if (s->events[i] >= s->nboundaries)
			return -EINVAL;
	for (uint32_t k = 0; k < s->nboundaries; k++) {
		const struct boundary *b = &s->boundaries[k];

		if (b->kind >= BOUNDARY_KINDS || b->instance >= SCENARIO_INSTANCES ||
		    stub_signature_parse(b->signature, &signatures[k]) != 0)
			return -EINVAL;
		if (!b->nbound != (b->kind != BOUNDARY_BIND) || b->nbound > STUB_MAX_BOUND ||
		    b->nbound > stub_nparams(signatures[k]))
			return -EINVAL;
	}
	return 0;
}

int ir_open(struct ir_writer *w, const struct scenario *s, enum callers_part part)
{
	*w = (struct ir_writer){ .scenario = s, .part = part };
	w->signatures = calloc((size_t)s->nboundaries + 1, sizeof(*w->signatures));
	return w->signatures ? check(s, w->signatures) : -ENOMEM;
}

void ir_close(struct ir_writer *w)
{
	free(w->signatures);
}

static struct ir_site site_of(const struct scenario *s, uint32_t k)
{
	return (struct ir_site){ k, k, scenario_target(s, k), s->boundaries[k].instance };
}

static void list_targets(const struct scenario *s, struct ir_list *list)
{
	struct ir_site *e = list->sites;

	for (uint32_t k = 0; k < s->nboundaries; k++) {
		if (scenario_target(s, k) != k)
			continue;
		*e = site_of(s, k);
		list->functions[list->n++] = (struct ir_function){ IR_TARGET, k, e, 1 };
		if (s->boundaries[k].kind == BOUNDARY_EXIT_JS)
			list->functions[list->n++] = (struct ir_function){ IR_HOST, k, e, 1 };
		e++;
	}
}

static void list_parts(const struct scenario *s, struct ir_list *list)
{
	for (uint64_t i = 0; i < s->nevents; i++) {
		if (i % SITES == 0) {
			list->functions[list->n] =
			    (struct ir_function){ IR_PART, (uint32_t)list->n, &list->sites[i], 0 };
			list->n++;
		}
		list->sites[i] = site_of(s, s->events[i]);
		list->functions[list->n - 1].n++;
	}
}

static int list_thunks(const struct scenario *s, struct ir_list *list)
{
	uint32_t *of_boundary = malloc((s->nboundaries + (size_t)1) * sizeof(*of_boundary));

	if (!of_boundary)
		return -ENOMEM;
	list->n = callers_thunks(s, of_boundary, NULL);
	for (uint32_t k = 0; k < s->nboundaries; k++) {
		const uint32_t i = of_boundary[k];

		if (i == UINT32_MAX)
			continue;
		list->sites[i] = site_of(s, k);
		list->functions[i] = (struct ir_function){ IR_THUNK, i, &list->sites[i], 1 };
	}
	free(of_boundary);
	return 0;
}

int ir_list_open(const struct ir_writer *w, struct ir_list *list)
{
	const struct scenario *s = w->scenario;
	const bool parts = w->part != CALLERS_TARGETS && s->shape == SCENARIO_STRAIGHT;
	const size_t n = parts ? s->nevents : s->nboundaries;

	/* A target may have two forms. */
	*list = (struct ir_list){ .functions = calloc(2 * n + 1, sizeof(*list->functions)),
				  .sites = calloc(n + 1, sizeof(*list->sites)) };
	if (!list->functions || !list->sites)
		return -ENOMEM;
	if (w->part == CALLERS_TARGETS)
		list_targets(s, list);
	else if (parts)
		list_parts(s, list);
	else
		return list_thunks(s, list);
	return 0;
}

void ir_list_close(struct ir_list *list)
{
	free(list->functions);
	free(list->sites);
}

uint32_t callers_thunks(const struct scenario *s, uint32_t *of_boundary, uint32_t *events)
{
	uint32_t n = 0;

	memset(of_boundary, 0xff, s->nboundaries * sizeof(*of_boundary));
	for (uint64_t i = 0; i < s->nevents; i++) {
		if (of_boundary[s->events[i]] == UINT32_MAX)
			of_boundary[s->events[i]] = n++;
		if (events)
			events[i] = of_boundary[s->events[i]];
	}
	return n;
}

/* A bound argument in entry_native's form. */
static uint64_t bound_word(char type, uint32_t v, const uint32_t *refs)
{
	uint64_t word = v;

	switch (type) {
	case 'l':
		return (uint64_t)v << 32 | v;
	case 'f':
		word = 0;
		memcpy(&word, &(float){ (float)(v & 0xffff) }, sizeof(float));
		return word;
	case 'd':
		memcpy(&word, &(double){ v & 0xffff }, sizeof(double));
		return word;
	case 'r':
		return (uintptr_t)&refs[v % SCENARIO_REFS];
	default:
		return word;
	}
}

void callers_bound(const struct boundary *b, uint32_t k, const uint32_t *refs,
		   uint64_t bound[STUB_MAX_BOUND])
{
	for (uint32_t j = 0; j < b->nbound; j++)
		bound[j] = bound_word(b->signature[j], scenario_salt(k, j), refs);
}
