/*
 * times.c - the meters of times.h. One of three loops times a block of lookups; all answers go into
 * a sum that is kept, so that the compiler drops no lookup.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps/times.h"
#include "maps/lines.h"
#include "meters/memory.h"
#include "meters/probe.h"
#include "base/sort.h"
#include "base/stamp.h"

enum { PROBES = 1001 };

const char *const maps_count_names[MAPS_COUNTS] = {
	[MAPS_LINES_READ] = "lines_read",
	[MAPS_LINES_WITH_BITMAP] = "lines_with_bitmap",
	[MAPS_LINES_FETCHED] = "lines_fetched",
};

/* ---- A distribution -------------------------------------------------------------------------- */

struct maps_spread maps_spread_of(const char *source, double *samples, size_t n)
{
	struct maps_spread f = { .source = source, .samples = n };

	if (!n)
		return maps_spread_missing("no samples asked for");
	for (size_t i = 0; i < n; i++)
		f.mean += samples[i] / (double)n;
	sort_doubles(samples, n);
	f.p50 = samples[(n - 1) / 2];
	f.p90 = samples[(n - 1) * 9 / 10];
	f.p99 = samples[(n - 1) * 99 / 100];
	return f;
}

struct maps_spread maps_spread_missing(const char *why)
{
	return (struct maps_spread){ .why = why };
}

/* ---- Checking ---------------------------------------------------------------------------- */

struct bench {
	const struct maps_bench_task *task;
	struct map_bytes table;
	uint8_t *scratch; /* of a block */
	struct maps_pcs pcs;
	double *samples;
	struct probe probe;
	size_t rows; /* of warm blocks */
	volatile uint64_t sink;
};

static enum map_outcome outcome(const struct bench *b, const struct safepoint *truth, uint32_t pc)
{
	struct map_live live;
	enum map_answer answer =
	    b->task->ops->lookup(b->table.data, b->table.len, pc, b->scratch, &live);
	return map_judge(truth, answer, &live);
}

static int verify(const struct bench *b, struct maps_cost *cost, char error[MAPS_BENCH_ERROR])
{
	const struct maps_bench_task *task = b->task;
	bool excused = task->ops->flags & (MAP_UNSAFE | MAP_FLOOR);
	for (size_t i = 0; i < task->npoints; i++) {
		const struct safepoint *p = &task->points[i];
		enum map_outcome o = outcome(b, p, p->pc);
		cost->outcomes[p->nlive ? MAPS_LIVE : MAPS_EMPTY_POINT][o]++;
		if (o == MAP_CORRECT || excused)
			continue;
		snprintf(error, MAPS_BENCH_ERROR, "%s answers the safepoint at pc %u: %s",
			 task->ops->name, p->pc, map_outcome_names[o]);
		return -EILSEQ;
	}
	for (size_t i = 0; b->pcs.of[MAPS_BOGUS] && i < MAPS_PCS; i++)
		cost->outcomes[MAPS_BOGUS][outcome(b, NULL, b->pcs.of[MAPS_BOGUS][i])]++;
	return 0;
}

/* ---- Warm ---------------------------------------------------------------------------------- */

typedef void block_fn(struct bench *, const uint32_t *pcs);

static void block_random(struct bench *b, const uint32_t *pcs)
{
	const struct map_ops *ops = b->task->ops;
	uint64_t sum = 0;
	for (int i = 0; i < MAPS_BLOCK; i++) {
		struct map_live live = { 0 };
		sum += ops->lookup(b->table.data, b->table.len, pcs[i], b->scratch, &live) +
		       live.nbytes;
	}
	b->sink += sum;
}

static void block_alone(struct bench *b, const uint32_t *pcs)
{
	const struct map_ops *ops = b->task->ops;
	uint64_t sum = 0;
	for (int i = 0; i < MAPS_BLOCK; i++) {
		struct map_live live = { 0 };
		_mm_lfence(); /* all before it ends before anything after it begins */
		sum += ops->lookup(b->table.data, b->table.len, pcs[i], b->scratch, &live) +
		       live.nbytes;
	}
	b->sink += sum;
}

static void block_fence(struct bench *b, const uint32_t *pcs)
{
	(void)b, (void)pcs;
	for (int i = 0; i < MAPS_BLOCK; i++)
		_mm_lfence();
}

static void block_batched(struct bench *b, const uint32_t *pcs)
{
	struct map_live live[MAPS_BLOCK];
	enum map_answer answers[MAPS_BLOCK];
	b->task->ops->lookup_many(b->table.data, b->table.len, pcs, MAPS_BLOCK, b->scratch, live,
				  answers);
	b->sink += answers[0] + answers[MAPS_BLOCK - 1];
}

size_t maps_take(struct probe *probe, maps_sample *sample, void *of, double *samples, size_t n)
{
	size_t rows = 0;

	for (size_t from = 0, end; from < n; from = end, rows++) {
		end = from + MAPS_ROW < n ? from + MAPS_ROW : n;
		do {
			probe_wait(probe);
			for (size_t i = from; i < end; i++)
				samples[i] = sample(of, i);
		} while (probe_again(probe));
	}
	return rows;
}

/* The blocks of these pcs. */
struct blocks {
	struct bench *b;
	block_fn *block;
	const uint32_t *pcs;
	size_t n;
};

static double time_block(void *of, size_t i)
{
	const struct blocks *w = of;
	uint64_t start = clock_ns();

	w->block(w->b, w->pcs + i % w->n * MAPS_BLOCK);
	return (double)(clock_ns() - start) / MAPS_BLOCK;
}

/* Times n pcs, in whole blocks, over and over. The first round is a warm-up. */
static struct maps_spread warm(struct bench *b, block_fn *block, const uint32_t *pcs, size_t n)
{
	struct blocks all = { b, block, pcs, n / MAPS_BLOCK };

	if (block == block_batched && !b->task->ops->lookup_many)
		return maps_spread_missing("the encoder looks up one by one only");
	for (size_t i = 0; i < all.n; i++)
		block(b, pcs + i * MAPS_BLOCK);
	b->rows += maps_take(&b->probe, time_block, &all, b->samples, b->task->blocks);
	return maps_spread_of("clock", b->samples, b->task->blocks);
}

static double clock_probe(void)
{
	double probes[PROBES];
	for (int i = 0; i < PROBES; i++) {
		uint64_t start = clock_ns();
		probes[i] = (double)(clock_ns() - start);
	}
	return maps_spread_of("clock", probes, PROBES).p50;
}

/* ---- Cold ---------------------------------------------------------------------------------- */

static double ticks_per_ns(void)
{
	uint64_t start = clock_ns(), first = tsc_begin();
	while (clock_ns() - start < 5000000)
		;
	uint64_t last = tsc_end(), end = clock_ns();
	return (double)(last - first) / (double)(end - start);
}

/* Measures the cost of an empty bracket. On many processors the counter moves in steps
 * of many ticks, so the cost is the mean of a row of brackets; the smallest change from
 * one to the next is a step. */
static void tsc_probe(struct maps_cost *cost, double per_ns)
{
	enum { ROW = 100 };
	double probes[PROBES], step = 0, last = 0;
	for (int i = 0; i < PROBES; i++) {
		probes[i] = 0;
		for (int j = 0; j < ROW; j++) {
			uint64_t start = tsc_begin();
			double ns = (double)(tsc_end() - start) / per_ns;
			double change = ns > last ? ns - last : last - ns;
			if ((i || j) && change > 0 && (step == 0 || change < step))
				step = change;
			probes[i] += ns / ROW;
			last = ns;
		}
	}
	cost->tsc_step = step;
	cost->tsc_probe = maps_spread_of("tsc", probes, PROBES).p50;
}

/* clflush waits for the flush before it: on a server of 2023 a table of a megabyte takes it
 * milliseconds, for each cold lookup. clflushopt does not. */
__attribute__((target("clflushopt"))) static void flush_unordered(const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len; at += MAPS_LINE_BYTES)
		_mm_clflushopt((void *)(uintptr_t)(data + at));
}

static void flush(const struct map_bytes *table)
{
	if (__builtin_cpu_supports("clflushopt"))
		flush_unordered(table->data, table->len);
	else
		for (size_t at = 0; at < table->len; at += MAPS_LINE_BYTES)
			_mm_clflush(table->data + at);
	if (table->len)
		_mm_clflush(table->data + table->len - 1);
	_mm_mfence();
}

static void cold(struct bench *b, struct maps_cost *cost)
{
	const struct map_ops *ops = b->task->ops;
	double per_ns = ticks_per_ns();
	tsc_probe(cost, per_ns);
	for (int c = 0; c < MAPS_CLASSES; c++) {
		if (!b->pcs.of[c])
			continue;
		for (size_t i = 0; i < b->task->cold; i++) {
			struct map_live live = { 0 };
			uint32_t pc = b->pcs.of[c][i % MAPS_PCS];
			flush(&b->table);
			uint64_t start = tsc_begin();
			enum map_answer answer =
			    ops->lookup(b->table.data, b->table.len, pc, b->scratch, &live);
			/* Wait for both results before the counter is read again. */
			__asm__ volatile("" : : "r"(answer), "r"(live.nbytes));
			double ns = (double)(tsc_end() - start) / per_ns - cost->tsc_probe;
			b->samples[i] = ns > 0 ? ns : 0; /* less than a step */
		}
		cost->time[MAPS_COLD][c] = maps_spread_of("tsc", b->samples, b->task->cold);
	}
}

/* ---- Lines --------------------------------------------------------------------------------- */

static void count_lines(struct bench *b, struct maps_cost *cost, int c)
{
	double *values[MAPS_COUNTS] = { b->samples, b->samples + MAPS_COUNTED,
					b->samples + 2 * MAPS_COUNTED };
	bool full = false;
	for (size_t i = 0; i < MAPS_COUNTED; i++) {
		struct maps_lines lines;
		struct map_live live;
		enum map_answer answer = maps_trace(b->task->ops, b->table.data, b->table.len,
						    b->pcs.of[c][i], b->scratch, &live, &lines);
		values[MAPS_LINES_READ][i] = lines.nread;
		values[MAPS_LINES_FETCHED][i] = lines.nfetched;
		if (answer == MAP_FOUND)
			maps_trace_bitmap(b->table.data, b->table.len, &live, &lines);
		values[MAPS_LINES_WITH_BITMAP][i] = lines.nread;
		full |= lines.full;
	}
	for (int count = 0; count < MAPS_COUNTS; count++)
		cost->lines[count][c] =
		    full ? maps_spread_missing("a lookup read more lines than are counted")
			 : maps_spread_of("model", values[count], MAPS_COUNTED);
}

/* ---- All of it ----------------------------------------------------------------------------- */

static int refused(const struct bench *b, size_t bad, int error, char text[MAPS_BENCH_ERROR])
{
	const struct maps_bench_task *task = b->task;
	const char *limits = error == -EFBIG ? task->ops->limits : NULL;
	int n = 0;
	if (bad < task->npoints)
		n = snprintf(text, MAPS_BENCH_ERROR,
			     "%s refuses safepoint %zu, at pc %u with %u live place%s: ",
			     task->ops->name, bad, task->points[bad].pc, task->points[bad].nlive,
			     task->points[bad].nlive == 1 ? "" : "s");
	else
		n = snprintf(text, MAPS_BENCH_ERROR,
			     "%s refuses these safepoints: ", task->ops->name);
	snprintf(text + n, MAPS_BENCH_ERROR - (size_t)n, "%s%s%s", strerror(-error),
		 limits ? "; its limits: " : "", limits ? limits : "");
	return error;
}

/* Encodes the table, `encodings` times. */
static int encode(struct bench *b, struct maps_cost *cost, char error[MAPS_BENCH_ERROR])
{
	const struct maps_bench_task *task = b->task;
	for (size_t i = 0; i < task->encodings || !i; i++) {
		size_t bad;
		free(b->table.data);
		b->table = (struct map_bytes){ 0 };
		uint64_t start = clock_ns();
		int result =
		    map_encode_functions(task->ops, task->points, task->npoints, task->functions,
					 task->nfunctions, &b->table, &bad);
		b->samples[i] = (double)(clock_ns() - start) / (double)task->npoints;
		if (result)
			return result == -ENOMEM ? result : refused(b, bad, result, error);
	}
	cost->encode = maps_spread_of("clock", b->samples, task->encodings);
	task->ops->split(b->table.data, b->table.len, &cost->index, &cost->data);
	cost->len = b->table.len;
	return 0;
}

/* Loads the table as often, and puts the loaded form in its place. */
static int load(struct bench *b, struct maps_cost *cost)
{
	const struct maps_bench_task *task = b->task;
	cost->load = maps_spread_missing("lookups read the table itself");
	for (size_t i = 0; task->ops->load && i < task->encodings; i++) {
		struct map_bytes loaded = { 0 };
		uint64_t start = clock_ns();
		int result = task->ops->load(b->table.data, b->table.len, &loaded);
		b->samples[i] = (double)(clock_ns() - start) / (double)task->npoints;
		free(loaded.data);
		if (result)
			return result;
	}
	if (task->ops->load)
		cost->load = maps_spread_of("clock", b->samples, task->encodings);
	int result = map_load(task->ops, &b->table);
	if (result)
		return result;
	cost->loaded = task->ops->load ? b->table.len : 0;
	b->scratch = malloc(MAPS_BLOCK * map_scratch(task->ops, b->table.data, b->table.len) + 1);
	return b->scratch ? 0 : -ENOMEM;
}

static void lookups(struct bench *b, struct maps_cost *cost)
{
	static block_fn *const blocks[] = {
		[MAPS_RANDOM] = block_random,
		[MAPS_ALONE] = block_alone,
		[MAPS_BATCHED] = block_batched,
	};
	cost->clock_probe = clock_probe();
	if (b->task->blocks)
		probe_begin(&b->probe, MAPS_PATIENCE_NS);
	for (int c = 0; c < MAPS_CLASSES; c++) {
		if (!b->pcs.of[c])
			continue;
		for (int pattern = 0; pattern < MAPS_COLD; pattern++)
			cost->time[pattern][c] = warm(b, blocks[pattern], b->pcs.of[c], MAPS_PCS);
		cost->fence = warm(b, block_fence, b->pcs.of[c], MAPS_PCS).p50;
		count_lines(b, cost, c);
	}
	cost->rows = b->rows;
	cost->rows_shared = b->probe.kept;
	cold(b, cost);
}

int maps_bench(const struct maps_bench_task *task, struct maps_cost *cost,
	       char error[MAPS_BENCH_ERROR])
{
	struct bench b = { .task = task };
	int result = -ENOMEM;
	size_t room = task->blocks > task->cold ? task->blocks : task->cold;
	if (room < task->encodings)
		room = task->encodings;
	if (room < (size_t)MAPS_COUNTS * MAPS_COUNTED)
		room = (size_t)MAPS_COUNTS * MAPS_COUNTED;
	*cost = (struct maps_cost){ 0 };
	snprintf(error, MAPS_BENCH_ERROR, "out of memory");
	if (!task->npoints) {
		snprintf(error, MAPS_BENCH_ERROR, "no safepoints to measure %s with",
			 task->ops->name);
		return -EINVAL;
	}
	b.samples = malloc(room * sizeof *b.samples);
	if (!b.samples)
		goto out;
	result = encode(&b, cost, error);
	if (!result)
		result = load(&b, cost);
	if (!result)
		result = maps_pcs_draw(task->points, task->npoints, task->text_bytes, task->seed,
				       &b.pcs);
	if (!result)
		result = verify(&b, cost, error);
	if (result)
		goto out;
	for (int c = 0; c < MAPS_CLASSES; c++) {
		for (int i = 0; i < MAPS_PATTERNS; i++)
			cost->time[i][c] = maps_spread_missing(b.pcs.why[c]);
		for (int i = 0; i < MAPS_COUNTS; i++)
			cost->lines[i][c] = maps_spread_missing(b.pcs.why[c]);
	}
	lookups(&b, cost);
	error[0] = 0;
out:
	maps_pcs_free(&b.pcs);
	free(b.samples);
	free(b.scratch);
	free(b.table.data);
	return result;
}
