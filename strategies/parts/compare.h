/*
 * compare.h - sixteen bytes compared with one at once, for readers of short lists of bytes: as any
 * x86-64 does it, and for other processors.
 */
#ifndef STUBMAP_COMPARE_H
#define STUBMAP_COMPARE_H

#include "table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A bit for each of the first MAP_COMPARED bytes that equals the key. All of them are read. */
typedef uint32_t map_compare_fn(const uint8_t *p, uint8_t key);
enum { MAP_COMPARED = 16 };

static inline uint32_t map_load8(const uint8_t *p)
{
	MAP_TOUCH(p, 1);
	return *p;
}

/* The same of eight bytes. */
static inline uint32_t map_compare_8(const uint8_t *p, uint8_t key)
{
	const uint64_t ones = 0x0101010101010101u, low = 0x7f * ones;
	uint64_t v = map_load64(p) ^ ones * key;
	/* A byte that is 0 gets its top bit, any other nothing; the product has all these bits in
	 * its upper byte. */
	v = ~(((v & low) + low) | v | low);
	return (uint32_t)((v >> 7) * 0x0102040810204080u >> 56);
}

MAP_INLINE uint32_t map_compare_scalar(const uint8_t *p, uint8_t key)
{
	return map_compare_8(p, key) | map_compare_8(p + 8, key) << 8;
}

#if defined(__x86_64__)
MAP_INLINE uint32_t map_compare_sse2(const uint8_t *p, uint8_t key)
{
	MAP_TOUCH(p, 16);
	__m128i v = _mm_loadu_si128((const void *)p);
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)key)));
}
#define MAP_COMPARE map_compare_sse2

/* Of a function for processors that have both. */
#define MAP_AVX2 __attribute__((target("avx2,bmi,bmi2")))
static inline bool map_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}
#else
#define MAP_COMPARE map_compare_scalar
#define MAP_AVX2
static inline bool map_has_avx2(void)
{
	return false;
}
#endif

/* A format's readers for different processors, one by one, for its test. */
struct map_reader {
	const char *name;
	bool (*runs_here)(void);
	enum map_answer (*lookup)(const uint8_t *map, size_t len, uint32_t pc, struct map_live *);
};
static inline bool map_runs_everywhere(void)
{
	return true;
}

#endif
