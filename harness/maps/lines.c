/*
 * lines.c - the encoders' source compiled once more, with MAP_TOUCH and MAP_PREFETCH bound to a
 * recorder and each row under a second name. A new encoder is one more #include here; the table
 * below does not link without it.
 *
 * The readers have no argument for a recorder, so it hangs on a thread-local pointer for the length
 * of one lookup.
 */
#include <assert.h>

#include "maps/lines.h"

static void trace_touch(const void *p, size_t n);
static void trace_prefetch(const void *p);

#define MAP_TOUCH(p, n) trace_touch(p, n)
#define MAP_PREFETCH(p) trace_prefetch(p)
#define MAP_OPS(name)	traced_##name

#include "strategies/maps/none.c"
#include "strategies/maps/exact.c"
#include "strategies/maps/ranged.c"
#include "strategies/maps/ranged_start.c"

#include "strategies/list.h"

static _Thread_local struct recorder {
	const uint8_t *map;
	struct map_lines *lines;
	struct map_reads *reads; /* or NULL */
} recorder;

static void trace_line(struct map_lines *lines, uint32_t *set, uint32_t *n, uint32_t line)
{
	for (uint32_t i = 0; i < *n; i++)
		if (set[i] == line)
			return;
	if (*n == MAP_LINES)
		lines->full = true;
	else
		set[(*n)++] = line;
}

static void trace_read(struct map_reads *reads, size_t at, size_t n)
{
	if (reads->n == MAP_READS) {
		reads->full = true;
		return;
	}
	reads->at[reads->n] = at;
	reads->bytes[reads->n++] = (uint32_t)n;
}

static void trace_touch(const void *p, size_t n)
{
	struct map_lines *lines = recorder.lines;
	size_t at = (size_t)((const uint8_t *)p - recorder.map);
	if (recorder.reads)
		trace_read(recorder.reads, at, n);
	for (size_t i = at / MAP_LINE; n && !lines->full && i <= (at + n - 1) / MAP_LINE; i++)
		trace_line(lines, lines->read, &lines->nread, (uint32_t)i);
}

static void trace_prefetch(const void *p)
{
	struct map_lines *lines = recorder.lines;
	size_t at = (size_t)((const uint8_t *)p - recorder.map);
	trace_line(lines, lines->fetched, &lines->nfetched, (uint32_t)(at / MAP_LINE));
}

#define DECLARE(name) extern const struct map_ops map_##name;
MAP_LIST(DECLARE)
static const struct {
	const struct map_ops *ops, *traced;
} rows[] = {
#define ROW(name) { &map_##name, &traced_##name },
	MAP_LIST(ROW)
};

static enum map_answer trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			     struct live *out, struct map_lines *lines, struct map_reads *reads)
{
	size_t i = 0;
	while (i < sizeof rows / sizeof *rows && rows[i].ops != ops)
		i++;
	assert(i < sizeof rows / sizeof *rows);
	lines->nread = lines->nfetched = 0;
	lines->full = false;
	recorder = (struct recorder){ map, lines, reads };
	return rows[i].traced->lookup(map, len, pc, out);
}

enum map_answer map_trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			  struct live *out, struct map_lines *lines)
{
	return trace(ops, map, len, pc, out, lines, NULL);
}

enum map_answer map_trace_reads(const struct map_ops *ops, const uint8_t *map, size_t len,
				uint32_t pc, struct live *out, struct map_reads *reads)
{
	struct map_lines lines;
	reads->n = 0;
	reads->full = false;
	return trace(ops, map, len, pc, out, &lines, reads);
}

void map_trace_bitmap(const uint8_t *map, const struct live *live, struct map_lines *lines)
{
	recorder = (struct recorder){ map, lines, NULL };
	if (live->nwords)
		trace_touch(live->bitmap, 4 * (size_t)live->nwords);
}
