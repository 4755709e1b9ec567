/*
 * jit.c - a small JIT. Its compiled functions call one another through callees, whose stubs come
 * from the pool.
 *
 *      cc jit.c $(pkg-config --cflags --libs stubmap) && ./a.out
 *
 * It prints:
 *      add(6, 7) = 13
 *      two stubs lie 16 bytes apart
 *      multiply(6, 7) = 42
 */
#include <stdio.h>
#include <string.h>
#include <stubmap/stub.h>

/* Code as a compiler would write it: int f(struct instance *, int a, int b). */
static const uint8_t add[] = { 0x8d, 0x04, 0x16, 0xc3 };		  /* lea eax, [rsi+rdx] */
static const uint8_t multiply[] = { 0x89, 0xf0, 0x0f, 0xaf, 0xc2, 0xc3 }; /* mov; imul eax, edx */

/* Every instance begins with this pointer: stubs that make a frame read it. */
struct instance {
	struct stub_activation *thread;
};

/* Makes bytes executable. They take whole quanta: a real JIT puts many functions into one. */
static void *install(struct code_memory *memory, const uint8_t *bytes, size_t size)
{
	void *at = code_reserve(memory, CODE_MODULES, size);

	if (!at)
		return NULL;
	memcpy(code_writable(memory, at), bytes, size);
	return code_commit(memory, at, size) ? NULL : at;
}

/* Calls through a callee: compiled code would `mov r10, callee; call [r10]`, C needs a pad. */
static int call(struct code_memory *memory, const struct stub_callee *c, struct instance *caller)
{
	uint8_t pad[STUB_CALL_PAD];
	void *at = install(memory, pad, stub_call_pad(pad, c));
	int result = ((int (*)(struct instance *, int, int))(uintptr_t)at)(caller, 6, 7);

	code_release(memory, at, sizeof(pad));
	return result;
}

static int fail(const char *what)
{
	fprintf(stderr, "jit: can't have %s\n", what);
	return 1;
}

int main(void)
{
	struct stub_activation thread = { NULL };
	struct instance a = { &thread }, b = { &thread };
	struct stub_callee callees[2] = { 0 }, *both[2] = { &callees[0], &callees[1] };
	struct code_memory *memory;
	struct stub_space space;

	if (code_open(&memory, &(struct code_config){ .wx = CODE_DUAL, .quantum = 4096 }))
		return fail("executable memory");
	/* Indirect stubs call no function of the embedder's runtime: it may be empty. */
	if (stub_space_open(&space, stub_strategy("pool"), memory, &(struct stub_config){ 0 },
			    &(struct stub_runtime){ 0 }))
		return fail("stubs");

	/* Two stubs that lead from a to b's function, made by one change of protection. */
	struct stub_spec spec = { .kind = STUB_INDIRECT, .context = &b };
	spec.target = install(memory, add, sizeof(add));
	stub_signature_parse("ii>i", &spec.signature);
	if (space.ops->bind_many(&space, (struct stub_spec[]){ spec, spec }, both, 2))
		return fail("two stubs");
	printf("add(6, 7) = %d\n", call(memory, &callees[0], &a));
	printf("two stubs lie %td bytes apart\n",
	       (const char *)callees[1].code - (const char *)callees[0].code);

	/* Now the second stub leads to another function, and stays where it is. */
	if (space.ops->retarget(&space, &callees[1], install(memory, multiply, sizeof(multiply))))
		return fail("another target");
	printf("multiply(6, 7) = %d\n", call(memory, &callees[1], &a));

	space.ops->release(&space, &callees[0]);
	space.ops->release(&space, &callees[1]);
	stub_space_close(&space);
	code_close(memory);
	return 0;
}
