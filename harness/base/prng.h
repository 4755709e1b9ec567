/*
 * prng.h - the two random generators, so that a seed in a file is enough to repeat a
 * run: splitmix64 (Steele, Lea, Flood 2014) to spread a seed, xoshiro256** (Blackman,
 * Vigna 2018) for the rest. (Two loops that are measured draw by one word of xorshift
 * instead: meters/loops.c, calls/tierup.c.)
 */
#ifndef STUBMAP_BASE_PRNG_H
#define STUBMAP_BASE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t s[4];
};

/* splitmix64's output for state x: a good 64-bit hash. */
static inline uint64_t prng_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline void prng_seed(struct prng *p, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		p->s[i] = prng_mix(seed + (uint64_t)i * 0x9e3779b97f4a7c15u);
}

static inline uint64_t prng_rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static inline uint64_t prng_next(struct prng *p)
{
	uint64_t *s = p->s, result = prng_rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = prng_rotl(s[3], 45);
	return result;
}

/* 0..n-1, n > 0. The bias is below n / 2^32. */
static inline uint32_t prng_below(struct prng *p, uint32_t n)
{
	return (uint32_t)((prng_next(p) >> 32) * n >> 32);
}

/* 0 <= x < 1 */
static inline double prng_unit(struct prng *p)
{
	return (double)(prng_next(p) >> 11) * 0x1p-53;
}

#endif
