/*
 * lines.h - the cache lines of a table that a lookup reads: the same readers are compiled once more
 * and report every load. This is counted, not measured: such a figure's source is "model".
 */
#ifndef STUBMAP_MAPS_LINES_H
#define STUBMAP_MAPS_LINES_H

#include <stdbool.h>
#include <stubmap/map.h>

enum { MAPS_LINE_BYTES = 64, MAPS_LINES = 128 };

/* Distinct lines, by number from the table's first byte (taken to start a line). */
struct maps_lines {
	uint32_t read[MAPS_LINES], fetched[MAPS_LINES]; /* fetched: prefetched, perhaps also read */
	uint32_t nread, nfetched;
	bool full; /* there were more than MAPS_LINES: the numbers are lower bounds */
};

/* ops must be in map_encoders[]. Returns ops->lookup's answer; *lines are the lines that it read,
 * without the bitmap that it found (maps_trace_bitmap). */
enum map_answer maps_trace(const struct map_ops *ops, const uint8_t *map, size_t len, uint32_t pc,
			   uint8_t *scratch, struct map_live *out, struct maps_lines *lines);
/* Adds the lines of a found map's bitmap, which a collector reads next; none if the bitmap was
 * decoded into scratch. */
void maps_trace_bitmap(const uint8_t *map, size_t len, const struct map_live *live,
		       struct maps_lines *lines);
/* Whether a found map's bitmap has bytes and they are the table's own. */
bool maps_in_table(const uint8_t *map, size_t len, const struct map_live *live);

/* Every load of one lookup, in order. */
enum { MAPS_READS = 256 };
struct maps_reads {
	size_t at[MAPS_READS]; /* offset in the table */
	uint32_t bytes[MAPS_READS];
	uint32_t n;
	bool full; /* there were more */
};
enum map_answer maps_trace_reads(const struct map_ops *ops, const uint8_t *map, size_t len,
				 uint32_t pc, uint8_t *scratch, struct map_live *out,
				 struct maps_reads *reads);

#endif
