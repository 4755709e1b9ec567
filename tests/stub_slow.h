/*
 * stub_slow.h - crossings that leave the straight path of entry_js and exit_js: conversions by the
 * runtime, and errors.
 */
#ifndef STUBMAP_TEST_STUB_SLOW_H
#define STUBMAP_TEST_STUB_SLOW_H

#include "stub_set_up.h"

/* Calls with argv; want: the probe was reached with words[], and how often convert ran. */
static inline void js_call(struct set_up *t, struct stub_callee *c, const stub_value *argv,
			   size_t argc, unsigned converted)
{
	struct world *w = &t->w;

	check_value(stub_result(w->signature), call_js(w, c, argv, argc), w->result);
	assert_int_equal(w->hits, 1);
	assert_int_equal(w->converted, converted);
}

static inline void wrong_types_are_converted(struct set_up *t, struct stub_callee *c,
					     stub_signature s, void *context)
{
	unsigned n = stub_nparams(s);
	stub_value argv[STUB_MAX_PARAMS + 1];
	int64_t cells[STUB_MAX_PARAMS];
	/* Each is wrong for every type; the third is an int32 but for a bit that must be zero. */
	const stub_value wrong[] = { tagged(STUB_VALUE_UNDEFINED, 0), tagged(STUB_VALUE_ERROR, 5),
				     tagged(STUB_VALUE_INT32, 0x100000001), UINT64_MAX };

	for (unsigned bad = 0; bad < n; bad++) {
		expect(&t->w, STUB_ENTRY_JS, s, context, &t->seed);
		for (unsigned i = 0; i < n; i++)
			argv[i] = value_of(stub_param(s, i), t->w.words[i], &cells[i]);
		argv[bad] = wrong[mixed(&t->seed) % 4];
		js_call(t, c, argv, n, 1);
		stub_value before[STUB_MAX_PARAMS];
		memcpy(before, argv, sizeof(before));
		expect(&t->w, STUB_ENTRY_JS, s, context, &t->seed);
		t->w.convert_error = 1;
		assert_int_equal(call_js(&t->w, c, argv, n), tagged(STUB_VALUE_ERROR, 0));
		assert_int_equal(t->w.hits, 0);
		assert_memory_equal(before, argv, n * sizeof(*argv));
	}
	/* Too few arguments, none, and one too many. */
	expect(&t->w, STUB_ENTRY_JS, s, context, &t->seed);
	js_call(t, c, argv, n - 1, 1);
	expect(&t->w, STUB_ENTRY_JS, s, context, &t->seed);
	js_call(t, c, NULL, 0, 1);
	expect(&t->w, STUB_ENTRY_JS, s, context, &t->seed);
	for (unsigned i = 0; i < n; i++) {
		argv[i] = value_of(stub_param(s, i), t->w.words[i], &cells[i]);
		if (argv[i] == STUB_VALUE_NAN)
			t->w.words[i] = stub_param(s, i) == STUB_F64 ? STUB_VALUE_NAN : 0x7fc00000;
	}
	argv[n] = UINT64_MAX;
	js_call(t, c, argv, n + 1, 0);
}

/* Doubles that come as int32, floats that must be rounded, and NaNs on the way out. */
static inline void numbers_are_converted(struct set_up *t, struct stub_callee *c, stub_signature s,
					 void *context)
{
	static const int32_t ints[] = { 0, 1, -1, 16777217, INT32_MIN, INT32_MAX };
	unsigned n = stub_nparams(s);
	stub_value argv[STUB_MAX_PARAMS];
	int64_t cells[STUB_MAX_PARAMS];

	for (unsigned round = 0; round < 8; round++) {
		expect(&t->w, STUB_ENTRY_JS, s, context, &t->seed);
		for (unsigned i = 0; i < n; i++) {
			enum stub_type type = stub_param(s, i);
			int32_t v = ints[(round + i) % 6];
			double d = (double)v + (round < 4 ? 0 : 1e-9);

			argv[i] = value_of(type, t->w.words[i], &cells[i]);
			if (!is_double_like(type))
				continue;
			argv[i] = round < 4 ? tagged(STUB_VALUE_INT32, (uint32_t)v) : bits_of(d);
			t->w.words[i] = type == STUB_F64 ? bits_of(d) : bits_of_float((float)d);
		}
		if (is_double_like(stub_result(s)) && round % 2)
			t->w.result = stub_result(s) == STUB_F64 ? 0xfff0000000000001 : 0xff800001;
		js_call(t, c, argv, n, 0);
	}
}

static inline void host_errors_are_raised(struct set_up *t, struct stub_callee *c, stub_signature s,
					  void *context)
{
	enum stub_type type = stub_result(s);
	struct world *w = &t->w;

	expect(w, STUB_EXIT_JS, s, context, &t->seed);
	w->host_error = 1;
	assert_int_equal(call_raw(w, c), 0);
	assert_int_equal(w->hits, 1);
	assert_int_equal(w->raised, 1);
	for (int error = 0; type != STUB_VOID && error < 2; error++) {
		expect(w, STUB_EXIT_JS, s, context, &t->seed);
		w->host_result = tagged(STUB_VALUE_UNDEFINED, 0);
		w->unbox_error = error;
		assert_int_equal(call_raw(w, c), error ? 0 : w->result & mask_of(type));
		assert_int_equal(w->unboxed, 1);
		assert_int_equal(w->raised, error);
	}
}

#endif
