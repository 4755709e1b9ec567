/*
 * host.c - conversions as the dynamic language defines them (ToInt32, ToNumber, BigInt as i64) for
 * the types that this host has: numbers, bigints, references and undefined.
 */
#include <math.h>
#include <string.h>

#include "jit/host.h"

static double as_double(stub_value v)
{
	double d;

	memcpy(&d, &v, sizeof d);
	return d;
}

/* 0, or -1: v can't become a number (a bigint, a reference). */
static int to_number(stub_value v, double *out)
{
	unsigned tag = v >> 48;

	if (tag < STUB_VALUE_INT32)
		*out = as_double(v);
	else if (tag == STUB_VALUE_INT32)
		*out = (int32_t)v;
	else if (tag == STUB_VALUE_UNDEFINED)
		*out = NAN;
	else
		return -1;
	return 0;
}

/* d modulo 2^32, as ToInt32 defines it; NaN and infinities become 0. */
static uint32_t to_int32(double d)
{
	if (!isfinite(d))
		return 0;
	d = fmod(trunc(d), 4294967296.0);
	return (uint32_t)(int64_t)d;
}

static int convert_one(enum stub_type type, stub_value v, uint64_t *out)
{
	double d;
	float f;

	switch (type) {
	case STUB_I32:
		if (to_number(v, &d))
			return -1;
		*out = to_int32(d);
		return 0;
	case STUB_F32:
		if (to_number(v, &d))
			return -1;
		f = (float)d;
		*out = 0;
		memcpy(out, &f, sizeof f);
		return 0;
	case STUB_F64:
		if (to_number(v, &d))
			return -1;
		memcpy(out, &d, sizeof d);
		return 0;
	case STUB_I64:
		if (v >> 48 != STUB_VALUE_BIGINT)
			return -1;
		memcpy(out, (const void *)(uintptr_t)(v << 16 >> 16), sizeof *out);
		return 0;
	case STUB_REF:
		if (v >> 48 == STUB_VALUE_UNDEFINED)
			*out = 0;
		else if (v >> 48 == STUB_VALUE_REF)
			*out = v << 16 >> 16;
		else
			return -1;
		return 0;
	default:
		*out = 0;
		return 0;
	}
}

static struct host *host_of(void *context)
{
	return ((struct host_instance *)context)->host;
}

static int host_convert(void *context, stub_signature s, const stub_value *argv, size_t argc,
			uint64_t *out)
{
	const stub_value undefined = (stub_value)STUB_VALUE_UNDEFINED << 48;

	host_of(context)->conversions++;
	for (unsigned i = 0; i < stub_nparams(s); i++)
		if (convert_one(stub_param(s, i), i < argc ? argv[i] : undefined, &out[i]))
			return -1;
	return 0;
}

static stub_value host_box_i64(void *context, int64_t v)
{
	struct host *h = host_of(context);
	int64_t *cell = &h->bigints[h->next_bigint++ % HOST_BIGINTS];

	*cell = v;
	return (stub_value)STUB_VALUE_BIGINT << 48 | (uintptr_t)cell;
}

static int host_unbox(void *context, enum stub_type type, stub_value v, uint64_t *out)
{
	host_of(context)->conversions++;
	return convert_one(type, v, out);
}

static void host_raise(void *context)
{
	host_of(context)->raised++;
}

static void host_released(const struct stub_owner *owner)
{
	host_of(owner->context)->released++;
}

const struct stub_runtime host_runtime = {
	.convert = host_convert,
	.box_i64 = host_box_i64,
	.unbox = host_unbox,
	.raise = host_raise,
	.released = host_released,
};
