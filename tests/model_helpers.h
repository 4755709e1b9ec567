/* model_helpers.h - a small machine, and accesses for its model. */
#ifndef MODEL_HELPERS_H
#define MODEL_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

/* 32 KiB, 8 ways, lines of 64: 64 sets, a way is a page. */
static const struct machine small = {
	.name = "small",
	.line = 64,
	.page = 4096,
	.l1i = { 32768, 8, INDEX_VIRTUAL, SOURCE_LOCAL },
	.l1d = { 32768, 8, INDEX_VIRTUAL, SOURCE_LOCAL },
	.l2 = { 262144, 4, INDEX_PHYSICAL, SOURCE_LOCAL },
	.itlb = { 64, 64, SOURCE_LOCAL },
	.dtlb = { 16, 4, SOURCE_LOCAL },
	.stlb = { 128, 8, SOURCE_LOCAL },
	.btb = { 1024, 2, 2, SOURCE_LOCAL },
};

static const uint64_t base = 0x7f0000000000;

static inline struct trace_access fetch(uint64_t address)
{
	return (struct trace_access){ address, address, 4, TRACE_FETCH, TRACE_STUB, false };
}

/* n fetches, stride bytes apart. */
static inline struct trace_access *strided(size_t n, uint64_t stride)
{
	struct trace_access *a = calloc(n, sizeof *a);

	assert_non_null(a);
	for (size_t i = 0; i < n; i++)
		a[i] = fetch(base + i * stride);
	return a;
}

static inline void model_of(struct model *m, const struct machine *k, bool classify)
{
	char error[CACHE_ERROR];

	assert_int_equal(
	    model_open(m, &(struct model_options){ .machine = k, .classify = classify }, error), 0);
}

/* The misses of the third of three laps in the L1I. */
static inline struct model_count third_lap(const struct machine *k, const struct trace_access *a,
					   size_t n, enum model_unit u)
{
	struct model m;

	model_of(&m, k, true);
	model_run(&m, a, n);
	model_run(&m, a, n);
	model_forget_counts(&m);
	model_run(&m, a, n);
	struct model_count c = m.counts[u];
	model_close(&m);
	return c;
}

#endif
