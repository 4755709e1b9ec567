/*
 * test_map_bench.c - the meters of stack maps: the traced readers answer as the real ones and miss
 * no byte; each figure has a source or a reason; a wrong encoder does not get as far as a figure.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maps/times.h"
#include "maps/lines.h"
#include "maps/walks.h"
#include "map_samples.h"

static const struct shape shape = { "middling", 2000, 5, 60, 60, 200, 40, 25, 0 };

/* ---- Lines --------------------------------------------------------------------------------- */

/* A copy in which every byte of a line not in `lines` is inverted. */
static struct map_bytes spoil(const struct map_bytes *table, const struct maps_lines *lines)
{
	struct map_bytes b = { malloc(table->len), table->len, table->len };
	for (size_t i = 0; i < table->len; i++)
		b.data[i] = (uint8_t)~table->data[i];
	for (uint32_t i = 0; i < lines->nread; i++) {
		size_t at = (size_t)lines->read[i] * MAPS_LINE_BYTES;
		size_t n = table->len - at < MAPS_LINE_BYTES ? table->len - at : MAPS_LINE_BYTES;
		memcpy(b.data + at, table->data + at, n);
	}
	return b;
}

static void check_same(const struct map_live *a, const struct map_live *b)
{
	assert_int_equal(a->frame_size, b->frame_size);
	assert_int_equal(a->first, b->first);
	assert_int_equal(a->stride, b->stride);
	assert_int_equal(a->registers, b->registers);
	assert_int_equal(a->nbytes, b->nbytes);
	if (a->nbytes)
		assert_memory_equal(a->bitmap, b->bitmap, a->nbytes);
}

/* A lookup's answer depends on the lines that the trace lists, and on no other line. */
static void check_trace(const struct map_ops *ops, const struct map_bytes *table, uint32_t pc)
{
	struct map_live live, traced, again;
	struct maps_lines lines;
	size_t each = map_scratch(ops, table->data, table->len);
	uint8_t *scratch = malloc(3 * each + 1);
	enum map_answer answer = ops->lookup(table->data, table->len, pc, scratch, &live);
	assert_int_equal(
	    maps_trace(ops, table->data, table->len, pc, scratch + each, &traced, &lines), answer);
	assert_false(lines.full);
	assert_true(lines.nread > 0 || !table->len);
	if (answer == MAP_FOUND)
		maps_trace_bitmap(table->data, table->len, &traced, &lines);
	struct map_bytes b = spoil(table, &lines);
	assert_int_equal(ops->lookup(b.data, b.len, pc, scratch + 2 * each, &again), answer);
	if (answer == MAP_FOUND) {
		if (maps_in_table(table->data, table->len, &live))
			assert_ptr_equal(traced.bitmap, live.bitmap);
		check_same(&again, &live);
		check_same(&traced, &live);
	}
	free(scratch);
	free(b.data);
}

static void test_trace_is_whole(void **state)
{
	struct sample s = make(&shape, 8);
	(void)state;
	for (int e = 0; map_encoders[e]; e++) {
		struct map_bytes table =
		    encode_functions(map_encoders[e], s.points, s.n, s.functions, s.nfunctions);
		for (size_t i = 0; i < s.n; i += 7) {
			check_trace(map_encoders[e], &table, s.points[i].pc);
			check_trace(map_encoders[e], &table, s.points[i].pc + 1);
		}
		free(table.data);
	}
	release(&s, &shape);
}

/* 16 entries: pcs at bytes 4..67, offsets at 68..131, records of 12 bytes from 132. */
static void test_trace_by_hand(void **state)
{
	const struct map_ops *exact = map_encoder("exact");
	static const uint32_t place = 1;
	struct safepoint points[16];
	struct maps_lines lines;
	struct map_live live;
	(void)state;
	for (uint32_t i = 0; i < 16; i++)
		points[i] = (struct safepoint){ 10 + i, 16, 1, &place };
	struct map_bytes table = encode(exact, points, 16);
	assert_int_equal(maps_trace(exact, table.data, table.len, 10, NULL, &live, &lines),
			 MAP_FOUND);
	assert_int_equal(lines.nread, 3);
	maps_trace_bitmap(table.data, table.len, &live, &lines);
	assert_int_equal(lines.nread, 3);
	/* The 16th: pc at 64, offset at 128, record at 312..323 (bitmap from 320). */
	assert_int_equal(maps_trace(exact, table.data, table.len, 25, NULL, &live, &lines),
			 MAP_FOUND);
	assert_int_equal(lines.nread, 4);
	maps_trace_bitmap(table.data, table.len, &live, &lines);
	assert_int_equal(lines.nread, 5);
	free(table.data);
}

/* ---- Figures ------------------------------------------------------------------------------- */

static struct maps_bench_task task_of(const struct map_ops *ops, const struct sample *s)
{
	return (struct maps_bench_task){ .ops = ops,
					 .points = s->points,
					 .npoints = s->n,
					 .text_bytes = s->text_bytes,
					 .seed = 3,
					 .blocks = 40,
					 .cold = 20,
					 .encodings = 3,
					 .functions = s->functions,
					 .nfunctions = s->nfunctions };
}

static void check_figure(const struct maps_spread *f, const char *source, size_t samples)
{
	assert_string_equal(f->source, source);
	assert_null(f->why);
	assert_int_equal(f->samples, samples);
	assert_true(f->p50 >= 0 && f->p50 <= f->p90 && f->p90 <= f->p99);
	assert_true(f->mean >= 0);
}

static void check_missing(const struct maps_spread *f)
{
	assert_null(f->source);
	assert_non_null(f->why);
}

static void test_figures(void **state)
{
	struct sample s = make(&shape, 8);
	(void)state;
	for (int e = 0; map_encoders[e]; e++) {
		struct maps_bench_task task = task_of(map_encoders[e], &s);
		struct maps_cost cost;
		char error[MAPS_BENCH_ERROR];
		assert_int_equal(maps_bench(&task, &cost, error), 0);
		assert_string_equal(error, "");
		assert_int_equal(cost.index + cost.data, cost.len);
		check_figure(&cost.encode, "clock", 3);
		for (int c = 0; c < MAPS_CLASSES; c++) {
			check_figure(&cost.time[MAPS_RANDOM][c], "clock", 40);
			if (task.ops->lookup_many)
				check_figure(&cost.time[MAPS_BATCHED][c], "clock", 40);
			else
				check_missing(&cost.time[MAPS_BATCHED][c]);
			check_figure(&cost.time[MAPS_ALONE][c], "clock", 40);
			check_figure(&cost.time[MAPS_COLD][c], "tsc", 20);
			check_figure(&cost.lines[MAPS_LINES_READ][c], "model", 4096);
			assert_true(cost.lines[MAPS_LINES_READ][c].mean <=
				    cost.lines[MAPS_LINES_WITH_BITMAP][c].mean);
		}
		size_t *empty = cost.outcomes[MAPS_EMPTY_POINT];
		assert_int_equal(empty[MAP_WRONG] > 0, (task.ops->flags & MAP_UNSAFE) > 0);
	}
	release(&s, &shape);
}

static void test_missing_figures(void **state)
{
	static const struct shape full = { "no empties", 300, 0, 1, 8, 4, 0, 30, 0 };
	struct sample s = make(&full, 8);
	struct maps_bench_task task = task_of(map_encoder("exact"), &s);
	struct maps_cost cost;
	char error[MAPS_BENCH_ERROR];
	(void)state;
	assert_int_equal(maps_bench(&task, &cost, error), 0);
	for (int pattern = 0; pattern < MAPS_PATTERNS; pattern++) {
		check_missing(&cost.time[pattern][MAPS_EMPTY_POINT]);
		check_missing(&cost.time[pattern][MAPS_BOGUS]);
	}
	check_missing(&cost.lines[MAPS_LINES_READ][MAPS_BOGUS]);
	task.cold = 0;
	assert_int_equal(maps_bench(&task, &cost, error), 0);
	check_missing(&cost.time[MAPS_COLD][MAPS_LIVE]);
	task.npoints = 0;
	assert_int_equal(maps_bench(&task, &cost, error), -EINVAL);
	assert_non_null(strstr(error, "exact"));
	release(&s, &full);
}

/* An encoder that forgets every root of one safepoint. */
static enum map_answer forgetful(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
				 struct map_live *out)
{
	if (pc % 1000 == 77)
		return MAP_ABSENT;
	return map_encoder("exact")->lookup(map, len, pc, scratch, out);
}

static void test_errors(void **state)
{
	struct safepoint points[] = { { 77, 16, PLACES(1) }, { 90, 16, PLACES(MAP_REGISTER + 1) } };
	struct sample s = { .name = "two", .points = points, .n = 1, .text_bytes = 100 };
	struct map_ops ops = *map_encoder("exact");
	struct maps_cost cost;
	char error[MAPS_BENCH_ERROR];
	(void)state;
	ops.lookup = forgetful;
	struct maps_bench_task task = task_of(&ops, &s);
	assert_int_equal(maps_bench(&task, &cost, error), -EILSEQ);
	assert_non_null(strstr(error, "77"));
	s.n = 2;
	task = task_of(map_encoder("exact"), &s);
	assert_int_equal(maps_bench(&task, &cost, error), -ENOTSUP);
	assert_non_null(strstr(error, "90"));
}

/* ---- Walks --------------------------------------------------------------------------------- */

static void log_walk(struct walk_log *log, uint32_t *pcs, size_t n)
{
	const struct walk walk = { .pcs = pcs, .n = n };

	assert_int_equal(walk_log_add(log, &walk), 0);
}

/* Walks of 1, 2 .. n frames, their pcs spread over the sample. */
static struct walk_log log_of(const struct sample *s, size_t n)
{
	struct walk_log log = { 0 };
	uint32_t pcs[64];

	for (size_t i = 1; i <= n; i++) {
		for (size_t k = 0; k < i; k++)
			pcs[k] = s->points[(i * 131 + k * 37) % s->n].pc;
		log_walk(&log, pcs, i);
	}
	return log;
}

static struct maps_walks_task walks_of(const struct map_ops *ops, const struct sample *s,
				       const struct walk_log *log)
{
	return (struct maps_walks_task){ .ops = ops,
					 .points = s->points,
					 .npoints = s->n,
					 .walks = log,
					 .samples = 10,
					 .functions = s->functions,
					 .nfunctions = s->nfunctions };
}

static void test_log(void **state)
{
	static uint32_t pcs[WALK_LOG_PCS / 2 + 1];
	struct walk_log log = { 0 };
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		pcs[i] = 10 + i;
	log_walk(&log, pcs, 3);
	log_walk(&log, pcs, 0);
	log_walk(&log, pcs + 1, 1);
	assert_int_equal(log.nwalks, 2);
	assert_int_equal(log.ends[0], 3);
	assert_int_equal(log.ends[1], 4);
	assert_int_equal(log.pcs[3], 11);
	/* The third does not fit; the fourth would, but comes behind it. */
	log_walk(&log, pcs, WALK_LOG_PCS / 2 + 1);
	log_walk(&log, pcs, WALK_LOG_PCS / 2 + 1);
	log_walk(&log, pcs, 5);
	assert_int_equal(log.nwalks, 3);
	assert_int_equal(log.npcs, 4 + WALK_LOG_PCS / 2 + 1);
	assert_int_equal(log.cut_walks, 2);
	assert_int_equal(log.cut_pcs, WALK_LOG_PCS / 2 + 6);
	walk_log_close(&log);
	for (int i = 0; i < WALK_LOG_WALKS + 7; i++)
		log_walk(&log, pcs, 1);
	assert_int_equal(log.nwalks, WALK_LOG_WALKS);
	assert_int_equal(log.cut_walks, 7);
	walk_log_close(&log);
}

static void test_walks(void **state)
{
	struct sample s = make(&shape, 8);
	struct walk_log log = log_of(&s, 60); /* 1830 lookups */
	char error[MAPS_BENCH_ERROR];
	struct maps_walks walks;
	(void)state;
	for (int e = 0; map_encoders[e]; e++) {
		const struct map_ops *ops = map_encoders[e];
		struct maps_walks_task task = walks_of(ops, &s, &log);
		size_t all = 0;
		assert_int_equal(maps_walks(&task, &walks, error), 0);
		assert_string_equal(error, "");
		/* Samples end with walks 16, 23, 28, 33, 37, 41, 44, 47, 50, 53, 56, 59. */
		check_figure(&walks.single, "clock", 12);
		if (ops->lookup_many)
			check_figure(&walks.batched, "clock", 12);
		else
			check_missing(&walks.batched);
		for (int o = 0; o < MAP_OUTCOMES; o++)
			all += walks.outcomes[o];
		assert_int_equal(all, log.npcs);
		if (!(ops->flags & (MAP_UNSAFE | MAP_FLOOR)))
			assert_int_equal(walks.outcomes[MAP_CORRECT], log.npcs);
		task.samples = 0;
		assert_int_equal(maps_walks(&task, &walks, error), 0);
		check_missing(&walks.single);
	}
	walk_log_close(&log);
	release(&s, &shape);
}

/* A batch that forgets its last answer. */
static void short_batch(const uint8_t *map, size_t len, const uint32_t *pcs, size_t n,
			uint8_t *scratch, struct map_live *out, enum map_answer *answers)
{
	map_encoder("exact")->lookup_many(map, len, pcs, n, scratch, out, answers);
	answers[n - 1] = MAP_NO_SAFEPOINT;
}

static void test_walks_wrong(void **state)
{
	struct sample s = make(&shape, 8);
	struct walk_log log = log_of(&s, 10), stray = { 0 };
	struct map_ops ops = *map_encoder("exact");
	struct maps_walks_task task = walks_of(&ops, &s, &log);
	uint32_t beyond = s.text_bytes + 1;
	char error[MAPS_BENCH_ERROR];
	struct maps_walks walks;
	(void)state;
	assert_int_equal(maps_walks(&task, &walks, error), 0);
	check_missing(&walks.single); /* 55 lookups: no sample */
	ops.lookup_many = short_batch;
	assert_int_equal(maps_walks(&task, &walks, error), -EILSEQ);
	assert_non_null(strstr(error, "in a batch: detected"));
	ops = *map_encoder("exact");
	log_walk(&stray, &beyond, 1);
	task = walks_of(&ops, &s, &stray);
	assert_int_equal(maps_walks(&task, &walks, error), -EINVAL);
	assert_non_null(strstr(error, "no safepoint"));
	walk_log_close(&stray);
	walk_log_close(&log);
	release(&s, &shape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace_is_whole), cmocka_unit_test(test_trace_by_hand),
		cmocka_unit_test(test_figures),	       cmocka_unit_test(test_missing_figures),
		cmocka_unit_test(test_errors),	       cmocka_unit_test(test_log),
		cmocka_unit_test(test_walks),	       cmocka_unit_test(test_walks_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
