/*
 * code_helpers.h - what the tests of executable memory share: opening every policy that the kernel
 * allows, the kernel's own table of protections, and a function of six bytes to run.
 */
#ifndef STUBMAP_CODE_HELPERS_H
#define STUBMAP_CODE_HELPERS_H

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <stubmap/stub.h>

#include "child_helpers.h"

enum { QUANTA = 4, MAPS_LINE = 4400 }; /* a line of /proc/self/maps ends with a path */
static const uint32_t quanta[QUANTA] = { 4096, 16384, 65536, CODE_LARGE_QUANTUM };

static inline struct code_memory *open_or_skip(const struct code_config *config)
{
	struct code_memory *code = NULL;
	int error = code_open(&code, config);

	if (error == -EACCES || error == -ENOTSUP) {
		print_message("%s: %s\n", code_wx_names[config->wx], strerror(-error));
		return NULL;
	}
	assert_int_equal(error, 0);
	assert_non_null(code);
	return code;
}

/* Calls f once a policy and quantum that the kernel allows. */
static inline void each(void (*f)(struct code_memory *, const struct code_config *))
{
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		for (int q = 0; q < QUANTA; q++) {
			struct code_config config = { .wx = (enum code_wx)wx,
						      .quantum = quanta[q] };
			struct code_memory *code = open_or_skip(&config);
			if (!code)
				continue;
			f(code, &config);
			code_close(code);
		}
	}
}

/* The kernel's table: the protection at an address, "----" where nothing is mapped. */
static inline void protection(const void *at, char out[5])
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[MAPS_LINE], prot[5];
	uintptr_t from, to;

	assert_non_null(f);
	strcpy(out, "----");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, prot) == 3 &&
		    (uintptr_t)at >= from && (uintptr_t)at < to)
			strcpy(out, prot);
	fclose(f);
}

static inline void assert_protection(const void *at, const char *expected)
{
	char prot[5];

	protection(at, prot);
	prot[3] = 0;
	assert_string_equal(prot, expected);
}

/* No mapping of any area is writable and executable, nor any mapping of the
 * process under these policies. */
static inline void assert_never_both(const struct code_config *config)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[MAPS_LINE], prot[5];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %4s", prot) == 1 && config->wx < CODE_RWX)
			assert_false(prot[1] == 'w' && prot[2] == 'x');
	fclose(f);
}

/* mov eax, value; ret */
static inline void write_code(struct code_memory *code, void *at, uint32_t value)
{
	uint8_t bytes[6] = { 0xb8, 0, 0, 0, 0, 0xc3 };

	memcpy(&bytes[1], &value, 4);
	memcpy(code_writable(code, at), bytes, sizeof(bytes));
}

static inline uint32_t run(const void *at)
{
	uint32_t (*f)(void);

	memcpy(&f, &at, sizeof(f));
	return f();
}

static inline struct code_stats stats_of(const struct code_memory *code)
{
	struct code_stats stats;

	code_get_stats(code, &stats);
	return stats;
}

static inline bool resident(const void *page)
{
	unsigned char in = 0;

	assert_int_equal(mincore((void *)((uintptr_t)page & ~(uintptr_t)4095), 4096, &in), 0);
	return in & 1;
}

#endif
