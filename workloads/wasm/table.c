/*
 * table.c - a table of 1,024 functions that changes while it is called: each step calls through
 * entries, moves some of them (table.set), and now and then makes room for more (table.grow).
 */
#include <stdio.h>

#include "program.h"

enum { STEPS = 240, TARGETS = 1024, CALLS = 512, MOVES = 64, ROOM = 8, GROWTHS = 8 };

typedef uint32_t target(uint32_t);

#define T1(n)                                          \
	static uint32_t target_##n(uint32_t x)         \
	{                                              \
		return x * (2u * (0x##n) + 1) + 0x##n; \
	}
/* clang-format off */
#define T16(n) \
	T1(n##0) T1(n##1) T1(n##2) T1(n##3) T1(n##4) T1(n##5) T1(n##6) T1(n##7) \
	T1(n##8) T1(n##9) T1(n##a) T1(n##b) T1(n##c) T1(n##d) T1(n##e) T1(n##f)
#define T256(n) \
	T16(n##0) T16(n##1) T16(n##2) T16(n##3) T16(n##4) T16(n##5) T16(n##6) T16(n##7) \
	T16(n##8) T16(n##9) T16(n##a) T16(n##b) T16(n##c) T16(n##d) T16(n##e) T16(n##f)
T256(0)
T256(1)
T256(2)
T256(3)
#undef T1
#define T1(n) target_##n,
static target *const volatile targets[TARGETS] = { T256(0) T256(1) T256(2) T256(3) };
/* clang-format on */

/*
 * Entries by number. In wasm a function's address is its entry of the table, so the numbers are
 * addresses, and table.s moves entries; natively they are indices of an array.
 */
#ifdef __wasm__
void table_move(uint32_t to, uint32_t from);
int32_t table_more(uint32_t n); /* the first of n new entries, or -1 */
static uint32_t base;

static void start(void)
{
	base = (uint32_t)(uintptr_t)targets[0];
}
static uint32_t call(uint32_t entry, uint32_t x)
{
	return ((target *)(uintptr_t)entry)(x);
}
#else
static target *entries[TARGETS + 1 + ROOM * GROWTHS];
static uint32_t base = 0, used = TARGETS;

static void start(void)
{
	for (uint32_t i = 0; i < TARGETS; i++)
		entries[i] = targets[i];
}
static void table_move(uint32_t to, uint32_t from)
{
	entries[to] = entries[from];
}
static int32_t table_more(uint32_t n)
{
	used += n;
	return (int32_t)(used - n);
}
static uint32_t call(uint32_t entry, uint32_t x)
{
	return entries[entry](x);
}
#endif

static uint32_t more[ROOM * GROWTHS], nmore;

uint32_t steps(void)
{
	return STEPS;
}

static void extend(uint32_t x)
{
	int32_t first = table_more(ROOM);

	for (uint32_t k = 0; first >= 0 && k < ROOM; k++) {
		more[nmore] = (uint32_t)first + k;
		table_move(more[nmore++], base + (x + 37 * k) % TARGETS);
	}
}

uint32_t step(uint32_t i)
{
	uint32_t x = i + 1;

	if (i == 0)
		start();
	for (uint32_t k = 0; k < CALLS; k++)
		x = call(base + (x >> 5) % TARGETS, x);
	for (uint32_t k = 0; k < MOVES; k++) {
		table_move(base + x % TARGETS, base + (x >> 12) % TARGETS);
		x = x * 1664525 + 1013904223;
	}
	if (nmore < ROOM * GROWTHS && i % 20 == 0)
		extend(x);
	for (uint32_t k = 0; k < nmore; k++)
		x = call(more[k], x);
	if (i % 48 == 0)
		printf("step %u: %08x, %u more\n", i, x, nmore);
	fflush(stdout);
	return x;
}
