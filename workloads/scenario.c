/*
 * scenario.c - computes the answer of a scenario without any stub: the reference for each run
 * inside the JIT. It says in C what workload.h says in words.
 *
 * A signature is read letter by letter at each event. That costs less than a call through a stub,
 * needs no table that could be wrong or out of memory, and keeps the reference plain.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static uint32_t cell(uint32_t i)
{
	return (i % SCENARIO_REFS) * 2654435761u;
}

static uint32_t rotl32(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t fold64(uint64_t wide)
{
	return (uint32_t)wide + 2 * (uint32_t)(wide >> 32);
}

/* The target's word from one parameter. */
static uint32_t parameter(char type, uint32_t v)
{
	switch (type) {
	case 'l':
		return fold64((uint64_t)v << 32 | v);
	case 'f':
	case 'd':
		return v & 0xffff;
	case 'r':
		return cell(v);
	default:
		return v;
	}
}

/* The caller's next state from the result h. */
static uint32_t next_state(char type, uint32_t h)
{
	switch (type) {
	case 'l':
		return fold64((uint64_t)h << 32 | (h ^ 0x55555555u));
	case 'f':
	case 'd':
		return h & 0xffff;
	case 'r':
		return cell(h);
	default:
		return h;
	}
}

uint32_t scenario_run(const struct scenario *s, uint32_t version, uint64_t rounds, uint32_t x,
		      uint32_t acc[SCENARIO_INSTANCES])
{
	for (; rounds; rounds--) {
		for (uint64_t i = 0; i < s->nevents; i++) {
			uint64_t event =
			    s->shape == SCENARIO_CHOSEN ? scenario_choice(x, i, s->nevents) : i;
			uint32_t k = s->events[event], j = 0;
			const struct boundary *b = &s->boundaries[k];
			uint32_t instance = b->kind == BOUNDARY_BUILTIN ? 0 : b->instance;
			uint32_t h = scenario_target(s, k) + s->context_salt[instance] + version;
			const char *p = b->signature;

			for (; *p != '>'; p++, j++)
				h = rotl32(h, 5) +
				    parameter(*p, (j < b->nbound ? 0 : x) + scenario_salt(k, j));
			if (p[1]) {
				x = next_state(p[1], h);
			} else {
				acc[instance] ^= h;
				x++;
			}
		}
	}
	return x;
}

bool scenario_signature_ok(const char *signature)
{
	size_t n = strspn(signature, "ilfdr");
	const char *rest = signature + n;

	if (n > SCENARIO_MAX_PARAMS || *rest != '>')
		return false;
	return !rest[1] || (strchr("ilfdr", rest[1]) && !rest[2]);
}

int scenario_finish(struct scenario *s, uint64_t *random)
{
	bool *met = calloc(s->nboundaries, sizeof *met);

	if (!met)
		return -ENOMEM;
	s->crossed = 0;
	for (uint64_t i = 0; i < s->nevents; i++) {
		s->crossed += !met[s->events[i]];
		met[s->events[i]] = true;
	}
	free(met);
	for (unsigned i = 0; i < SCENARIO_INSTANCES; i++)
		s->context_salt[i] = (uint32_t)random_next(random);
	return 0;
}

void scenario_close(struct scenario *s)
{
	free(s->boundaries);
	free(s->events);
	memset(s, 0, sizeof *s);
}

int workload_refuse(char error[WORKLOAD_ERROR], int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, WORKLOAD_ERROR, format, args);
	va_end(args);
	return status;
}
