/*
 * jit_helpers.h - what the tests of the compiler and of the loader share: a hook with a small world
 * of symbols, short forms of compile, load and call, and a program with its answer in C.
 */
#ifndef STUBMAP_JIT_HELPERS_H
#define STUBMAP_JIT_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/jit.h"

/* ---- Helpers --------------------------------------------------------------------------------- */

static inline struct jit_object compiled(const char *text, const struct jit_options *options)
{
	struct jit_object object;
	char error[JIT_ERROR];

	if (jit_compile("test", text, strlen(text), options, &object, error) != 0)
		fail_msg("%s", error);
	return object;
}

static inline struct code_memory *opened(void)
{
	const struct code_config config = { .wx = CODE_TOGGLE, .quantum = 4096 };
	struct code_memory *code;

	assert_int_equal(code_open(&code, &config), 0);
	return code;
}

/* What the hook knows, and how often it was asked. */
struct world {
	struct {
		const char *name;
		const void *at;
	} symbols[4];
	int calls, data;
};

static inline const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	struct world *w = arg;

	if (use == LOAD_CALL)
		w->calls++;
	else
		w->data++;
	for (size_t i = 0; i < sizeof(w->symbols) / sizeof(w->symbols[0]); i++)
		if (w->symbols[i].name && strcmp(w->symbols[i].name, symbol) == 0)
			return w->symbols[i].at;
	return NULL;
}

static inline int load(struct code_memory *code, const struct jit_object *object,
		       struct world *world, struct loaded *out, char error[JIT_ERROR])
{
	const struct load_hooks hooks = { .resolve = resolve, .arg = world, .text_offset = 48 };

	return jit_load(code, object, &hooks, out, error);
}

static inline uint64_t call(const struct loaded *m, const char *name, uint64_t arg)
{
	const void *at = loaded_address(m, name);
	uint64_t (*f)(uint64_t);

	assert_non_null(at);
	memcpy(&f, &at, sizeof(f));
	return f(arg);
}

static inline void assert_one_line(const char *error, const char *holds)
{
	assert_null(strchr(error, '\n'));
	if (!strstr(error, holds))
		fail_msg("'%s' does not name '%s'", error, holds);
}

static const char program[] =
    "@table = internal constant [4 x i64] [i64 3, i64 1, i64 4, i64 1]\n"
    "@count = global i64 5\n"
    "@zero = internal global [100 x i64] zeroinitializer, align 64\n"
    "@functions = internal constant [2 x ptr] [ptr @square, ptr @half]\n"
    "define internal i64 @square(i64 %x) { %r = mul i64 %x, %x\n ret i64 %r }\n"
    "define internal i64 @half(i64 %x) { %d = uitofp i64 %x to double\n"
    " %h = fmul double %d, 5.000000e-01\n %r = fptoui double %h to i64\n ret i64 %r }\n"
    "define i64 @run(i64 %n) {\n"
    "entry: %i = alloca i64\n %s = alloca i64\n store i64 0, ptr %i\n store i64 0, ptr %s\n"
    " br label %loop\n"
    "loop: %v = load i64, ptr %i\n %m = and i64 %v, 3\n"
    " %p = getelementptr i64, ptr @table, i64 %m\n %t = load i64, ptr %p\n"
    " %b = and i64 %v, 1\n %fp = getelementptr ptr, ptr @functions, i64 %b\n"
    " %f = load ptr, ptr %fp\n %y = call i64 %f(i64 %v)\n %w = mul i64 %y, %t\n"
    " %o = load i64, ptr %s\n %q = add i64 %o, %w\n store i64 %q, ptr %s\n"
    " %c = load i64, ptr @count\n %c1 = add i64 %c, 1\n store i64 %c1, ptr @count\n"
    " %v1 = add i64 %v, 1\n store i64 %v1, ptr %i\n %more = icmp ult i64 %v1, %n\n"
    " br i1 %more, label %loop, label %end\n"
    "end: %last = load i64, ptr %s\n %zp = getelementptr i64, ptr @zero, i64 %n\n"
    " %z = load i64, ptr %zp\n store i64 %last, ptr %zp\n"
    " %cc = load i64, ptr @count\n %a = add i64 %last, %z\n %r = add i64 %a, %cc\n"
    " ret i64 %r }\n";

static inline uint64_t program_in_c(uint64_t n)
{
	static const uint64_t table[4] = { 3, 1, 4, 1 };
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += table[i & 3] * (i & 1 ? i / 2 : i * i);
	return sum + 5 + n;
}

#endif
