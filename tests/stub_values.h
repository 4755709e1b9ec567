/*
 * stub_values.h - for tests of stubs: where System V puts arguments, and the form of values,
 * written a second time, independently of the emitter.
 */
#ifndef STUBMAP_TEST_STUB_VALUES_H
#define STUBMAP_TEST_STUB_VALUES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "stub_probe.h"

enum { MAX_STACK = 16 };

/* ---- System V ----------------------------------------------------------------------------- */

static inline bool is_double_like(enum stub_type type)
{
	return type == STUB_F32 || type == STUB_F64;
}

static inline uint64_t mask_of(enum stub_type type)
{
	return type == STUB_I32 || type == STUB_F32 ? UINT32_MAX : UINT64_MAX;
}

/* Loads words[first..] as arguments behind ctx; the halves that a type
 * leaves open become garbage. */
static inline void arrange_from(stub_signature s, unsigned first, const uint64_t *words, void *ctx,
				struct probe_regs *regs, uint64_t stack[MAX_STACK])
{
	unsigned ni = 1, nf = 0, ns = 0;

	memset(regs, 0xa5, sizeof(*regs));
	regs->ints[0] = (uintptr_t)ctx;
	for (unsigned i = first; i < stub_nparams(s); i++) {
		enum stub_type type = stub_param(s, i);
		uint64_t word = words[i] | (0xdeadbeef00000000u & ~mask_of(type));

		if (is_double_like(type) ? nf < 8 : ni < 6)
			*(is_double_like(type) ? &regs->floats[nf++] : &regs->ints[ni++]) = word;
		else
			stack[ns++] = word;
	}
	regs->stack = stack;
	regs->nstack = ns;
}

static inline void arrange(stub_signature s, const uint64_t *words, void *ctx,
			   struct probe_regs *regs, uint64_t stack[MAX_STACK])
{
	arrange_from(s, 0, words, ctx, regs, stack);
}

/* Words on the stack of the parameters from first on. */
static inline unsigned stack_words(stub_signature s, unsigned first)
{
	const uint64_t none[STUB_MAX_PARAMS] = { 0 };
	uint64_t stack[MAX_STACK];
	struct probe_regs regs;

	arrange_from(s, first, none, NULL, &regs, stack);
	return (unsigned)regs.nstack;
}

/* Whether the crossing's stub has a frame while its target runs. */
static inline bool has_frame(enum stub_kind kind, stub_signature s, unsigned nbound)
{
	return kind == STUB_BIND ? stack_words(s, 0) != stack_words(s, nbound)
				 : kind != STUB_INDIRECT && kind != STUB_CALL_REF;
}

/* ---- Values -------------------------------------------------------------------------------- */

static inline uint64_t tagged(uint64_t tag, uint64_t payload)
{
	return tag << 48 | payload;
}

static inline uint64_t bits_of(double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static inline double double_of(uint64_t bits)
{
	double d;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

static inline float float_of(uint64_t bits)
{
	float f;
	uint32_t low = (uint32_t)bits;
	memcpy(&f, &low, sizeof(f));
	return f;
}

static inline uint64_t bits_of_float(float f)
{
	uint32_t bits;
	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/* The value of a word; i64: its cell must live as long. */
static inline stub_value value_of(enum stub_type type, uint64_t word, int64_t *cell)
{
	switch (type) {
	case STUB_I32:
		return tagged(STUB_VALUE_INT32, word & UINT32_MAX);
	case STUB_I64:
		*cell = (int64_t)word;
		return tagged(STUB_VALUE_BIGINT, (uintptr_t)cell);
	case STUB_F32:
		return float_of(word) == float_of(word) ? bits_of((double)float_of(word))
							: STUB_VALUE_NAN;
	case STUB_F64:
		return double_of(word) == double_of(word) ? word : STUB_VALUE_NAN;
	case STUB_REF:
		return tagged(STUB_VALUE_REF, word);
	default:
		return tagged(STUB_VALUE_UNDEFINED, 0);
	}
}

/* Same value; bigints by what is in their cells. */
static inline void check_value(enum stub_type type, stub_value got, uint64_t word)
{
	int64_t cell;

	if (type != STUB_I64) {
		assert_int_equal(got, value_of(type, word, &cell));
		return;
	}
	assert_int_equal(got >> 48, STUB_VALUE_BIGINT);
	memcpy(&cell, (void *)(uintptr_t)(got << 16 >> 16), sizeof(cell));
	assert_int_equal(cell, (int64_t)word);
}

static inline uint64_t mixed(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t random_word(enum stub_type type, uint64_t *seed)
{
	uint64_t r = mixed(seed);

	switch (type) {
	case STUB_I32:
		return r >> 32;
	case STUB_F32:
		return r % 16 == 0 ? 0x7fc12345 : bits_of_float((float)((int32_t)r / 3.0));
	case STUB_F64:
		return r % 16 == 0 ? 0xfff8dead00000001 : bits_of((double)(int64_t)r / 3.0);
	case STUB_REF:
		return r % 16 == 0 ? 0 : r >> 17;
	default:
		return r;
	}
}

#endif
