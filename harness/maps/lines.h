/*
 * lines.h - the cache lines of a table that a lookup reads: the same readers are compiled once more
 * and report every load. This is counted, not measured: such a figure's source is "model".
 */
#ifndef STUBMAP_MAPS_LINES_H
#define STUBMAP_MAPS_LINES_H

#include <stdbool.h>
#include <stubmap/map.h>

enum { MAP_LINE = 64, MAP_LINES = 128 };

/* Distinct lines, by number from the table's first byte (taken to start a line). */
struct map_lines {
	uint32_t read[MAP_LINES], fetched[MAP_LINES]; /* fetched: prefetched, perhaps also read */
	uint32_t nread, nfetched;
	bool full; /* there were more than MAP_LINES: the numbers are lower bounds */
};

/* ops must be in map_encoders[]. Returns ops->lookup's answer; *lines are the lines that it read,
 * without the bitmap that it found (map_trace_bitmap). */
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
