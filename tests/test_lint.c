/*
 * test_lint.c - the patterns that the lint refuses, with the words that tell where and what to
 * write instead, and the patterns that it lets pass. The IR is what clang makes of the C in the
 * comments at -O0, shortened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gc/lint.h"

#define R "ptr addrspace(1)"
/* Functions of the outside, and a field's address. */
#define PREFIX                        \
	"declare " R " @alloc(ptr)\n" \
	"declare void @use(" R ")\n"  \
	"declare void @usep(ptr)\n"   \
	"%three = type { " R ", " R ", " R " }\n"
#define FIELD "%p = getelementptr i8, " R " %n, i64 16\n"

struct sample {
	const char *ir;
	const char *says; /* part of the message; NULL: passes */
};

static void check(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char source[4096], error[LINT_ERROR];

		snprintf(source, sizeof source, "%s%s", PREFIX, samples[i].ir);
		int r = lint_module("sample", source, strlen(source), error);
		if (!samples[i].says && r)
			fail_msg("refused: %s\n%s", error, samples[i].ir);
		if (!samples[i].says)
			continue;
		if (!r || !strstr(error, samples[i].says) || strchr(error, '\n'))
			fail_msg("'%s' does not say '%s'\n%s", error, samples[i].says,
				 samples[i].ir);
	}
}

#define CHECK(samples) check(samples, sizeof(samples) / sizeof *(samples))

static void test_inside(void **unused)
{
	static const struct sample samples[] = {
		/* use(&n->v); */
		{ "define void @f(" R " %n) {\n" FIELD "call void @use(" R " %p)\nret void }",
		  "f: a pointer into an object is passed: pass the object's reference" },
		/* use(x ? &n->v : n); */
		{ "define void @f(" R " %n, i1 %x) {\n" FIELD "%q = select i1 %x, " R " %p, " R
		  " %n\ncall void @use(" R " %q)\nret void }",
		  "f: a pointer into an object is passed" },
		/* for (p = n; ...; p++) ; use(p); */
		{ "define void @f(" R " %n, i1 %x) {\nentry: br label %loop\nloop:\n%p = phi " R
		  " [%n, %entry], [%q, %loop]\n%q = getelementptr i64, " R
		  " %p, i64 1\nbr i1 %x, label %loop, label %end\nend: call void @use(" R
		  " %p)\nret void }",
		  "f: a pointer into an object is passed" },
		/* return &n->w[i]; */
		{ "define " R " @g(" R " %n, i64 %i) {\n%p = getelementptr i64, " R
		  " %n, i64 %i\nret " R " %p }",
		  "g: a pointer into an object is returned: return the object's reference" },
		/* return (struct two){ n, &n->v }; */
		{ "define {" R ", " R "} @g(" R " %n) {\n" FIELD "%a = insertvalue {" R ", " R
		  "} poison, " R " %n, 0\n%b = insertvalue {" R ", " R "} %a, " R " %p, 1\nret {" R
		  ", " R "} %b }",
		  "g: a pointer into an object is returned" },
		/* o->p = &n->v; */
		{ "define void @f(" R " %n, " R " %o) {\n" FIELD "store " R " %p, " R
		  " %o\nret void }",
		  "f: a pointer into an object is stored: store the object's reference" },
		/* static REF uint64_t *g; g = &n->v; */
		{ "@inner = internal global " R " null\ndefine void @f(" R " %n) {\n" FIELD
		  "store " R " %p, ptr @inner\nret void }",
		  "inner: a reference in a global" },
	};

	(void)unused;
	CHECK(samples);
}

static void test_stack(void **unused)
{
	static const struct sample samples[] = {
		/* usep(&n); */
		{ "define void @f(" R " %n) {\n%a = alloca " R "\nstore " R
		  " %n, ptr %a\ncall void @usep(ptr %a)\nret void }",
		  "f: the address of a local reference is taken: pass and return the reference" },
		/* ref a[4]; a[i] = n; use(a[0]); */
		{ "define void @f(" R " %n, i64 %i) {\n%a = alloca [4 x " R
		  "]\n%e = getelementptr [4 x " R "], ptr %a, i64 0, i64 %i\nstore " R
		  " %n, ptr %e\n%v = load " R ", ptr %a\ncall void @use(" R " %v)\nret void }",
		  "f: an array of references on the stack: allocate it as an object" },
		/* ref a[k]; */
		{ "define void @f(" R " %n, i64 %k) {\n%a = alloca " R ", i64 %k\nstore " R
		  " %n, ptr %a\nret void }",
		  "f: an array of references on the stack" },
		/* void f(struct three); */
		{ "define void @f(ptr byval(%three) %t) {\n%v = load " R
		  ", ptr %t\ncall void @use(" R " %v)\nret void }",
		  "f: a struct of three or more references by value: pass a reference" },
		/* struct three f(ref n); */
		{ "define void @f(ptr sret(%three) %t, " R " %n) {\nstore " R
		  " %n, ptr %t\nret void }",
		  "f: a struct of three or more references by value" },
		/* struct host { ref r; }; host->r = n; use(host->r); */
		{ "define void @f(ptr %host, " R " %n) {\nstore " R " %n, ptr %host\nret void }",
		  "f: a reference in plain memory: keep references in locals" },
		{ "define void @f(ptr %host) {\n%v = load " R ", ptr %host\ncall void @use(" R
		  " %v)\nret void }",
		  "f: a reference in plain memory" },
	};

	(void)unused;
	CHECK(samples);
}

static void test_globals(void **unused)
{
	static const struct sample samples[] = {
		{ "@table = global [8 x " R "] zeroinitializer",
		  "table: a global array of references: allocate it as an object" },
		{ "@root = global " R " null", "root: a reference in a global: pass it" },
		{ "@pair = global { i64, " R " } zeroinitializer",
		  "pair: a reference in a global" },
		{ "@root = external global i64\ndefine void @f(" R " %n) {\nstore " R
		  " %n, ptr @root\nret void }",
		  "f: a reference in a global" },
	};

	(void)unused;
	CHECK(samples);
}

static void test_integers(void **unused)
{
	static const struct sample samples[] = {
		/* return (ref)((uint64_t)n | 1); */
		{ "define " R " @f(" R " %n) {\n%i = ptrtoint " R
		  " %n to i64\n%t = or i64 %i, 1\n%r = inttoptr i64 %t to " R "\nret " R " %r }",
		  "f: a reference as an integer" },
		{ "define " R " @f(i64 %i) {\n%r = inttoptr i64 %i to " R "\nret " R " %r }",
		  "f: a reference as an integer" },
		/* (ref)0x1000 */
		{ "define void @f() {\ncall void @use(" R " inttoptr (i64 4096 to " R
		  "))\nret void }",
		  "f: a reference as an integer" },
		{ "define ptr @f(" R " %n) {\n%p = addrspacecast " R " %n to ptr\nret ptr %p }",
		  "f: a reference as an integer" },
		/* uint64_t k; memcpy(&k, &n, 8); alloc(c); memcpy(&n, &k, 8); use(n); */
		{ "define void @f(ptr %c, " R " %n) {\n%k = alloca i64\nstore " R
		  " %n, ptr %k\n%i = load i64, ptr %k\n%m = alloca i64\ncall " R
		  " @alloc(ptr %c)\nstore i64 %i, ptr %m\n%r = load " R
		  ", ptr %m\ncall void @use(" R " %r)\nret void }",
		  "f: a reference as an integer (a tag, a hash, a number kept across a call)" },
	};

	(void)unused;
	CHECK(samples);
}

static void test_fine(void **unused)
{
	static const struct sample samples[] = {
		/* REF uint64_t *p = &n->v; alloc(c); *p = 1; */
		{ "define void @f(ptr %c, " R " %n) {\n" FIELD "call " R
		  " @alloc(ptr %c)\nstore i64 1, " R " %p\nret void }",
		  NULL },
		/* locals as clang has them at -O0 */
		{ "define void @f(ptr %c, " R " %n) {\n%a = alloca " R "\nstore " R
		  " %n, ptr %a\ncall " R " @alloc(ptr %c)\n%v = load " R
		  ", ptr %a\ncall void @use(" R " %v)\nret void }",
		  NULL },
		/* two references come back in registers */
		{ "define {" R ", " R "} @f(ptr %c, " R " %n) {\n%m = call " R
		  " @alloc(ptr %c)\n%a = insertvalue {" R ", " R "} poison, " R
		  " %n, 0\n%b = insertvalue {" R ", " R "} %a, " R " %m, 1\nret {" R ", " R
		  "} %b }",
		  NULL },
		/* *m = *n; an object copied to an object */
		{ "declare void @llvm.memcpy.p1.p1.i64(" R ", " R ", i64, i1)\n"
		  "define void @f(" R " %m, " R " %n) {\n" FIELD
		  "call void @llvm.memcpy.p1.p1.i64(" R " %m, " R
		  " %p, i64 64, i1 false)\nret void }",
		  NULL },
		/* a == b || a < b */
		{ "define i1 @f(" R " %a, " R " %b) {\n%e = icmp eq " R " %a, %b\n%l = icmp ult " R
		  " %a, %b\n%r = or i1 %e, %l\nret i1 %r }",
		  NULL },
		/* the first field's address is the object's */
		{ "define void @f(" R " %n) {\n%p = getelementptr %three, " R
		  " %n, i64 0, i32 0\ncall void @use(" R " %p)\nret void }",
		  NULL },
		/* numbers on the stack and in globals */
		{ "@count = global i64 0\ndefine void @f(" R " %n, i64 %k) {\n%a = alloca i64, i64 "
		  "%k\n%v = load i64, " R " %n\nstore i64 %v, ptr %a\nstore i64 %v, ptr @count\n"
		  "call void @usep(ptr %a)\nret void }",
		  NULL },
	};

	(void)unused;
	CHECK(samples);
}

static void test_not_ir(void **unused)
{
	char error[LINT_ERROR];

	(void)unused;
	assert_true(lint_module("rubbish", "define i32 @", 12, error) < 0);
	assert_non_null(strstr(error, "rubbish"));
	assert_null(strchr(error, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside),	cmocka_unit_test(test_stack),
		cmocka_unit_test(test_globals), cmocka_unit_test(test_integers),
		cmocka_unit_test(test_fine),	cmocka_unit_test(test_not_ir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
