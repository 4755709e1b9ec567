/*
 * The loader: every kind of relocation, what must be refused, pads, and objects damaged on purpose.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>

#include "jit_helpers.h"

/* How many relocations of a type there are; they become `to` where that is not 0. */
static unsigned relocations_of(struct jit_object *object, unsigned type, unsigned to)
{
	Elf *elf;
	unsigned n = 0;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)object->data, object->size);
	assert_non_null(elf);
	for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
		const Elf64_Shdr *head = elf64_getshdr(s);
		Elf_Data *data = elf_getdata(s, NULL);
		Elf64_Rela *r = data ? data->d_buf : NULL;

		for (size_t i = 0; head->sh_type == SHT_RELA && i < data->d_size / sizeof(*r);
		     i++) {
			if (ELF64_R_TYPE(r[i].r_info) != type)
				continue;
			n++;
			if (to)
				r[i].r_info = ELF64_R_INFO(ELF64_R_SYM(r[i].r_info), to);
		}
	}
	elf_end(elf);
	return n;
}

/* ---- Relocations ----------------------------------------------------------------------------- */

#define ASM(lines) "module asm \"" lines "\"\n"
#define FUNCTION   "module asm \".type f,@function\"\nmodule asm \"f:\"\n"
#define END	   "module asm \".size f, . - f\"\n"

static uint64_t outside(uint64_t x)
{
	return 3 * x + 1;
}

/* Each f(x) returns the value that its relocation made of a symbol. @datum holds 1234; near is its
 * address; abs* are numbers; far is a function of this program. */
static const struct {
	unsigned type;
	const char *text;
	uint64_t arg, expected;
} relocations[] = {
	{ R_X86_64_64, FUNCTION ASM("movabsq $near, %rax") ASM("movq (%rax), %rax") ASM("ret") END,
	  0, 1234 },
	{ R_X86_64_PC64,
	  FUNCTION ASM("leaq 1f(%rip), %rax") ASM("addq 1f(%rip), %rax") ASM("movq (%rax), %rax")
	      ASM("ret") ASM("1: .quad near - .") END,
	  0, 1234 },
	{ R_X86_64_32, FUNCTION ASM("movl $abs32, %eax") ASM("ret") END, 0, 0xfedcba98 },
	{ R_X86_64_32S, FUNCTION ASM("movq $abs31, %rax") ASM("ret") END, 0, 0x7edcba98 },
	{ R_X86_64_16,
	  FUNCTION ASM("xorl %eax, %eax") ASM("movw $abs8 + 0x4100, %ax") ASM("ret") END, 0,
	  0x4165 },
	{ R_X86_64_8, FUNCTION ASM("xorl %eax, %eax") ASM("movb $abs8, %al") ASM("ret") END, 0,
	  0x65 },
	{ R_X86_64_PC32, FUNCTION ASM("movq near(%rip), %rax") ASM("ret") END, 0, 1234 },
	{ R_X86_64_PLT32,
	  FUNCTION ASM("pushq %rbp") ASM("call far") ASM("popq %rbp") ASM("ret") END, 20, 61 },
	{ R_X86_64_GOTPCREL,
	  FUNCTION ASM("movslq 1f(%rip), %rax") ASM("leaq 1f(%rip), %rcx")
	      ASM("movq (%rax,%rcx), %rax") ASM("movq (%rax), %rax") ASM("ret")
		  ASM("1: .long near@GOTPCREL") END,
	  0, 1234 },
	{ R_X86_64_GOTPCRELX, FUNCTION ASM("movl abs8@GOTPCREL(%rip), %eax") ASM("ret") END, 0,
	  0x65 },
	{ R_X86_64_REX_GOTPCRELX,
	  FUNCTION ASM("movq near@GOTPCREL(%rip), %rax") ASM("movq (%rax), %rax") ASM("ret") END, 0,
	  1234 },
};

static struct world world_near(struct code_memory *code)
{
	uint64_t *near = code_data(code, sizeof(*near));
	uint64_t (*far)(uint64_t) = outside;
	struct world world = { .symbols = { { "near", near },
					    { "far", NULL },
					    { "abs8", (void *)0x65 },
					    { "abs32", (void *)0xfedcba98u } } };

	assert_non_null(near);
	*near = 1234;
	memcpy(&world.symbols[1].at, &far, sizeof(far));
	return world;
}

static void each_relocation_reaches_its_symbol(void **unused)
{
	struct code_memory *code = opened();
	char error[JIT_ERROR];

	(void)unused;
	for (size_t i = 0; i < sizeof(relocations) / sizeof(relocations[0]); i++) {
		struct jit_object object =
		    compiled(relocations[i].text, &(struct jit_options){ .tier = 0 });
		struct world world = world_near(code);
		struct loaded m;

		if (relocations[i].type == R_X86_64_32S)
			world.symbols[3].name = "abs31", world.symbols[3].at = (void *)0x7edcba98u;
		assert_int_equal(relocations_of(&object, relocations[i].type, 0), 1);
		if (load(code, &object, &world, &m, error) != 0)
			fail_msg("type %u: %s", relocations[i].type, error);
		assert_int_equal(world.calls, relocations[i].type == R_X86_64_PLT32);
		assert_int_equal(world.calls + world.data, 1);
		assert_int_equal(call(&m, "f", relocations[i].arg), relocations[i].expected);
		jit_unload(&m);
		jit_object_free(&object);
	}
	code_close(code);
}

static void what_does_not_fit_is_refused(void **unused)
{
	static const struct {
		const char *text, *holds, *symbol;
		uint64_t at;
		int err;
	} bad[] = {
		{ ASM(".long a"), "a: relocation R_X86_64_32 ", "a", 0x100000000, -ERANGE },
		{ ASM("movq $a, %rax"), "R_X86_64_32S", "a", 0x80000000, -ERANGE },
		{ ASM("movw $a, %ax"), "R_X86_64_16", "a", 0x10000, -ERANGE },
		{ ASM(".byte a"), "R_X86_64_8", "a", 0x100, -ERANGE },
		{ ASM("movq a(%rip), %rax"), "a: relocation R_X86_64_PC32", "a", 0x1000, -ERANGE },
		{ ASM("call b"), "b: no such symbol", "a", 0x1000, -EINVAL },
		{ ASM(".quad b@GOTOFF"), "b: relocation R_X86_64_GOTOFF64", "b", 1, -EINVAL },
		{ ASM("movq b@GOTTPOFF(%rip), %rax"), "R_X86_64_GOTTPOFF", "b", 1, -EINVAL },
		{ "@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr "
		  "} "
		  "{ i32 1, ptr @f, ptr null }]\ndefine void @f() { ret void }\n",
		  "section .ctors", "b", 1, -EINVAL },
		{ "@t = thread_local global i64 5\n", "section .tdata", "b", 1, -EINVAL },
	};
	struct code_memory *code = opened();
	struct code_stats stats;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct jit_object object =
		    compiled(bad[i].text, &(struct jit_options){ .tier = 0 });
		struct world world = { .symbols = { { bad[i].symbol, (void *)bad[i].at } } };
		struct loaded m;
		char error[JIT_ERROR];

		assert_int_equal(load(code, &object, &world, &m, error), bad[i].err);
		assert_one_line(error, bad[i].holds);
		assert_null(m.region);
		jit_object_free(&object);
		code_get_stats(code, &stats);
		assert_int_equal(stats.quanta_modules, 0);
	}
	code_close(code);
}

static void far_calls_share_a_pad(void **unused)
{
	static const char one[] =
	    "declare i64 @far(i64)\n"
	    "define i64 @f(i64 %x) { %a = call i64 @far(i64 %x)\n ret i64 %a }\n";
	static const char two[] = "declare i64 @far(i64)\n"
				  "define i64 @f(i64 %x) { %a = call i64 @far(i64 %x)\n"
				  " %b = call i64 @far(i64 %a)\n ret i64 %b }\n";
	struct code_memory *code = opened();
	size_t pads[2];

	(void)unused;
	for (int i = 0; i < 2; i++) {
		struct jit_object object =
		    compiled(i ? two : one, &(struct jit_options){ .tier = 2 });
		struct world world = world_near(code);
		struct loaded m;
		char error[JIT_ERROR];

		assert_int_equal(load(code, &object, &world, &m, error), 0);
		assert_int_equal(world.calls, relocations_of(&object, R_X86_64_PLT32, 0));
		assert_int_equal(call(&m, "f", 5), i ? outside(outside(5)) : outside(5));
		pads[i] = m.region_used - ((m.text_size + 15) & ~(size_t)15);
		jit_unload(&m);
		jit_object_free(&object);
	}
	assert_int_equal(pads[0], 16);
	assert_int_equal(pads[1], 16);
	code_close(code);
}

/* Two copies of one module, each with data of its own, and a stranger's data beside them. */
static void modules_share_no_data(void **unused)
{
	struct jit_object object = compiled(program, &(struct jit_options){ .tier = 0 });
	struct code_memory *code = opened();
	struct world none = { 0 };
	struct loaded m[2];
	char error[JIT_ERROR];
	uint8_t *between[3], expected[64];

	(void)unused;
	memset(expected, 0xee, sizeof(expected));
	for (int i = 0; i < 3; i++) {
		between[i] = memset(code_data(code, sizeof(expected)), 0xee, sizeof(expected));
		if (i < 2)
			assert_int_equal(load(code, &object, &none, &m[i], error), 0);
	}
	assert_int_equal(call(&m[0], "run", 99), program_in_c(99));
	assert_int_equal(call(&m[1], "run", 99), program_in_c(99));
	/* what the first run left: its last answer, and the count */
	assert_int_equal(call(&m[0], "run", 99), 2 * program_in_c(99) - 5);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(between[i], expected, sizeof(expected));
	for (int i = 0; i < 2; i++)
		jit_unload(&m[i]);
	jit_object_free(&object);
	code_close(code);
}

static void no_code_memory_is_an_error(void **unused)
{
	struct jit_object object = compiled(program, &(struct jit_options){ .tier = 0 });
	const struct code_config config = { .wx = CODE_TOGGLE, .quantum = 4096, .faults = "f" };
	struct code_memory *code;
	struct world none = { 0 };
	struct loaded m;
	char error[JIT_ERROR];

	(void)unused;
	assert_int_equal(code_open(&code, &config), 0);
	assert_int_equal(load(code, &object, &none, &m, error), -ENOMEM);
	assert_one_line(error, "bytes of code");
	assert_int_equal(load(code, &object, &none, &m, error), 0); /* the next one goes well */
	assert_int_equal(call(&m, "run", 9), program_in_c(9));
	jit_unload(&m);
	code_close(code);
	jit_object_free(&object);
}

static void an_unknown_relocation_is_refused(void **unused)
{
	struct jit_object object = compiled(ASM(".quad near"), &(struct jit_options){ .tier = 0 });
	struct code_memory *code = opened();
	struct world world = world_near(code);
	struct loaded m;
	char error[JIT_ERROR];

	(void)unused;
	assert_int_equal(relocations_of(&object, R_X86_64_64, 77), 1);
	assert_int_equal(load(code, &object, &world, &m, error), -EINVAL);
	assert_one_line(error, "near: relocation unknown (type 77)");
	jit_object_free(&object);
	code_close(code);
}

/* Any byte of an object may be wrong: the loader says so or loads it, and touches nothing else. */
static void damaged_objects_do_no_harm(void **unused)
{
	struct jit_object object = compiled(program, &(struct jit_options){ .tier = 0 });
	struct code_memory *code = opened();
	struct world world = { 0 };
	uint64_t seed = 1;
	unsigned refused = 0;
	char error[JIT_ERROR];
	struct loaded m;

	(void)unused;
	for (int i = 0; i < 4000; i++) {
		/* a copy of its own, so that reading past its end is seen */
		struct jit_object bad = { .size = object.size };

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (i % 8 == 0)
			bad.size = (seed >> 33) % object.size + 1;
		bad.data = malloc(bad.size);
		assert_non_null(bad.data);
		memcpy(bad.data, object.data, bad.size);
		if (i % 8)
			bad.data[(seed >> 33) % bad.size] ^= (uint8_t)(1 << (seed >> 20) % 8);
		if (load(code, &bad, &world, &m, error) == 0)
			jit_unload(&m);
		else
			refused++;
		assert_null(strchr(error, '\n'));
		free(bad.data);
	}
	assert_in_range(refused, 500, 3999);
	jit_object_free(&object);
	code_close(code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_relocation_reaches_its_symbol),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(an_unknown_relocation_is_refused),
		cmocka_unit_test(far_calls_share_a_pad),
		cmocka_unit_test(modules_share_no_data),
		cmocka_unit_test(no_code_memory_is_an_error),
		cmocka_unit_test(damaged_objects_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
