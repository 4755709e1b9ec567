/*
 * bytes.h - byte strings of the encoders: little-endian words and ULEB128 numbers, appended to a
 * growing string or read from bytes that nobody vouches for.
 */
#ifndef STUBMAP_BYTES_H
#define STUBMAP_BYTES_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Room for n more bytes. 0, -ENOMEM. */
static inline int map_bytes_reserve(struct map_bytes *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	if (n > SIZE_MAX / 2 - b->len)
		return -ENOMEM;
	while (cap < b->len + n)
		cap *= 2;
	if (cap == b->cap)
		return 0;
	uint8_t *data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

static inline int map_bytes_put(struct map_bytes *b, const void *p, size_t n)
{
	int error = map_bytes_reserve(b, n);
	if (!error && n) {
		memcpy(b->data + b->len, p, n);
		b->len += n;
	}
	return error;
}

/* Appends n bytes of 0, and sets *at (may be NULL) to where they begin. */
static inline int map_bytes_zeros(struct map_bytes *b, size_t n, size_t *at)
{
	int error = map_bytes_reserve(b, n);
	if (error)
		return error;
	if (at)
		*at = b->len;
	if (n)
		memset(b->data + b->len, 0, n);
	b->len += n;
	return 0;
}

/* Appends the low `bytes` bytes of v, lowest first. */
static inline int map_bytes_put_low(struct map_bytes *b, uint64_t v, unsigned bytes)
{
	uint8_t p[8];
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	return map_bytes_put(b, p, bytes);
}

static inline int map_bytes_put32(struct map_bytes *b, uint32_t v)
{
	return map_bytes_put_low(b, v, 4);
}

static inline int map_bytes_put_uleb(struct map_bytes *b, uint64_t v)
{
	uint8_t p[10];
	unsigned n = 0;
	for (; v >= 128; v >>= 7)
		p[n++] = (uint8_t)(v | 128);
	p[n++] = (uint8_t)v;
	return map_bytes_put(b, p, n);
}

/* Signed numbers with the sign in bit 0, so that small ones of either sign are short. */
static inline uint64_t map_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t map_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Reads a number of up to 35 bits at *p, which stays before `end`; *p is then behind it. false: it
 * is longer, or cut off. Most are a single byte. */
static inline bool map_read_uleb(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	const uint8_t *at = *p;
	*v = 0;
	for (unsigned shift = 0; shift < 35 && at < end; shift += 7) {
		MAP_TOUCH(at, 1);
		uint64_t byte = *at++;
		*v |= (byte & 127) << shift;
		if (__builtin_expect(byte < 128, 1)) {
			*p = at;
			return true;
		}
	}
	return false;
}

/* The number of n bytes at p, 0 to 4 of them. */
static inline uint32_t map_load_low(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;
	if (n)
		MAP_TOUCH(p, n);
	for (unsigned i = 0; i < n; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

#endif
