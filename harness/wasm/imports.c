/*
 * imports.c - the host's functions, as a dynamic language would see them: they take boxed values
 * and box their result. Two modules: "wasi_snapshot_preview1" (wasi.c) and "env" (small functions
 * of workloads/wasm/env.h, and fail, which always does).
 *
 * Each import needs a function of its own, since nothing else tells a target which import was
 * called; the functions here are one line each, made from the tables.
 */
#include <stdio.h>
#include <string.h>

#include "workloads/wasm/env.h"
#include "wasm/wasi.h"
#include "wasm/internal.h"

enum { MAX_ARGS = 9 };

/* ---- Boxes ----------------------------------------------------------------------------------- */

static int unbox_all(void *context, const char *letters, const stub_value *argv, size_t argc,
		     uint64_t *out)
{
	static const char types[] = STUB_TYPE_LETTERS;

	for (size_t i = 0; letters[i] != '>'; i++) {
		enum stub_type type = (enum stub_type)(strchr(types, letters[i]) - types);

		if (i >= argc || host_runtime.unbox(context, type, argv[i], &out[i]))
			return -1;
	}
	return 0;
}

static stub_value box_i32(uint32_t v)
{
	return (stub_value)STUB_VALUE_INT32 << 48 | v;
}

static stub_value box_number(double d)
{
	stub_value v;

	memcpy(&v, &d, sizeof v);
	return d != d ? STUB_VALUE_NAN : v;
}

static double as_double(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof d);
	return d;
}

static float as_float(uint64_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

/* ---- env ------------------------------------------------------------------------------------- */

#define I(k)	((uint32_t)a[k])
#define L(k)	(a[k])
#define D(k)	as_double(a[k])
#define F(k)	as_float(a[k])
#define WIDE(v) host_runtime.box_i64(context, (int64_t)(v))

#define ENV(name, letters, boxed)                                            \
	static int host_##name(void *context, stub_value *argv, size_t argc) \
	{                                                                    \
		uint64_t a[MAX_ARGS] = { 0 };                                \
                                                                             \
		if (unbox_all(context, letters, argv, argc, a))              \
			return -1;                                           \
		argv[0] = boxed;                                             \
		return 0;                                                    \
	}

ENV(add, "ii>i", box_i32(env_add(I(0), I(1))))
ENV(exclusive, "ii>i", box_i32(env_exclusive(I(0), I(1))))
ENV(rotate, "ii>i", box_i32(env_rotate(I(0), I(1))))
ENV(scale, "dd>d", box_number(env_scale(D(0), D(1))))
ENV(blend, "ddd>d", box_number(env_blend(D(0), D(1), D(2))))
ENV(half, "f>f", box_number((double)env_half(F(0))))
ENV(wide, "l>l", WIDE(env_wide(L(0))))
ENV(pack, "ii>l", WIDE(env_pack(I(0), I(1))))
ENV(low, "l>i", box_i32(env_low(L(0))))
ENV(six, "iiiiii>i", box_i32(env_six(I(0), I(1), I(2), I(3), I(4), I(5))))
ENV(mixed, "idlf>d", box_number(env_mixed(I(0), D(1), L(2), F(3))))
ENV(tick, ">i", box_i32(env_tick()))

static int host_fail(void *context, stub_value *argv, size_t argc)
{
	struct wasm_instance *in = wasm_instance_of(context);

	(void)argv;
	(void)argc;
	strcpy(in->failed, "import env.fail failed");
	return -1;
}

/* ---- WASI ------------------------------------------------------------------------------------ */

static int call_wasi(unsigned row, void *context, stub_value *argv, size_t argc)
{
	const struct wasi_function *f = &wasi_functions[row];
	struct wasm_instance *in = wasm_instance_of(context);
	struct wasi_call c = { .wasi = in->wasi };

	if (in->memory) {
		c.memory = in->memory->data;
		c.size = in->memory->size;
	}
	if (!in->wasi || unbox_all(context, f->signature, argv, argc, c.a)) {
		memcpy(in->failed, "import of WASI failed", 22);
		return -1;
	}
	if (!f->call)
		wasm_exit(in->thread, (uint32_t)c.a[0]);
	argv[0] = box_i32(f->call(&c));
	return 0;
}

/* One function a row of wasi_functions. */
#define FOUR(X, t, a, b, c, d) X(t##a) X(t##b) X(t##c) X(t##d)
#define TEN(X, t)	       FOUR(X, t, 0, 1, 2, 3) FOUR(X, t, 4, 5, 6, 7) X(t##8) X(t##9)
#define ROWS(X)		       TEN(X, ) TEN(X, 1) TEN(X, 2) TEN(X, 3)
#define WASI(n)                                                           \
	static int wasi_##n(void *context, stub_value *argv, size_t argc) \
	{                                                                 \
		return call_wasi(n, context, argv, argc);                 \
	}
ROWS(WASI)

typedef int host_function(void *context, stub_value *argv, size_t argc);

static host_function *const wasi_hosts[] = {
#define ROW(n) wasi_##n,
	ROWS(ROW)
};

/* ---- By name --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *signature;
	host_function *call;
} envs[] = {
#define ENTRY(name, signature, result, parameters) { #name, signature, host_##name },
	WASM_ENV(ENTRY){ "fail", "i>i", host_fail },
};

const void *wasm_host_function(const char *module, const char *name, const char **signature)
{
	host_function *found = NULL;
	const void *p;

	if (!strcmp(module, "env"))
		for (size_t i = 0; i < sizeof envs / sizeof *envs && !found; i++)
			if (!strcmp(envs[i].name, name)) {
				*signature = envs[i].signature;
				found = envs[i].call;
			}
	if (!strcmp(module, "wasi_snapshot_preview1"))
		for (size_t i = 0; wasi_functions[i].name && !found; i++)
			if (i < sizeof wasi_hosts / sizeof *wasi_hosts &&
			    !strcmp(wasi_functions[i].name, name)) {
				*signature = wasi_functions[i].signature;
				found = wasi_hosts[i];
			}
	memcpy(&p, &found, sizeof p);
	return p;
}

/* ---- What stubs call on slow paths ----------------------------------------------------------- */

static int convert(void *context, stub_signature s, const stub_value *argv, size_t argc,
		   uint64_t *out)
{
	return host_runtime.convert(context, s, argv, argc, out);
}

static stub_value box_i64(void *context, int64_t v)
{
	return host_runtime.box_i64(context, v);
}

static int unbox(void *context, enum stub_type type, stub_value v, uint64_t *out)
{
	return host_runtime.unbox(context, type, v, out);
}

/* Ends the run: no program should go on with the zero that a stub would return. The stub's frame is
 * the caller's of this function: its return address tells which code called the stub. */
static void raise_(void *context)
{
	struct wasm_instance *in = wasm_instance_of(context);
	void *const *stub = *(void *const *const *)__builtin_frame_address(0);

	in->thread->host.raised++;
	wasm_stop(in, stub[1],
		  in->failed[0] ? in->failed
				: "a call for which no stub could be made, or a host "
				  "function's result of a wrong type");
}

/* The owner's instance may be gone: it must not be read. */
static void released(const struct stub_owner *owner)
{
	char what[80];

	snprintf(what, sizeof what, "a call of the released stub at %p", owner->code);
	wasm_stop(NULL, NULL, what);
}

const struct stub_runtime wasm_stub_runtime = {
	.convert = convert,
	.box_i64 = box_i64,
	.unbox = unbox,
	.raise = raise_,
	.released = released,
};
