/*
 * env.h - the host's small functions that wasm programs import from module "env", in plain C: the
 * harness boxes and unboxes their values, a native twin calls them directly.
 */
#ifndef STUBMAP_WASM_ENV_H
#define STUBMAP_WASM_ENV_H

#include <stdint.h>

/*  name   signature, result, parameters */
#define WASM_ENV(X)                                                                 \
	X(add, "ii>i", uint32_t, (uint32_t a, uint32_t b))                          \
	X(exclusive, "ii>i", uint32_t, (uint32_t a, uint32_t b))                    \
	X(rotate, "ii>i", uint32_t, (uint32_t a, uint32_t b))                       \
	X(scale, "dd>d", double, (double a, double b))                              \
	X(blend, "ddd>d", double, (double a, double b, double t))                   \
	X(half, "f>f", float, (float a))                                            \
	X(wide, "l>l", uint64_t, (uint64_t a))                                      \
	X(pack, "ii>l", uint64_t, (uint32_t low, uint32_t high))                    \
	X(low, "l>i", uint32_t, (uint64_t a))                                       \
	X(six, "iiiiii>i", uint32_t,                                                \
	  (uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)) \
	X(mixed, "idlf>d", double, (uint32_t a, double b, uint64_t c, float d))     \
	X(tick, ">i", uint32_t, (void))

static inline uint32_t env_add(uint32_t a, uint32_t b)
{
	return a + b;
}
static inline uint32_t env_exclusive(uint32_t a, uint32_t b)
{
	return a ^ b;
}
static inline uint32_t env_rotate(uint32_t a, uint32_t b)
{
	return a << (b & 31) | a >> (-b & 31);
}
static inline double env_scale(double a, double b)
{
	return a * b;
}
static inline double env_blend(double a, double b, double t)
{
	return a + (b - a) * t;
}
static inline float env_half(float a)
{
	return a * 0.5f;
}
static inline uint64_t env_wide(uint64_t a)
{
	return a * 0x9e3779b97f4a7c15u;
}
static inline uint64_t env_pack(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}
static inline uint32_t env_low(uint64_t a)
{
	return (uint32_t)(a >> 7);
}
static inline uint32_t env_six(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
			       uint32_t f)
{
	return a + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f;
}
static inline double env_mixed(uint32_t a, double b, uint64_t c, float d)
{
	return (double)a + b + (double)(c & 0xffff) + (double)d;
}
static inline uint32_t env_tick(void)
{
	return 40503;
}

#endif
