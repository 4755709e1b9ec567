/*
 * traced.h - is included first in every encoder when the Makefile compiles it a second time: the
 * reader then reports each load and each fetch. These objects and the table of encoders are linked
 * to one, traced.o, which exports a single symbol, maps_traced_encoder.
 */
#ifndef STUBMAP_MAPS_TRACED_H
#define STUBMAP_MAPS_TRACED_H

#include <stddef.h>

void maps_touched(const void *p, size_t n);
void maps_fetched(const void *p);

#define MAP_TOUCH(p, n) maps_touched(p, n)
#define MAP_PREFETCH(p) maps_fetched(p)

struct map_ops;
/* map_encoder for the traced encoders. */
const struct map_ops *maps_traced_encoder(const char *name);

#endif
