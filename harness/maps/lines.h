/*
 * lines.h - which cache lines of a table a lookup reads: the same readers compiled once more,
 * with every load reported. Counted, not measured: the source of such a figure is "model".
 */
#ifndef STUBMAP_MAPS_LINES_H
#define STUBMAP_MAPS_LINES_H

#include <stdbool.h>
#include <stubmap/map.h>

enum { MAP_LINE = 64, MAP_LINES = 128 };

/* Distinct lines, by number from the table's first byte (taken to start a line). */
struct map_lines {
	uint32_t read[MAP_LINES], fetched[MAP_LINES]; /* fetched: prefetched, perhaps read too */
	uint32_t nread, nfetched;
	bool full; /* there were more than MAP_LINES: the numbers are lower bounds */
};

/* ops: a row of map_encoders[]. ops->lookup's answer, and in *lines what it read. Not the bitmap
 * that it found: see below. */
enum map_answer map_trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			  struct map_live *out, struct map_lines *lines);
/* Adds the lines of a found map's bitmap, which a collector reads next. */
void map_trace_bitmap(const uint8_t *map, const struct map_live *live, struct map_lines *lines);

/* Every load of one lookup, in order. */
enum { MAP_READS = 256 };
struct map_reads {
	size_t at[MAP_READS]; /* offset in the table */
	uint32_t bytes[MAP_READS];
	uint32_t n;
	bool full; /* there were more */
};
enum map_answer map_trace_reads(const struct map_ops *ops, const uint8_t *map, size_t len,
				uint32_t pc, struct map_live *out, struct map_reads *reads);

#endif
