/*
 * ring.c - N live stubs of one kind and signature, each crossed once a round in a shuffled order.
 *
 * The order is a fresh permutation for each seed, so that no branch history and no prefetcher can
 * know it beforehand, and no stub is hotter than another: only the stubs' places matter. Real
 * programs have a few hot stubs: see the replays.
 *
 * Straight (ring), each stub has a call site of its own and every round the same order: a branch
 * predictor learns all of it. Chosen (ring:chosen), one site calls what the result before chooses:
 * no predictor can know it. Real callers lie between.
 *
 * A bind stores half of the signature's parameters: if all were stored, no call would depend on the
 * previous one. So its default signature has two.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static void shuffle(uint32_t *order, uint32_t n, uint64_t *random)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = random_below(random, i), last = order[i - 1];
		order[i - 1] = order[j];
		order[j] = last;
	}
}

int ring_open(const struct workload *w, const struct workload_params *params, struct scenario *s,
	      char error[WORKLOAD_ERROR])
{
	const char *usual = params->kind == BOUNDARY_BIND ? "ii>i" : "i>i";
	const char *signature = params->signature ? params->signature : usual;
	uint64_t random = params->seed;
	uint32_t n = params->live;

	memset(s, 0, sizeof *s);
	if (!n || n > WORKLOAD_MAX_LIVE)
		return workload_refuse(error, -EINVAL, "ring: %u live stubs; 1 to %d are allowed",
				       n, WORKLOAD_MAX_LIVE);
	if ((unsigned)params->kind >= BOUNDARY_KINDS)
		return workload_refuse(error, -EINVAL, "ring: kind %u; 0 to %d are allowed",
				       (unsigned)params->kind, BOUNDARY_KINDS - 1);
	if (!scenario_signature_ok(signature))
		return workload_refuse(
		    error, -EINVAL,
		    "ring: signature '%.40s'; allowed: up to %d of i l f d r, '>', "
		    "at most one more (\"ii>i\")",
		    signature, SCENARIO_MAX_PARAMS);
	if (params->kind == BOUNDARY_BIND && *signature == '>')
		return workload_refuse(error, -EINVAL,
				       "ring: signature '%s' for bind; allowed: those with a "
				       "parameter to store (\"ii>i\")",
				       signature);

	if (params->targets > n)
		return workload_refuse(error, -EINVAL,
				       "ring: %u targets of %u stubs; 0 (one each) to the number "
				       "of stubs are allowed",
				       params->targets, n);

	s->shape = w && w->chosen ? SCENARIO_CHOSEN : SCENARIO_STRAIGHT;
	s->targets = params->targets;
	s->nboundaries = n;
	s->nevents = n;
	s->boundaries = calloc(n, sizeof *s->boundaries);
	s->events = calloc(n, sizeof *s->events);
	if (!s->boundaries || !s->events)
		goto no_memory;
	for (uint32_t k = 0; k < n; k++) {
		struct boundary *b = &s->boundaries[k];
		b->kind = params->kind;
		b->table = b->kind == BOUNDARY_INDIRECT; /* the one module's only table */
		b->instance = b->kind == BOUNDARY_BUILTIN ? 0 : k % SCENARIO_INSTANCES;
		memcpy(b->signature, signature, strlen(signature) + 1);
		if (b->kind == BOUNDARY_BIND)
			b->nbound = scenario_bound((uint32_t)strcspn(signature, ">"));
		s->events[k] = k;
	}
	shuffle(s->events, n, &random);
	if (!scenario_finish(s, &random))
		return 0;
no_memory:
	scenario_close(s);
	return workload_refuse(error, -ENOMEM, "ring: no memory for %u stubs", n);
}
