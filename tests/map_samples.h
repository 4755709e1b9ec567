/*
 * map_samples.h - made safepoints for the tests of stack maps, and tables in memory of exactly
 * their size, so that the address sanitizer sees any step outside.
 */
#ifndef STUBMAP_MAP_SAMPLES_H
#define STUBMAP_MAP_SAMPLES_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/map.h>

#include "base/prng.h"

/* nlive and live of a struct safepoint. */
#define PLACES(...)                                                                \
	sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), (const uint32_t[]) \
	{                                                                          \
		__VA_ARGS__                                                        \
	}

struct sample {
	const char *name;
	struct safepoint *points;
	size_t n;
	uint32_t text_bytes;
	struct map_function *functions; /* each safepoint is in one */
	size_t nfunctions;
};

struct shape {
	const char *name;
	size_t n;
	uint32_t first, delta; /* pcs: the first, and steps of 1..delta */
	uint32_t slots, maps;  /* greatest frame; distinct maps to draw from */
	unsigned empty, again; /* of 100: empty; as the one before */
	unsigned registers;    /* of 100: each register of a map is live; 0: none is */
};

static inline uint32_t *make_places(struct prng *r, uint32_t slots, unsigned registers, uint32_t *n)
{
	uint32_t *places = calloc(slots + 32, sizeof *places);
	uint32_t dense = 1 + prng_below(r, 100);
	*n = 0;
	for (uint32_t i = 0; i < slots; i++)
		if (prng_below(r, 100) < dense)
			places[(*n)++] = i;
	if (!*n)
		places[(*n)++] = slots - 1;
	for (uint32_t i = 0; registers && i < 32; i++)
		if (prng_below(r, 100) < registers)
			places[(*n)++] = MAP_REGISTER + i;
	return places;
}

static inline uint32_t sample_below(struct prng *r, uint32_t n, uint32_t most)
{
	return prng_below(r, (n < most ? n : most) + 1);
}

/* Functions of up to 40 safepoints, with gaps between some, and some that have none. */
static inline void make_functions(struct sample *s, uint64_t seed)
{
	struct prng r;
	uint32_t end = 0;
	prng_seed(&r, seed);
	s->functions = calloc(2 * s->n + 1, sizeof *s->functions);
	for (size_t i = 0, next; i < s->n; i = next) {
		uint32_t pc = s->points[i].pc, start = 0;
		next = i + 1 + prng_below(&r, 40);
		next = next < s->n ? next : s->n;
		if (pc)
			start = pc - 1 - sample_below(&r, pc - 1 - end, 100);
		if (start > end + 8 && prng_below(&r, 4))
			s->functions[s->nfunctions++] = (struct map_function){ end + 3, start };
		uint32_t last = s->points[next - 1].pc;
		uint32_t room = (next < s->n ? s->points[next].pc - 1 : UINT32_MAX) - last;
		end = last + sample_below(&r, room, 100);
		s->functions[s->nfunctions++] = (struct map_function){ start, end };
	}
}

static inline struct sample make(const struct shape *shape, uint64_t seed)
{
	struct prng r;
	prng_seed(&r, seed);
	struct safepoint *maps = calloc(shape->maps, sizeof *maps);
	for (uint32_t i = 0; i < shape->maps; i++) {
		uint32_t slots = i ? 1 + prng_below(&r, shape->slots) : shape->slots;
		maps[i].frame_size = 4 * slots;
		maps[i].live = make_places(&r, slots, shape->registers, &maps[i].nlive);
	}
	/* The places are reached through the points only; release() frees through maps. */
	struct sample s = { .name = shape->name,
			    .points = calloc(shape->n + shape->maps, sizeof *s.points),
			    .n = shape->n };
	uint32_t pc = shape->first;
	for (size_t i = 0; i < s.n; i++) {
		struct safepoint *p = &s.points[i];
		*p = maps[prng_below(&r, shape->maps)];
		if (i && prng_below(&r, 100) < shape->again)
			*p = p[-1];
		else if (prng_below(&r, 100) < shape->empty)
			p->nlive = 0;
		p->pc = pc;
		s.text_bytes = pc;
		pc += 1 + prng_below(&r, shape->delta);
	}
	memcpy(s.points + s.n, maps, shape->maps * sizeof *maps);
	free(maps);
	make_functions(&s, seed + 1);
	return s;
}

static inline void release(struct sample *s, const struct shape *shape)
{
	for (uint32_t i = 0; i < shape->maps; i++)
		free((void *)s->points[s->n + i].live);
	free(s->points);
	free(s->functions);
}

/* Exactly as large as it is, so that nothing behind it may be read. */
static inline struct map_bytes exactly(struct map_bytes table)
{
	uint8_t *exact = malloc(table.len);
	if (table.len)
		memcpy(exact, table.data, table.len);
	free(table.data);
	return (struct map_bytes){ exact, table.len, table.len };
}

/* The table as it is in a file. */
static inline struct map_bytes encode_file(const struct map_ops *ops,
					   const struct safepoint *points, size_t n,
					   const struct map_function *functions, size_t nfunctions)
{
	struct map_bytes table = { 0 };
	if (map_encode_functions(ops, points, n, functions, nfunctions, &table, NULL))
		abort();
	return exactly(table);
}

/* A table ready for lookups. */
static inline struct map_bytes encode_functions(const struct map_ops *ops,
						const struct safepoint *points, size_t n,
						const struct map_function *functions,
						size_t nfunctions)
{
	struct map_bytes table = encode_file(ops, points, n, functions, nfunctions);
	if (map_load(ops, &table))
		abort();
	return exactly(table);
}

static inline struct map_bytes encode(const struct map_ops *ops, const struct safepoint *points,
				      size_t n)
{
	return encode_functions(ops, points, n, NULL, 0);
}

/* Whether an encoder can hold a shape's maps, the largest frame among them. */
static inline bool fits(const struct map_ops *ops, const struct shape *shape)
{
	const uint32_t last = shape->slots - 1;
	const struct safepoint largest = { 0, 4 * shape->slots, 1, &last };
	struct map_bytes table = { 0 };
	int error = map_encode(ops, &largest, 1, &table, NULL);

	free(table.data);
	if (error && (error != -EFBIG || !ops->limits || shape->slots < 10000))
		abort();
	return !error && (!shape->registers || ops->flags & MAP_REGISTERS);
}

/* Scratch for n lookups, exactly as large as it must be; valid until the next call. */
static inline uint8_t *scratch_for(const struct map_ops *ops, const struct map_bytes *table,
				   size_t n)
{
	static uint8_t *scratch;
	static size_t last;
	static unsigned calls;
	const size_t size = ops->scratch ? n * ops->scratch(table->data, table->len) : 0;

	/* Fresh now and then: so a pointer into an older answer is found. */
	if (size != last || ++calls % 16 == 0) {
		free(scratch);
		scratch = size ? malloc(size) : NULL;
		last = size;
	}
	if (scratch) /* the next lookup must not use the bytes of the last one */
		memset(scratch, 0xbe, size < 256 ? size : 256);
	return scratch;
}

/* The map found is valid until the next call. */
static inline enum map_answer look(const struct map_ops *ops, const struct map_bytes *table,
				   uint32_t pc, struct map_live *live)
{
	return ops->lookup(table->data, table->len, pc, scratch_for(ops, table, 1), live);
}

#endif
