/*
 * traced.h - stands in front of every encoder where the Makefile compiles it a second time: its
 * reader then reports each load and each fetch. Of those objects and the table of encoders is made
 * one, traced.o, which shows a single symbol, map_traced_encoder.
 */
#ifndef STUBMAP_MAPS_TRACED_H
#define STUBMAP_MAPS_TRACED_H

#include <stddef.h>

void map_touched(const void *p, size_t n);
void map_fetched(const void *p);

#define MAP_TOUCH(p, n) map_touched(p, n)
#define MAP_PREFETCH(p) map_fetched(p)

struct map_ops;
/* As map_encoder, of the traced encoders. */
const struct map_ops *map_traced_encoder(const char *name);

#endif
