/*
 * meanings.h - what the bytes of the engines' own formats mean, for `stubmap show map`: the heads
 * of their files in strategies/maps draw the layouts.
 */
#ifndef STUBMAP_CLI_MEANINGS_H
#define STUBMAP_CLI_MEANINGS_H

#include <stubmap/map.h>

enum { MEANING = 160 };

/* A load of `bytes` bytes at an offset of a table that is ready for lookups. Leaves out empty if
 * nothing is known of the format or the place. */
void meaning_of_load(const struct map_ops *, const uint8_t *table, size_t len, size_t at,
		     uint32_t bytes, char out[MEANING]);

#endif
