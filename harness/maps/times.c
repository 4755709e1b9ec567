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
#include "base/stamp.h"

enum { PROBES = 1001 };

const char *const map_count_names[MAP_COUNTS] = {
	[MAP_LINES_READ] = "lines_read",
	[MAP_LINES_WITH_BITMAP] = "lines_with_bitmap",
	[MAP_LINES_FETCHED] = "lines_fetched",
};

struct bench {
	const struct map_job *job;
	struct map_bytes table;
	struct map_pcs pcs;
	double *samples;
	volatile uint64_t sink;
};

/* ---- Checking ---------------------------------------------------------------------------- */

static enum map_outcome outcome(const struct bench *b, const struct safepoint *truth, uint32_t pc)
{
	struct map_live live;
	enum map_answer answer = b->job->ops->lookup(b->table.data, b->table.len, pc, &live);
	return map_judge(truth, answer, &live);
}

static int verify(const struct bench *b, struct map_cost *cost, char error[MAP_BENCH_ERROR])
{
	const struct map_job *job = b->job;
	bool excused = job->ops->flags & (MAP_UNSAFE | MAP_FLOOR);
	for (size_t i = 0; i < job->npoints; i++) {
		const struct safepoint *p = &job->points[i];
		enum map_outcome o = outcome(b, p, p->pc);
		cost->outcomes[p->nlive ? MAP_LIVE : MAP_EMPTY_POINT][o]++;
		if (o == MAP_CORRECT || excused)
			continue;
		snprintf(error, MAP_BENCH_ERROR, "%s answers the safepoint at pc %u: %s",
			 job->ops->name, p->pc, map_outcome_names[o]);
		return -EILSEQ;
	}
	for (size_t i = 0; b->pcs.of[MAP_BOGUS] && i < MAP_PCS; i++)
		cost->outcomes[MAP_BOGUS][outcome(b, NULL, b->pcs.of[MAP_BOGUS][i])]++;
	return 0;
}

/* ---- Warm ---------------------------------------------------------------------------------- */

typedef void block_fn(struct bench *, const uint32_t *pcs);

static void block_random(struct bench *b, const uint32_t *pcs)
{
	const struct map_ops *ops = b->job->ops;
	uint64_t sum = 0;
	for (int i = 0; i < MAP_BLOCK; i++) {
		struct map_live live = { 0 };
		sum += ops->lookup(b->table.data, b->table.len, pcs[i], &live) + live.nwords;
	}
	b->sink += sum;
}

static void block_alone(struct bench *b, const uint32_t *pcs)
{
	const struct map_ops *ops = b->job->ops;
	uint64_t sum = 0;
	for (int i = 0; i < MAP_BLOCK; i++) {
		struct map_live live = { 0 };
		_mm_lfence(); /* all before it ends before anything after it begins */
		sum += ops->lookup(b->table.data, b->table.len, pcs[i], &live) + live.nwords;
	}
	b->sink += sum;
}

static void block_fence(struct bench *b, const uint32_t *pcs)
{
	(void)b, (void)pcs;
	for (int i = 0; i < MAP_BLOCK; i++)
		_mm_lfence();
}

static void block_batched(struct bench *b, const uint32_t *pcs)
{
	struct map_live live[MAP_BLOCK];
	enum map_answer answers[MAP_BLOCK];
	b->job->ops->lookup_many(b->table.data, b->table.len, pcs, MAP_BLOCK, live, answers);
	b->sink += answers[0] + answers[MAP_BLOCK - 1];
}

/* Times n pcs, in whole blocks, over and over. The first round is a warm-up. */
static struct map_figure warm(struct bench *b, block_fn *block, const uint32_t *pcs, size_t n)
{
	size_t nblocks = n / MAP_BLOCK;
	if (block == block_batched && !b->job->ops->lookup_many)
		return map_figure_missing("the encoder looks up one by one only");
	for (size_t i = 0; i < nblocks; i++)
		block(b, pcs + i * MAP_BLOCK);
	for (size_t i = 0; i < b->job->blocks; i++) {
		uint64_t start = clock_ns();
		block(b, pcs + i % nblocks * MAP_BLOCK);
		b->samples[i] = (double)(clock_ns() - start) / MAP_BLOCK;
	}
	return map_figure_of("clock", b->samples, b->job->blocks);
}

static double clock_probe(void)
{
	double probes[PROBES];
	for (int i = 0; i < PROBES; i++) {
		uint64_t start = clock_ns();
		probes[i] = (double)(clock_ns() - start);
	}
	return map_figure_of("clock", probes, PROBES).p50;
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

/* Measures the cost of an empty bracket. On many processors the counter moves in steps of many
 * ticks, so the cost is the mean of a row of brackets; the smallest change from one to the next is
 * a step.
 */
static void tsc_probe(struct map_cost *cost, double per_ns)
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
	cost->tsc_probe = map_figure_of("tsc", probes, PROBES).p50;
}

static void flush(const struct map_bytes *table)
{
	for (size_t at = 0; at < table->len; at += MAP_LINE)
		_mm_clflush(table->data + at);
	if (table->len)
		_mm_clflush(table->data + table->len - 1);
	_mm_mfence();
}

static void cold(struct bench *b, struct map_cost *cost)
{
	const struct map_ops *ops = b->job->ops;
	double per_ns = ticks_per_ns();
	tsc_probe(cost, per_ns);
	for (int c = 0; c < MAP_CLASSES; c++) {
		if (!b->pcs.of[c])
			continue;
		for (size_t i = 0; i < b->job->cold; i++) {
			struct map_live live = { 0 };
			uint32_t pc = b->pcs.of[c][i % MAP_PCS];
			flush(&b->table);
			uint64_t start = tsc_begin();
			enum map_answer answer =
			    ops->lookup(b->table.data, b->table.len, pc, &live);
			/* Wait for both results before the counter is read again. */
			__asm__ volatile("" : : "r"(answer), "r"(live.nwords));
			double ns = (double)(tsc_end() - start) / per_ns - cost->tsc_probe;
			b->samples[i] = ns > 0 ? ns : 0; /* less than a step */
		}
		cost->time[MAP_COLD][c] = map_figure_of("tsc", b->samples, b->job->cold);
	}
}

/* ---- Lines --------------------------------------------------------------------------------- */

static void count_lines(struct bench *b, struct map_cost *cost, int c)
{
	double *values[MAP_COUNTS] = { b->samples, b->samples + MAP_COUNTED,
				       b->samples + 2 * MAP_COUNTED };
	bool full = false;
	for (size_t i = 0; i < MAP_COUNTED; i++) {
		struct map_lines lines;
		struct map_live live;
		enum map_answer answer = map_trace(b->job->ops, b->table.data, b->table.len,
						   b->pcs.of[c][i], &live, &lines);
		values[MAP_LINES_READ][i] = lines.nread;
		values[MAP_LINES_FETCHED][i] = lines.nfetched;
		if (answer == MAP_FOUND)
			map_trace_bitmap(b->table.data, &live, &lines);
		values[MAP_LINES_WITH_BITMAP][i] = lines.nread;
		full |= lines.full;
	}
	for (int count = 0; count < MAP_COUNTS; count++)
		cost->lines[count][c] =
		    full ? map_figure_missing("a lookup read more lines than are counted")
			 : map_figure_of("model", values[count], MAP_COUNTED);
}

/* ---- All of it ----------------------------------------------------------------------------- */

static int encode(struct bench *b, struct map_cost *cost, char error[MAP_BENCH_ERROR])
{
	const struct map_job *job = b->job;
	for (size_t i = 0; i < job->encodings || !i; i++) {
		size_t bad;
		free(b->table.data);
		b->table = (struct map_bytes){ 0 };
		uint64_t start = clock_ns();
		int result = map_encode(job->ops, job->points, job->npoints, &b->table, &bad);
		b->samples[i] = (double)(clock_ns() - start) / (double)job->npoints;
		if (result == -ENOMEM || (result && bad == job->npoints))
			return result;
		if (result) {
			snprintf(error, MAP_BENCH_ERROR,
				 "%s refuses safepoint %zu, at pc %u with %u live places: %s",
				 job->ops->name, bad, job->points[bad].pc, job->points[bad].nlive,
				 strerror(-result));
			return result;
		}
	}
	cost->encode = map_figure_of("clock", b->samples, job->encodings);
	job->ops->split(b->table.data, b->table.len, &cost->index, &cost->data);
	cost->len = b->table.len;
	return 0;
}

static void lookups(struct bench *b, struct map_cost *cost)
{
	static block_fn *const blocks[] = {
		[MAP_RANDOM] = block_random,
		[MAP_ALONE] = block_alone,
		[MAP_BATCHED] = block_batched,
	};
	cost->clock_probe = clock_probe();
	for (int c = 0; c < MAP_CLASSES; c++) {
		if (!b->pcs.of[c])
			continue;
		for (int pattern = 0; pattern < MAP_COLD; pattern++)
			cost->time[pattern][c] = warm(b, blocks[pattern], b->pcs.of[c], MAP_PCS);
		cost->fence = warm(b, block_fence, b->pcs.of[c], MAP_PCS).p50;
		count_lines(b, cost, c);
	}
	cold(b, cost);
}

int map_bench(const struct map_job *job, struct map_cost *cost, char error[MAP_BENCH_ERROR])
{
	struct bench b = { .job = job };
	int result = -ENOMEM;
	size_t room = job->blocks > job->cold ? job->blocks : job->cold;
	if (room < job->encodings)
		room = job->encodings;
	if (room < (size_t)MAP_COUNTS * MAP_COUNTED)
		room = (size_t)MAP_COUNTS * MAP_COUNTED;
	*cost = (struct map_cost){ 0 };
	snprintf(error, MAP_BENCH_ERROR, "out of memory");
	if (!job->npoints) {
		snprintf(error, MAP_BENCH_ERROR, "no safepoints to measure %s with",
			 job->ops->name);
		return -EINVAL;
	}
	b.samples = malloc(room * sizeof *b.samples);
	if (!b.samples)
		goto out;
	result = encode(&b, cost, error);
	if (!result)
		result =
		    map_pcs_draw(job->points, job->npoints, job->text_bytes, job->seed, &b.pcs);
	if (!result)
		result = verify(&b, cost, error);
	if (result)
		goto out;
	for (int c = 0; c < MAP_CLASSES; c++) {
		for (int i = 0; i < MAP_PATTERNS; i++)
			cost->time[i][c] = map_figure_missing(b.pcs.why[c]);
		for (int i = 0; i < MAP_COUNTS; i++)
			cost->lines[i][c] = map_figure_missing(b.pcs.why[c]);
	}
	lookups(&b, cost);
	error[0] = 0;
out:
	map_pcs_free(&b.pcs);
	free(b.samples);
	free(b.table.data);
	return result;
}
