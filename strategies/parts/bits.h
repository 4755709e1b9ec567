/*
 * bits.h - strings of bits, the lowest bit of a byte first: appended to a growing string, and read
 * from bytes that nobody vouches for.
 */
#ifndef STUBMAP_BITS_H
#define STUBMAP_BITS_H

#include "bytes.h"

/* Bytes whose last one may be taken in part. Initially {0}. */
struct map_bits {
	struct map_bytes bytes;
	uint64_t n; /* bits */
};

/* Appends the low `width` bits of v, up to 57. 0, -ENOMEM. */
static inline int map_bits_put(struct map_bits *b, uint64_t v, unsigned width)
{
	size_t need = (size_t)((b->n + width + 7) / 8);
	int error = 0;
	if (need > b->bytes.len)
		error = map_bytes_zeros(&b->bytes, need - b->bytes.len, NULL);
	if (error || !width)
		return error;
	uint8_t *p = b->bytes.data + b->n / 8;
	v = (v & (UINT64_MAX >> (64 - width))) << b->n % 8;
	for (uint64_t end = b->n % 8 + width, i = 0; 8 * i < end; i++)
		p[i] |= (uint8_t)(v >> 8 * i);
	b->n += width;
	return 0;
}

/* Appends n bits of p. */
static inline int map_bits_copy(struct map_bits *b, const uint8_t *p, uint64_t n)
{
	int error = 0;
	for (uint64_t i = 0; i < n && !error; i += 8)
		error = map_bits_put(b, p[i / 8], n - i < 8 ? (unsigned)(n - i) : 8);
	return error;
}

/* The next bit is a byte's first. */
static inline void map_bits_align(struct map_bits *b)
{
	b->n = 8 * (uint64_t)b->bytes.len;
}

static inline void map_bits_clear(struct map_bits *b)
{
	b->bytes.len = 0;
	b->n = 0;
}

/* Bits of a value: 0 for 0. */
static inline unsigned map_bits_of(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* `width` bits, up to 57, from bit `at` on; they lie before byte `len`. */
static inline uint64_t map_bits_load(const uint8_t *p, size_t len, uint64_t at, unsigned width)
{
	size_t byte = (size_t)(at / 8), n = ((size_t)(at % 8) + width + 7) / 8;
	uint64_t v = 0;
	if (!width)
		return 0;
	MAP_TOUCH(p + byte, n);
	if (len - byte >= 8) {
		memcpy(&v, p + byte, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v = __builtin_bswap64(v);
#endif
	} else {
		for (size_t i = 0; i < n; i++)
			v |= (uint64_t)p[byte + i] << 8 * i;
	}
	return v >> at % 8 & UINT64_MAX >> (64 - width);
}

/* A reader that stops at the end: what it reads beyond is 0, and `over` tells. */
struct map_bit_reader {
	const uint8_t *p;
	size_t len;
	uint64_t at; /* in bits */
	bool over;
};

static inline uint64_t map_bits_read(struct map_bit_reader *r, unsigned width)
{
	if (r->over || width > 8 * (uint64_t)r->len - r->at) {
		r->over = true;
		return 0;
	}
	uint64_t v = map_bits_load(r->p, r->len, r->at, width);
	r->at += width;
	return v;
}

#endif
