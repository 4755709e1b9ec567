/*
 * lines.c - the recorder behind the traced encoders. Readers have no argument for a recorder, so a
 * thread-local pointer leads to it during one lookup.
 */
#include "maps/lines.h"

#include "maps/traced.h"

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

void map_touched(const void *p, size_t n)
{
	struct map_lines *lines = recorder.lines;
	size_t at = (size_t)((const uint8_t *)p - recorder.map);
	if (recorder.reads)
		trace_read(recorder.reads, at, n);
	for (size_t i = at / MAP_LINE; n && !lines->full && i <= (at + n - 1) / MAP_LINE; i++)
		trace_line(lines, lines->read, &lines->nread, (uint32_t)i);
}

void map_fetched(const void *p)
{
	struct map_lines *lines = recorder.lines;
	size_t at = (size_t)((const uint8_t *)p - recorder.map);
	trace_line(lines, lines->fetched, &lines->nfetched, (uint32_t)(at / MAP_LINE));
}

static enum map_answer trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			     struct map_live *out, struct map_lines *lines, struct map_reads *reads)
{
	lines->nread = lines->nfetched = 0;
	lines->full = false;
	recorder = (struct recorder){ map, lines, reads };
	return map_traced_encoder(ops->name)->lookup(map, len, pc, out);
}

enum map_answer map_trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			  struct map_live *out, struct map_lines *lines)
{
	return trace(ops, map, len, pc, out, lines, NULL);
}

enum map_answer map_trace_reads(const struct map_ops *ops, const uint8_t *map, size_t len,
				uint32_t pc, struct map_live *out, struct map_reads *reads)
{
	struct map_lines lines;
	reads->n = 0;
	reads->full = false;
	return trace(ops, map, len, pc, out, &lines, reads);
}

void map_trace_bitmap(const uint8_t *map, const struct map_live *live, struct map_lines *lines)
{
	recorder = (struct recorder){ map, lines, NULL };
	if (live->nwords)
		map_touched(live->bitmap, 4 * (size_t)live->nwords);
}
