/*
 * kernel.c - a compute kernel that calls its host for every small thing: a step makes some hundred
 * crossings, of imports of many signatures, of builtins (rounding, memory.grow, .copy, .fill), and
 * of a table of operators.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "env.h"
#include "program.h"

#ifdef __wasm__
#define DECLARE(name, signature, result, parameters) IMPORT(name) result host_##name parameters;
WASM_ENV(DECLARE)
#define HOST(name) host_##name
#define grow(n)	   ((uint32_t)__builtin_wasm_memory_grow(0, n) != UINT32_MAX)
#else
#define HOST(name) env_##name
#define grow(n)	   1
#endif

enum { STEPS = 512, ROUNDS = 24 };

static uint8_t from[4096], to[4096];

static uint32_t op_sum(uint32_t x, uint32_t i)
{
	return HOST(add)(x, i);
}
static uint32_t op_turn(uint32_t x, uint32_t i)
{
	return HOST(rotate)(HOST(exclusive)(x, i), i);
}
static uint32_t op_wide(uint32_t x, uint32_t i)
{
	return HOST(low)(HOST(wide)(HOST(pack)(x, i)));
}
static uint32_t op_six(uint32_t x, uint32_t i)
{
	return HOST(six)(x, i, x ^ i, 3, HOST(tick)(), 9);
}

static uint32_t op_round(uint32_t x, uint32_t i)
{
	double d = HOST(scale)((double)(x & 0xffff), 0.37) - i;
	float f = HOST(half)((float)d);

	d = HOST(blend)(floor(d), ceil(d * 1.5), 0.25) + trunc(d / 3) + nearbyint(d * 0.7);
	f = floorf(f) + ceilf(f * 1.5f) + truncf(f / 3) + nearbyintf(f * 0.7f);
	d = HOST(mixed)(i, d, x, f);
	return x ^ (uint32_t)(int32_t)d;
}

/* The compiler does not know the length, so that it emits memory.copy and memory.fill. */
static uint32_t op_move(uint32_t x, uint32_t i)
{
	uint32_t n = (x & 1023) + 64;

	memset(from, (int)(x ^ i), n);
	from[n / 2] = (uint8_t)i;
	memcpy(to + (i & 7), from, n);
	memmove(to + 3, to, n);
	return x + to[n / 2 + 3] + 256u * to[n / 2 + 8];
}

static uint32_t (*const volatile ops[])(uint32_t, uint32_t) = { op_sum, op_turn,  op_wide,
								op_six, op_round, op_move };

uint32_t steps(void)
{
	return STEPS;
}

uint32_t step(uint32_t i)
{
	uint32_t x = i * 2654435761u + 1;

	for (uint32_t round = 0; round < ROUNDS; round++)
		for (uint32_t k = 0; k < sizeof ops / sizeof *ops; k++)
			x = ops[k](x, i + round);
	if (i % 64 == 0)
		printf("step %u: %08x, memory %s\n", i, x, grow(1) ? "grown" : "full");
	fflush(stdout);
	return x;
}
