/*
 * lines.c - the recorder behind the traced encoders. Readers have no argument for a recorder, so a
 * thread-local pointer leads to it during one lookup.
 */
#include "maps/lines.h"

#include "maps/traced.h"

static _Thread_local struct recorder {
	const uint8_t *map;
	struct maps_lines *lines;
	struct maps_reads *reads; /* or NULL */
} recorder;

static void trace_line(struct maps_lines *lines, uint32_t *set, uint32_t *n, uint32_t line)
{
	for (uint32_t i = 0; i < *n; i++)
		if (set[i] == line)
			return;
	if (*n == MAPS_LINES)
		lines->full = true;
	else
		set[(*n)++] = line;
}

static void trace_read(struct maps_reads *reads, size_t at, size_t n)
{
	if (reads->n == MAPS_READS) {
		reads->full = true;
		return;
	}
	reads->at[reads->n] = at;
	reads->bytes[reads->n++] = (uint32_t)n;
}

void maps_touched(const void *p, size_t n)
{
	struct maps_lines *lines = recorder.lines;
	size_t at = (size_t)((const uint8_t *)p - recorder.map);
	if (recorder.reads)
		trace_read(recorder.reads, at, n);
	for (size_t i = at / MAPS_LINE_BYTES;
	     n && !lines->full && i <= (at + n - 1) / MAPS_LINE_BYTES; i++)
		trace_line(lines, lines->read, &lines->nread, (uint32_t)i);
}

void maps_fetched(const void *p)
{
	struct maps_lines *lines = recorder.lines;
	size_t at = (size_t)((const uint8_t *)p - recorder.map);
	trace_line(lines, lines->fetched, &lines->nfetched, (uint32_t)(at / MAPS_LINE_BYTES));
}

static enum map_answer trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			     uint8_t *scratch, struct map_live *out, struct maps_lines *lines,
			     struct maps_reads *reads)
{
	lines->nread = lines->nfetched = 0;
	lines->full = false;
	recorder = (struct recorder){ map, lines, reads };
	return maps_traced_encoder(ops->name)->lookup(map, len, pc, scratch, out);
}

enum map_answer maps_trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			   uint8_t *scratch, struct map_live *out, struct maps_lines *lines)
{
	return trace(ops, map, len, pc, scratch, out, lines, NULL);
}

enum map_answer maps_trace_reads(const struct map_ops *ops, const uint8_t *map, size_t len,
				 uint32_t pc, uint8_t *scratch, struct map_live *out,
				 struct maps_reads *reads)
{
	struct maps_lines lines;
	reads->n = 0;
	reads->full = false;
	return trace(ops, map, len, pc, scratch, out, &lines, reads);
}

bool maps_in_table(const uint8_t *map, size_t len, const struct map_live *live)
{
	uintptr_t at = (uintptr_t)live->bitmap;

	return live->nbytes && at >= (uintptr_t)map && at - (uintptr_t)map < len;
}

void maps_trace_bitmap(const uint8_t *map, size_t len, const struct map_live *live,
		       struct maps_lines *lines)
{
	recorder = (struct recorder){ map, lines, NULL };
	if (maps_in_table(map, len, live))
		maps_touched(live->bitmap, live->nbytes);
}
